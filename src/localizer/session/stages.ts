/** The graphs of the three stages of a localization, and their plans. */
import { InputError } from '../../errors.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { Gpu } from '../../gpu/device.js';
import { createGraph } from '../../graph/ir/graph.js';
import type { ConstantPool, WeightSource } from '../../graph/plan/types.js';
import { extractBoxes } from '../../ops/boxes/component_boxes.js';
import type { HeatFrame } from '../../ops/boxes/heat.js';
import { scaleHeatmaps } from '../../ops/boxes/scale255.js';
import { type PixelFormat, pixelInput, preprocess } from '../../ops/images/preprocess.js';
import { createCheckedPlan } from '../../verify/checked_plan.js';
import { gpuPixelBytes } from '../images/image_input.js';
import type { Request } from '../request.js';
import { createCache } from './cache.js';
import type { BoxStage, InputStage, NetworkStage, Spec } from './stage.js';

/** How many preprocessing plans are kept beyond one for each place in the batch, for images of several sizes and formats. */
const KEPT_INPUTS = 8;

/** Bytes that these plans may take together. For very large images, fewer plans are kept than there are places in the batch. */
const KEPT_INPUT_BYTES = 256 << 20;

/** The network's graph for a batch, and those of its tensors that a stage needs. */
export function networkGraph({ network, main = network, metadata, precision }: Spec, batch: number) {
  const g = createGraph({ type: precision });
  const image = g.input('image', [batch, metadata.inputHeight, metadata.inputWidth, metadata.inputChannels]);
  const { features, logits, probabilities, heatmaps } = main(g, image);
  const maps = isFromGradients(metadata) ? features : heatmaps!;
  return { graph: g.finish([logits, probabilities, maps]), image, logits, probabilities, maps };
}

export async function planNetwork(
  gpu: Gpu,
  spec: Spec,
  batch: number,
  options: {
    pool: ConstantPool;
    /** Default: none, for a plan whose packed weights are all in the pool already. */
    weights?: WeightSource;
    signal?: AbortSignal | undefined;
    onProgress?: ((done: number) => void) | undefined;
  },
): Promise<NetworkStage> {
  const { graph, image, logits, probabilities, maps } = networkGraph(spec, batch);
  const plan = await createCheckedPlan(gpu, graph, { weights: missing, choose: spec.choose, ...options });
  const inputs = createCache<InputStage>(KEPT_INPUTS + batch, KEPT_INPUT_BYTES);
  const close = () => {
    inputs.clear();
    plan.close();
  };
  const stage = { plan, image, logits, probabilities, heatmaps: maps, maps: plan.locate(maps), inputs, close };
  if (!isFromGradients(spec.metadata)) return stage;
  // Loaded on demand, because most networks have exact maps.
  const { withGradients } = await import('./gradient_stage.js');
  return withGradients(gpu, spec, stage, options.pool, createCheckedPlan);
}

/** Whether heatmaps come from gradients. A network that has none of its own says so in its metadata. */
export const isFromGradients = ({ heatmapMethod = 'cam' }: WeightsMetadata) => heatmapMethod !== 'cam';

function missing(name: string): never {
  throw new InputError(`the weights of ${name} were not kept`, { hint: 'load the weights again with this batch size' });
}

/** Plans the preprocessing of pixels of one format into one place of the network's input. */
export async function planInput(
  gpu: Gpu,
  { metadata }: Spec,
  format: PixelFormat,
  slot: number,
  network: NetworkStage,
): Promise<InputStage> {
  const { inputWidth: size, fit, mean, std, channelOrder: order } = metadata;
  const g = createGraph();
  const pixels = pixelInput(g, 'pixels', format);
  const [batch] = network.image.shape;
  const type = network.image.type as 'f32' | 'f16';
  const y = preprocess(g, pixels, { ...format, size, fit, mean, std, order, batch, slot, type });
  const external = new Map([[y, network.plan.locate(network.image).buffer]]);
  const plan = await createCheckedPlan(gpu, g.finish([y]), { external });
  return {
    plan,
    close: () => plan.close(),
    async run(source, signal) {
      if ('buffer' in source) {
        const { buffer, offset } = plan.locate(pixels);
        const encoder = gpu.device.createCommandEncoder();
        encoder.copyBufferToBuffer(source.buffer, 0, buffer, offset, gpuPixelBytes(format));
        gpu.device.queue.submit([encoder.finish()]);
      } else {
        const { data } = source;
        plan.write(pixels, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
      await plan.run({ signal });
    },
  };
}

/**
 * Plans the extraction of boxes from the heatmaps and probabilities of one image. The operating thresholds (gates) are an input, so that
 * other values need no new plan.
 */
export async function planBoxes(
  gpu: Gpu,
  { metadata }: Spec,
  size: { width: number; height: number },
  request: Request,
  network: NetworkStage,
): Promise<BoxStage> {
  const [, classes, mapHeight, mapWidth] = network.heatmaps.shape;
  const dense = { layout: 'dense' } as const;
  const g = createGraph();
  const heatmaps = g.input('heatmaps', [1, classes, mapHeight, mapWidth], dense);
  const probabilities = g.input('probabilities', [1, classes], dense);
  const gates = g.input('gates', [classes], dense);
  const frame: HeatFrame = { ...size, size: metadata.inputWidth, fit: metadata.fit };
  const boxes = extractBoxes(
    g,
    heatmaps,
    { probabilities, operatingThresholds: gates },
    {
      ...frame,
      scaling: metadata.heatmapScaling === 'relu' ? 'relu_max' : 'min_max',
      heatThresholds: request.heatThresholds,
      maxBoxes: request.maxBoxes,
    },
  );
  const scaled = request.heatmaps === 'scaled' ? scaleHeatmaps(g, heatmaps, boxes.ranges, frame) : undefined;
  const named = { boxes: boxes.table, counts: boxes.counts, ...(scaled ? { scaled } : {}) };
  const outputs = Object.values(named);
  const plan = await createCheckedPlan(gpu, g.finish(outputs));
  return {
    plan,
    named,
    outputs,
    close: () => plan.close(),
    async run(from, slot, { gates: values }, signal) {
      plan.write(gates, values);
      const encoder = gpu.device.createCommandEncoder();
      for (const [input, own] of [
        [from.maps, heatmaps],
        [from.plan.locate(from.probabilities), probabilities],
      ] as const) {
        const output = plan.locate(own);
        encoder.copyBufferToBuffer(
          input.buffer,
          input.offset + slot * output.size,
          output.buffer,
          output.offset,
          output.size,
        );
      }
      gpu.device.queue.submit([encoder.finish()]);
      await plan.run({ signal });
    },
  };
}
