/**
 * The session on onnxruntime: the network, written as an ONNX model in memory, runs on the CPU, and so does everything before and behind it. The
 * results are those of WebGPU within the bounds that src/localizer/README.md gives.
 */
import { InputError, KernelError } from '../../errors.js';
import { INPUT, OUTPUTS } from '../../export/graph.js';
import { onnxInMemory } from '../../export/onnx.js';
import { bitsOf } from '../../formats/images/pixels.js';
import type { Model } from '../../nets/model.js';
import { preprocessOnCpu } from '../../ops/images/preprocess_on_cpu.js';
import type { Request } from '../request.js';
import type { Backend, Batch, Computed, Session, SessionOptions } from '../session/session.js';
import { needsHeatmaps, numbersOf, type Outputs } from './numbers.js';
import type { OnnxRuntime, OnnxSession } from './runtime.js';

/** The most numbers of input in one run. Features take many times as much memory as the input, and larger batches are hardly faster. */
const MOST_NUMBERS = 2 ** 20;

/**
 * @throws InputError for a network that cannot be written as an ONNX model; KernelError if onnxruntime does not take it
 */
export async function createOnnxSession(
  runtime: OnnxRuntime,
  model: Model,
  { backend, signal, onProgress }: SessionOptions & { backend: Backend },
): Promise<Session> {
  const { metadata, warnings } = model;
  const { bytes, externalData } = await onnxInMemory(model);
  signal?.throwIfAborted();
  onProgress?.(0.3);
  const session = await runtime.InferenceSession.create(bytes, {
    ...{ externalData, executionProviders: ['cpu'], logSeverityLevel: 3 },
  }).catch((cause: Error) => {
    throw new KernelError(`onnxruntime does not take the network: ${cause.message}`, { cause });
  });
  if (signal?.aborted) await session.release();
  signal?.throwIfAborted();
  onProgress?.(1);
  const call = { runtime, session, model };
  return {
    backend,
    metadata,
    precision: 'f32',
    warnings,
    async run(images, request, signal) {
      const { inputWidth, inputHeight, inputChannels } = metadata;
      const most = Math.max(1, Math.floor(MOST_NUMBERS / (inputWidth * inputHeight * inputChannels)));
      const results: Computed[] = [];
      for (let from = 0; from < images.length; from += most) {
        const part = await computePart(call, images.slice(from, from + most).map(onCpu), request, signal);
        for (const one of part) results.push(one);
      }
      return results;
    },
    async runOnGpu() {
      throw new InputError("output: 'gpu' needs a GPU, and this localizer runs in onnxruntime", { hint: ON_GPU });
    },
    memory: () => ({ bytes: 0, weights: 0, work: 0 }),
    profile: async () => undefined,
    close() {
      session.release().catch(() => {});
    },
  };
}

const ON_GPU = "load(weights, { backend: 'webgpu' })";

interface Call {
  readonly runtime: OnnxRuntime;
  readonly session: OnnxSession;
  readonly model: Model;
}

/** Returns an image that is in the memory of the CPU. @throws InputError if it is on the GPU */
function onCpu(image: Batch['images'][number]) {
  if (!('buffer' in image) && !('createView' in image)) return image;
  throw new InputError('the image is on the GPU, but this localizer runs in onnxruntime', {
    expected: 'pixels, or the bytes of a file',
    hint: ON_GPU,
  });
}

type Images = readonly ReturnType<typeof onCpu>[];

async function computePart(call: Call, images: Images, request: Request, signal?: AbortSignal): Promise<Computed[]> {
  const outputs = await runNetwork(call, images, request, signal);
  const { inputWidth: size, fit, heatmapScaling } = call.model.metadata;
  const scaling = heatmapScaling === 'relu' ? 'relu_max' : 'min_max';
  return images.map(({ width, height }, slot) => {
    signal?.throwIfAborted();
    return numbersOf(outputs, slot, { width, height, size, fit, scaling }, request);
  });
}

async function runNetwork(
  { runtime, session, model: { metadata } }: Call,
  images: Images,
  request: Request,
  signal?: AbortSignal,
): Promise<Outputs> {
  const { inputWidth: size, inputChannels, fit, mean, std, channelOrder: order } = metadata;
  const pixels = size * size;
  const input = new Float32Array(images.length * inputChannels * pixels);
  for (const [slot, image] of images.entries()) {
    signal?.throwIfAborted();
    const { width, height, channels } = image;
    const how = { width, height, channels, bits: bitsOf(image), size, fit, mean, std, order, scale: 1 };
    const places = { first: slot * inputChannels * pixels, pixel: 1, channel: pixels };
    preprocessOnCpu(image.data, how, input, places);
  }
  const feeds = { [INPUT]: new runtime.Tensor('float32', input, [images.length, inputChannels, size, size]) };
  const wanted = OUTPUTS.filter((name) => name !== 'heatmaps' || needsHeatmaps(request));
  const found = await session.run(feeds, wanted).catch((cause: Error) => {
    throw new KernelError(`onnxruntime reported an error: ${cause.message}`, { cause });
  });
  const [, , rows, columns] = found.heatmaps?.dims ?? [0, 0, 1, 1];
  const numbers = (name: (typeof OUTPUTS)[number]) => found[name]?.data as Float32Array;
  return {
    ...{ logits: numbers('logits'), probabilities: numbers('probabilities'), heatmaps: numbers('heatmaps') },
    ...{ classes: metadata.classes.length, cells: [rows, columns] },
  };
}
