/** Times operations one by one: each case marked `bench`, in each variant and element type that the adapter can run. */
import type { Gpu } from '../src/gpu/device.js';
import { byteSize, type Tensor } from '../src/graph/ir/tensor.js';
import type { Step } from '../src/graph/plan/lower.js';
import { createPlan } from '../src/graph/plan/plan.js';
import type { DispatchTime, Plan } from '../src/graph/plan/types.js';
import {
  boundOf,
  buildCase,
  type Check,
  caseValues,
  listChecks,
  normalisedError,
  variantBound,
} from '../src/verify/check.js';
import { evaluateReference } from '../src/verify/reference.js';
import { type MeasureOptions, measure } from './measure.js';
import { type Row, rates, type Work } from './results.js';
import type { Roofs } from './roofs.js';

/** The checks to time, by operation. `wanted` is called with the label, type and variant of a row in one line. */
export function listBenchmarks(gpu: Gpu, wanted: (line: string) => boolean): Map<string, Check[]> {
  const suites = new Map<string, Check[]>();
  for (const check of listChecks(gpu, { full: true })) {
    if (!check.case.bench || !wanted(lineOf(check))) continue;
    const name = check.operation.name;
    suites.set(name, [...(suites.get(name) ?? []), check]);
  }
  return suites;
}

const labelOf = ({ operation, index, label }: Check) =>
  `${operation.name} #${index} ${/\(.*\)$/.exec(label)?.[0] ?? ''}`;
const variantOf = (check: Check) => check.variant ?? 'default';
const lineOf = (check: Check) => `${labelOf(check)} ${check.type} ${variantOf(check)}`;

/** Compares the cases of one operation with float64, and times those that are right. */
export async function benchOperation(
  open: () => Promise<Gpu>,
  checks: readonly Check[],
  roofs: Roofs | undefined,
  options: MeasureOptions,
): Promise<Row[]> {
  const gpu = await open();
  const truths = new Map<string, Float64Array[]>();
  const prepared: (Prepared | Error)[] = [];
  for (const check of checks) prepared.push(await prepare(gpu, check, truths).catch((error: Error) => error));
  const sound = prepared.filter((one): one is Prepared => !(one instanceof Error));
  try {
    const workloads = sound.map(({ check, plan }) => {
      return { label: lineOf(check), enqueue: (repeat: number) => plan.run({ repeat }) };
    });
    const timings = await measure(gpu, workloads, options);
    const rows: Row[] = [];
    for (const [index, check] of checks.entries()) {
      const one = prepared[index];
      const start = {
        suite: 'operations' as const,
        engine: 'raybox',
        label: labelOf(check),
        type: check.type,
        variant: variantOf(check),
      };
      const timing = one instanceof Error ? one : timings[sound.indexOf(one)];
      if (one instanceof Error || timing instanceof Error) {
        rows.push({ ...start, failure: (timing as Error).message });
        continue;
      }
      const gpuMs = (await profileOf(one.plan))?.gpuMs;
      const work = workOf(one.plan.steps);
      rows.push({ ...start, ...timing, ...rates(work, timing, check.type, roofs), gpuMs, dispatches: work.length });
    }
    return rows;
  } finally {
    for (const { plan } of sound) plan.close();
    gpu.close();
  }
}

interface Prepared {
  readonly check: Check;
  readonly plan: Plan;
}

/** Makes a plan and checks its result. The reference only depends on the case and its element type, so variants share it. */
async function prepare(gpu: Gpu, check: Check, truths: Map<string, Float64Array[]>): Promise<Prepared> {
  const { operation, case: one, type, variant } = check;
  const { graph, inputs } = buildCase(operation, one, type, 'constant');
  const values = new Map<Tensor, Float64Array>();
  for (const [index, tensor] of inputs.entries())
    if (tensor) values.set(tensor, caseValues(one.inputs[index]!, tensor, 1000 + index));
  const byName = new Map([...values].map(([tensor, content]) => [tensor.name, content]));
  const plan = await createPlan(gpu, graph, {
    unfused: true,
    choose: (node, variants) => (node.operation === operation && variant ? variant : variants[0]),
    weights: (wanted) => byName.get(wanted)!,
  });
  try {
    for (const [tensor, content] of values) if (tensor.kind !== 'constant') plan.write(tensor, content);
    await plan.run();
    const key = `${check.index} ${type}`;
    let truth = truths.get(key);
    if (!truth) {
      const known = evaluateReference(graph, values);
      truth = graph.outputs.map((tensor) => known.get(tensor)!);
      truths.set(key, truth);
    }
    const bound = boundOf(one, [...inputs, ...graph.outputs], variantBound(operation, variant));
    for (const [index, tensor] of graph.outputs.entries()) {
      const error = normalisedError(await plan.read(tensor), truth[index]);
      if (!(error <= bound)) throw new Error(`wrong result: NMSE ${error.toExponential(2)}, at most ${bound} allowed`);
    }
    return { check, plan };
  } catch (error) {
    plan.close();
    throw error;
  }
}

/** FLOPs and bytes of each dispatch. */
export function workOf(steps: readonly Step[]): Work[] {
  return steps.map(({ flops, bindings }) => ({
    flops,
    bytes: bindings.reduce((sum, { tensor, size }) => sum + (size ?? (tensor ? byteSize(tensor) : 0)), 0),
  }));
}

/** The run with the median of the milliseconds by the GPU's clock; undefined if it has none. */
export async function profileOf(plan: Plan, runs = 5): Promise<{ gpuMs: number; times: DispatchTime[] } | undefined> {
  const all: { gpuMs: number; times: DispatchTime[] }[] = [];
  for (let i = 0; i < runs; i++) {
    const times = await plan.profile();
    if (!times) return undefined;
    all.push({ gpuMs: times.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0) / 1e6, times });
  }
  return all.sort((a, b) => a.gpuMs - b.gpuMs)[runs >> 1];
}
