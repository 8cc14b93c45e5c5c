/**
 * Random small graphs, forward and backward. After fusion, slices, arenas, bands and with any kernel variants, a graph must compute the same as
 * its nodes one by one in float64. Channels are in segments with holes between them wherever the operations allow it.
 */
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import type { Gpu } from '../../src/gpu/device.js';
import { createGraph, createTensor, type Graph, type GraphBuilder, updatesOf } from '../../src/graph/ir/graph.js';
import { product, segmentsOf, type Tensor } from '../../src/graph/ir/tensor.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import type { PlanOptions } from '../../src/graph/plan/types.js';
import { gradients } from '../../src/ops/differentiate.js';
import { forward as batchStatistics } from '../../src/ops/layers/batch_statistics.js';
import { fnv1a, seededRandom } from '../../src/random.js';
import { normalisedError } from '../../src/verify/check.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { startValidation } from '../../src/verify/validate.js';
import { gradientKinds, kinds, steps } from './random_steps.js';

export type Recipe = typeof recipes extends fc.Arbitrary<infer T> ? T : never;

/** The recipe of a graph. Every number is taken modulo the number of choices, so that each recipe is valid. */
export const recipes = fc.record({
  images: fc.integer({ min: 1, max: 2 }),
  size: fc.tuple(fc.integer({ min: 2, max: 17 }), fc.integer({ min: 1, max: 9 })),
  channels: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
  steps: fc.array(steps, { minLength: 2, maxLength: 12 }),
  variant: fc.nat(2),
  batchNorm: fc.constantFrom('frozen' as const, 'train' as const),
});

/** Adds the nodes of a recipe. @returns the tensors that the graph puts out, the last of the chain in any case. */
function grow(g: GraphBuilder, { images, size, channels, steps }: Recipe, backward: boolean): Tensor[] {
  const maps = channels.map((count, index) => g.input('ab'[index], [images, ...size, count]));
  const outputs: Tensor[] = [];
  for (const [index, step] of steps.entries()) {
    const known = backward ? gradientKinds : kinds;
    const made = known[step.kind % known.length](g, maps, step, index);
    if (made.shape.length === 4 && made.layout === 'nhwc4') maps.push(made);
    else outputs.push(made);
    if (step.output === 0) outputs.push(made);
  }
  return [...new Set([...outputs, maps[maps.length - 1]])];
}

/** The same adapter with bindings of at most `bytes`. */
export function narrowed(gpu: Gpu, bytes: number): Gpu {
  const limits = new Proxy(gpu.limits, {
    get: (own, name) => (name === 'maxStorageBufferBindingSize' ? bytes : Reflect.get(own, name, own)),
  });
  return { ...gpu, limits };
}

/** Values for a tensor, seeded by its name and rounded to f32. Their magnitude is such that a layer's output is about as large as its input. */
export function valuesFor(name: string, shape: readonly number[]): Float32Array {
  const random = seededRandom(fnv1a(name));
  const isScale = name.endsWith('running_var') || (name.endsWith('.weight') && shape.length === 1);
  const spread = shape.length > 1 && name.includes('weight') ? Math.sqrt(12 / product(shape.slice(1))) : 2;
  return Float32Array.from({ length: product(shape) }, () =>
    isScale ? random() + 0.5 : (random() - 0.5) * spread + (name === 'a' ? 0.2 : 0),
  );
}

type Values = ReadonlyMap<Tensor, Float64Array>;

/** Values of everything that a graph does not compute itself. */
export function sourceValues(graph: Graph): Values {
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const sources = new Set([...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs]);
  const values = new Map<Tensor, Float64Array>();
  for (const tensor of sources) {
    if (!tensor || made.has(tensor) || tensor.data) continue;
    values.set(tensor, Float64Array.from(valuesFor(tensor.name, tensor.shape)));
  }
  return values;
}

const resultsOf = (graph: Graph) => [...new Set([...graph.outputs, ...graph.nodes.flatMap(updatesOf)])];

/** Runs a graph twice, so that values which the first run has left in memory would be noticed. Validates each node on request. */
export async function runGraph(
  gpu: Gpu,
  graph: Graph,
  values: Values,
  options: PlanOptions & { validate?: boolean } = {},
): Promise<{ results: (Float32Array | Uint32Array)[]; steps: number }> {
  const plan = await createPlan(gpu, graph, { weights: valuesFor, ...options });
  try {
    const bound = new Set(plan.steps.flatMap(({ bindings }) => bindings.map(({ tensor }) => tensor)));
    for (const round of [1, 2]) {
      for (const [tensor, content] of values) {
        if (tensor.kind !== 'constant' && (bound.has(tensor) || graph.outputs.includes(tensor))) {
          plan.write(tensor, content);
        }
      }
      const validate = options.validate && round === 2 ? await startValidation(gpu, plan) : undefined;
      await plan.run();
      await validate?.();
    }
    const results: (Float32Array | Uint32Array)[] = [];
    for (const tensor of resultsOf(graph)) results.push(await plan.read(tensor));
    return { results, steps: plan.steps.length };
  } finally {
    plan.close();
  }
}

/** If the error is above this, the graph is examined more closely. Most errors above it are explained by rounding in a dozen layers. */
const BOUNDS = { f32: 1e-10, f16: 1e-4 } as const;

/** The result of examining a graph: a fault, or that its numbers are too sensitive to rounding for the bound. */
export interface Finding {
  fault?: string;
  sensitive?: string;
}

async function compare(
  gpu: Gpu,
  graph: Graph,
  values: Values,
  truth: Values,
  what: string,
  { bound = BOUNDS.f32, ...options }: PlanOptions & { bound?: number } = {},
): Promise<Finding> {
  const { results } = await runGraph(gpu, graph, values, options);
  const off = resultsOf(graph).flatMap((tensor, index) => {
    const error = normalisedError(results[index], truth.get(tensor)!);
    return error <= bound ? [] : [`${what}: ${tensor.name} has NMSE ${error.toExponential(2)}`];
  });
  if (off.length === 0) return {};
  // A kink (ReLU, the maximum of a window) or a sum that cancels magnifies rounding without limit. That is not a fault if each node is right
  // for its inputs, and if the result does not depend on where tensors are in memory.
  try {
    const apart = await runGraph(gpu, graph, values, { ...options, separate: { guard: 256 }, validate: true });
    const same = results.every((result, index) =>
      result.every((value, i) => Object.is(value, apart.results[index][i])),
    );
    return same ? { sensitive: off[0] } : { fault: `${off[0]}, and another with memory of their own` };
  } catch (error) {
    return { fault: `${off[0]}; ${(error as Error).message}` };
  }
}

/** The forward pass of a recipe: fused, in bands of rows, node by node, and in f16. */
export async function checkForward(gpu: Gpu, recipe: Recipe): Promise<Finding> {
  const choose: PlanOptions['choose'] = (_, variants) => variants[recipe.variant % variants.length];
  const findings: Finding[] = [];
  for (const type of gpu.features.has('shader-f16') ? (['f32', 'f16'] as const) : (['f32'] as const)) {
    const g = createGraph({ type });
    const graph = g.finish(grow(g, recipe, false));
    const values = sourceValues(graph);
    const truth = evaluateReference(graph, values);
    findings.push(await compare(gpu, graph, values, truth, `${type} fused`, { choose, bound: BOUNDS[type] }));
    if (type === 'f16') continue;
    findings.push(await compare(narrowed(gpu, 6144), graph, values, truth, 'in bands').catch(unlessTooLarge));
    findings.push(await compare(gpu, graph, values, truth, 'unfused', { unfused: true, choose }));
  }
  return worst(findings);
}

// An operation on whole images may be refused by name if an image exceeds a binding.
function unlessTooLarge(error: unknown): Finding {
  if (error instanceof InputError && /cannot be split|too large for this adapter/.test(error.message)) return {};
  throw error;
}

/** The backward pass of a recipe, for both inputs and every parameter: fused, node by node, and compared with differences in float64. */
export async function checkBackward(gpu: Gpu, recipe: Recipe): Promise<Finding> {
  const choose: PlanOptions['choose'] = (_, variants) => variants[recipe.variant % variants.length];
  const g = createGraph({ parameters: 'state', ...(recipe.batchNorm === 'train' ? { batchStatistics } : {}) });
  const y = grow(g, recipe, true).at(-1)!;
  const parameters = [...g.parameters].flatMap(([name, tensor]) => (name.includes('running') ? [] : [tensor]));
  const inputs = g.nodes.flatMap(({ inputs }) => inputs.flatMap((x) => (x?.kind === 'input' ? [x] : [])));
  const seed = createTensor('seed', 'input', y);
  const found = gradients(g, y, [...new Set([...inputs, ...parameters])], seed);
  if (found.size === 0) return {};
  const graph = g.finish([y, ...found.values()]);
  const values = sourceValues(graph);
  const truth = evaluateReference(graph, values);
  const findings = [
    await compare(gpu, graph, values, truth, 'backward, fused', { choose }),
    await compare(gpu, graph, values, truth, 'backward, unfused', { unfused: true, choose }),
  ];
  for (const [tensor, gradient] of found) {
    const fault = differenceFault(g.finish([y]), values, truth.get(gradient)!, tensor, seed);
    if (fault) findings.push({ fault });
  }
  return worst(findings);
}

/**
 * Compares a gradient with the change of Σ seed · y along a direction. If two step sizes disagree, there is a kink, and nothing is
 * concluded.
 */
function differenceFault(
  forward: Graph,
  values: Values,
  gradient: Float64Array,
  tensor: Tensor,
  seed: Tensor,
): string | undefined {
  const [y] = forward.outputs;
  if (!values.has(tensor)) return undefined;
  const direction = valuesFor(`direction of ${tensor.name}`, tensor.shape);
  const slope = values.get(seed);
  if (!slope) return undefined;
  const loss = (by: number) => {
    const moved = values.get(tensor)!.map((value, i) => value + by * direction[i]);
    const result = evaluateReference(forward, new Map([...values, [tensor, moved]])).get(y)!;
    return result.reduce((sum, value, i) => sum + value * slope[i], 0);
  };
  const [wide, narrow] = [1e-5, 1e-6].map((step) => (loss(step) - loss(-step)) / (2 * step));
  const actual = gradient.reduce((sum, value, i) => sum + value * direction[i], 0);
  const size = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0)) + Math.abs(narrow) + 1e-3;
  if (Math.abs(wide - narrow) > 1e-5 * size || Math.abs(actual - narrow) <= 1e-4 * size) return undefined;
  return `the gradient by ${tensor.name} along a direction is ${actual}, by differences ${narrow}`;
}

const worst = (findings: readonly Finding[]): Finding =>
  findings.find(({ fault }) => fault) ?? findings.find(({ sensitive }) => sensitive) ?? {};

/** Whether the forward graph of a recipe has channels in segments, and a grouped convolution that reads them. */
export function meetsSegments(recipe: Recipe): { segments: boolean; grouped: boolean } {
  const g = createGraph();
  grow(g, recipe, false);
  const holed = (tensor: Tensor | undefined) => tensor !== undefined && segmentsOf(tensor).length > 1;
  return {
    segments: g.nodes.some(({ inputs }) => inputs.some(holed)),
    grouped: g.nodes.some(
      ({ operation, inputs, attributes }) =>
        operation.name === 'conv2d' && holed(inputs[0]) && (attributes as { groups: number }).groups > 1,
    ),
  };
}
