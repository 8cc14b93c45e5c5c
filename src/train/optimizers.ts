/** Optimizers: what a step does to each parameter, and the numbers that change from step to step. */
import { InputError } from '../errors.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { forward as adamwStep } from '../ops/optimizers/adamw.js';
import { forward as clipFactor } from '../ops/optimizers/clip_factor.js';
import { forward as sgdStep } from '../ops/optimizers/sgd.js';
import { forward as squaredNorm } from '../ops/optimizers/squared_norm.js';

/** One parameter's update. */
export interface Update {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  /** The numbers of the step, as `hyper` gives them. */
  readonly hyper: Tensor;
  /** What the gradient is multiplied with, [1]; none: 1. */
  readonly factor: Tensor | undefined;
  /** u32 [1]: unless it is 0, nothing is updated. */
  readonly halt: Tensor;
  /** Multiplies the learning rate, and the weight decay. */
  readonly rate: number;
  readonly decay: number;
  /** Memory of the parameter's shape that outlives the step, zero at first. */
  state(name: string): Tensor;
}

/** How a parameter follows its gradient. */
export interface Optimizer {
  /** How many numbers `hyper` gives. */
  readonly hyperSize: number;
  /** The numbers of step 1, 2, …: computed in float64, read by the kernels, so that nothing is compiled anew. */
  hyper(step: number, learningRate: number): readonly number[];
  /** Adds the update of one parameter. */
  update(g: GraphBuilder, update: Update): void;
}

export interface SgdOptions {
  /** Default 0: no velocity is kept. */
  momentum?: number;
  nesterov?: boolean;
  weightDecay?: number;
}

/** Stochastic gradient descent as torch.optim.SGD has it. */
export function sgd({ momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions = {}): Optimizer {
  inRange('momentum', momentum, momentum >= 0 && momentum < 1, '0 ≤ momentum < 1');
  inRange('weight decay', weightDecay, weightDecay >= 0, 'at least 0');
  if (nesterov && momentum === 0) throw new InputError('Nesterov without momentum', { expected: 'momentum above 0' });
  return {
    hyperSize: 3,
    hyper: (_, learningRate) => [learningRate, momentum, weightDecay],
    update(g, { parameter, gradient, hyper, factor, halt, rate, decay, state }) {
      const velocity = momentum > 0 ? state('velocity') : undefined;
      g.applyAll(sgdStep, [parameter, velocity, gradient, hyper, factor, halt], { nesterov, rate, decay });
    },
  };
}

export interface AdamWOptions {
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  epsilon?: number;
  weightDecay?: number;
}

/** AdamW as torch.optim.AdamW has it; defaults are torch's. */
export function adamw({ betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01 }: AdamWOptions = {}): Optimizer {
  const [beta1, beta2] = betas;
  for (const beta of betas) inRange('beta', beta, beta >= 0 && beta < 1, '0 ≤ β < 1');
  inRange('epsilon', epsilon, epsilon > 0, 'above 0');
  inRange('weight decay', weightDecay, weightDecay >= 0, 'at least 0');
  return {
    hyperSize: 4,
    hyper: (step, learningRate) => [learningRate, weightDecay, 1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)],
    update(g, { parameter, gradient, hyper, factor, halt, rate, decay, state }) {
      const inputs = [parameter, state('first_moment'), state('second_moment'), gradient, hyper, factor, halt];
      g.applyAll(adamwStep, inputs, { beta1, beta2, epsilon, rate, decay });
    },
  };
}

function inRange(what: string, value: number, fits: boolean, expected: string): void {
  if (!fits || !Number.isFinite(value)) throw new InputError(what, { expected, given: String(value) });
}

/** Adds the factor that keeps the common norm of some gradients within a limit, as torch's clip_grad_norm_ does. */
export function clipByNorm(g: GraphBuilder, gradients: readonly Tensor[], limit: number): Tensor {
  const square = gradients.reduce<Tensor | undefined>(
    (sum, gradient) => g.apply(squaredNorm, [gradient, sum], {}, `${gradient.name}/squared_norm`),
    undefined,
  );
  return g.apply(clipFactor, [square], { limit }, 'clip_factor');
}

/** What becomes of the parameters whose names a pattern finds. */
export interface Part {
  /** A regular expression, or the name's first segments: `layer1`, `head.transition`. */
  readonly match: RegExp | string;
  /** Left as they are: neither computed nor stored are their gradients. */
  readonly frozen?: boolean;
  /** Multiplies the learning rate. Default 1. */
  readonly rate?: number;
  /** Multiplies the weight decay. Default 1. */
  readonly decay?: number;
}

const isIn = ({ match }: Part, name: string) =>
  typeof match === 'string' ? match === '' || `${name}.`.startsWith(match.replace(/\.?$/, '.')) : match.test(name);

/** @throws InputError for a part that no parameter belongs to, which is a slip of the pen, or with a factor that makes no sense */
export function checkParts(parts: readonly Part[], names: readonly string[]): void {
  for (const part of parts) {
    const { match, rate = 1, decay = 1 } = part;
    inRange(`the factor of the learning rate of ${match}`, rate, rate >= 0, 'at least 0');
    inRange(`the factor of the weight decay of ${match}`, decay, decay >= 0, 'at least 0');
    if (names.some((name) => isIn(part, name))) continue;
    throw new InputError(`no parameter belongs to ${match}`, {
      expected: [...new Set(names.map((name) => name.split('.')[0]))].join(', ').slice(0, 300),
      hint: 'raybox inspect --layers lists the layers',
    });
  }
}

/** The first part that a name belongs to; none: trained at the common rate. */
export function partOf(parts: readonly Part[], name: string): Required<Omit<Part, 'match'>> {
  const found = parts.find((part) => isIn(part, name));
  return { frozen: found?.frozen ?? false, rate: found?.rate ?? 1, decay: found?.decay ?? 1 };
}
