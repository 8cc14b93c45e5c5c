/** Localizers that run in onnxruntime: how they are chosen, what they refuse, and that nothing gets lost around the runtime. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GpuUnavailableError, InputError } from '../../src/errors.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { type LoadOptions, load } from '../../src/index.js';
import { openOnnxSession, openWithoutGpu } from '../../src/localizer/onnx/choose.js';
import type { OnnxRuntime } from '../../src/localizer/onnx/runtime.js';
import type { Backend, Session } from '../../src/localizer/session/session.js';
import { readModel } from '../../src/localizer/weights/model.js';
import { unary } from '../../src/ops/general/unary.js';
import { referenceRuntime, seen } from '../support/onnx_runtime.js';
import { contentOf, tinyPicture, tinyWeights } from '../support/tiny.js';

const inOnnx: LoadOptions = { backend: 'onnxruntime', onnxruntime: referenceRuntime };
const rejection = (work: Promise<unknown>) =>
  work.then(
    () => new Error('it was not refused'),
    (error: Error) => error,
  );
const missing = {
  name: 'node' as const,
  onnxruntime: { name: 'onnxruntime-node', load: () => import('no-such-package' as string) },
};
const installed = {
  name: 'node' as const,
  onnxruntime: { name: 'onnxruntime-node', load: async () => ({ default: referenceRuntime }) },
};
const model = await readModel(tinyWeights(1), {});
/** Stands for WebGPU on a software adapter. */
const opened = async (backend: Backend) => ({ backend }) as Session;

test('without a GPU, auto is onnxruntime where that is installed', async () => {
  const session = await openWithoutGpu(model, {}, 'no GPU', installed, opened);
  assert.equal(session.backend, { name: 'onnxruntime', reason: 'no GPU' });
  session.close();
});

test('where it is not installed, auto is WebGPU, and says how it would be faster', async () => {
  const { backend } = await openWithoutGpu(model, {}, 'no GPU', missing, opened);
  assert.is(backend.reason, 'no GPU; onnxruntime-node is not installed');
  assert.match(backend.hint!, /no GPU.*npm install onnxruntime-node$/);
  const page = { ...missing, name: 'web' as const };
  assert.match((await openWithoutGpu(model, {}, '', page, opened)).backend.hint!, /onnxruntime: \(\) => import/);
});

test('a network that onnxruntime cannot run goes to WebGPU, and the reason is told', async () => {
  const refusing = { ...referenceRuntime, InferenceSession: { create: () => Promise.reject(new Error('no kernel')) } };
  const { backend } = await openWithoutGpu(model, { onnxruntime: refusing }, 'no GPU', missing, opened);
  assert.equal(backend, { name: 'webgpu', reason: 'no GPU; onnxruntime does not take the network: no kernel' });
  const error = await rejection(load(tinyWeights(1), { ...inOnnx, onnxruntime: refusing }));
  assert.match(error.message, /no kernel/);
});

test('without a GPU and without onnxruntime, the error says how to get either', async () => {
  const none = () => Promise.reject(new GpuUnavailableError('no WebGPU adapter', { hint: 'install a driver' }));
  const error = await rejection(openWithoutGpu(model, {}, 'no GPU', missing, none));
  assert.instance(error, GpuUnavailableError);
  assert.match(error.message, /install a driver; or.*npm install onnxruntime-node/);
});

test('a package that is asked for and missing is named, with the command', async () => {
  const error = await rejection(openOnnxSession(model, {}, missing));
  assert.instance(error, InputError);
  assert.match(error.message, /onnxruntime-node.*npm install onnxruntime-node/);
  for (const wrong of [{}, { InferenceSession: {} }, 7])
    assert.match(
      (await rejection(load(tinyWeights(1), { ...inOnnx, onnxruntime: wrong as OnnxRuntime }))).message,
      /InferenceSession and Tensor/,
    );
  // What was given is meant to be used, and not passed over.
  assert.match(
    (await rejection(openWithoutGpu(model, { onnxruntime: {} as OnnxRuntime }, '', installed, opened))).message,
    /InferenceSession and Tensor/,
  );
});

test('options that onnxruntime cannot follow are refused by name', async () => {
  const wrong: LoadOptions[] = [
    { adapter: 'swiftshader' },
    { powerPreference: 'low-power' },
    { dawn: [] },
    { precision: 'f16' },
    { precision: 'int8' },
    { device: {} as GPUDevice },
  ];
  for (const options of wrong) {
    const error = await rejection(load(tinyWeights(1), { ...inOnnx, ...options }));
    assert.instance(error, InputError);
    assert.match(error.message, new RegExp(Object.keys(options)[0]));
  }
  assert.match(
    (await rejection(load(tinyWeights(1), { backend: 'cuda' as 'auto' }))).message,
    /auto, webgpu, onnxruntime/,
  );
});

test('a network with an operation that ONNX lacks is refused', async () => {
  const network: LoadOptions['network'] = (g, image) => {
    const { logits, ...rest } = model.network(g, image);
    const forward = { ...unary(g, logits, { kind: 'neg' }) };
    return { ...rest, logits: g.apply({ ...ownOperation, infer: () => [forward] }, [logits], {}) };
  };
  const error = await rejection(load(tinyWeights(1), { ...inOnnx, network, classes: ['Mass', 'Nodule'] }));
  assert.match(error.message, /own_operation/);
});

test('weights that are no numbers get no advice to use another backend, which would refuse them too', async () => {
  const { tensors, metadata } = readSafetensors(tinyWeights(1));
  const [[name, { shape, data }]] = tensors;
  const broken = new Map([...tensors, [name, { shape, data: data.map(() => Number.NaN) }]]);
  const { message } = await rejection(load(writeSafetensors(broken, metadata), inOnnx));
  assert.match(message, /is not finite/);
  assert.not.match(message, /webgpu/);
});

test('heatmaps from gradients are refused, and auto computes them on WebGPU', async () => {
  const heatmapMethod = 'grad-cam';
  assert.match((await rejection(load(tinyWeights(1), { ...inOnnx, heatmapMethod }))).message, /come from gradients/);
  const graded = await readModel(tinyWeights(1), { heatmapMethod });
  const { backend } = await openWithoutGpu(graded, {}, 'no GPU', installed, opened);
  assert.is(backend.name, 'webgpu');
  assert.match(backend.reason, /^no GPU; .*come from gradients/);
});

const ownOperation = { name: 'own_operation', inputs: ['x'] as const, flops: () => 0, lower() {} };

test('probabilities, boxes and heatmaps of one image and of several are the same', async () => {
  await using localizer = await load(tinyWeights(1), inOnnx);
  const { classes } = localizer;
  assert.equal(localizer.backend, { name: 'onnxruntime', reason: 'asked for' });
  const images = [1, 2, 3].map((seed) => tinyPicture(seed, 30 + 9 * seed, 50));
  const alone = [];
  for (const image of images) alone.push(await localizer.localize(image, { classes, heatmaps: 'scaled' }));
  const together = [];
  seen.batches.length = 0;
  for await (const one of localizer.localizeAll(images, { classes, heatmaps: 'scaled', batch: 3 })) together.push(one);
  assert.equal(seen.batches, [3]);
  assert.equal(together.map(contentOf), alone.map(contentOf));
  assert.equal(
    together.map(({ heatmaps }) => heatmaps),
    alone.map(({ heatmaps }) => heatmaps),
  );
  assert.ok(alone.every(({ findings }) => findings.length > 0));
  seen.fetched.length = 0;
  await localizer.classify(images[0]);
  assert.equal(seen.fetched, ['logits,probabilities'], 'heatmaps are not computed in vain');
});

test('large batches are cut, so that memory stays within bounds', async () => {
  const metadata = { inputWidth: 512, inputHeight: 512 };
  const wide: OnnxRuntime = {
    ...referenceRuntime,
    InferenceSession: {
      async create() {
        return {
          async run({ image }) {
            const [n] = image.dims;
            seen.batches.push(n);
            const data = new Float32Array(n * 2);
            return Object.fromEntries(['logits', 'probabilities'].map((name) => [name, { dims: [n, 2], data }]));
          },
          async release() {},
        };
      },
    },
  };
  await using localizer = await load(tinyWeights(1), { ...inOnnx, onnxruntime: () => wide, metadata });
  seen.batches.length = 0;
  const images = Array.from({ length: 9 }, (_, i) => tinyPicture(i));
  for await (const _ of localizer.localizeAll(images, { boxes: false, batch: 9 }));
  assert.equal(seen.batches, [4, 4, 1]);
});

test('bad images, GPU images and GPU results are refused, one by one', async () => {
  await using localizer = await load(tinyWeights(1), inOnnx);
  const errors: string[] = [];
  const onGpu = { buffer: { size: 400, usage: 4 } as GPUBuffer, width: 10, height: 10, channels: 1 as const, bits: 8 };
  const images = [tinyPicture(1), { data: new Uint8Array(3), width: 2, height: 2 }, onGpu, tinyPicture(2)];
  const indexes: number[] = [];
  const onError = (error: Error, index: number) => errors.push(`${index} ${error.message}`);
  for await (const { index } of localizer.localizeAll(images, { onError, batch: 4 })) indexes.push(index);
  assert.equal(indexes, [0, 3]);
  assert.is(errors.length, 2);
  assert.match(errors[1], /^2 the image is on the GPU.*backend: 'webgpu'/);
  assert.match((await rejection(localizer.localize(tinyPicture(1), { output: 'gpu' }))).message, /backend: 'webgpu'/);
  assert.throws(() => localizer.gpu, /onnxruntime/);
  assert.equal(localizer.memory(), { bytes: 0, weights: 0, work: 0 });
  assert.is(await localizer.profile(), undefined);
});

test('abort, restore and close', async () => {
  const localizer = await load(() => tinyWeights(1), inOnnx);
  const before = contentOf(await localizer.localize(tinyPicture(1)));
  const reason = new Error('enough');
  const controller = new AbortController();
  const aborted = localizer.localize(tinyPicture(1), { signal: controller.signal });
  controller.abort(reason);
  assert.is(await rejection(aborted), reason);
  assert.is(await rejection(load(tinyWeights(1), { ...inOnnx, signal: AbortSignal.abort(reason) })), reason);
  await localizer.restore();
  assert.equal(contentOf(await localizer.localize(tinyPicture(1))), before);
  const { created, released } = seen;
  await localizer.close();
  assert.equal(seen, { ...seen, created, released: released + 1 });
  assert.match((await rejection(localizer.localize(tinyPicture(1)))).message, /closed/);
});

test('results that are not finite are refused, whatever computed them', async () => {
  const broken: OnnxRuntime = {
    ...referenceRuntime,
    InferenceSession: {
      async create(...given) {
        const session = await referenceRuntime.InferenceSession.create(...given);
        return {
          ...session,
          async run(...feeds) {
            const found = await session.run(...feeds);
            (found.heatmaps.data as Float32Array)[3] = Number.NaN;
            return found;
          },
        };
      },
    },
  };
  await using localizer = await load(tinyWeights(1), { ...inOnnx, onnxruntime: broken });
  const error = await rejection(localizer.localize(tinyPicture(1), { classes: localizer.classes }));
  assert.match(error.message, /no heatmap for Mass/);
});

test.run();
