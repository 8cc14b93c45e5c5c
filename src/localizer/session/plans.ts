/** The plans of one network on one device, which are kept for later runs. */
import { InputError } from '../../errors.js';
import { type Checkpoint, numbersOf, type TensorData } from '../../formats/weights/checkpoint.js';
import type { Gpu } from '../../gpu/device.js';
import { createConstantPool } from '../../graph/plan/constants.js';
import { parameterValues } from '../../nets/description/parameter_values.js';
import type { PixelFormat } from '../../ops/images/preprocess.js';
import type { Request } from '../request.js';
import { createCache } from './cache.js';
import type { BoxStage, InputStage, NetworkStage, Spec } from './stage.js';
import { isFromGradients, planBoxes, planInput, planNetwork } from './stages.js';

/** Bytes that a localizer holds on the GPU. */
export interface Memory {
  /** The sum of the following. */
  readonly bytes: number;
  /** Packed weights. */
  readonly weights: number;
  /** Activations, images, heatmaps and boxes. */
  readonly work: number;
}

/** Gives the plans of the three stages. Each is made when it is needed for the first time. */
export interface Plans {
  /** The network for a batch of this size, or undefined if such a batch does not fit the adapter. */
  network(batch: number): Promise<NetworkStage | undefined>;
  /** The preprocessing of an image of this format into its place in the network's input. */
  input(format: PixelFormat, slot: number, network: NetworkStage): Promise<InputStage>;
  /** The extraction of boxes in an image of this size. */
  boxes(size: PixelFormat, request: Request, network: NetworkStage): Promise<BoxStage>;
  /** The stages that were used last. */
  latest(): { input: InputStage | undefined; network: NetworkStage; boxes: BoxStage | undefined };
  memory(): Memory;
  close(): void;
}

/**
 * How many plans are kept for later runs: networks by batch size, and box stages by image size and request. Box stages are also limited in
 * bytes, because their size depends on the image.
 */
const KEPT = { networks: 2, boxes: 4, boxBytes: 512 << 20 };

/** The same tensors, which no longer depend on the file that they came from. */
async function inMemory({ tensors }: Checkpoint): Promise<Pick<Checkpoint, 'tensors'>> {
  const all = new Map<string, TensorData>();
  for (const [name, tensor] of tensors) all.set(name, { shape: tensor.shape, data: await numbersOf(tensor) });
  return { tensors: all };
}

/** Uploads the weights, and plans the network for one image. Each tensor of the checkpoint is read once at most. */
export async function createPlans(
  gpu: Gpu,
  spec: Spec,
  checkpoint: Checkpoint,
  options: { signal?: AbortSignal | undefined; onProgress?: ((done: number) => void) | undefined },
): Promise<Plans> {
  const pool = createConstantPool();
  // The weights stay in memory where heatmaps come from gradients, and can be freed after loading everywhere else.
  const all = isFromGradients(spec.metadata) ? { ...spec, weights: parameterValues(await inMemory(checkpoint)) } : spec;
  const networks = createCache<NetworkStage>(KEPT.networks);
  const boxStages = createCache<BoxStage>(KEPT.boxes, KEPT.boxBytes);
  let largestBatch = Number.POSITIVE_INFINITY;

  const close = () => {
    for (const cache of [networks, boxStages]) cache.clear();
    pool.close();
  };
  try {
    // The first plan packs the weights into the pool, where the plans for other batch sizes find them.
    const weights = all.weights ?? parameterValues(checkpoint);
    await networks.get('1', () => planNetwork(gpu, all, 1, { pool, weights, ...options }));
  } catch (error) {
    close();
    throw error;
  }

  return {
    async network(batch) {
      if (batch > largestBatch) return undefined;
      try {
        return await networks.get(String(batch), () => planNetwork(gpu, all, batch, { pool }));
      } catch (error) {
        if (!(error instanceof InputError) || batch === 1) throw error;
        largestBatch = batch - 1;
        return undefined;
      }
    },
    input(format, slot, network) {
      const { width, height, channels, bits } = format;
      const key = [width, height, channels, bits, slot].join();
      return network.inputs.get(key, () => planInput(gpu, spec, format, slot, network));
    },
    boxes({ width, height }, request, network) {
      const key = JSON.stringify([width, height, request.heatThresholds, request.maxBoxes, request.heatmaps]);
      return boxStages.get(key, () => planBoxes(gpu, spec, { width, height }, request, network));
    },
    latest() {
      const network = [...networks.values()].at(-1)!;
      return { input: [...network.inputs.values()].at(-1), network, boxes: [...boxStages.values()].at(-1) };
    },
    memory() {
      const stages = [...networks.values()].flatMap((network) => [network, ...network.inputs.values()]);
      const plans = [...stages, ...boxStages.values()].map(({ plan }) => plan);
      const gradients = [...networks.values()].reduce((sum, network) => sum + (network.gradients?.bytes() ?? 0), 0);
      const work = plans.reduce((sum, plan) => sum + plan.memory.arenas + plan.memory.tensors, gradients);
      return { bytes: work + pool.bytes, weights: pool.bytes, work };
    },
    close,
  };
}
