/**
 * Networks that multiply 8-bit integers: convolutions whose inputs have a range in the weights' metadata become `conv2d_int8`. Everything else is
 * computed as before. This module is only loaded for them.
 */
import { firstFew, InputError } from '../../errors.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { elementCount, type Tensor } from '../../graph/ir/tensor.js';
import type { Conv2dAttributes } from '../../ops/layers/conv2d.attributes.js';
import { forward as conv2d } from '../../ops/layers/conv2d.js';
import { forward as conv2dInt8 } from '../../ops/layers/conv2d_int8.js';
import { MOST_WEIGHTS } from '../../ops/packing/int8_scales.js';
import type { Quantization } from '../../ops/packing/quantize.js';
import { type Trace, trace } from '../description/trace.js';
import type { NetworkFunction } from '../outputs.js';

/** With fewer input channels most of a word of four integers, and of four words, would be padding. The first layer has 1 or 3. */
const LEAST_CHANNELS = 8;

/** A convolution that can be computed with 8-bit integers. */
export interface Int8Layer {
  /** The name of its weights. */
  readonly name: string;
  /** Its inputs; several if it is used more than once. */
  readonly inputs: readonly Tensor[];
}

/**
 * The convolutions of a network that can be computed with 8-bit integers: in one group, of 8 channels or more, and not on a single pixel, as those of
 * squeeze-and-excitation are. Those whose outputs are the classes are left out, because what is rounded there moves probabilities most.
 */
export function int8Layers(
  { graph }: Pick<Trace, 'graph'>,
  { classes }: Pick<WeightsMetadata, 'classes'>,
): Int8Layer[] {
  const found = new Map<string, Tensor[]>();
  for (const { operation, inputs, outputs, attributes } of graph.nodes) {
    if (operation.name !== conv2d.name) continue;
    const [x, weight] = inputs as readonly Tensor[];
    const [outputCount, channels] = weight.shape;
    const [, height, width] = outputs[0].shape;
    const isParameter = graph.parameters.get(weight.name) === weight;
    const isWhole = (attributes as Conv2dAttributes).groups === 1 && channels >= LEAST_CHANNELS;
    const fits = elementCount(weight) <= MOST_WEIGHTS * outputCount && height * width > 1;
    if (!isParameter || !isWhole || !fits || outputCount === classes.length) continue;
    found.set(weight.name, [...(found.get(weight.name) ?? []), x]);
  }
  return [...found].map(([name, inputs]) => ({ name, inputs }));
}

/** How numbers of a range become 8-bit integers. The range has to include 0, which an integer stands for exactly. */
export function quantizationOf([low, high]: readonly [number, number]): Quantization {
  const scale = Math.fround((high - low) / 255);
  return { scale, zero: Math.max(-128, Math.min(127, Math.round(-128 - low / scale))) };
}

/**
 * A network that computes with 8-bit integers what `activationRanges` of its metadata has ranges for.
 * @throws InputError if there are none, or for the name of something else than such a layer's weights
 */
export function int8Network(network: NetworkFunction, metadata: WeightsMetadata): NetworkFunction {
  const { activationRanges: ranges } = metadata;
  if (!ranges)
    throw new InputError('the weights have no ranges of activations, which 8-bit arithmetic needs', {
      expected: 'activation_ranges in their metadata',
      hint: 'raybox quantize W --calibrate IMAGES --out FILE measures them; or leave out precision int8',
    });
  const traced = trace(network, metadata, 1);
  const names = int8Layers(traced, metadata).map(({ name }) => name);
  const unknown = Object.keys(ranges).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new InputError("weights: the metadata's activation_ranges is wrong", {
      expected: `names of weights that 8-bit integers can be used for: ${firstFew(names, 8) || 'none in this network'}`,
      given: unknown,
      hint: 'measure the ranges again: raybox quantize W --calibrate IMAGES --out FILE',
    });
  const quantizations = new Map(Object.entries(ranges).map(([name, range]) => [name, quantizationOf(range)]));
  return (g, image) => network(withInt8(g, quantizations), image);
}

/** A builder that adds `conv2d_int8` where a convolution's weights have this name. */
function withInt8(g: GraphBuilder, quantizations: ReadonlyMap<string, Quantization>): GraphBuilder {
  const builder: GraphBuilder = {
    ...g,
    apply: (operation, inputs, attributes, name) => builder.applyAll(operation, inputs, attributes, name)[0],
    applyAll(operation, inputs, attributes, name) {
      const weight = inputs[1];
      const quantization = operation.name === conv2d.name && weight ? quantizations.get(weight.name) : undefined;
      if (!quantization || g.parameters.get(weight!.name) !== weight)
        return g.applyAll(operation, inputs, attributes, name);
      const all = { ...(attributes as unknown as Conv2dAttributes), ...quantization };
      return g.applyAll(conv2dInt8, inputs, all, name);
    },
  };
  return builder;
}
