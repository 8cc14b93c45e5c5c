/** Compares the outputs of a graph on the GPU with expected numbers. */
import type { Gpu } from '../gpu/device.js';
import { type Graph, nameOf } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { createPlan } from '../graph/plan/plan.js';
import type { WeightSource } from '../graph/plan/types.js';
import { evaluateReference, normalisedError } from './reference.js';

export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** What ONNX's own test runner allows. */
export const ONNX_TOLERANCE: Tolerance = { relative: 1e-3, absolute: 1e-7 };

/** The same for bfloat16: two steps from one such number to the next. */
export const BF16_TOLERANCE: Tolerance = { ...ONNX_TOLERANCE, relative: 2 ** -6 };

/** Says where two lists differ most; undefined if they agree within the tolerance. NaN equals NaN. */
export function differs(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { relative, absolute }: Tolerance,
): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} numbers instead of ${expected.length}`;
  let [worst, at] = [0, -1];
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i], expected[i]];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const excess = Math.abs(a - b) / (absolute + relative * Math.abs(b));
    if (!(excess <= 1) && !(excess <= worst)) [worst, at] = [excess, i];
  }
  return at < 0 ? undefined : `${actual[at]} instead of ${expected[at]} at ${at} of ${expected.length}`;
}

/** The largest normalised mean square error of a node: far above the rounding of f32, and far below what a wrong kernel gives. */
const LARGEST_ERROR = 1e-6;

export interface ExpectedRun {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<Tensor, ArrayLike<number>>;
  readonly weights: WeightSource;
}

/** Runs a graph and reads its outputs, in their order. */
export async function runGraph(gpu: Gpu, { graph, inputs, weights }: ExpectedRun): Promise<ArrayLike<number>[]> {
  const plan = await createPlan(gpu, graph, { weights });
  try {
    const read = new Set(graph.nodes.flatMap((node) => node.inputs));
    for (const [tensor, numbers] of inputs) if (read.has(tensor)) plan.write(tensor, numbers);
    await plan.run();
    const outputs: ArrayLike<number>[] = [];
    for (const tensor of graph.outputs) outputs.push(await plan.read(tensor));
    return outputs;
  } finally {
    plan.close();
  }
}

/** The name of the first node whose result on the GPU differs from its float64 reference; undefined if there is none. */
export async function firstWrongNode(gpu: Gpu, run: ExpectedRun): Promise<string | undefined> {
  const { graph, inputs, weights } = run;
  const plan = await createPlan(gpu, graph, { weights, unfused: true, separate: { guard: 0 } });
  try {
    const known = new Map<Tensor, Float64Array>();
    const constants = new Set(graph.nodes.flatMap((node) => node.inputs));
    for (const tensor of constants) {
      if (!tensor) continue;
      const given = inputs.get(tensor);
      if (given) {
        plan.write(tensor, given);
        known.set(tensor, Float64Array.from(given));
      } else if (tensor.kind === 'constant' && !tensor.data)
        known.set(tensor, Float64Array.from(await weights(tensor.name, tensor.shape)));
    }
    await plan.run();
    const truth = evaluateReference(graph, known);
    for (const node of graph.nodes)
      for (const tensor of node.outputs)
        if (!(normalisedError(await plan.read(tensor), truth.get(tensor)!) <= LARGEST_ERROR)) return nameOf(node);
    return undefined;
  } finally {
    plan.close();
  }
}
