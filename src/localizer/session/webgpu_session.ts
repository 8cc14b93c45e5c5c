/**
 * The session on WebGPU. It runs one network on one device, in three stages: pixels → network input, network input → probabilities and
 * heatmaps, heatmaps → boxes. All data stays on the GPU between the stages. What was asked for is read back at the end.
 */
import { InputError } from '../../errors.js';
import { bitsOf } from '../../formats/images/pixels.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { Gpu } from '../../gpu/device.js';
import { uncapturedErrors } from '../../gpu/uncaptured.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import type { Plan } from '../../graph/plan/types.js';
import type { Model } from '../../nets/model.js';
import type { PixelFormat } from '../../ops/images/preprocess.js';
import type { Warning } from '../../warnings.js';
import { warningsOf } from '../describe.js';
import type { Source } from '../images/image_input.js';
import type { Request } from '../request.js';
import { tuningOf } from '../tuning/find.js';
import type { Tuning } from '../tuning/types.js';
import { type Collector, createCollector } from './collector.js';
import { copyOut, type GpuLocalization, type Parts } from './on_gpu.js';
import { createPlans, type Plans } from './plans.js';
import { numbersOf, roomForAllRegions } from './read_back.js';
import type { Backend, Batch, Begun, Computed, Precision, Session, SessionOptions, StageTimes } from './session.js';
import type { BoxStage, NetworkStage } from './stage.js';

/** What all steps of a call need: the network's plans, what is known about its weights, and what the caller asked for. */
interface Call {
  readonly gpu: Gpu;
  readonly plans: Plans;
  readonly metadata: WeightsMetadata;
  readonly warnings: readonly Warning[];
  readonly request: Request;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @param gpu is closed with the session, and if this throws
 * @throws InputError if the adapter cannot compute in this precision, or if the weights do not fit the network or the adapter.
 */
export async function createSession(
  gpu: Gpu,
  { network, metadata, checkpoint, warnings }: Model,
  options: SessionOptions & { precision?: Precision; backend: Backend },
): Promise<Session> {
  const { precision = 'f32', backend, signal, onProgress } = options;
  let plans: Plans;
  let tuning: Tuning | undefined;
  try {
    checkPrecision(gpu, precision);
    const spec =
      precision === 'int8'
        ? {
            network,
            metadata,
            precision: 'f32' as const,
            main: (await import('../../nets/layers/int8.js')).int8Network(network, metadata),
          }
        : { network, metadata, precision };
    tuning = await tuningOf(gpu, spec, { ...options, onProgress: (done) => onProgress?.(done / 2) });
    const begun = options.tune ? 0.5 : 0;
    const how = { signal, onProgress: (done: number) => onProgress?.(begun + (1 - begun) * done) };
    options.dropRead?.();
    plans = await createPlans(gpu, { ...spec, choose: tuning?.choose }, checkpoint, how);
  } catch (error) {
    gpu.close();
    throw error;
  }
  const model = { gpu, plans, metadata, warnings };
  return {
    backend,
    gpu,
    tuning,
    metadata,
    precision,
    warnings,
    run: (images, request, signal) => computeBatch({ ...model, request, signal }, images),
    begin: (images, request, signal) => beginBatch({ ...model, request, signal }, images),
    runOnGpu: (image, request, signal) => localizeOnGpu({ ...model, request, signal }, image),
    memory: plans.memory,
    profile: (request) => profile({ ...model, request }),
    close() {
      plans.close();
      gpu.close();
    },
  };
}

function checkPrecision(gpu: Gpu, precision: string): void {
  if (!['f32', 'f16', 'int8'].includes(precision))
    throw new InputError('precision', { expected: "'f32', 'f16' or 'int8'", given: String(precision) });
  if (precision === 'f16' && !gpu.features.has('shader-f16')) {
    throw new InputError('this adapter computes no f16', {
      expected: 'the feature shader-f16',
      hint: "use precision 'f32'",
    });
  }
}

/** Computes images in one run of the network, or in several if the adapter cannot hold that many. */
async function computeBatch(call: Call, images: Batch['images']): Promise<Computed[]> {
  const network = await call.plans.network(images.length);
  if (!network) {
    const half = Math.ceil(images.length / 2);
    const first = await computeBatch(call, images.slice(0, half));
    return [...first, ...(await computeBatch(call, images.slice(half)))];
  }
  const submitted = await submitBatch(call, images, network);
  const results = await readResults(call, network, submitted, () => call.gpu.check(), moreBoxes);
  return results as Computed[]; // `moreBoxes` leaves none out
}

/** Submits a run of the network. Its results are copied on the GPU, so that the next run may begin before they have been read. */
async function beginBatch(call: Call, images: Batch['images']): Promise<Begun> {
  const network = await call.plans.network(images.length);
  if (!network) {
    const results = await computeBatch(call, images);
    return { results: Promise.resolve(results) };
  }
  // Another run may take the errors that the device keeps for `gpu.check`, so this one has a list of its own.
  const errors = uncapturedErrors(call.gpu.device);
  const check = () => {
    const failure = errors.take();
    if (failure) throw failure;
  };
  try {
    const submitted = await submitBatch(call, images, network);
    return { results: readResults(call, network, submitted, check).finally(errors.end) };
  } catch (error) {
    errors.end();
    throw error;
  }
}

/** A run of the network whose outputs are being copied. */
interface Submitted {
  readonly collector: Collector;
  /** For each image its size, what extracts its boxes, and the index of the copy of those. */
  readonly rows: readonly { size: PixelFormat; stage: BoxStage | undefined; part: number }[];
}

async function submitBatch(call: Call, images: Batch['images'], network: NetworkStage): Promise<Submitted> {
  const { gpu, request, signal } = call;
  const sizes: PixelFormat[] = [];
  for (const [slot, image] of images.entries()) sizes.push(await bring(call, image, slot, network));
  await network.plan.run({ signal });
  const { boxes, heatmaps, gates } = request;
  if (boxes || heatmaps !== 'none')
    await network.gradients?.run(images.length, heatmaps === 'none' ? gates : undefined, signal);
  const outputs = [network.logits, network.probabilities].map((tensor) => network.plan.locate(tensor));
  const collector = createCollector(gpu);
  try {
    collector.take([...outputs, ...(heatmaps === 'raw' ? [network.maps] : [])]);
    const rows: Submitted['rows'][number][] = [];
    for (const [slot, size] of sizes.entries()) {
      const stage = await runBoxes(call, slot, size, network);
      rows.push({ size, stage, part: stage ? collector.take(placesOf(stage)) : -1 });
    }
    return { collector, rows };
  } catch (error) {
    collector.close();
    throw error;
  }
}

/** Preprocesses an image into its place in the network's input. */
async function bring(
  { gpu, plans, signal }: Call,
  image: Source | GPUTexture,
  slot: number,
  network: NetworkStage,
): Promise<PixelFormat> {
  // Loaded on demand, because few images are textures.
  const source = 'createView' in image ? (await import('../images/texture.js')).texturePixels(gpu, image) : image;
  const { width, height, channels } = source;
  const bits = 'buffer' in source ? source.bits : bitsOf(source);
  const format = { width, height, channels, bits } as const;
  try {
    const stage = await plans.input(format, slot, network);
    await stage.run(source, signal);
  } finally {
    if ('createView' in image && 'buffer' in source) source.buffer.destroy();
  }
  return format;
}

/**
 * Reads what was computed back.
 * @param check throws an error that the device has reported for this work
 * @param more extracts the boxes of an image again that has more regions than its table has room for. Without it, such an image has no result
 */
async function readResults(
  call: Call,
  network: NetworkStage,
  { collector, rows }: Submitted,
  check: () => void,
  more?: typeof moreBoxes,
): Promise<(Computed | undefined)[]> {
  const { request } = call;
  try {
    const parts = await collector.finish();
    check();
    const results: (Computed | undefined)[] = [];
    for (const [slot, { size, stage, part }] of rows.entries()) {
      const room = stage && request.boxes ? roomForAllRegions(parts[part][1], request) : undefined;
      const own = room ? await more?.(call, slot, size, room, network) : { stage, bytes: parts[part] };
      const { width, height } = size;
      const numbers = own && numbersOf(network, slot, parts[0], own.stage, own.bytes, request);
      results.push(numbers && { width, height, ...numbers });
    }
    return results;
  } finally {
    collector.close();
  }
}

/** Extracts the boxes of one image of the network's last batch, if the request needs them. */
async function runBoxes(
  { plans, request, signal }: Call,
  slot: number,
  size: PixelFormat,
  network: NetworkStage,
): Promise<BoxStage | undefined> {
  if (!request.boxes && request.heatmaps !== 'scaled') return undefined;
  const stage = await plans.boxes(size, request, network);
  await stage.run(network, slot, request, signal);
  return stage;
}

/** Extracts the boxes of one image again, with room for `maxBoxes` of them, and reads them back. */
async function moreBoxes(
  call: Call,
  slot: number,
  size: PixelFormat,
  maxBoxes: number,
  network: NetworkStage,
): Promise<{ stage: BoxStage; bytes: ArrayBuffer[] }> {
  const stage = (await runBoxes({ ...call, request: { ...call.request, maxBoxes } }, slot, size, network))!;
  const collector = createCollector(call.gpu);
  try {
    collector.take(placesOf(stage));
    const [bytes] = await collector.finish();
    call.gpu.check();
    return { stage, bytes };
  } finally {
    collector.close();
  }
}

/** Localizes one image and leaves everything on the GPU. */
async function localizeOnGpu(call: Call, image: Source | GPUTexture): Promise<GpuLocalization> {
  const network = (await call.plans.network(1))!;
  const size = await bring(call, image, 0, network);
  await network.plan.run({ signal: call.signal });
  await network.gradients?.run(1, undefined, call.signal);
  const stage = await runBoxes(call, 0, size, network);
  const part = (plan: Plan, tensor: Tensor) => ({
    place: plan.locate(tensor),
    shape: tensor.shape,
    type: tensor.type,
  });
  const { logits, probabilities, heatmaps, maps } = network;
  const parts: Parts = {
    ...mapValues({ logits, probabilities }, (tensor) => part(network.plan, tensor)),
    heatmaps: { place: maps, shape: heatmaps.shape, type: heatmaps.type },
    ...(stage ? mapValues(stage.named, (tensor) => part(stage.plan, tensor)) : {}),
  };
  const { width, height } = size;
  return copyOut(call.gpu, { index: 0, width, height, warnings: await warningsOf(call, image) }, parts);
}

/** Measures the three stages on a black image of the network's input size. */
async function profile(call: Call): Promise<StageTimes[] | undefined> {
  const { inputWidth: width, inputHeight: height } = call.metadata;
  const image: Source = { data: new Uint8Array(width * height), width, height, channels: 1 };
  await computeBatch(call, [image]);
  const times: StageTimes[] = [];
  for (const [stage, used] of Object.entries(call.plans.latest())) {
    const dispatches = await used?.plan.profile();
    if (!dispatches) return undefined;
    times.push({ stage: stage as StageTimes['stage'], dispatches });
  }
  return times;
}

/** Where the outputs of a box stage are. */
const placesOf = ({ outputs, plan }: BoxStage) => outputs.map((tensor) => plan.locate(tensor));

function mapValues<A, B>(values: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
