/** Layers that several backbones are made of. Parameters have torch's names under the layer's own. */
import type { GraphBuilder } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import { relu } from '../ops/layers/activation.js';
import { batchNorm } from '../ops/layers/batch_norm.js';
import { conv2d } from '../ops/layers/conv2d.js';

export interface ConvolutionOptions {
  outputs: number;
  kernel: number;
  stride?: number;
  /** Default: what keeps the size at stride 1. */
  padding?: number;
  bias?: boolean;
}

/** A convolution with parameters `name`.weight [outputs, inputs, kernel, kernel] and, unless told otherwise, `name`.bias. */
export function convolution(g: GraphBuilder, x: Tensor, name: string, options: ConvolutionOptions): Tensor {
  const { outputs, kernel, stride = 1, padding = (kernel - 1) >> 1, bias = true } = options;
  const weight = g.parameter(`${name}.weight`, [outputs, channelCount(x), kernel, kernel]);
  return conv2d(g, x, weight, bias ? g.parameter(`${name}.bias`, [outputs]) : undefined, { stride, padding, name });
}

export function convolutionRelu(g: GraphBuilder, x: Tensor, name: string, options: ConvolutionOptions): Tensor {
  return relu(g, convolution(g, x, name, options), `${name}/relu`);
}

export function normRelu(g: GraphBuilder, x: Tensor, name: string): Tensor {
  return relu(g, batchNorm(g, x, name), `${name}/relu`);
}

/** A convolution without bias as `name`.conv, its norm as `name`.bn, and ReLU: torchvision's BasicConv2d. */
export function convolutionNormRelu(
  g: GraphBuilder,
  x: Tensor,
  name: string,
  options: ConvolutionOptions,
  epsilon: number,
): Tensor {
  const y = convolution(g, x, `${name}.conv`, { ...options, bias: false });
  return relu(g, batchNorm(g, y, `${name}.bn`, epsilon), name);
}
