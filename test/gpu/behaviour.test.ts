/** Several localizers and many calls: two localizers on a device, many calls at once, localizers opened and closed again and again. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import { type Localization, type Localizer, load } from '../../src/index.js';
import { runsWhole } from '../support/part.js';
import { contentOf, tinyPicture, tinyWeights } from '../support/tiny.js';

const gpu = await openGpu();
const { device } = gpu;
const weights = tinyWeights(1);
const classes = ['Mass', 'Nodule'];

/** The buffers and textures that were created on the device and have not been destroyed. */
const alive = new Set<GPUBuffer | GPUTexture>();

function count<T extends GPUBuffer | GPUTexture>(made: T): T {
  const destroy = made.destroy.bind(made);
  Object.assign(made, {
    destroy() {
      alive.delete(made);
      destroy();
    },
  });
  alive.add(made);
  return made;
}

const [createBuffer, createTexture] = [device.createBuffer.bind(device), device.createTexture.bind(device)];
device.createBuffer = (descriptor) => count(createBuffer(descriptor));
device.createTexture = (descriptor) => count(createTexture(descriptor));

test('`await using` closes a localizer, also if the block throws', async () => {
  const kept: Localizer[] = [];
  const before = alive.size;
  const used = async () => {
    await using localizer = await load(weights, { device });
    kept.push(localizer);
    assert.ok(alive.size > before);
    await localizer.localize(tinyPicture(1));
    throw new Error('the block ends here');
  };
  const error = await used().catch((reason: Error) => reason);
  assert.is((error as Error).message, 'the block ends here');
  assert.is(alive.size, before);
  const after = await kept[0].localize(tinyPicture(1)).catch((reason: Error) => reason);
  assert.match(String(after), /InputError: the localizer was closed/);
});

test('two models on one device give the same results as each alone, and closing one does not affect the other', async () => {
  const images = [1, 2, 3].map((seed) => tinyPicture(seed, 30 + 5 * seed));
  const kinds = [weights, tinyWeights(2, ['Effusion', 'Mass', 'Hernia'], 12)];
  const answers = async (localizer: Localizer) => {
    const all = images.map((image) => localizer.localize(image, { classes: localizer.classes }));
    return (await Promise.all(all)).map(contentOf);
  };
  const alone: unknown[] = [];
  for (const kind of kinds) {
    await using localizer = await load(kind, { device });
    alone.push(await answers(localizer));
  }
  assert.not.equal(alone[0], alone[1]);
  const [first, second] = await Promise.all(kinds.map((kind) => load(kind, { device })));
  assert.equal(await Promise.all([answers(first), answers(second)]), alone);
  await first.close();
  assert.equal(await answers(second), alone[1]);
  await second.close();
});

/** Pages make fewer calls at once, since each takes long in Firefox. Twenty wait for one another as fifty do. */
const CALLS = runsWhole ? 50 : 20;

test(`${CALLS} calls at once give the same results as ${CALLS} calls one after the other`, async () => {
  await using localizer = await load(weights, { device });
  const images = Array.from({ length: CALLS }, (_, seed) => tinyPicture(seed, 24 + (seed % 5), 30));
  const single: unknown[] = [];
  for (const image of images) single.push(contentOf(await localizer.localize(image, { classes })));
  assert.ok(new Set(single.map((one) => JSON.stringify(one))).size === CALLS, 'no two are alike');
  const done: number[] = [];
  const together = images.map(async (image, place): Promise<Localization> => {
    const result = await localizer.localize(image, { classes });
    done.push(place);
    return result;
  });
  assert.equal((await Promise.all(together)).map(contentOf), single);
  assert.equal(done, [...images.keys()], 'in the order in which they were asked');
});

test('after a hundred localizers were opened and closed, nothing is left on the device', async () => {
  const round = async (): Promise<unknown> => {
    const localizer = await load(weights, { device });
    const answer = contentOf(await localizer.localize(tinyPicture(1), { classes }));
    await localizer.close();
    return answer;
  };
  const truth = await round();
  const [before, pipelines] = [alive.size, gpu.pipelines.size];
  // The buffers of a single round are noticed, since the number has to be the same. A hundred rounds take long in a page on a software adapter.
  const rounds = runsWhole ? 100 : 3;
  for (let i = 0; i < rounds; i++) assert.equal(await round(), truth, `round ${i}`);
  assert.is(alive.size, before);
  assert.is(gpu.pipelines.size, pipelines);
});

test.after(() => gpu.close());
test.run();
