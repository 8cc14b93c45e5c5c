/**
 * How the kernels of `ops/general` read tensors of any rank. The place of an element in memory is the sum, over all dimensions, of its
 * coordinate times a step. That is so for dense tensors, and also for nhwc4 tensors without holes, whose last dimension is only longer in
 * memory than the number of channels. A kernel walks over the elements of one tensor, and a table tells it where the corresponding elements
 * of the others lie.
 */
import { InputError } from '../../errors.js';
import type { Constants, Kernel } from '../../gpu/wgsl.js';
import { createTensor } from '../../graph/ir/graph.js';
import { type Lowering, spread, type View } from '../../graph/ir/operation.js';
import { describeForm, groupCount, product, segmentsOf, type Tensor, type TensorSpec } from '../../graph/ir/tensor.js';

/** A tensor that is read or written in a walk. */
export interface Walked {
  readonly tensor: Tensor;
  /** For each dimension of the walk, the dimension of the tensor that belongs to it; undefined if the tensor has one value for all of it. */
  readonly along: readonly (number | undefined)[];
  /** Another shape of the same numbers, to be used instead of the tensor's own. Only for dense tensors. */
  readonly as?: readonly number[];
}

/** For the tensor whose elements are walked over: every dimension belongs to itself. */
export const allOf = (tensor: Tensor): Walked => ({ tensor, along: tensor.shape.map((_, dimension) => dimension) });

/** The step of each dimension: the distance in memory, in numbers, between neighbours along it. */
function stepsOf(tensor: TensorSpec, pitch: number): number[] {
  const steps = new Array<number>(tensor.shape.length).fill(1);
  for (let d = tensor.shape.length - 2; d >= 0; d--) {
    const inner = d === tensor.shape.length - 2 && tensor.layout === 'nhwc4' ? 4 * pitch : tensor.shape[d + 1];
    steps[d] = steps[d + 1] * inner;
  }
  return steps;
}

/** The sizes in memory. For nhwc4 the last one includes padding. */
export const paddedShape = (tensor: TensorSpec): number[] =>
  tensor.layout === 'dense' ? [...tensor.shape] : [...tensor.shape.slice(0, -1), 4 * groupCount(tensor)];

export interface WalkDispatch {
  readonly kernel: Kernel;
  readonly constants?: Constants;
  readonly inputs: Readonly<Record<string, Walked>>;
  /** Buffers that are bound whole, between the table and the output. */
  readonly whole?: readonly Tensor[];
  readonly params?: Readonly<Record<string, number>>;
  /** Threads for each element. */
  readonly threads?: number;
}

/**
 * Dispatches a kernel over the elements of y in memory. Its bindings are the inputs, `walk`, `whole`, y. Its params are `count` (elements
 * of y), `rank`, an offset for each input N (`N_offset`) and for y, `lanes` and `channels` (the last dimension of y, in memory and without
 * padding), and the given ones. Its prelude has TENSORS (inputs and y), `elem` (of y) and `N_elem`.
 */
export function dispatchWalk(context: Lowering, y: Tensor, dispatch: WalkDispatch): void {
  const { kernel, constants, inputs, whole = [], params, threads = 1 } = dispatch;
  const named = Object.entries(inputs);
  const views = named.map(([, { tensor }]) => context.read(tensor));
  const output = context.write(y);
  const sizes = paddedShape(y);
  const walked = [...named.map(([, one]) => one), allOf(y)];
  const steps = walked.map(({ tensor, along, as = tensor.shape }, at) => {
    const own = stepsOf({ ...tensor, shape: as }, [...views, output][at].pitch);
    return along.map((dimension) => (dimension === undefined ? 0 : own[dimension]));
  });
  const table = walkTable(sizes, steps);
  const count = product(sizes);
  const offsets = named.map(([name, { tensor }], at) => [`${name}_offset`, offsetOf(tensor, views[at])]);
  context.dispatch({
    kernel,
    constants: {
      elem: y.type,
      TENSORS: walked.length,
      ...Object.fromEntries(named.map(([name, { tensor }]) => [`${name}_elem`, tensor.type])),
      ...constants,
    },
    bindings: [...views, context.read(table), ...whole.map((tensor) => context.read(tensor)), output],
    params: {
      count,
      rank: table.shape[0],
      ...Object.fromEntries(offsets),
      y_offset: offsetOf(y, output),
      lanes: sizes.at(-1) ?? 1,
      channels: y.shape.at(-1) ?? 1,
      ...params,
    },
    workgroups: spread(Math.ceil((count * threads) / 64)),
  });
}

/** The place where a tensor begins, in numbers. */
export const offsetOf = (tensor: Tensor, view: View) => (tensor.layout === 'nhwc4' ? 4 * view.offset : view.offset);

/** The step along a dimension, in numbers, of a tensor as it lies in a view. */
export const stepOf = (tensor: Tensor, view: View, dimension: number) => stepsOf(tensor, view.pitch)[dimension];

const tables = new Map<string, Tensor>();

/**
 * The table of a walk, with a row [size, step in each tensor] for each dimension. Neighbouring dimensions that all tensors store without
 * gaps are first merged into one.
 */
export function walkTable(sizes: readonly number[], steps: readonly (readonly number[])[]): Tensor {
  const rows: number[][] = [];
  for (const [d, size] of sizes.entries()) {
    if (size === 1) continue;
    const own = steps.map((one) => one[d]);
    const outer = rows.at(-1);
    if (outer && own.every((step, t) => outer[t + 1] === step * size))
      rows[rows.length - 1] = [outer[0] * size, ...own];
    else rows.push([size, ...own]);
  }
  if (rows.length === 0) rows.push([1, ...steps.map(() => 0)]);
  const values = Uint32Array.from(rows.flat());
  const key = `${rows.length}: ${values.join()}`;
  let table = tables.get(key);
  if (!table) {
    const spec = { shape: [rows.length, steps.length + 1], layout: 'dense', type: 'u32' } as const;
    table = createTensor(`walk of ${key}`, 'constant', spec, values);
    tables.set(key, table);
  }
  return table;
}

/** @throws InputError if a tensor cannot be walked over. */
export function checkWalked(what: string, tensor: Tensor): void {
  if (tensor.type !== 'u32' && segmentsOf(tensor).length === 1) return;
  throw new InputError(what, {
    expected: 'f32 or f16, channels without holes',
    given: describeForm(tensor),
    hint: 'compact it first',
  });
}

/** The common shape of two tensors after broadcasting, as in NumPy: aligned at the last dimension, with dimensions of size 1 repeated. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, d) => {
    const [one, other] = [a[d + a.length - rank] ?? 1, b[d + b.length - rank] ?? 1];
    if (one === other || other === 1) return one;
    if (one === 1) return other;
    throw new InputError('shapes do not fit', {
      expected: 'sizes that are equal, or 1, counted from the last dimension',
      given: `[${a.join(', ')}] and [${b.join(', ')}]`,
    });
  });
}

/** Describes a tensor in a walk of at least its rank to which it is repeated. */
export function broadcastTo(tensor: Tensor, rank: number): Walked {
  const before = rank - tensor.shape.length;
  const along = Array.from({ length: rank }, (_, d) =>
    d < before || tensor.shape[d - before] === 1 ? undefined : d - before,
  );
  return { tensor, along };
}

/** For references: for each element of `shape`, in order, the flat index in a tensor's dense values. */
export function walkIndices(shape: readonly number[], { tensor, along }: Walked): Int32Array {
  const steps = stepsOf({ ...tensor, layout: 'dense' }, 0);
  const own = along.map((dimension) => (dimension === undefined ? 0 : steps[dimension]));
  const found = new Int32Array(product(shape));
  const at = new Array<number>(shape.length).fill(0);
  let place = 0;
  for (let i = 0; i < found.length; i++) {
    found[i] = place;
    for (let d = shape.length - 1; d >= 0; d--) {
      place += own[d];
      if (++at[d] < shape[d]) break;
      place -= own[d] * shape[d];
      at[d] = 0;
    }
  }
  return found;
}
