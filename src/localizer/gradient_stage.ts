/**
 * The stage between network and boxes where heatmaps come from gradients. It runs for the classes that are asked for alone, several at a time.
 * It is loaded on demand, because most networks have exact maps.
 */
import { InputError } from '../errors.js';
import type { HeatmapMethod } from '../formats/weights/heatmap_methods.js';
import { createStorage } from '../gpu/buffers.js';
import type { Gpu } from '../gpu/device.js';
import { byteSize, type TensorSpec } from '../graph/ir/tensor.js';
import type { Location } from '../graph/plan/record.js';
import type { ConstantPool, Plan } from '../graph/plan/types.js';
import { type GradientMaps, gradientMaps } from '../nets/gradient_maps.js';
import type { createCheckedPlan } from '../verify/checked_plan.js';
import type { NetworkStage, Spec } from './stage.js';

/** A class of an image of the batch. */
interface Pair {
  readonly slot: number;
  readonly label: number;
}

/** How many classes may run at once. Each number has a plan of its own; five classes run as four and one. */
const ROWS = [1, 2, 4, 8, 16];

/** Copies of features that one run may take. */
const ROW_BYTES = 256 << 20;

/**
 * The stage with heatmaps from gradients in place of the features that it has computed.
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

function createGradients(
  gpu: Gpu,
  { network, metadata, precision, weights }: Spec,
  { maps: features, heatmaps: form, probabilities, plan: forward }: NetworkStage,
  pool: ConstantPool,
  createPlan: typeof createCheckedPlan,
) {
  const { inputHeight, inputWidth, inputChannels } = metadata;
  const method = metadata.heatmapMethod as Exclude<HeatmapMethod, 'cam'>;
  const build = (rows: number) =>
    gradientMaps(network, [inputHeight, inputWidth, inputChannels], rows, method, precision);
  build(1);
  const [batch, height, width] = form.shape;
  const classes = probabilities.shape[1];
  const heatmaps: TensorSpec = { shape: [batch, classes, height, width], layout: 'dense', type: 'f32' };
  const size = byteSize(heatmaps);
  const buffer = createStorage(gpu, 'heatmaps from gradients', size);
  const imageBytes = features.size / batch;
  const mapBytes = height * width * 4;
  const kept = new Map<number, { maps: GradientMaps; plan: Plan }>();
  let most = Math.max(1, Math.min(ROWS.at(-1)!, Math.floor(ROW_BYTES / imageBytes)));

  const planFor = async (rows: number) => {
    const known = kept.get(rows);
    if (known) return known;
    const maps = build(rows);
    const made = { maps, plan: await createPlan(gpu, maps.graph, { pool, weights }) };
    kept.set(rows, made);
    return made;
  };
  /** The plan for at most as many rows as are wanted, or for one if the adapter or the network cannot have several. */
  const suitable = async (wanted: number) => {
    const rows = ROWS.filter((one) => one <= Math.min(wanted, most)).at(-1)!;
    try {
      return { rows, ...(await planFor(rows)) };
    } catch (error) {
      if (!(error instanceof InputError) || rows === 1) throw error;
      most = 1;
      return { rows: 1, ...(await planFor(1)) };
    }
  };
  const runRows = async (pairs: readonly Pair[], signal?: AbortSignal) => {
    const { rows, maps, plan } = await suitable(pairs.length);
    const now = pairs.slice(0, rows);
    const seeds = new Float32Array(rows * classes);
    now.forEach(({ label }, row) => {
      seeds[row * classes + label] = 1;
    });
    plan.write(maps.seeds, seeds);
    const copy = (from: Location, at: number, to: Location, toAt: number, bytes: number) =>
      encoder.copyBufferToBuffer(from.buffer, from.offset + at, to.buffer, to.offset + toAt, bytes);
    let encoder = gpu.device.createCommandEncoder();
    now.forEach(({ slot }, row) => {
      copy(features, slot * imageBytes, plan.locate(maps.features), row * imageBytes, imageBytes);
    });
    gpu.device.queue.submit([encoder.finish()]);
    await plan.run({ signal });
    encoder = gpu.device.createCommandEncoder();
    now.forEach(({ slot, label }, row) => {
      copy(plan.locate(maps.maps), row * mapBytes, place, (slot * classes + label) * mapBytes, mapBytes);
    });
    gpu.device.queue.submit([encoder.finish()]);
    return pairs.slice(rows);
  };
  const place = { buffer, offset: 0, size };
  return {
    heatmaps,
    place,
    bytes: () => [...kept.values()].reduce((sum, { plan: { memory } }) => sum + memory.arenas + memory.tensors, size),
    async run(images: number, gates: ArrayLike<number> | undefined, signal?: AbortSignal) {
      const scores = gates && (await forward.read(probabilities));
      const pairs: Pair[] = [];
      for (let slot = 0; slot < images; slot++)
        for (let label = 0; label < classes; label++)
          // The box stage compares f32 numbers, so these must be rounded in the same way.
          if (!scores || scores[slot * classes + label] >= Math.fround(gates![label])) pairs.push({ slot, label });
      const encoder = gpu.device.createCommandEncoder();
      encoder.clearBuffer(buffer);
      gpu.device.queue.submit([encoder.finish()]);
      for (let left: readonly Pair[] = pairs; left.length > 0; ) left = await runRows(left, signal);
      gpu.check();
    },
    close() {
      for (const { plan } of kept.values()) plan.close();
      kept.clear();
      buffer.destroy();
    },
  };
}
