/** Builds the graphs of a training step: forward pass, loss, backward pass and update. */
import { InputError } from '../errors.js';
import { createGraph, type Graph, type GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { networkFrom } from '../nets/graphs.js';
import { checkOutputs } from '../nets/outputs.js';
import { gradients } from '../ops/differentiate.js';
import { forward as batchStatistics } from '../ops/layers/batch_statistics.js';
import { forward as accumulateInto } from '../ops/optimizers/accumulate.js';
import { forward as firstNonfinite } from '../ops/optimizers/first_nonfinite.js';
import { checkParts, clipByNorm, partOf } from './optimizers.js';
import type { TrainerOptions } from './step.js';

/**
 * Builds the graphs of a training step.
 * @param split whether the update is a graph of its own, which runs once after several micro-batches.
 */
export function buildStep(options: TrainerOptions, split: boolean) {
  const { architecture, batch, size, channels = 3, batchNorm, optimizer, parts = [], clipNorm } = options;
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const g = createGraph({ parameters: 'state', ...(batchNorm === 'train' ? { batchStatistics } : {}) });
  const image = g.input('images', [batch, height, width, channels]);
  const network = typeof architecture === 'function' ? architecture : networkFrom(architecture);
  const { logits } = checkOutputs(network(g, image), batch);
  const labels = g.input('labels', logits.shape, { layout: 'dense' });
  const loss = options.loss(g, logits, labels);

  checkParts(parts, [...g.parameters.keys()]);
  const trained = [...g.parameters].filter(([name]) => !isStatistic(name) && !partOf(parts, name).frozen);
  if (trained.length === 0) throw new InputError('nothing to train', { hint: 'the parts freeze every parameter' });
  const found = gradients(
    g,
    loss,
    trained.map(([, tensor]) => tensor),
  );
  const states = new Map<string, Tensor>();
  const state = (name: string, shape: readonly number[]) => {
    const tensor = g.state(name, shape);
    states.set(name, tensor);
    return tensor;
  };
  const own = trained.flatMap(([name, parameter]) => {
    const gradient = found.get(parameter);
    return gradient ? [{ name, parameter, gradient }] : [];
  });

  const halt = g.apply(firstNonfinite, [image, loss, ...own.map(({ gradient }) => gradient)], {}, 'halt');

  // If the update is a graph of its own, each micro-batch adds its gradients to states, which the update then reads.
  let share: Tensor | undefined;
  let target: GraphBuilder = g;
  let updated = own;
  if (split) {
    const shares = g.input('shares', [2], { layout: 'dense' });
    share = shares;
    target = createGraph();
    updated = own.map(({ name, parameter, gradient }) => {
      const sum = state(`${name}#gradient`, parameter.shape);
      g.applyAll(accumulateInto, [sum, gradient, shares], {});
      return { name, parameter, gradient: sum };
    });
  }
  const hyper = target.input('hyperparameters', [optimizer.hyperSize], { layout: 'dense' });
  const every = updated.map(({ gradient }) => gradient);
  const factor = clipNorm === undefined ? undefined : clipByNorm(target, every, clipNorm);
  const halted = split ? target.apply(firstNonfinite, every, {}, 'halt of the update') : halt;
  for (const { name, parameter, gradient } of updated) {
    const { rate, decay } = partOf(parts, name);
    const memory = (what: string) => state(`${name}#${what}`, parameter.shape);
    optimizer.update(target, { parameter, gradient, hyper, factor, halt: halted, rate, decay, state: memory });
  }
  const forward = g.finish([loss, halt]);
  const used = usedParameters(
    g,
    forward.nodes.flatMap(({ inputs }) => inputs),
  );
  for (const [name, tensor] of used) states.set(name, tensor);
  return {
    image,
    labels,
    loss,
    hyper,
    share,
    parameters: used,
    states,
    forward,
    /** What the `halt` flags check for finite numbers, in order. */
    watched: ['an image', 'the loss', ...own.map(({ name }) => `the gradient of ${name}`)],
    halt,
    update: split ? { graph: target.finish([halted]), halt: halted } : undefined,
  };
}

const isStatistic = (name: string) => /\.running_(mean|var)$/.test(name);

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
