/**
 * Batch norm with given statistics. In inference most of them are fused into the weights before or the convolution after them. In
 * training, statistics are either those that come with the weights (frozen) or those of the batch.
 */
import { InputError } from '../../errors.js';
import { affine } from '../../generated/kernels/affine.js';
import type { GraphBuilder, Node } from '../../graph/ir/graph.js';
import type { Case, CaseInput, Operation, Reference } from '../../graph/ir/operation.js';
import {
  channelCount,
  describeForm,
  describeShape,
  elementCount,
  segmentsOf,
  type Tensor,
} from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { scaleAndShift } from '../packing/fold_conv2d.js';
import { forward as packAffine } from '../packing/pack_affine.js';
import { activate } from './activation.formulas.js';
import { type Activation, activationParams, keepsZero } from './activations.js';

export interface BatchNormAttributes {
  epsilon: number;
  /** Whether the statistics are those of x itself, so that the gradient flows through them too. */
  ofBatch?: boolean;
  /**
   * The share of a batch's statistics in the updated running statistics. A norm with given statistics does not need it, but a file that
   * stores the network keeps it for training. Default 0.1.
   */
  momentum?: number;
  activation?: Activation;
}

const INPUTS = ['x', 'gamma', 'beta', 'mean', 'variance'] as const;
export type BatchNormInputs = typeof INPUTS;

/** Inputs: x nhwc4, then γ, β, mean and variance of [channels]. */
export const forward: Operation<BatchNormAttributes, typeof INPUTS> = {
  name: 'batch_norm',
  inputs: INPUTS,
  infer([x, ...statistics]) {
    if (x.layout !== 'nhwc4') throw new InputError('input', { expected: 'nhwc4', given: describeForm(x) });
    const channels = channelCount(x);
    for (const vector of statistics) {
      if (elementCount(vector) !== channels) {
        throw new InputError('statistics', { expected: `[${channels}]`, given: describeShape(vector) });
      }
    }
    return [x];
  },
  flops: ({ outputs: [y] }) => 2 * elementCount(y),
  lower({ inputs: [x, ...statistics], outputs: [y], attributes }, context) {
    const { epsilon, activation } = attributes;
    const packed = context.derive(packAffine, statistics, { epsilon, segments: segmentsOf(x) });
    const { code, a, b } = activationParams(activation);
    dispatchGroups(context, y, {
      kernel: affine,
      constants: { ACTIVATION: code },
      inputs: { x },
      whole: [packed],
      params: { act_a: a, act_b: b },
    });
  },
  absorb(node, next) {
    if (node.attributes.activation || next.operation.name !== 'activation') return undefined;
    const { activation } = next.attributes as { activation: Activation };
    if (!keepsZero(activation)) return undefined;
    return [{ ...node, attributes: { ...node.attributes, activation } } as Node<object>];
  },
};

/** The share of a batch's statistics in the updated running statistics; PyTorch's default. */
const MOMENTUM = 0.1;

/**
 * Adds a batch norm whose parameters have PyTorch's names under `name`. The defaults of ε and momentum are PyTorch's. The momentum, the share
 * of a batch's statistics in the updated running statistics, only matters in training.
 */
export function batchNorm(g: GraphBuilder, x: Tensor, name: string, epsilon = 1e-5, momentum = MOMENTUM): Tensor {
  const shape = [channelCount(x)];
  const parameters = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
    g.parameter(`${name}.${part}`, shape),
  );
  return normalise(g, [x, ...parameters], epsilon, name, momentum);
}

/**
 * Adds a factor for each channel (ConvNeXt's layer scale). It is a batch norm with mean 0, variance 1 and shift 0, so that it is fused
 * into the convolution before it.
 * @param factors [c], or [c, 1, 1] as in torchvision.
 */
export function scaleChannels(g: GraphBuilder, x: Tensor, factors: Tensor, name?: string): Tensor {
  const vector = (of: string, value: number) =>
    g.constant(of, { shape: [channelCount(x)], layout: 'dense', type: 'f32' }, Array(channelCount(x)).fill(value));
  const zeros = vector('zeros', 0);
  return g.apply(forward, [x, factors, zeros, zeros, vector('ones', 1)], { epsilon: 0 }, name);
}

/** Like `batchNorm`, but `inputs` has the tensors: x, γ, β, running mean and running variance. */
export function normalise(
  g: GraphBuilder,
  inputs: readonly Tensor[],
  epsilon: number,
  name: string,
  momentum = MOMENTUM,
): Tensor {
  const [x, gamma, beta, ...running] = inputs;
  const { batchStatistics, keepsStatistics } = g;
  // Constants cannot be updated by a batch. They are meant to stay as they are, like those of `scaleChannels`.
  const fixed = running.some(({ kind }) => kind === 'constant') || keepsStatistics?.(gamma.name);
  const own = momentum === MOMENTUM ? {} : { momentum };
  if (!batchStatistics || fixed) return g.apply(forward, inputs, { epsilon, ...own }, name);
  const statistics = g.applyAll(batchStatistics, [x, ...running], { momentum }, `${name}/statistics`);
  return g.apply(forward, [x, gamma, beta, ...statistics], { epsilon, ofBatch: true }, name);
}

export const reference: Reference<BatchNormAttributes, typeof INPUTS> = ([x, ...statistics], { attributes }) => {
  const { scale, shift } = scaleAndShift(statistics, attributes.epsilon);
  const channels = scale.length;
  return [x.map((value, i) => activate(attributes.activation, value * scale[i % channels] + shift[i % channels]))];
};

function caseOf(
  x: CaseInput,
  activation?: Activation,
  more: Partial<Case<BatchNormAttributes>> = {},
): Case<BatchNormAttributes> {
  const vector = { shape: [x.shape[x.shape.length - 1]], layout: 'dense' as const };
  return {
    inputs: [x, vector, vector, vector, { ...vector, fill: 'positive' }],
    attributes: { epsilon: 1e-5, ...(activation ? { activation } : {}) },
    ...more,
  };
}

export const cases = (): Case<BatchNormAttributes>[] => [
  caseOf({ shape: [1, 1, 1, 1] }),
  caseOf({ shape: [2, 5, 3, 7] }),
  caseOf({ shape: [2, 5, 3, 11], segments: [3, 7, 1] }, { kind: 'relu' }),
  caseOf({ shape: [1, 133, 3, 6] }, { kind: 'leaky_relu', a: 0.2 }),
  caseOf({ shape: [1, 56, 56, 256] }, { kind: 'relu' }, { bench: true }),
];
