/** Layers that several families use. A layer's parameters have PyTorch's names (`weight`, `bias`, `running_mean` …), after the layer's name. */
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import { activationOf, relu } from '../../ops/layers/activation.js';
import type { Activation } from '../../ops/layers/activations.js';
import { batchNorm } from '../../ops/layers/batch_norm.js';
import { conv2d } from '../../ops/layers/conv2d.js';
import { squeeze as averages } from '../../ops/layers/lse_pool.js';
import { mul } from '../../ops/layers/mul.js';
import { type Pair, pair } from '../../ops/windows.js';

export interface ConvolutionOptions {
  outputs: number;
  /** One size for both axes, or height and width. */
  kernel: number | Pair;
  stride?: number;
  /** Default: half of the kernel's size, rounded down, which keeps the image's size at stride 1 if the kernel's size is odd. */
  padding?: number;
  /** The number of groups of channels that are convolved separately. A depthwise convolution has as many groups as channels. */
  groups?: number;
  bias?: boolean;
}

/** A convolution with parameters `name`.weight [outputs, inputs / groups, height, width] and, unless told otherwise, `name`.bias. */
export function convolution(g: GraphBuilder, x: Tensor, name: string, options: ConvolutionOptions): Tensor {
  const { outputs, stride = 1, groups = 1, bias = true } = options;
  const [height, width] = pair(options.kernel);
  const { padding = [(height - 1) >> 1, (width - 1) >> 1] as const } = options;
  const weight = g.parameter(`${name}.weight`, [outputs, channelCount(x) / groups, height, width]);
  const vector = bias ? g.parameter(`${name}.bias`, [outputs]) : undefined;
  return conv2d(g, x, weight, vector, { stride, padding, groups, name });
}

export function convolutionRelu(g: GraphBuilder, x: Tensor, name: string, options: ConvolutionOptions): Tensor {
  return relu(g, convolution(g, x, name, options), `${name}/relu`);
}

export function normRelu(g: GraphBuilder, x: Tensor, name: string): Tensor {
  return relu(g, batchNorm(g, x, name), `${name}/relu`);
}

export interface NormedOptions extends Omit<ConvolutionOptions, 'bias'> {
  /** The norm's epsilon. Default: torch's. */
  epsilon?: number;
  /** The norm's momentum in training, which is the share of a batch's statistics in the updated running statistics. Default: torch's. */
  momentum?: number;
  /** Default: none. */
  activation?: Activation;
}

/**
 * A convolution without bias, its batch norm and an activation. In inference all three run as one kernel.
 */
export function convolutionNorm(
  g: GraphBuilder,
  x: Tensor,
  [conv, norm]: readonly [conv: string, norm: string],
  { epsilon, momentum, activation, ...options }: NormedOptions,
): Tensor {
  const y = batchNorm(g, convolution(g, x, conv, { ...options, bias: false }), norm, epsilon, momentum);
  return activation ? activationOf(g, y, activation, `${norm}/${activation.kind}`) : y;
}

/** The names of a convolution and its norm in torchvision's Conv2dNormActivation, which is an nn.Sequential. */
export const inSequence = (name: string) => [`${name}.0`, `${name}.1`] as const;

/** A ReLU whose values are at most 6 (Howard et al. 2017). */
export const RELU6: Activation = { kind: 'clip', a: 0, b: 6 };

export interface SqueezeOptions {
  /** The number of channels between the two layers. */
  squeeze: number;
  /** The activation after the first layer. */
  activation: Activation;
  /** The activation after the second layer, whose values are from 0 to 1. */
  gate: Activation;
}

/**
 * Squeeze-and-excitation (Hu et al. 2017): two layers, `name`.fc1 and `name`.fc2, compute a factor for each channel from the averages of all
 * channels, and every channel is multiplied by its factor.
 */
export function squeezeExcitation(
  g: GraphBuilder,
  x: Tensor,
  name: string,
  { squeeze, activation, gate }: SqueezeOptions,
): Tensor {
  const pooled = averages(g, x, `${name}.avgpool`);
  const squeezed = convolution(g, pooled, `${name}.fc1`, { outputs: squeeze, kernel: 1 });
  const inner = activationOf(g, squeezed, activation, `${name}.activation`);
  const excited = convolution(g, inner, `${name}.fc2`, { outputs: channelCount(x), kernel: 1 });
  return mul(g, x, activationOf(g, excited, gate, `${name}.scale_activation`), name);
}
