/**
 * Runs one network on one device, in three stages: pixels → network input, network input → probabilities and heatmaps, heatmaps →
 * boxes. All data stays on the GPU between the stages. What was asked for is read back at the end.
 */
import { InputError } from '../errors.js';
import { bitsOf } from '../formats/pixels.js';
import type { WeightsMetadata } from '../formats/weights.js';
import type { Gpu } from '../gpu/device.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { createConstantPool } from '../graph/plan/constants.js';
import type { DispatchTime, Plan } from '../graph/plan/plan.js';
import type { Model } from '../nets/describe.js';
import { parameterValues } from '../nets/parameter_values.js';
import type { PixelFormat } from '../ops/images/preprocess.js';
import type { Warning } from '../warnings.js';
import { createCache } from './cache.js';
import { createCollector } from './collector.js';
import { describeImage, type Place, roomForAllRegions } from './describe.js';
import type { Source } from './images.js';
import { copyOut, type GpuLocalization, type Parts } from './on_gpu.js';
import type { Request } from './request.js';
import type { Localization } from './results.js';
import { type BoxStage, type NetworkStage, planBoxes, planInput, planNetwork, type Spec } from './stages.js';

/** Bytes that a localizer holds on the GPU. */
export interface Memory {
  /** The sum of the following. */
  readonly bytes: number;
  /** Packed weights. */
  readonly weights: number;
  /** Activations, images, heatmaps and boxes. */
  readonly work: number;
}

/** GPU time of the dispatches of one stage. */
export interface StageTimes {
  readonly stage: 'input' | 'network' | 'boxes';
  readonly dispatches: readonly DispatchTime[];
}

/** The images of one run of the network. */
export interface Batch {
  readonly images: readonly (Source | GPUTexture)[];
  /** The index of each image, which its result repeats. */
  readonly indexes: readonly number[];
}

export interface Session {
  readonly metadata: WeightsMetadata;
  /** What was assumed about the weights. */
  readonly warnings: readonly Warning[];
  run(batch: Batch, request: Request, signal?: AbortSignal): Promise<Localization[]>;
  runOnGpu(image: Source | GPUTexture, request: Request, signal?: AbortSignal): Promise<GpuLocalization>;
  memory(): Memory;
  profile(request: Request): Promise<StageTimes[] | undefined>;
  close(): void;
}

/**
 * How many plans are kept for later runs: networks by batch size, and box stages by image size and request. Box stages are also limited in
 * bytes, because their size depends on the image.
 */
const KEPT = { networks: 2, boxes: 4, boxBytes: 512 << 20 };

export async function createSession(
  gpu: Gpu,
  { network, metadata, checkpoint, warnings }: Model,
  options: { precision: 'f32' | 'f16'; signal?: AbortSignal | undefined; onProgress?: (done: number) => void },
): Promise<Session> {
  const { precision, signal, onProgress } = options;
  if (precision !== 'f32' && precision !== 'f16') {
    throw new InputError('precision', { expected: "'f32' or 'f16'", given: String(precision) });
  }
  if (precision === 'f16' && !gpu.features.has('shader-f16')) {
    throw new InputError('this adapter computes no f16', {
      expected: 'the feature shader-f16',
      hint: "use precision 'f32'",
    });
  }
  const spec: Spec = { network, metadata, precision };
  const pool = createConstantPool();
  const networks = createCache<NetworkStage>(KEPT.networks);
  const boxes = createCache<BoxStage>(KEPT.boxes, KEPT.boxBytes);
  let largestBatch = Number.POSITIVE_INFINITY;

  const close = () => {
    for (const cache of [networks, boxes]) cache.clear();
    pool.close();
  };
  try {
    // The first plan packs the weights into the pool, where the plans for other batch sizes find them.
    await networks.get('1', () =>
      planNetwork(gpu, spec, 1, { pool, signal, onProgress, weights: parameterValues(checkpoint) }),
    );
  } catch (error) {
    close();
    throw error;
  }

  const warningsOf = (image: Source | GPUTexture) => [...warnings, ...(('warnings' in image && image.warnings) || [])];

  /** Undefined if a batch of this size does not fit the adapter. */
  async function networkFor(batch: number): Promise<NetworkStage | undefined> {
    if (batch > largestBatch) return undefined;
    try {
      return await networks.get(String(batch), () => planNetwork(gpu, spec, batch, { pool }));
    } catch (error) {
      if (!(error instanceof InputError) || batch === 1) throw error;
      largestBatch = batch - 1;
      return undefined;
    }
  }

  async function run(batch: Batch, request: Request, signal?: AbortSignal): Promise<Localization[]> {
    const count = batch.images.length;
    const network = await networkFor(count);
    if (!network) {
      const half = Math.ceil(count / 2);
      const part = (from: number, to: number) => ({
        images: batch.images.slice(from, to),
        indexes: batch.indexes.slice(from, to),
      });
      const first = await run(part(0, half), request, signal);
      return [...first, ...(await run(part(half, count), request, signal))];
    }
    const sizes: PixelFormat[] = [];
    for (const [slot, image] of batch.images.entries()) sizes.push(await bring(image, slot, network, signal));
    await network.plan.run({ signal });
    return collect(batch, sizes, network, request, signal);
  }

  /** Preprocesses an image into its place in the network's input. */
  async function bring(
    image: Source | GPUTexture,
    slot: number,
    network: NetworkStage,
    signal?: AbortSignal,
  ): Promise<PixelFormat> {
    // Loaded on demand, because few images are textures.
    const source = 'createView' in image ? (await import('./texture.js')).texturePixels(gpu, image) : image;
    const { width, height, channels } = source;
    const bits = 'buffer' in source ? source.bits : bitsOf(source);
    const format = { width, height, channels, bits } as const;
    const key = [width, height, channels, bits, slot].join();
    try {
      const stage = await network.inputs.get(key, () => planInput(gpu, spec, format, slot, network));
      await stage.run(source, signal);
    } finally {
      if ('createView' in image && 'buffer' in source) source.buffer.destroy();
    }
    return format;
  }

  const boxStage = ({ width, height }: PixelFormat, request: Request, network: NetworkStage) => {
    const key = JSON.stringify([width, height, request.heatThresholds, request.maxBoxes, request.heatmaps]);
    return boxes.get(key, () => planBoxes(gpu, spec, { width, height }, request, network));
  };

  async function collect(
    batch: Batch,
    sizes: readonly PixelFormat[],
    network: NetworkStage,
    request: Request,
    signal: AbortSignal | undefined,
  ): Promise<Localization[]> {
    const withBoxes = request.boxes || request.heatmaps === 'scaled';
    const outputs = [network.logits, network.probabilities, ...(request.heatmaps === 'raw' ? [network.heatmaps] : [])];
    const collector = createCollector(gpu);
    try {
      collector.take(outputs.map((tensor) => network.plan.locate(tensor)));
      const rows: { image: Place; size: PixelFormat; stage: BoxStage | undefined; part: number }[] = [];
      for (const [slot, size] of sizes.entries()) {
        const { width, height } = size;
        const image = { index: batch.indexes[slot], slot, width, height, warnings: warningsOf(batch.images[slot]) };
        const stage = withBoxes ? await boxStage(size, request, network) : undefined;
        await stage?.run(network, slot, request, signal);
        const part = stage ? collector.take(placesOf(stage)) : -1;
        rows.push({ image, size, stage, part });
      }
      const parts = await collector.finish();
      gpu.check();
      const results: Localization[] = [];
      for (const { image, size, stage, part } of rows) {
        const room = stage && request.boxes ? roomForAllRegions(parts[part][1], request) : undefined;
        const wide = room ? { ...request, maxBoxes: room } : undefined;
        const own = wide ? await boxesOf(image.slot, size, wide, network, signal) : { stage, bytes: parts[part] };
        results.push(await describeImage(metadata, image, network, parts[0], own.stage, own.bytes, request));
      }
      return results;
    } finally {
      collector.close();
    }
  }

  /** Runs the box stage on one image of the network's last batch, and reads its outputs back. */
  async function boxesOf(
    slot: number,
    size: PixelFormat,
    request: Request,
    network: NetworkStage,
    signal: AbortSignal | undefined,
  ): Promise<{ stage: BoxStage; bytes: ArrayBuffer[] }> {
    const stage = await boxStage(size, request, network);
    await stage.run(network, slot, request, signal);
    const collector = createCollector(gpu);
    try {
      collector.take(placesOf(stage));
      const [bytes] = await collector.finish();
      gpu.check();
      return { stage, bytes };
    } finally {
      collector.close();
    }
  }

  /** Localizes one image and leaves everything on the GPU. */
  async function runOnGpu(
    image: Source | GPUTexture,
    request: Request,
    signal?: AbortSignal,
  ): Promise<GpuLocalization> {
    const network = (await networkFor(1))!;
    const size = await bring(image, 0, network, signal);
    await network.plan.run({ signal });
    const stage = request.boxes || request.heatmaps === 'scaled' ? await boxStage(size, request, network) : undefined;
    await stage?.run(network, 0, request, signal);
    const part = (plan: Plan, tensor: Tensor) => ({
      place: plan.locate(tensor),
      shape: tensor.shape,
      type: tensor.type,
    });
    const { logits, probabilities, heatmaps } = network;
    const parts: Parts = {
      ...mapValues({ logits, probabilities, heatmaps }, (tensor) => part(network.plan, tensor)),
      ...(stage ? mapValues(stage.named, (tensor) => part(stage.plan, tensor)) : {}),
    };
    const { width, height } = size;
    return copyOut(gpu, { index: 0, width, height, warnings: warningsOf(image) }, parts);
  }

  function memory(): Memory {
    const stages = [...networks.values()].flatMap((network) => [network, ...network.inputs.values()]);
    const plans: Plan[] = [...stages, ...boxes.values()].map(({ plan }) => plan);
    const work = plans.reduce((sum, plan) => sum + plan.memory.arenas + plan.memory.tensors, 0);
    return { bytes: work + pool.bytes, weights: pool.bytes, work };
  }

  async function profile(request: Request): Promise<StageTimes[] | undefined> {
    const { inputWidth: width, inputHeight: height } = metadata;
    await run(
      { images: [{ data: new Uint8Array(width * height), width, height, channels: 1 }], indexes: [0] },
      request,
    );
    const times: StageTimes[] = [];
    const network = [...networks.values()].at(-1)!;
    const last = { input: [...network.inputs.values()].at(-1), network, boxes: [...boxes.values()].at(-1) };
    for (const [stage, used] of Object.entries(last)) {
      const dispatches = await used?.plan.profile();
      if (!dispatches) return undefined;
      times.push({ stage: stage as StageTimes['stage'], dispatches });
    }
    return times;
  }

  return { metadata, warnings, run, runOnGpu, memory, profile, close };
}

/** Where the outputs of a box stage are. */
const placesOf = ({ outputs, plan }: BoxStage) => outputs.map((tensor) => plan.locate(tensor));

function mapValues<A, B>(values: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
