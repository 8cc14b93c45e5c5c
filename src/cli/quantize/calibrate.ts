/** Measures the ranges of the inputs of convolutions on images, for arithmetic with 8-bit integers. */
import { InputError } from '../../errors.js';
import { bitsOf } from '../../formats/images/pixels.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import { type Gpu, openGpu } from '../../gpu/device.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { createPlan } from '../../graph/plan/plan.js';
import { examineImage } from '../../localizer/images/examine.js';
import { parameterValues } from '../../nets/description/parameter_values.js';
import { trace } from '../../nets/description/trace.js';
import { int8Layers } from '../../nets/layers/int8.js';
import type { Model } from '../../nets/model.js';
import { openImageThreads } from '../../node/threads/image_threads.js';
import { preprocessOnCpu } from '../../ops/images/preprocess_on_cpu.js';
import { decodeOptions } from '../image_options.js';
import { startProgress } from '../terminal.js';
import type { ComparisonOptions, Images } from './comparison.js';
import { countValues, type ValueCounts } from './value_counts.js';

/** How many images are used, and how much of their numbers a range leaves out. */
export interface CalibrationOptions extends Omit<ComparisonOptions, 'data' | 'list'> {
  /** The most images that are used, evenly spread over all. */
  most: number;
  /** The share of the numbers of a tensor that the range leaves out at either end. */
  share: number;
}

/** The ranges by the names of weights, and how many images they were measured on. */
export interface Calibration {
  ranges: NonNullable<WeightsMetadata['activationRanges']>;
  images: number;
}

/**
 * @param weights those that become 8-bit integers
 * @throws InputError if none of these belongs to a layer that can be computed with 8-bit integers, or if no image can be read
 */
export async function calibrate(
  model: Model,
  weights: ReadonlySet<string>,
  images: Images,
  options: CalibrationOptions,
  signal: AbortSignal,
): Promise<Calibration> {
  const traced = trace(model.network, model.metadata, 1);
  const layers = int8Layers(traced, model.metadata).filter(({ name }) => weights.has(name));
  if (layers.length === 0)
    throw new InputError('there is nothing to calibrate', {
      expected: 'convolutions in one group, of 8 channels or more, whose weights become 8-bit integers',
    });
  const inputs = [...new Set(layers.flatMap((layer) => layer.inputs))];
  const counts = new Map(inputs.map((tensor) => [tensor, countValues()]));
  const gpu = await openGpu(options.adapter ? { adapter: options.adapter } : {});
  try {
    const used = await count(gpu, model, traced, counts, images, options, signal);
    if (used === 0) throw new InputError('no image to calibrate with could be read');
    const ranges = layers.map(({ name, inputs: own }) => {
      const [low, high] = own
        .map((tensor) => counts.get(tensor)!.range(options.share))
        .reduce(([low, high], [one, other]) => [Math.min(low, one), Math.max(high, other)]);
      // An input that is 0 on all images needs some range.
      return [name, [rounded(low), low === high ? low + 1 : rounded(high)]] as const;
    });
    return { ranges: Object.fromEntries(ranges), images: used };
  } finally {
    gpu.close();
  }
}

/** Runs the network on images, and counts the numbers of tensors. @returns the number of images that could be read */
async function count(
  gpu: Gpu,
  { metadata, checkpoint }: Model,
  { graph: g, image: input }: ReturnType<typeof trace>,
  counts: ReadonlyMap<Tensor, ValueCounts>,
  { names, paths }: Images,
  options: CalibrationOptions,
  signal: AbortSignal,
): Promise<number> {
  const { inputWidth: size, inputChannels, fit, mean, std, channelOrder: order } = metadata;
  const chosen = spread(names, options.most);
  const tensors = [...counts.keys()];
  const plan = await createPlan(gpu, g.finish(tensors), { weights: parameterValues(checkpoint), signal });
  const progress = startProgress('calibrating', chosen.length, 'images');
  const threads = openImageThreads(options.threads);
  const numbers = new Float32Array(size * size * inputChannels);
  let used = 0;
  try {
    for (const [index, name] of chosen.entries()) {
      signal.throwIfAborted();
      const read = await threads.run('read', [paths.get(name)!, decodeOptions(options)]).catch((error: Error) => error);
      progress.update(index + 1);
      if (read instanceof Error) {
        progress.note(`raybox: ${name}: ${read.message}`);
        continue;
      }
      const image = examineImage(read, options.bits);
      const { width, height, channels } = image;
      const how = { width, height, channels, bits: bitsOf(image), size, fit, mean, std, order, scale: 1 };
      preprocessOnCpu(image.data, how, numbers, { first: 0, pixel: inputChannels, channel: 1 });
      plan.write(input, numbers);
      await plan.run({ signal });
      for (const tensor of tensors) counts.get(tensor)!.add((await plan.read(tensor)) as Float32Array);
      used++;
    }
    return used;
  } finally {
    progress.stop();
    await threads.close();
    plan.close();
  }
}

const rounded = (value: number) => Number(value.toPrecision(6));

/** So many of the names, evenly spread over all of them. */
function spread(names: readonly string[], most: number): string[] {
  const step = Math.max(1, names.length / most);
  return Array.from({ length: Math.min(most, names.length) }, (_, i) => names[Math.floor(i * step)]);
}
