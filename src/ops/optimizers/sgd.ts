/** A step of stochastic gradient descent, with momentum and weight decay as in PyTorch's SGD (no dampening). */
import { InputError } from '../../errors.js';
import { sgd } from '../../generated/kernels/sgd.js';
import { type Case, type CaseInput, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { describeShape, elementCount, type Tensor } from '../../graph/ir/tensor.js';

export interface SgdAttributes {
  nesterov: boolean;
  /** Multiplies the learning rate. */
  rate: number;
  /** Multiplies the weight decay. */
  decay: number;
}

/** @throws InputError if the tensors are not dense f32 of one shape. */
export function checkAlike(first: Tensor, ...others: readonly (Tensor | undefined)[]): void {
  for (const tensor of others) {
    if (tensor && (tensor.layout !== 'dense' || tensor.type !== 'f32' || tensor.shape.join() !== first.shape.join())) {
      throw new InputError(`${tensor.name} does not fit ${first.name}`, {
        expected: `dense ${describeShape(first)}`,
        given: `${tensor.layout} ${describeShape(tensor)}`,
      });
    }
  }
}

/** @throws InputError if `halt` is given and is not a single u32. */
export function checkHalt(halt: Tensor | undefined): void {
  if (!halt || (halt.type === 'u32' && elementCount(halt) === 1)) return;
  throw new InputError(`${halt.name} cannot be the flag that stops an update`, {
    expected: 'u32[1]',
    given: describeShape(halt),
  });
}

const INPUTS = ['parameter', 'velocity?', 'gradient', 'hyper', 'factor?', 'halt?'] as const;

/**
 * parameter, velocity (state, or none: no momentum), gradient, [learning rate, momentum, weight decay], factor [1] or none, halt
 * (u32 [1]: if not 0, nothing changes) or none.
 */
export const forward: Operation<SgdAttributes, typeof INPUTS> = {
  name: 'sgd',
  inputs: INPUTS,
  updates: [0, 1],
  infer([parameter, velocity, gradient, hyper, , halt]) {
    checkHalt(halt);
    checkAlike(parameter, velocity, gradient);
    if (elementCount(hyper) !== 3)
      throw new InputError('hyperparameters', { expected: '[3]', given: describeShape(hyper) });
    return [];
  },
  flops: ({ inputs: [parameter] }) => 6 * elementCount(parameter),
  lower({ inputs: [parameter, velocity, gradient, hyper, factor, halt], attributes }, context) {
    const { nesterov, rate, decay } = attributes;
    const count = Math.ceil(elementCount(parameter) / 4);
    context.dispatch({
      kernel: sgd,
      constants: {
        MOMENTUM: Boolean(velocity),
        NESTEROV: nesterov && Boolean(velocity),
        FACTOR: Boolean(factor),
        HALT: Boolean(halt),
      },
      bindings: [
        context.write(parameter),
        velocity ? context.write(velocity) : context.read(undefined),
        ...[gradient, hyper, factor, halt].map((tensor) => context.read(tensor)),
      ],
      params: { count, rate, decay },
      workgroups: spread(Math.ceil(count / 64)),
    });
  },
};

export const reference: Reference<SgdAttributes, typeof INPUTS> = (inputs, { attributes }) => {
  const [parameter, velocity, gradient, hyper, factor, halt] = inputs;
  if (halt?.[0]) return velocity ? [parameter, velocity] : [parameter];
  const [learningRate, momentum, weightDecay] = hyper;
  const { nesterov, rate, decay } = attributes;
  const slopes = gradient.map((value, i) => value * (factor?.[0] ?? 1) + decay * weightDecay * parameter[i]);
  const velocities = velocity?.map((value, i) => momentum * value + slopes[i]);
  const updated = parameter.map((value, i) => {
    const direction = !velocities ? slopes[i] : nesterov ? slopes[i] + momentum * velocities[i] : velocities[i];
    return value - rate * learningRate * direction;
  });
  return velocities ? [updated, velocities] : [updated];
};

function caseOf(
  shape: number[],
  options: { momentum?: boolean; nesterov?: boolean; factor?: boolean; halt?: number },
): Case<SgdAttributes> {
  const { momentum = true, nesterov = false, factor = false, halt } = options;
  const state: CaseInput = { shape, layout: 'dense', kind: 'state' };
  return {
    inputs: [
      state,
      momentum ? state : undefined,
      { shape },
      { shape: [3], fill: (i) => [0.1, 0.9, 0.01][i] },
      factor ? { shape: [1], fill: 'uniform' } : undefined,
      halt === undefined ? undefined : { shape: [1], type: 'u32', fill: () => halt },
    ],
    attributes: { nesterov, rate: 0.5, decay: 2 },
  };
}

export const cases = (): Case<SgdAttributes>[] => [
  caseOf([1], {}),
  caseOf([5, 3, 3, 3], {}),
  caseOf([133], { nesterov: true, factor: true }),
  caseOf([7, 11], { momentum: false }),
  caseOf([130], { halt: 0 }),
  caseOf([130], { factor: true, halt: 3 }),
  caseOf([9], { momentum: false, halt: 1 }),
];
