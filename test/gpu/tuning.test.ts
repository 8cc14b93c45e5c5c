/** The option `tune` of `load`, in Node and in a page: what is measured, kept and used, and that choices never change results. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { platform } from '#gpu';
import { openGpu } from '../../src/gpu/device.js';
import { type LoadOptions, type Localizer, load } from '../../src/index.js';
import { tinyPicture, tinyWeights } from '../support/tiny.js';

const gpu = await openGpu(); // before the folder changes in which a software adapter is unpacked
await useEmptyStore();
const weights = tinyWeights(1, ['Mass', 'Nodule'], 24);
const picture = tinyPicture(1);
const texts = (await platform.tuned!(true))!;

const open = (options: LoadOptions = {}) => load(weights, { device: gpu.device, ...options });

async function scoresOf(localizer: Localizer): Promise<number[]> {
  const { probabilities } = await localizer.localize(picture);
  await localizer.close();
  return Object.values(probabilities);
}

const plain = await scoresOf(await open({ tune: false }));

function requireNear(scores: readonly number[]): void {
  scores.forEach((score, index) => {
    assert.ok(Math.abs(score - plain[index]) <= 1e-5, `${score} instead of ${plain[index]}`);
  });
}

/** What is kept of the device, as an object. */
async function record() {
  const [key] = await texts.keys();
  const text = (await texts.read(key, 1 << 20))!;
  return { key, text, content: JSON.parse(text) };
}

// Measured once. Every test begins with this record, so that they pass in any order.
const shares: number[] = [];
const tuned = await open({ tune: { seconds: 600, batches: [1, 2] }, onProgress: (done) => shares.push(done) });
const measured = { kernels: tuned.tunedKernels, scores: await scoresOf(tuned), ...(await record()) };
test.before.each(() => texts.change(measured.key, 1 << 20, () => measured.text));

test('nothing is measured or used unless it is asked for', async () => {
  await texts.remove(measured.key);
  const localizer = await open();
  assert.equal([localizer.tunedKernels, localizer.warnings.length], [[], 0]);
  assert.equal(await scoresOf(localizer), plain);
  assert.equal(await texts.keys(), []);
});

test('tuning measures each operation that has a choice, and later loads use that without measuring', async () => {
  assert.equal(shares, [...shares].sort());
  assert.is(shares.at(-1), 1);
  const { kernels, scores, text } = measured;
  assert.ok(kernels.length >= 2, 'a convolution at two batch sizes');
  for (const { source, variant, preferred, nanoseconds } of kernels) {
    assert.is(source, 'measured');
    assert.ok(nanoseconds![variant] <= nanoseconds![preferred]);
  }
  requireNear(scores);

  for (const tune of [undefined, true]) {
    const again = await open({ ...(tune ? { tune } : {}) });
    assert.ok(again.tunedKernels.length > 0);
    assert.ok(again.tunedKernels.every(({ source }) => source === 'measured'));
    assert.equal(await scoresOf(again), scores, 'the same bits');
  }
  assert.is((await record()).text, text, 'nothing was measured again');
});

test('batches that were not measured are chosen as the most similar ones', async () => {
  const localizer = await open();
  for await (const _ of localizer.localizeAll([picture, picture, picture], { batch: 3 }));
  const sources = new Set(localizer.tunedKernels.map(({ source }) => source));
  assert.equal([...sources].sort(), ['measured', 'similar']);
  await localizer.close();
});

test('whatever kernels are chosen, the results are the same within the bounds', async () => {
  const { key, content } = await record();
  const names = new Set<string>();
  for (const { nanoseconds } of Object.values<{ nanoseconds: object }>(content.works))
    for (const name of Object.keys(nanoseconds)) names.add(name);
  assert.ok(names.size >= 2, [...names].join());
  for (const variant of names) {
    for (const work of Object.values<{ variant: string }>(content.works)) work.variant = variant;
    await texts.change(key, 1 << 20, () => JSON.stringify(content));
    const localizer = await open();
    assert.ok(
      localizer.tunedKernels.every((kernel) => kernel.variant === variant),
      variant,
    );
    requireNear(await scoresOf(localizer));
  }
});

test('all batch sizes read the weights as they were packed for the first, whatever is faster for them', async () => {
  const { key, content } = await record();
  const isWinograd = (name: string) => name.startsWith('winograd');
  const works = Object.entries<{ variant: string; nanoseconds: object }>(content.works);
  const choices = works.filter(([, { nanoseconds }]) => Object.keys(nanoseconds).some(isWinograd));
  assert.ok(choices.length >= 2, 'a convolution at two batch sizes');
  for (const first of [true, false]) {
    for (const [work, measured] of choices) {
      const wanted = work.startsWith('conv2d f32[1×') === first;
      measured.variant = Object.keys(measured.nanoseconds).find((name) => isWinograd(name) === wanted)!;
    }
    await texts.change(key, 1 << 20, () => JSON.stringify(content));
    const localizer = await open();
    for await (const result of localizer.localizeAll([picture, picture], { batch: 2 }))
      requireNear(Object.values(result.probabilities));
    const used = localizer.tunedKernels.filter(({ nanoseconds }) => Object.keys(nanoseconds!).some(isWinograd));
    assert.is(used.length, choices.length);
    assert.ok(used.every(({ variant }) => isWinograd(variant) === first));
    await localizer.close();
  }
});

test('what is damaged, of another adapter or of other kernels is not used, and the localizer says so', async () => {
  const { key, text, content } = await record();
  const work = Object.keys(content.works)[0];
  const bad: [string, RegExp][] = [
    [text.slice(0, text.length / 2), /not JSON/],
    ['[]', /format/],
    [JSON.stringify({ ...content, adapter: 'another' }), /elsewhere/],
    [JSON.stringify({ ...content, operations: 'of another version' }), /other kernels/],
    [JSON.stringify({ ...content, traits: { ...content.traits, maxBindingBytes: 1 } }), /elsewhere/],
    [JSON.stringify({ ...content, works: { [work]: { variant: 1 } } }), /is damaged/],
    [JSON.stringify({ ...content, works: undefined }), /a field is missing/],
    [text.padEnd((4 << 20) + 1), /./],
  ];
  for (const [damaged, message] of bad) {
    await texts.change(key, 1 << 20, () => damaged);
    const localizer = await open();
    assert.equal(
      localizer.warnings.map(({ code }) => code),
      ['not-tuned'],
    );
    assert.match(localizer.warnings[0].message, message);
    assert.equal(localizer.tunedKernels, []);
    assert.equal(await scoresOf(localizer), plain);
  }
  // A kernel that this adapter does not have is not chosen.
  const strange = { [work]: { variant: 'of the future', nanoseconds: {} } };
  await texts.change(key, 1 << 20, () => JSON.stringify({ ...content, works: strange }));
  const localizer = await open();
  assert.equal([localizer.tunedKernels, localizer.warnings.length], [[], 0]);
  assert.equal(await scoresOf(localizer), plain);
});

test('after an abort, load rejects, and what was measured until then is kept in place of what was damaged', async () => {
  const { key } = await record();
  await texts.change(key, 1 << 20, () => '{');
  const controller = new AbortController();
  const reason = new Error('enough');
  const stop = (done: number) => done > 0.5 && controller.abort(reason);
  const loading = open({ tune: { batches: [1, 2] }, signal: controller.signal, onProgress: stop });
  assert.is(
    await loading.then(
      () => undefined,
      (error) => error,
    ),
    reason,
  );
  assert.is(Object.keys((await record()).content.works).length, 1);
  await texts.remove(key);
  assert.equal(await texts.keys(), []);
});

test('values of the option that mean nothing are refused', async () => {
  const bad: [unknown, RegExp][] = [
    ['yes', /tune; expected true, false/],
    [{ second: 1 }, /tune has no option second/],
    [{ seconds: 0 }, /tune.seconds/],
    [{ batches: [0] }, /tune.batches/],
    [{ batches: 4 }, /tune.batches/],
  ];
  for (const [tune, message] of bad) {
    const error = await open({ tune: tune as boolean }).then(
      () => undefined,
      (refusal: Error) => refusal,
    );
    assert.match(error!.message, message);
  }
});

test.after(() => gpu.close());

/** Makes sure that nothing is kept, and that the tests' own setting does not keep tuning from being used. */
async function useEmptyStore(): Promise<void> {
  if (typeof process === 'undefined') {
    const search = new URLSearchParams(location.search);
    search.delete('RAYBOX_TUNE');
    history.replaceState(null, '', `?${search}`);
    await new Promise((resolve) => {
      indexedDB.deleteDatabase('raybox-tuning').onsuccess = resolve;
    });
  } else {
    const { mkdtempSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    process.env.XDG_CACHE_HOME = mkdtempSync(`${tmpdir()}/raybox-tuning-`);
    delete process.env.RAYBOX_TUNE;
  }
}

test.run();
