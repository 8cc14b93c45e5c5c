/**
 * Runs the cases of an operation's table on the GPU and compares the results with the float64 reference. Three more mistakes are noticed:
 * - values that a kernel does not write: all outputs are filled with NaN before;
 * - values that it writes after the end of a tensor: the bytes there are filled with a pattern before and compared afterwards;
 * - padding that is not zero.
 */

import { ALIGNMENT, readRanges, upload } from '../gpu/buffers.js';
import type { Gpu } from '../gpu/device.js';
import { createGraph, createTensor, type Graph, updatesOf } from '../graph/ir/graph.js';
import type { Case, CaseInput, Operation } from '../graph/ir/operation.js';
import {
  byteSize,
  channelCount,
  decodePhysical,
  decodeTensor,
  elementCount,
  encodeTensor,
  type Kind,
  laneChannels,
  type Tensor,
} from '../graph/ir/tensor.js';
import { traitsOf } from '../graph/plan/lower.js';
import { createPlan } from '../graph/plan/plan.js';
import type { Plan } from '../graph/plan/types.js';
import { all } from '../ops/generated/cases.js';
import { all as operations } from '../ops/generated/forward.js';
import { normal, seededRandom } from '../random.js';
import { evaluateReference, normalisedError } from './reference.js';

export { normalisedError };

export interface CheckResult {
  readonly label: string;
  readonly nmse: number;
  readonly bound: number;
  /** Why the case failed; undefined if it passed. */
  readonly failure?: string;
}

/** A case bound to its operation, variant and element type. */
export interface Check {
  readonly label: string;
  readonly operation: Operation;
  readonly case: Case;
  readonly index: number;
  readonly type: 'f32' | 'f16';
  readonly variant: string | undefined;
}

/** Bytes after each tensor that must stay unchanged. */
const GUARD = 256;
/** The largest normalised mean square error of a kernel, by element type. */
const BOUNDS = { f32: 1e-11, f16: 1e-6 } as const;

/** The largest normalised mean square error that a case may have, in one of its operation's variants if these differ. */
export function boundOf(one: Case, tensors: readonly (Tensor | undefined)[], ofVariant = 0): number {
  if (one.exact) return 0;
  return Math.max(one.bound ?? BOUNDS[tensors.some((tensor) => tensor?.type === 'f16') ? 'f16' : 'f32'], ofVariant);
}

/** What a variant is allowed beyond the bound of all kernels. */
export const variantBound = (operation: Operation, variant: string | undefined): number | undefined =>
  operation.variantBounds?.[variant ?? ''];

/** All checks that this adapter can run: each case in each variant, in f32 and, if the adapter has it, in f16. */
export function listChecks(gpu: Gpu, options: { full?: boolean; operation?: string; index?: number } = {}): Check[] {
  const traits = traitsOf(gpu);
  const checks: Check[] = [];
  for (const [key, cases] of Object.entries(all) as unknown as [string, Case[]][]) {
    const operation = (operations as unknown as Record<string, Operation>)[key];
    if (options.operation && options.operation !== operation.name) continue;
    cases.forEach((one, index) => {
      if (options.index !== undefined ? options.index !== index : one.full && !options.full) return;
      for (const type of traits.f16 ? (['f32', 'f16'] as const) : (['f32'] as const)) {
        const { node } = buildCase(operation, one, type);
        const tensors = [...node.inputs, ...node.outputs];
        const halves = tensors.some((tensor) => tensor?.type === 'f16');
        if (type === 'f16' ? !halves : halves && !traits.f16) continue; // a case without f16 tensors would run twice in the same way
        for (const variant of operation.variants?.(node, traits) ?? [undefined]) {
          const shapes = node.inputs.map((tensor) => tensor?.shape.join('×') ?? '–').join(', ');
          const label = `${operation.name} #${index} ${type}${variant ? ` ${variant}` : ''} (${shapes})`;
          checks.push({ label, operation, case: one, index, type, variant });
        }
      }
    });
  }
  return checks;
}

/**
 * Makes a graph of one node.
 * @param dense the kind of its dense inputs. With `constant`, weights are packed when the plan is made.
 */
export function buildCase(operation: Operation, one: Case, type: 'f32' | 'f16', dense: Kind = 'state') {
  const g = createGraph({ type });
  const inputs = one.inputs.map((input, index) => {
    if (!input) return undefined;
    const kind = input.kind ?? (index === 0 || layoutOf(input, index) === 'nhwc4' ? 'input' : dense);
    return createTensor(`input ${index}`, kind, specOf(input, index, type));
  });
  const outputs = g.applyAll(operation, inputs, one.attributes);
  const graph: Graph = g.finish(outputs);
  return { graph, inputs, node: graph.nodes[0] };
}

function layoutOf(input: CaseInput, index: number) {
  return input.layout ?? (index === 0 ? 'nhwc4' : 'dense');
}

function specOf(input: CaseInput, index: number, type: 'f32' | 'f16') {
  const layout = layoutOf(input, index);
  const { shape, segments } = input;
  return { shape, layout, type: input.type ?? (layout === 'nhwc4' ? type : 'f32'), ...(segments ? { segments } : {}) };
}

/** Seeded random values of an input, rounded to its element type. */
export function caseValues(input: CaseInput, tensor: Tensor, seed: number): Float64Array {
  const random = seededRandom(seed);
  const fill = input.fill ?? 'normal';
  const values = Float64Array.from({ length: elementCount(tensor) }, (_, index) => {
    if (typeof fill === 'function') return fill(index);
    if (fill === 'uniform') return random();
    const value = normal(random);
    return fill === 'positive' ? Math.abs(value) + 0.1 : value;
  });
  return Float64Array.from(
    decodeTensor(
      { ...tensor, layout: 'dense' },
      encodeTensor({ ...tensor, layout: 'dense' }, values).buffer as ArrayBuffer,
    ),
  );
}

/**
 * Runs checks in order, a few at the same time: while the GPU runs one, the pipelines of the next are compiled and its reference is computed.
 * @returns a promise for each check. A rejection of one that is not awaited is ignored.
 */
export function runChecks(gpu: Gpu, checks: readonly Check[], atOnce = 4): Promise<CheckResult>[] {
  const results: Promise<CheckResult>[] = [];
  for (const [index, check] of checks.entries()) {
    const before = results[index - atOnce] ?? Promise.resolve();
    const start = () => runCheck(gpu, check);
    const result = before.then(start, start);
    result.catch(() => {});
    results.push(result);
  }
  return results;
}

/** Runs one check. GPU errors are thrown, whereas a wrong result is returned as `failure`. */
export async function runCheck(gpu: Gpu, check: Check): Promise<CheckResult> {
  const { operation, label } = check;
  const { graph, inputs } = buildCase(operation, check.case, check.type);
  const values = new Map<Tensor, Float64Array>();
  inputs.forEach((tensor, index) => {
    if (tensor) values.set(tensor, caseValues(check.case.inputs[index]!, tensor, 1000 + index));
  });
  const choose = (node: { operation: Operation }, variants: readonly string[]) =>
    node.operation === operation && check.variant ? check.variant : variants[0];
  const plan = await createPlan(gpu, graph, { unfused: true, choose, separate: { guard: GUARD } });
  try {
    const tensors = boundTensors(plan);
    const buffers = tensors.map((tensor) => plan.locate(tensor).buffer);
    for (const buffer of buffers) poison(gpu, buffer);
    for (const [tensor, content] of values) plan.write(tensor, content);
    await plan.run();
    const reading = readRanges(
      gpu,
      buffers.map((buffer) => ({ buffer, offset: 0, size: buffer.size })),
    );
    reading.catch(() => {}); // it is awaited below, unless the reference throws first
    const truth = evaluateReference(graph, values);
    const bytes = await reading;
    const bound = boundOf(check.case, [...inputs, ...graph.outputs], variantBound(operation, check.variant));
    const results = new Set([...graph.outputs, ...graph.nodes.flatMap(updatesOf)]);
    let worst = 0;
    let failure: string | undefined;
    for (const [index, tensor] of tensors.entries()) {
      if (!isWhole(bytes[index], byteSize(tensor))) failure ??= `wrote past the end of ${tensor.name}`;
      if (!results.has(tensor)) continue;
      failure ??= dirtyPadding(tensor, bytes[index]);
      const error = normalisedError(decodeTensor(tensor, bytes[index]), truth.get(tensor)!);
      worst = Math.max(worst, error);
      if (!(error <= bound)) failure ??= `${tensor.name}: NMSE ${error.toExponential(2)} over ${bound}`;
    }
    return { label, nmse: worst, bound, ...(failure ? { failure } : {}) };
  } finally {
    plan.close();
  }
}

/** All tensors that dispatches may write. */
function boundTensors(plan: Plan): Tensor[] {
  const bound = plan.steps.flatMap((step) => step.bindings.flatMap(({ tensor }) => tensor ?? []));
  return [...new Set([...bound, ...plan.graph.outputs])].filter(({ kind }) => kind !== 'constant');
}

// A number whose bits are all ones is a NaN in f32 and f16, and as a u32 neither a label nor part of a box.
let poisonous = new Uint8Array();

function poison(gpu: Gpu, buffer: GPUBuffer): void {
  if (poisonous.length < buffer.size) poisonous = new Uint8Array(buffer.size).fill(0xff);
  upload(gpu, buffer, poisonous.subarray(0, buffer.size));
}

/** Whether the bytes behind a tensor are untouched. */
function isWhole(bytes: ArrayBuffer, size: number): boolean {
  return new Uint8Array(bytes, Math.ceil(size / ALIGNMENT) * ALIGNMENT).every((byte) => byte === 0xff);
}

function dirtyPadding(tensor: Tensor, bytes: ArrayBuffer): string | undefined {
  if (tensor.layout === 'dense') return undefined;
  const lanes = laneChannels(tensor);
  const physical = decodePhysical(tensor, bytes);
  const dirty = physical.findIndex((value, index) => lanes[index % lanes.length] < 0 && value !== 0);
  if (dirty < 0) return undefined;
  return `padding lane ${dirty % lanes.length} of ${tensor.name} (${channelCount(tensor)} channels) is ${physical[dirty]}, not 0`;
}
