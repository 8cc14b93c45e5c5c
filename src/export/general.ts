/** The operations of `ops/general`, on tensors of any rank, in ONNX's operators. */
import type { Node } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import type { ArgExtremeAttributes } from '../ops/general/arg_extreme.js';
import type { BinaryAttributes } from '../ops/general/binary.js';
import type { CompareAttributes } from '../ops/general/compare.js';
import type { ConvTranspose2dAttributes } from '../ops/general/conv_transpose2d.js';
import type { UnaryFunction } from '../ops/general/functions.js';
import type { MatmulAttributes } from '../ops/general/matmul.js';
import type { PermuteAttributes } from '../ops/general/permute.js';
import type { ReduceAttributes } from '../ops/general/reduce.js';
import type { TakeAttributes } from '../ops/general/take.js';
import type { TopSharesAttributes } from '../ops/general/top_shares.js';
import { applied, asReal, truth } from './activations.js';
import { type OnnxBuilder, storedAxis, storedOrder } from './builder.js';
import { padsOf, type Row } from './layers.js';

const first = (node: Node): Tensor => node.outputs[0];
const attributesOf = <A>(node: Node) => node.attributes as A;
const isMap = ({ layout, shape }: Tensor) => layout === 'nhwc4' && shape.length > 2;

/** A function of values that are broadcast as in NumPy. If all have the same stored order, they need not be transposed. */
const elementwise =
  (write: (onnx: OnnxBuilder, values: readonly string[], node: Node) => string): Row =>
  (onnx, node) => {
    const inputs = node.inputs as Tensor[];
    const y = first(node);
    if (inputs.every((x) => isMap(x) && x.shape.length === y.shape.length))
      return onnx.store(y, write(onnx, inputs.map(onnx.stored), node));
    return onnx.storeLogical(y, write(onnx, inputs.map(onnx.logical), node));
  };

const BINARY: Readonly<Record<Exclude<BinaryAttributes['kind'], 'prelu' | 'mod' | 'fmod'>, string>> = {
  ...{ add: 'Add', sub: 'Sub', mul: 'Mul', div: 'Div', pow: 'Pow', min: 'Min', max: 'Max' },
};

function binary(onnx: OnnxBuilder, [a, b]: readonly string[], node: Node): string {
  const { kind } = attributesOf<BinaryAttributes>(node);
  const zero = onnx.real(0);
  if (kind === 'prelu') return onnx.add('Where', [onnx.add('Greater', [a, zero]), a, onnx.add('Mul', [a, b])]);
  if (kind !== 'mod' && kind !== 'fmod') return onnx.add(BINARY[kind], [a, b]);
  const rest = onnx.add('Mod', [a, b], { fmod: 1 });
  if (kind === 'fmod') return rest;
  // This remainder has the sign of a. If the signs of a and b differ, adding b gives the remainder with the sign of b.
  const [isBelow, isDivisorBelow] = [rest, b].map((value) => onnx.add('Less', [value, zero]));
  const isSome = onnx.add('Not', [onnx.add('Equal', [rest, zero])]);
  const isOther = onnx.add('And', [isSome, onnx.add('Xor', [isBelow, isDivisorBelow])]);
  return onnx.add('Where', [isOther, onnx.add('Add', [rest, b]), rest]);
}

const COMPARISONS: Readonly<Record<CompareAttributes['kind'], string>> = {
  ...{ equal: 'Equal', less: 'Less', less_or_equal: 'LessOrEqual', greater: 'Greater' },
  ...{ greater_or_equal: 'GreaterOrEqual', and: 'And', or: 'Or', xor: 'Xor' },
};

function compare(onnx: OnnxBuilder, values: readonly string[], node: Node): string {
  const { kind } = attributesOf<CompareAttributes>(node);
  const isLogic = kind === 'and' || kind === 'or' || kind === 'xor';
  const inputs = isLogic ? values.map((value) => truth(onnx, value)) : values;
  return asReal(onnx, onnx.add(COMPARISONS[kind], inputs));
}

const REDUCTIONS: Readonly<Record<ReduceAttributes['kind'], string>> = {
  ...{ sum: 'ReduceSum', mean: 'ReduceMean', max: 'ReduceMax', min: 'ReduceMin', prod: 'ReduceProd', l1: 'ReduceL1' },
  ...{ l2: 'ReduceL2', log_sum: 'ReduceLogSum', log_sum_exp: 'ReduceLogSumExp', sum_square: 'ReduceSumSquare' },
};

const reduce: Row = (onnx, node) => {
  const [x] = node.inputs as [Tensor];
  const { kind, axes, keepDims } = attributesOf<ReduceAttributes>(node);
  const over = (value: string, dimensions: readonly number[], keepdims: number) =>
    // In this version of ONNX a sum has its axes as an input, and the others have them as an attribute.
    kind === 'sum'
      ? onnx.add(REDUCTIONS[kind], [value, onnx.whole(dimensions)], { keepdims })
      : onnx.add(REDUCTIONS[kind], [value], { axes: dimensions, keepdims });
  // In raybox, a reduction over no axes reduces each number by itself. For ONNX, no axes mean all axes, so a dimension of size 1 is added and
  // reduced.
  if (axes.length === 0) {
    const column = onnx.add('Unsqueeze', [onnx.stored(x), onnx.whole([x.shape.length])]);
    return onnx.store(first(node), over(column, [x.shape.length], 0));
  }
  const isStored = isMap(x) && keepDims;
  if (isStored) {
    const own = axes.map((axis) => storedAxis(x, axis));
    return onnx.store(first(node), over(onnx.stored(x), own, 1));
  }
  return onnx.storeLogical(first(node), over(onnx.logical(x), axes, keepDims ? 1 : 0));
};

const argExtreme: Row = (onnx, node) => {
  const { kind, axis, keepDims, last } = attributesOf<ArgExtremeAttributes>(node);
  const places = onnx.add(kind === 'max' ? 'ArgMax' : 'ArgMin', [onnx.logical(node.inputs[0]!)], {
    ...{ axis, keepdims: keepDims ? 1 : 0, select_last_index: last ? 1 : 0 },
  });
  onnx.storeLogical(first(node), asReal(onnx, places));
};

const matmul: Row = (onnx, node) => {
  const { transposeA, transposeB } = attributesOf<MatmulAttributes>(node);
  const inputs = (node.inputs as Tensor[]).map((tensor, i) => {
    const order = tensor.shape.map((_, d) => d);
    const [row, column] = order.splice(-2);
    const isTurned = i === 0 ? transposeA : transposeB;
    return onnx.transposed(onnx.logical(tensor), [...order, ...(isTurned ? [column, row] : [row, column])]);
  });
  onnx.storeLogical(first(node), onnx.add('MatMul', inputs));
};

const permute: Row = (onnx, node) => {
  const [x] = node.inputs as [Tensor];
  const y = first(node);
  const { order } = attributesOf<PermuteAttributes>(node);
  const from = storedOrder(x);
  onnx.store(
    y,
    onnx.transposed(
      onnx.stored(x),
      storedOrder(y).map((d) => from.indexOf(order[d])),
    ),
  );
};

/** A Gather if each place takes at most one number, otherwise a product with the matrix of weights. */
const take: Row = (onnx, node) => {
  const [x] = node.inputs as [Tensor];
  const y = first(node);
  const { axis, sources, weights, value = 0 } = attributesOf<TakeAttributes>(node);
  const rank = x.shape.length;
  const along = storedAxis(x, axis);
  const isGather = !weights && sources.every((places) => places.length <= 1);
  const taken = isGather
    ? onnx.add('Gather', [onnx.stored(x), onnx.whole(sources.map(([place = 0]) => place))], { axis: along })
    : multiplied(onnx, x, along, sources, weights);
  if (sources.every((places) => places.length > 0)) return onnx.store(y, taken);
  const shape = Array.from({ length: rank }, (_, d) => (d === along ? sources.length : 1));
  const isEmpty = onnx.reals(
    shape,
    sources.map((places) => (places.length === 0 ? 1 : 0)),
  );
  return onnx.store(y, onnx.add('Where', [truth(onnx, isEmpty), onnx.real(value), taken]));
};

/** Weighted sums along a dimension: the dimension is moved to the end and multiplied by a matrix [from, to]. */
function multiplied(
  onnx: OnnxBuilder,
  x: Tensor,
  along: number,
  sources: TakeAttributes['sources'],
  weights: TakeAttributes['weights'],
): string {
  const size = x.shape[storedOrder(x)[along]];
  const matrix = new Float32Array(size * sources.length);
  for (const [o, places] of sources.entries())
    for (const [i, place] of places.entries()) matrix[place * sources.length + o] += weights?.[o][i] ?? 1;
  const order = x.shape.map((_, d) => d).filter((d) => d !== along);
  const last = onnx.transposed(onnx.stored(x), [...order, along]);
  const product = onnx.add('MatMul', [last, onnx.reals([size, sources.length], matrix)]);
  const back = [...order, along];
  return onnx.transposed(
    product,
    back.map((_, d) => back.indexOf(d)),
  );
}

const expand: Row = (onnx, node) => {
  const { shape } = attributesOf<{ shape: readonly number[] }>(node);
  onnx.storeLogical(first(node), onnx.add('Expand', [onnx.logical(node.inputs[0]!), onnx.whole(shape)]));
};

const convTranspose: Row = (onnx, node) => {
  const [x, weight] = node.inputs as [Tensor, Tensor];
  const { stride, dilation, padding, outputPadding, groups } = attributesOf<ConvTranspose2dAttributes>(node);
  onnx.store(
    first(node),
    onnx.add('ConvTranspose', [onnx.stored(x), onnx.stored(weight)], {
      ...{ kernel_shape: weight.shape.slice(2), strides: stride, dilations: dilation, pads: padsOf(padding) },
      ...{ output_padding: outputPadding, group: groups },
    }),
  );
};

/** The k-th largest of each row is the border: what is above it has the share 1/k, and what is equal to it shares the rest. */
const topShares: Row = (onnx, node) => {
  const { k } = attributesOf<TopSharesAttributes>(node);
  const x = onnx.logical(node.inputs[0]!);
  const largest = onnx.add('TopK', [x, onnx.whole([k])], { axis: -1, largest: 1, sorted: 1 }, 2);
  const border = onnx.add('Gather', [largest, onnx.whole([k - 1])], { axis: -1 });
  const above = asReal(onnx, onnx.add('Greater', [x, border]));
  const equal = asReal(onnx, onnx.add('Equal', [x, border]));
  const count = (value: string) => onnx.add('ReduceSum', [value, onnx.whole([-1])], { keepdims: 1 });
  const each = onnx.add('Div', [onnx.add('Sub', [onnx.real(k), count(above)]), count(equal)]);
  const shares = onnx.add('Add', [above, onnx.add('Mul', [equal, each])]);
  onnx.storeLogical(first(node), onnx.add('Div', [shares, onnx.real(k)]));
};

export const generalRows: Readonly<Record<string, Row>> = {
  arg_extreme: argExtreme,
  binary: elementwise(binary),
  compare: elementwise(compare),
  conv_transpose2d: convTranspose,
  expand,
  join: (onnx, node) => {
    const parts = node.inputs as Tensor[];
    const { axis } = attributesOf<{ axis: number }>(node);
    onnx.store(first(node), onnx.add('Concat', parts.map(onnx.stored), { axis: storedAxis(parts[0], axis) }));
  },
  matmul,
  permute,
  reduce,
  reshape: (onnx, node) => {
    const { shape } = attributesOf<{ shape: readonly number[] }>(node);
    onnx.storeLogical(first(node), onnx.add('Reshape', [onnx.logical(node.inputs[0]!), onnx.whole(shape)]));
  },
  take,
  top_shares: topShares,
  unary: (onnx, node) => {
    const { function: spec } = attributesOf<{ function: UnaryFunction }>(node);
    onnx.store(first(node), applied(onnx, onnx.stored(node.inputs[0]!), spec));
  },
  where: elementwise((onnx, [condition, a, b]) => onnx.add('Where', [truth(onnx, condition), a, b])),
};
