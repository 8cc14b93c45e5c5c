/**
 * The stage between network and boxes that computes heatmaps from gradients. It runs only for the classes that are asked for, several at a
 * time. It is loaded on demand, because most networks have exact maps.
 */
import { InputError } from '../../errors.js';
import type { HeatmapMethod } from '../../formats/weights/heatmap_methods.js';
import { createStorage } from '../../gpu/buffers.js';
import type { Gpu } from '../../gpu/device.js';
import { byteSize, type TensorSpec } from '../../graph/ir/tensor.js';
import type { Location } from '../../graph/plan/record.js';
import type { ConstantPool, Plan } from '../../graph/plan/types.js';
import { type GradientMaps, gradientMaps } from '../../nets/head/gradient_maps.js';
import type { createCheckedPlan } from '../../verify/checked_plan.js';
import type { NetworkStage, Spec } from './stage.js';

/** A class of an image of the batch. */
interface Pair {
  readonly slot: number;
  readonly label: number;
}

/** The numbers of classes that can run at once. There is a plan for each number; five classes run as four and one. */
const ROWS = [1, 2, 4, 8, 16];

/** The most bytes of features in one run, in which each class has a copy of its own. */
const ROW_BYTES = 256 << 20;

/**
 * Replaces the maps of a network's stage, which are features, by heatmaps that are computed from gradients.
 * @param spec its `weights` give the head's weights, which the backward pass reads in another order than the network does. They are read when
 *   the first map is computed.
 * @param stage is closed if this throws
 * @param createPlan `createCheckedPlan`. It is not imported here, because bundlers would then take it, and what it needs, out of the core's
 *   file into one of their own, which makes the core larger.
 * @throws InputError if the network has no gradients, before anything is computed
 */
export function withGradients(
  gpu: Gpu,
  spec: Spec,
  stage: NetworkStage,
  pool: ConstantPool,
  createPlan: typeof createCheckedPlan,
): NetworkStage {
  try {
    const { heatmaps, place, close, ...gradients } = createGradients(gpu, spec, stage, pool, createPlan);
    const closeAll = () => {
      close();
      stage.close();
    };
    return { ...stage, heatmaps, maps: place, gradients, close: closeAll };
  } catch (error) {
    stage.close();
    throw error;
  }
}

/** A plan for the backward passes of several classes, one in each row. */
interface Rows {
  readonly rows: number;
  readonly maps: GradientMaps;
  readonly plan: Plan;
}

/** Makes plans when they are needed, and keeps them. @throws InputError if the network has no gradients */
function gradientPlans(
  gpu: Gpu,
  { network, metadata, precision, choose, weights }: Spec,
  most: number,
  pool: ConstantPool,
  createPlan: typeof createCheckedPlan,
) {
  const { inputHeight, inputWidth, inputChannels } = metadata;
  const method = metadata.heatmapMethod as Exclude<HeatmapMethod, 'cam'>;
  const build = (rows: number) =>
    gradientMaps(network, [inputHeight, inputWidth, inputChannels], rows, method, precision);
  build(1);
  const kept = new Map<number, Rows>();
  let limit = most;

  const planFor = async (rows: number): Promise<Rows> => {
    const known = kept.get(rows);
    if (known) return known;
    const maps = build(rows);
    const made = { rows, maps, plan: await createPlan(gpu, maps.graph, { pool, choose, weights }) };
    kept.set(rows, made);
    return made;
  };
  return {
    /** The plan for at most as many rows as are wanted, or for one if the adapter or the network cannot have several. */
    async suitable(wanted: number): Promise<Rows> {
      const rows = ROWS.filter((one) => one <= Math.min(wanted, limit)).at(-1)!;
      try {
        return await planFor(rows);
      } catch (error) {
        if (!(error instanceof InputError) || rows === 1) throw error;
        limit = 1;
        return planFor(1);
      }
    },
    bytes: () => [...kept.values()].reduce((sum, { plan: { memory } }) => sum + memory.arenas + memory.tensors, 0),
    close() {
      for (const { plan } of kept.values()) plan.close();
      kept.clear();
    },
  };
}

/** The classes of all images whose probability reaches their gate, or all classes if there are no gates. */
function pairsAbove(
  images: number,
  classes: number,
  scores: ArrayLike<number> | undefined,
  gates: ArrayLike<number> | undefined,
): Pair[] {
  const pairs: Pair[] = [];
  for (let slot = 0; slot < images; slot++)
    for (let label = 0; label < classes; label++)
      // The box stage compares f32 numbers, so these must be rounded in the same way.
      if (!scores || scores[slot * classes + label] >= Math.fround(gates![label])) pairs.push({ slot, label });
  return pairs;
}

function createGradients(
  gpu: Gpu,
  spec: Spec,
  { maps: features, heatmaps: form, probabilities, plan: forward }: NetworkStage,
  pool: ConstantPool,
  createPlan: typeof createCheckedPlan,
) {
  const [batch, height, width] = form.shape;
  const classes = probabilities.shape[1];
  const heatmaps: TensorSpec = { shape: [batch, classes, height, width], layout: 'dense', type: 'f32' };
  const imageBytes = features.size / batch;
  const mapBytes = height * width * 4;
  const most = Math.max(1, Math.min(ROWS.at(-1)!, Math.floor(ROW_BYTES / imageBytes)));
  const plans = gradientPlans(gpu, spec, most, pool, createPlan);
  const size = byteSize(heatmaps);
  const buffer = createStorage(gpu, 'heatmaps from gradients', size);
  const place = { buffer, offset: 0, size };

  /** Computes the maps of the first pairs, and returns those that are left. */
  const runRows = async (pairs: readonly Pair[], signal?: AbortSignal) => {
    const { rows, maps, plan } = await plans.suitable(pairs.length);
    const now = pairs.slice(0, rows);
    const seeds = new Float32Array(rows * classes);
    now.forEach(({ label }, row) => {
      seeds[row * classes + label] = 1;
    });
    plan.write(maps.seeds, seeds);
    submit(gpu, (encoder) => {
      const to = plan.locate(maps.features);
      for (const [row, { slot }] of now.entries())
        copy(encoder, features, slot * imageBytes, to, row * imageBytes, imageBytes);
    });
    await plan.run({ signal });
    submit(gpu, (encoder) => {
      const from = plan.locate(maps.maps);
      for (const [row, { slot, label }] of now.entries())
        copy(encoder, from, row * mapBytes, place, (slot * classes + label) * mapBytes, mapBytes);
    });
    return pairs.slice(rows);
  };
  return {
    heatmaps,
    place,
    bytes: () => plans.bytes() + size,
    async run(images: number, gates: ArrayLike<number> | undefined, signal?: AbortSignal) {
      const scores = gates && (await forward.read(probabilities));
      submit(gpu, (encoder) => encoder.clearBuffer(buffer));
      let left: readonly Pair[] = pairsAbove(images, classes, scores, gates);
      while (left.length > 0) left = await runRows(left, signal);
      gpu.check();
    },
    close() {
      plans.close();
      buffer.destroy();
    },
  };
}

const copy = (
  encoder: GPUCommandEncoder,
  from: Location,
  at: number,
  to: Location,
  toAt: number,
  bytes: number,
): void => encoder.copyBufferToBuffer(from.buffer, from.offset + at, to.buffer, to.offset + toAt, bytes);

/** Records commands, and submits them. */
function submit(gpu: Gpu, record: (encoder: GPUCommandEncoder) => void): void {
  const encoder = gpu.device.createCommandEncoder();
  record(encoder);
  gpu.device.queue.submit([encoder.finish()]);
}
