/** Fully connected layer: y = x · weightᵀ + bias. */
import { InputError } from '../../errors.js';
import { linear as kernel } from '../../generated/kernels/linear.js';
import { linear_subgroup } from '../../generated/kernels/linear_subgroup.js';
import type { Constants } from '../../gpu/wgsl.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { describeForm, describeShape, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import { compact } from '../packing/compact.js';
import { mergingVariants } from '../variants.js';

const INPUTS = ['x', 'weight', 'bias?'] as const;
export type LinearInputs = typeof INPUTS;

/** x: [n, inputs] nhwc4 f32. weight: [outputs, inputs], bias: [outputs] or none, both dense. y: [n, outputs] dense f32. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'linear',
  inputs: INPUTS,
  infer([x, weight, bias]) {
    const [images, inputs] = x.shape;
    const [outputs] = weight.shape;
    const fits = x.shape.length === 2 && x.layout === 'nhwc4' && x.type === 'f32' && segmentsOf(x).length === 1;
    if (!fits)
      throw new InputError('input', { expected: 'nhwc4 f32 [n, inputs] without holes', given: describeForm(x) });
    if (weight.shape.join() !== [outputs, inputs].join()) {
      throw new InputError('weight', { expected: `[outputs, ${inputs}]`, given: describeShape(weight) });
    }
    if (bias && bias.shape.join() !== [outputs].join()) {
      throw new InputError('bias', { expected: `[${outputs}]`, given: describeShape(bias) });
    }
    return [{ shape: [images, outputs], layout: 'dense', type: 'f32' }];
  },
  flops: ({ inputs: [x], outputs: [y] }) => 2 * x.shape[1] * y.shape[0] * y.shape[1],
  variants: mergingVariants,
  lower({ inputs: [x, weight, bias], outputs: [y] }, context) {
    const [images, outputs] = y.shape;
    const input = context.read(x);
    const { subgroupSize } = context.traits;
    const inSubgroup = context.variant === 'subgroup';
    const structure: Constants = inSubgroup ? { SUBGROUPS: true, SUBGROUP: subgroupSize } : { LANES: 64 };
    context.dispatch({
      kernel: inSubgroup ? linear_subgroup : kernel,
      constants: { ...structure, BIAS: Boolean(bias) },
      bindings: [input, context.read(weight), context.read(bias), context.write(y)],
      params: { inputs: x.shape[1], outputs, x_offset: input.offset, x_pitch: input.pitch },
      workgroups: [inSubgroup ? Math.ceil(outputs / 4) : outputs, images, 1],
    });
  },
};

/** Adds a fully connected layer whose parameters are `name`.weight and `name`.bias. */
export function linear(g: GraphBuilder, x: Tensor, name: string, outputs: number): Tensor {
  const weight = g.parameter(`${name}.weight`, [outputs, x.shape[1]]);
  return g.apply(forward, [compact(g, x), weight, g.parameter(`${name}.bias`, [outputs])], {}, name);
}

export const reference: Reference<object, typeof INPUTS> = ([x, weight, bias], { outputs: [y] }) => {
  const [images, outputs] = y.shape;
  const inputs = x.length / images;
  const result = new Float64Array(images * outputs);
  for (let n = 0; n < images; n++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias ? bias[o] : 0;
      for (let i = 0; i < inputs; i++) sum += x[n * inputs + i] * weight[o * inputs + i];
      result[n * outputs + o] = sum;
    }
  }
  return [result];
};

function caseOf(images: number, inputs: number, outputs: number, more: Partial<Case> & { bias?: boolean } = {}): Case {
  const { bias = true, ...rest } = more;
  return {
    inputs: [
      { shape: [images, inputs], type: 'f32' },
      { shape: [outputs, inputs] },
      bias ? { shape: [outputs] } : undefined,
    ],
    attributes: {},
    ...rest,
  };
}

export const cases = (): Case[] => [
  caseOf(1, 1, 1),
  caseOf(2, 7, 5),
  caseOf(3, 133, 8, { bias: false }),
  caseOf(2, 38, 6),
  caseOf(1, 4095, 9),
  caseOf(1, 2048, 8, { bench: true }),
  caseOf(1, 2048, 1000, { bench: true }),
];
