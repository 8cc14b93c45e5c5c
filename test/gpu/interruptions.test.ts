/** Devices that are lost and calls that are aborted, at any moment. `npm run fuzz:interrupt` tries hundreds of moments. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { abortCalls, loseDevices } from '../../bench/robustness/interruptions.js';
import { openGpu } from '../../src/gpu/device.js';
import { load } from '../../src/index.js';
import { seededRandom } from '../../src/random.js';
import { runsWhole } from '../support/part.js';
import { tinyWeights } from '../support/tiny.js';

const weights = tinyWeights(1);
// After each loss every kernel is compiled again. Every second loss happens while the weights are loaded.
const ROUNDS = runsWhole ? { losses: 6, aborts: 24 } : { losses: 2, aborts: 8 };

const gpu = await openGpu();

function picture(width: number, height: number) {
  const random = seededRandom(width);
  return { data: Uint8Array.from({ length: width * height }, () => random() * 256), width, height };
}

const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: Error) => error,
  );

test('an abort rejects a call at once, whether it waits, computes or is read back, and does not affect other calls', async () => {
  const localizer = await load(weights, { device: gpu.device });
  const { aborted, wrong } = await abortCalls(localizer, picture(150, 130), ROUNDS.aborts, seededRandom(5));
  await localizer.close();
  assert.equal(wrong, []);
  assert.ok(aborted >= ROUNDS.aborts / 3, `${aborted} came in time`);
});

test('an abort while results are read back rejects at once, and the next call gives the usual results', async () => {
  const localizer = await load(weights, { device: gpu.device });
  const image = picture(60, 50);
  const before = await localizer.localize(image);
  const buffer = gpu.device.createBuffer({ size: 4, usage: 0x0001 });
  const prototype = Object.getPrototypeOf(buffer) as GPUBuffer;
  const { mapAsync } = prototype;
  const controller = new AbortController();
  let isThrough = false;
  let wasThrough: boolean | undefined;
  prototype.mapAsync = async function (this: GPUBuffer, ...args) {
    await mapAsync.apply(this, args);
    if (controller.signal.aborted) return;
    // The latest moment of reading back: the data has arrived, but the promise has not resolved yet.
    controller.abort(new Error('while it is read back'));
    await new Promise((resolve) => setTimeout(resolve));
    wasThrough = isThrough;
  };
  try {
    const error = await rejection(localizer.localize(image, { signal: controller.signal })).finally(() => {
      isThrough = true;
    });
    assert.is(error?.message, 'while it is read back');
    const after = await localizer.localize(image);
    assert.is(wasThrough, true, 'the answer came before the read-back was through');
    assert.equal(after.probabilities, before.probabilities);
  } finally {
    prototype.mapAsync = mapAsync;
    buffer.destroy();
    await localizer.close();
  }
});

test('an abort ends the reading of an image, and frees results on the GPU that nobody waits for', async () => {
  const never = new AbortController();
  const stalled = new Blob([]);
  Object.defineProperty(stalled, 'arrayBuffer', { value: () => new Promise(() => {}) });
  const own = await load(weights, { device: gpu.device });
  const reading = [
    rejection(own.localize(stalled, { signal: never.signal })),
    rejection(own.localizeAll([stalled], { signal: never.signal }).next()),
  ];
  never.abort(new Error('enough'));
  for (const error of await Promise.all(reading)) assert.is(error?.message, 'enough');
  // One call is running and one waits. Both are aborted, and close() waits for work that is still running.
  const both = new AbortController();
  const image = picture(40, 40);
  const calls = [1, 2].map(() => rejection(own.localize(image, { output: 'gpu', signal: both.signal })));
  await new Promise((resolve) => setTimeout(resolve));
  both.abort();
  for (const error of await Promise.all(calls)) assert.is(error?.name, 'AbortError');
  await own.close();
  gpu.check();
});

test('in whatever way the loss of a device shows, all calls reject with the error that `lost` gives', async () => {
  const subject = { weights, options: {}, image: picture(150, 130) };
  const { failed, wrong } = await loseDevices(subject, ROUNDS.losses, seededRandom(3));
  assert.equal(wrong, []);
  assert.ok(failed >= ROUNDS.losses, `${failed} calls failed`);
});

test.after(() => gpu.close());
test.run();
