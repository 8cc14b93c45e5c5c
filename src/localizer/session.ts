/**
 * The plans of one network on one device: pixels → network input, network input → probabilities and heatmaps, heatmaps →
 * boxes. Nothing leaves the GPU between them; at the end one copy brings back what was asked for.
 */
import { InputError } from '../errors.js';
import type { WeightsMetadata } from '../formats/weights.js';
import type { Gpu } from '../gpu/device.js';
import { createConstantPool } from '../graph/constants.js';
import type { DispatchTime, Plan } from '../graph/plan.js';
import { parameterSource } from '../nets/index.js';
import type { PixelFormat } from '../ops/preprocess.js';
import { createCache } from './cache.js';
import { type Collector, createCollector } from './collector.js';
import { describeImage } from './describe.js';
import type { Source } from './images.js';
import type { Model } from './model.js';
import type { Request } from './request.js';
import type { Localization } from './results.js';
import {
  type BoxStage,
  type InputStage,
  type NetworkStage,
  planBoxes,
  planInput,
  planNetwork,
  type Spec,
} from './stages.js';
import { texturePixels } from './texture.js';

export interface Memory {
  /** All of the following. */
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

/** Images of one run. */
export interface Batch {
  readonly images: readonly (Source | GPUTexture)[];
  /** Told in the results. */
  readonly indexes: readonly number[];
}

export interface Session {
  readonly metadata: WeightsMetadata;
  run(batch: Batch, request: Request, signal?: AbortSignal): Promise<Localization[]>;
  memory(): Memory;
  profile(request: Request): Promise<StageTimes[] | undefined>;
  close(): void;
}

/** Plans kept ready: networks by batch size, inputs by image format and place in the batch, boxes by image size and request. */
const KEPT = { networks: 2, inputs: 16, boxes: 4 };

export async function createSession(
  gpu: Gpu,
  { architecture, metadata, checkpoint }: Model,
  options: { precision: 'f32' | 'f16'; signal?: AbortSignal | undefined; onProgress?: (done: number) => void },
): Promise<Session> {
  const { precision, signal, onProgress } = options;
  if (precision === 'f16' && !gpu.features.has('shader-f16')) {
    throw new InputError('this adapter computes no f16', {
      expected: 'the feature shader-f16',
      hint: "use precision 'f32'",
    });
  }
  const spec: Spec = { architecture, metadata, precision };
  const pool = createConstantPool();
  const networks = createCache<NetworkStage>(KEPT.networks);
  const inputs = createCache<InputStage>(KEPT.inputs);
  const boxes = createCache<BoxStage>(KEPT.boxes);
  let largestBatch = Number.POSITIVE_INFINITY;

  const close = () => {
    for (const cache of [networks, inputs, boxes]) cache.clear();
    pool.close();
  };
  try {
    // The first plan packs the weights; those of other batch sizes find them in the pool.
    const weights = (parameters: Parameters<typeof parameterSource>[1]) => parameterSource(checkpoint, parameters);
    await networks.get('1', () => planNetwork(gpu, spec, 1, { pool, signal, onProgress, weights }));
  } catch (error) {
    close();
    throw error;
  }

  /** Undefined where a batch of this size does not fit the adapter. */
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

  /** Brings an image into its place in the network's input. */
  async function bring(
    image: Source | GPUTexture,
    slot: number,
    network: NetworkStage,
    signal?: AbortSignal,
  ): Promise<PixelFormat> {
    const source = 'createView' in image ? texturePixels(gpu, image) : image;
    const { width, height, channels } = source;
    const bits = 'bits' in source ? source.bits : source.data instanceof Uint16Array ? 16 : 8;
    const format = { width, height, channels, bits } as const;
    const key = [width, height, channels, bits, slot, network.image.shape[0]].join();
    const stage = await inputs.get(key, () => planInput(gpu, spec, format, slot, network));
    await stage.run(source, signal);
    if ('createView' in image && 'buffer' in source) source.buffer.destroy();
    return format;
  }

  async function collect(
    batch: Batch,
    sizes: readonly PixelFormat[],
    network: NetworkStage,
    request: Request,
    signal: AbortSignal | undefined,
  ): Promise<Localization[]> {
    const stages: BoxStage[] = [];
    if (request.boxes || request.heatmaps === 'scaled') {
      for (const { width, height } of sizes) {
        const key = JSON.stringify([
          width,
          height,
          request.heatThresholds,
          request.maxBoxes,
          request.heatmaps,
          network.image.shape[0],
        ]);
        stages.push(await boxes.get(key, () => planBoxes(gpu, spec, { width, height }, request, network)));
      }
    }
    const ofNetwork = [
      network.logits,
      network.probabilities,
      ...(request.heatmaps === 'raw' ? [network.heatmaps] : []),
    ];
    const ofBoxes = stages.flatMap(({ plan }) => plan.graph.outputs.map((tensor) => plan.locate(tensor)));
    const collector: Collector = createCollector(gpu, [
      ...ofNetwork.map((tensor) => network.plan.locate(tensor)),
      ...ofBoxes,
    ]);
    try {
      const common = ofNetwork.map((tensor) => collector.take(network.plan.locate(tensor)));
      const own: (() => ArrayBuffer)[][] = [];
      for (const [slot, stage] of stages.entries()) {
        await stage.run(network, slot, request, signal);
        own.push(stage.plan.graph.outputs.map((tensor) => collector.take(stage.plan.locate(tensor))));
      }
      // `run` waits for all submits but the last, so only that one is left to wait for.
      await collector.finish(Math.min(100, (stages.at(-1)?.plan ?? network.plan).expectedMs));
      gpu.check();
      const [logits, probabilities, heatmaps] = common.map((take) => new Float32Array(take()));
      return batch.indexes.map((index, slot) => {
        const image = { index, slot, width: sizes[slot].width, height: sizes[slot].height };
        const shape = network.heatmaps.shape;
        const outputs = own[slot]?.map((take) => take());
        return describeImage(
          metadata,
          image,
          { logits, probabilities, heatmaps, shape },
          stages[slot],
          outputs,
          request,
        );
      });
    } finally {
      collector.close();
    }
  }

  function memory(): Memory {
    const plans: Plan[] = [networks, inputs, boxes].flatMap((cache) => [...cache.values()].map(({ plan }) => plan));
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
    for (const [stage, cache] of Object.entries({ input: inputs, network: networks, boxes })) {
      const dispatches = await [...cache.values()].at(-1)?.plan.profile();
      if (!dispatches) return undefined;
      times.push({ stage: stage as StageTimes['stage'], dispatches });
    }
    return times;
  }

  return { metadata, run, memory, profile, close };
}
