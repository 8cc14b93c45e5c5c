/** Optimizers: how a step updates a parameter, and the numbers that change from step to step. */
import { InputError } from '../errors.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { forward as adamwStep } from '../ops/optimizers/adamw.js';
import { forward as clipFactor } from '../ops/optimizers/clip_factor.js';
import { forward as sgdStep } from '../ops/optimizers/sgd.js';
import { forward as squaredNorm } from '../ops/optimizers/squared_norm.js';
import { checkOptions, checkRequiredOptions, optionKinds } from '../options.js';

/** What the update of one parameter needs. */
export interface Update {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  /** The numbers of the step, as `hyper` gives them. */
  readonly hyper: Tensor;
  /** A factor [1] for the gradient; undefined: 1. */
  readonly factor: Tensor | undefined;
  /** u32 [1]: the parameter is only updated if this is 0. */
  readonly halt: Tensor;
  /** Factor of the learning rate. */
  readonly rate: number;
  /** Factor of the weight decay. */
  readonly decay: number;
  /** Adds a tensor of the parameter's shape that keeps its content from step to step and begins with zeros. */
  state(name: string): Tensor;
}

/** Updates parameters by their gradients. */
export interface Optimizer {
  /** The length of what `hyper` returns. */
  readonly hyperSize: number;
  /**
   * The numbers that the kernels need in step 1, 2, …, computed in float64. Kernels read them from memory, so that they need not be
   * compiled again when a number changes.
   */
  hyper(step: number, learningRate: number): readonly number[];
  /** Adds the update of one parameter. */
  update(g: GraphBuilder, update: Update): void;
}

export interface SgdOptions {
  /** Default 0, without which no velocity is kept. */
  momentum?: number;
  nesterov?: boolean;
  weightDecay?: number;
}

/** Stochastic gradient descent, computed as in torch.optim.SGD. */
export function sgd(options: SgdOptions = {}): Optimizer {
  checkOptions('sgd', options, SGD_OPTIONS);
  const { momentum = 0, nesterov = false, weightDecay = 0 } = options;
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

const SGD_OPTIONS = optionKinds<SgdOptions>({
  momentum: 'a number',
  nesterov: 'true or false',
  weightDecay: 'a number',
});

export interface AdamWOptions {
  /** Decay rates of the first and the second moment. */
  betas?: readonly [number, number];
  epsilon?: number;
  weightDecay?: number;
}

const ADAMW_OPTIONS = optionKinds<AdamWOptions>({
  betas: 'a list of numbers',
  epsilon: 'a number',
  weightDecay: 'a number',
});

/** AdamW, computed as in torch.optim.AdamW and with the same defaults. */
export function adamw(options: AdamWOptions = {}): Optimizer {
  checkOptions('adamw', options, ADAMW_OPTIONS);
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01 } = options;
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

/** Adds the factor that limits the norm of all gradients together, computed as in PyTorch's clip_grad_norm_. */
export function clipByNorm(g: GraphBuilder, gradients: readonly Tensor[], limit: number): Tensor {
  const square = gradients.reduce<Tensor | undefined>(
    (sum, gradient) => g.apply(squaredNorm, [gradient, sum], {}, `${gradient.name}/squared_norm`),
    undefined,
  );
  return g.apply(clipFactor, [square], { limit }, 'clip_factor');
}

/** How the parameters whose names match a pattern are trained. */
export interface Part {
  /** A regular expression, or the first segments of the name, such as `layer1` or `head.transition`. */
  readonly match: RegExp | string;
  /** Whether the parameters stay as they are. Their gradients are then not computed. */
  readonly frozen?: boolean;
  /** Multiplies the learning rate. Default 1. */
  readonly rate?: number;
  /** Multiplies the weight decay. Default 1. */
  readonly decay?: number;
}

const isIn = ({ match }: Part, name: string) =>
  typeof match === 'string' ? match === '' || `${name}.`.startsWith(match.replace(/\.?$/, '.')) : match.test(name);

const PART_OPTIONS = optionKinds<Part>({
  match: 'anything',
  frozen: 'true or false',
  rate: 'a number',
  decay: 'a number',
});

/** @throws InputError for what is no list of parts, and for fields of a part that are misspelt or of a wrong type. */
export function checkPartFields(parts: readonly Part[]): void {
  if (!Array.isArray(parts))
    throw new InputError('parts', { expected: 'a list', given: Object.prototype.toString.call(parts) });
  for (const part of parts as readonly Part[]) {
    checkRequiredOptions('a part', part, PART_OPTIONS, ['match']);
    if (typeof part.match === 'string' || part.match instanceof RegExp) continue;
    throw new InputError('a part: match', {
      expected: 'a regular expression, or the first segments of names of parameters',
      given: String(part.match),
    });
  }
}

/** @throws InputError for a part to which no parameter belongs, since that is a spelling mistake, or for a factor that makes no sense. */
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

/** The first part that a parameter belongs to. Without one it is trained at the common learning rate. */
export function partOf(parts: readonly Part[], name: string): Required<Omit<Part, 'match'>> {
  const found = parts.find((part) => isIn(part, name));
  return { frozen: found?.frozen ?? false, rate: found?.rate ?? 1, decay: found?.decay ?? 1 };
}
