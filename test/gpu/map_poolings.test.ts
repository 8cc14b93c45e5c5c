/** Heads that pool class maps, on the device: against PyTorch, and from training to boxes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { load } from '../../src/index.js';
import { seededRandom } from '../../src/random.js';
import { NO_AUGMENTATION } from '../../src/train/augmentation.js';
import { networkImage, train } from '../../src/train/index.js';
import { normalisedError } from '../../src/verify/reference.js';
import { headGraph, recordedHeads } from '../support/map_poolings.js';
import { contentOf } from '../support/tiny.js';

const gpu = await openGpu();
const test = suite('map poolings');
test.after(() => gpu.close());

/** The options of a head without its results. */
const optionsOf = ({
  logits: _,
  heatmaps: __,
  parameters: ___,
  gradients: ____,
  ...head
}: (typeof recordedHeads.heads)[number]) => head;

const SIDE = 32;

/** A noisy picture with a bright square on the left for the first class, and a dark one on the right for the second. */
function picture(index: number) {
  const random = seededRandom(index);
  const rows = [4, 16].map((most) => 4 + Math.floor(random() * most));
  const data = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [y, x] = [Math.floor(i / SIDE), i % SIDE];
    const isIn = (c: number) =>
      labelsOf(index)[c] === 1 && y >= rows[c] && y < rows[c] + 8 && x >= 4 + 16 * c && x < 12 + 16 * c;
    return 110 + 40 * random() + (isIn(0) ? 100 : isIn(1) ? -100 : 0);
  });
  return { data, width: SIDE, height: SIDE, channels: 1 as const };
}

const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
const labelsOf = (index: number) => [index & 1, (index >> 1) & 1];

for (const recorded of recordedHeads.heads) {
  const head = optionsOf(recorded);
  const what = JSON.stringify(head);

  test(`${what}: logits, heatmaps and gradients are those of PyTorch`, async () => {
    const { graph, inputs, parameters, expected } = headGraph(recorded);
    const weights = async (name: string) => Float32Array.from(parameters.get(name)!);
    const plan = await createPlan(gpu, graph.finish([...expected.keys()]), { weights });
    try {
      for (const [tensor, data] of inputs) plan.write(tensor, Float32Array.from(data));
      await plan.run();
      for (const [tensor, theirs] of expected) {
        const error = normalisedError(await plan.read(tensor), theirs);
        assert.ok(error <= 1e-11, `${tensor.name}: NMSE ${error.toExponential(2)}`);
      }
    } finally {
      plan.close();
    }
  });

  // Once for each pooling: other numbers of the same one are trained by the same graph.
  const isFirst = recordedHeads.heads.find(({ pooling }) => pooling === head.pooling) === recorded;
  if (!isFirst) continue;

  test(`${what}: is trained, saved, loaded to the same bits, and gives boxes`, async () => {
    const pictures = Array.from({ length: 24 }, (_, i) => picture(i));
    const classes = ['Mass', 'Nodule'];
    const losses: number[] = [];
    let best = new Uint8Array();
    await train({
      gpu,
      data: {
        ...{ classes, images: pictures.map((_, i) => `${i}.png`) },
        labels: Uint8Array.from(pictures.flatMap((_, i) => labelsOf(i))),
        ...{ train: rows(0, 16), validation: rows(16, 24) },
      },
      images: async (row) => networkImage(pictures[row], SIDE, 'stretch'),
      settings: {
        architecture: {
          backbone: { family: 'vgg', layers: [8, 'M', 8, 'M'], batchNorm: true },
          head: { classes: 2, transition: { channels: 8, kernel: 1, activation: 'relu' }, ...head },
        },
        ...{ classes, epochs: 6, batch: 8, accumulate: 1, learningRate: 0.02, seed: 1, patience: 0 },
        input: { size: 32, channels: 1, channelOrder: 'rgb', mean: [0.5], std: [0.25], fit: 'stretch' },
        ...{ heatmapScaling: 'minmax', loss: { kind: 'w-cel' }, optimizer: { kind: 'adamw' } },
        ...{ schedule: { kind: 'constant' }, batchNorm: 'train', parts: [], augmentation: NO_AUGMENTATION },
      },
      keeper: {
        async best(bytes) {
          best = Uint8Array.from(bytes);
        },
        update: ({ loss }) => losses.push(loss),
      },
    });
    assert.ok(losses.every(Number.isFinite));
    assert.ok(Math.min(...losses.slice(-2)) < 0.8 * losses[0], losses.join());
    const results = await Promise.all(
      [1, 2].map(async () => {
        await using localizer = await load(best, { device: gpu.device });
        assert.equal(localizer.warnings, []);
        assert.is(localizer.metadata.pooling, head.pooling);
        return localizer.localize(pictures[19], { classes, heatmaps: 'raw' });
      }),
    );
    assert.equal(contentOf(results[0]), contentOf(results[1]));
    assert.ok(results[0].findings.length > 0 && results[0].findings.every(({ box }) => box.width > 0));
    if (head.pooling === 'pcam')
      for (const { data } of Object.values(results[0].heatmaps!))
        assert.ok(data.every((value) => value >= 0 && value <= 1));
  });
}

test.run();
