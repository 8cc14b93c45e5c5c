/** Builds the graphs of a training step: forward pass, loss, backward pass and update. */
import { InputError } from '../errors.js';
import { createGraph, type Graph, type GraphBuilder, updatesOf } from '../graph/ir/graph.js';
import { elementCount, type Tensor } from '../graph/ir/tensor.js';
import { checkOutputs } from '../nets/outputs.js';
import { networkFrom } from '../nets/written/graphs.js';
import { gradients } from '../ops/differentiate.js';
import { forward as batchStatistics } from '../ops/layers/batch_statistics.js';
import { forward as accumulateInto } from '../ops/optimizers/accumulate.js';
import { forward as firstNonfinite } from '../ops/optimizers/first_nonfinite.js';
import { addRest, isStatistic, splitNetwork } from './frozen_layers.js';
import { checkParts, clipByNorm, type Part, partOf } from './optimizers.js';
import type { TrainerOptions } from './trainer_options.js';

/** A parameter that is trained, with its gradient. */
interface Trained {
  readonly name: string;
  readonly parameter: Tensor;
  readonly gradient: Tensor;
}

/** Makes a tensor that is kept from step to step. */
type MakeState = (name: string, shape: readonly number[]) => Tensor;

/** The graphs of a training step, with the tensors that are written and read from outside. */
export type StepGraphs = ReturnType<typeof buildStep>;

/**
 * Builds the graphs of a training step.
 * @param split whether the update is a graph of its own, which runs once after several micro-batches.
 */
export function buildStep(options: TrainerOptions, split: boolean) {
  const { batchNorm, optimizer, parts = [] } = options;
  const g = createGraph({ parameters: 'state', ...statisticsOf(batchNorm, parts) });
  const { inputs, logits, frozen } = addNetwork(g, options);
  const labels = g.input('labels', logits.shape, { layout: 'dense' });
  const loss = options.loss(g, logits, labels);
  checkLoss(loss);

  const trained = trainedParameters(g, loss, parts);
  const halt = g.apply(firstNonfinite, [...inputs, loss, ...trained.map(({ gradient }) => gradient)], {}, 'halt');
  const states = new Map<string, Tensor>();
  const state: MakeState = (name, shape) => {
    const tensor = g.state(name, shape);
    states.set(name, tensor);
    return tensor;
  };
  const sums = split ? sumGradients(g, trained, state) : undefined;
  const target = split ? createGraph() : g;
  const summed = sums?.trained ?? trained;
  const hyper = target.input('hyperparameters', [optimizer.hyperSize], { layout: 'dense' });
  const haltOfUpdate = updateParameters(target, summed, hyper, split ? undefined : halt, options, state);

  const forward = g.finish([loss, halt]);
  const used = usedParameters(
    g,
    forward.nodes.flatMap(({ inputs }) => inputs),
  );
  for (const [name, tensor] of used) states.set(name, tensor);
  const changing = new Set(trained.map(({ name }) => name));
  const updated = new Set(forward.nodes.flatMap(updatesOf));
  const averaged = [...used].filter(
    ([name, tensor]) => changing.has(name) || (isStatistic(name) && updated.has(tensor)),
  );
  return {
    /** The images, or the activations of frozen layers in their place. */
    inputs,
    labels,
    loss,
    hyper,
    share: sums?.share,
    parameters: used,
    /** Parameters that the step does not read, since the frozen layers that do are not part of it. */
    skipped: new Map(frozen.filter(([name]) => !used.has(name))),
    states,
    forward,
    /** What the `halt` flags check for finite numbers, in order. */
    watched: [
      ...inputs.map(() => (options.skipsFrozen ? 'an activation of frozen layers' : 'an image')),
      'the loss',
      ...trained.map(({ name }) => `the gradient of ${name}`),
    ],
    halt,
    update: split ? { graph: target.finish([haltOfUpdate]), halt: haltOfUpdate } : undefined,
    averages: options.averageDecay === undefined ? undefined : averagesOf(averaged, options.averageDecay, state),
  };
}

/** @throws InputError if a loss has not given one number. A function that makes a loss, such as `focal`, gives another function. */
function checkLoss(loss: Tensor): void {
  const shape = (loss as Tensor | undefined)?.shape;
  if (Array.isArray(shape) && elementCount(loss) === 1) return;
  throw new InputError('createTrainer: loss', {
    expected: 'a function that adds a loss to the graph, as crossEntropy() gives it, to a tensor [1]',
    given: shape ? `a tensor [${shape.join(', ')}]` : typeof loss,
  });
}

/** Adds the network, or what of it comes after its frozen first layers. */
function addNetwork(g: GraphBuilder, options: TrainerOptions) {
  const { architecture, batch, size, channels = 3, parts = [], skipsFrozen = false } = options;
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const shape = [batch, height, width, channels];
  const network = typeof architecture === 'function' ? architecture : networkFrom(architecture);
  if (!skipsFrozen) {
    const image = g.input('images', shape);
    return { inputs: [image], logits: checkOutputs(network(g, image), batch).logits, frozen: [] };
  }
  const split = splitNetwork(network, shape, parts, g);
  const read = new Set(split.frozen.flatMap(({ inputs }) => inputs));
  return { ...addRest(g, split), frozen: [...split.parameters].filter(([, tensor]) => read.has(tensor)) };
}

/** The options of a graph that say which batch norms use the statistics of the batch. */
export function statisticsOf(
  batchNorm: TrainerOptions['batchNorm'],
  parts: readonly Part[],
): Pick<NonNullable<Parameters<typeof createGraph>[0]>, 'batchStatistics' | 'keepsStatistics'> {
  if (batchNorm === 'frozen') return {};
  if (batchNorm === 'train') return { batchStatistics };
  return { batchStatistics, keepsStatistics: (weight) => partOf(parts, weight).frozen };
}

/** Adds the backward pass. Returns the parameters that are not frozen and that the loss depends on. */
function trainedParameters(g: GraphBuilder, loss: Tensor, parts: readonly Part[]): Trained[] {
  checkParts(parts, [...g.parameters.keys()]);
  const trained = [...g.parameters].filter(([name]) => !isStatistic(name) && !partOf(parts, name).frozen);
  if (trained.length === 0) throw new InputError('nothing to train', { hint: 'the parts freeze every parameter' });
  const found = gradients(
    g,
    loss,
    trained.map(([, tensor]) => tensor),
  );
  return trained.flatMap(([name, parameter]) => {
    const gradient = found.get(parameter);
    return gradient ? [{ name, parameter, gradient }] : [];
  });
}

/**
 * Adds the gradients of each micro-batch to sums, which are states, so that the update can read them. `share` takes two numbers: 0 where the
 * sums begin anew and 1 otherwise, and the factor of the new gradients.
 */
function sumGradients(
  g: GraphBuilder,
  trained: readonly Trained[],
  state: MakeState,
): { share: Tensor; trained: Trained[] } {
  const share = g.input('shares', [2], { layout: 'dense' });
  const sums = trained.map(({ name, parameter, gradient }) => {
    const sum = state(`${name}#gradient`, parameter.shape);
    g.applyAll(accumulateInto, [sum, gradient, share], {});
    return { name, parameter, gradient: sum };
  });
  return { share, trained: sums };
}

/**
 * Adds the update of all parameters by the optimizer.
 * @param halt the flag that stops the update if a number is not finite. Default: one that checks the gradients.
 * @returns that flag
 */
function updateParameters(
  g: GraphBuilder,
  trained: readonly Trained[],
  hyper: Tensor,
  halt: Tensor | undefined,
  { optimizer, parts = [], clipNorm }: TrainerOptions,
  state: MakeState,
): Tensor {
  const all = trained.map(({ gradient }) => gradient);
  const factor = clipNorm === undefined ? undefined : clipByNorm(g, all, clipNorm);
  const halted = halt ?? g.apply(firstNonfinite, all, {}, 'halt of the update');
  for (const { name, parameter, gradient } of trained) {
    const { rate, decay } = partOf(parts, name);
    const memory = (what: string) => state(`${name}#${what}`, parameter.shape);
    optimizer.update(g, { parameter, gradient, hyper, factor, halt: halted, rate, decay, state: memory });
  }
  return halted;
}

/**
 * Builds the graph that moves the average of each parameter. It is a graph of its own because it runs after the update, and a graph cannot
 * read what it has overwritten.
 */
function averagesOf(parameters: readonly (readonly [string, Tensor])[], decay: number, state: MakeState) {
  if (!(decay > 0 && decay < 1)) {
    throw new InputError('the decay of averaged weights', { expected: 'above 0 and below 1', given: String(decay) });
  }
  const g = createGraph();
  const shares = g.input('shares', [2], { layout: 'dense' });
  const kept = new Map<string, Tensor>();
  for (const [name, parameter] of parameters) {
    const average = state(averageOf(name), parameter.shape);
    kept.set(name, average);
    g.applyAll(accumulateInto, [average, parameter, shares], {});
  }
  /** The shares of the old average and of the new value at the update after so many others. */
  const sharesAfter = (updates: number) => {
    const keep = Math.min(decay, updates / (updates + 9));
    return [keep, 1 - keep];
  };
  return { graph: g.finish([]), shares, kept: kept as ReadonlyMap<string, Tensor>, sharesAfter };
}

/** The name of the state that is the moving average of a parameter. */
export const averageOf = (name: string): string => `${name}#average`;

// The parameters that the step reads.
function usedParameters(g: GraphBuilder, inputs: readonly (Tensor | undefined)[]): ReadonlyMap<string, Tensor> {
  const read = new Set(inputs);
  return new Map([...g.parameters].filter(([, tensor]) => read.has(tensor)));
}

/** The states that a graph reads or updates. */
export function statesOf(graph: Graph, states: ReadonlyMap<string, Tensor>): Tensor[] {
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  return [...states.values()].filter((tensor) => read.has(tensor));
}
