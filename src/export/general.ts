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
import { padsOf, type Row } from './layers.js';
import { type Sheet, storedAxis, storedOrder } from './sheet.js';

const first = (node: Node): Tensor => node.outputs[0];
const attributesOf = <A>(node: Node) => node.attributes as A;
const isMap = ({ layout, shape }: Tensor) => layout === 'nhwc4' && shape.length > 2;

/** A function of values whose dimensions are repeated as in NumPy, in the stored order where all values have the same one. */
const elementwise =
  (write: (sheet: Sheet, values: readonly string[], node: Node) => string): Row =>
  (sheet, node) => {
    const inputs = node.inputs as Tensor[];
    const y = first(node);
    if (inputs.every((x) => isMap(x) && x.shape.length === y.shape.length))
      return sheet.store(y, write(sheet, inputs.map(sheet.stored), node));
    return sheet.storeLogical(y, write(sheet, inputs.map(sheet.logical), node));
  };

const BINARY: Readonly<Record<Exclude<BinaryAttributes['kind'], 'prelu' | 'mod' | 'fmod'>, string>> = {
  ...{ add: 'Add', sub: 'Sub', mul: 'Mul', div: 'Div', pow: 'Pow', min: 'Min', max: 'Max' },
};

function binary(sheet: Sheet, [a, b]: readonly string[], node: Node): string {
  const { kind } = attributesOf<BinaryAttributes>(node);
  const zero = sheet.real(0);
  if (kind === 'prelu') return sheet.add('Where', [sheet.add('Greater', [a, zero]), a, sheet.add('Mul', [a, b])]);
  if (kind !== 'mod' && kind !== 'fmod') return sheet.add(BINARY[kind], [a, b]);
  const rest = sheet.add('Mod', [a, b], { fmod: 1 });
  if (kind === 'fmod') return rest;
  // What remains has the sign of a; one more divisor brings it to the side of b.
  const [isBelow, isDivisorBelow] = [rest, b].map((value) => sheet.add('Less', [value, zero]));
  const isSome = sheet.add('Not', [sheet.add('Equal', [rest, zero])]);
  const isOther = sheet.add('And', [isSome, sheet.add('Xor', [isBelow, isDivisorBelow])]);
  return sheet.add('Where', [isOther, sheet.add('Add', [rest, b]), rest]);
}

const COMPARISONS: Readonly<Record<CompareAttributes['kind'], string>> = {
  ...{ equal: 'Equal', less: 'Less', less_or_equal: 'LessOrEqual', greater: 'Greater' },
  ...{ greater_or_equal: 'GreaterOrEqual', and: 'And', or: 'Or', xor: 'Xor' },
};

function compare(sheet: Sheet, values: readonly string[], node: Node): string {
  const { kind } = attributesOf<CompareAttributes>(node);
  const isLogic = kind === 'and' || kind === 'or' || kind === 'xor';
  const inputs = isLogic ? values.map((value) => truth(sheet, value)) : values;
  return asReal(sheet, sheet.add(COMPARISONS[kind], inputs));
}

const REDUCTIONS: Readonly<Record<ReduceAttributes['kind'], string>> = {
  ...{ sum: 'ReduceSum', mean: 'ReduceMean', max: 'ReduceMax', min: 'ReduceMin', prod: 'ReduceProd', l1: 'ReduceL1' },
  ...{ l2: 'ReduceL2', log_sum: 'ReduceLogSum', log_sum_exp: 'ReduceLogSumExp', sum_square: 'ReduceSumSquare' },
};

const reduce: Row = (sheet, node) => {
  const [x] = node.inputs as [Tensor];
  const { kind, axes, keepDims } = attributesOf<ReduceAttributes>(node);
  const over = (value: string, dimensions: readonly number[], keepdims: number) =>
    // In this version of ONNX a sum has its axes as an input, and the others have them as an attribute.
    kind === 'sum'
      ? sheet.add(REDUCTIONS[kind], [value, sheet.whole(dimensions)], { keepdims })
      : sheet.add(REDUCTIONS[kind], [value], { axes: dimensions, keepdims });
  // No axes would mean all of them to ONNX. Here each number is merged with nothing: along a dimension of 1 that is added for it.
  if (axes.length === 0) {
    const column = sheet.add('Unsqueeze', [sheet.stored(x), sheet.whole([x.shape.length])]);
    return sheet.store(first(node), over(column, [x.shape.length], 0));
  }
  const isStored = isMap(x) && keepDims;
  if (isStored) {
    const own = axes.map((axis) => storedAxis(x, axis));
    return sheet.store(first(node), over(sheet.stored(x), own, 1));
  }
  return sheet.storeLogical(first(node), over(sheet.logical(x), axes, keepDims ? 1 : 0));
};

const argExtreme: Row = (sheet, node) => {
  const { kind, axis, keepDims, last } = attributesOf<ArgExtremeAttributes>(node);
  const places = sheet.add(kind === 'max' ? 'ArgMax' : 'ArgMin', [sheet.logical(node.inputs[0]!)], {
    ...{ axis, keepdims: keepDims ? 1 : 0, select_last_index: last ? 1 : 0 },
  });
  sheet.storeLogical(first(node), asReal(sheet, places));
};

const matmul: Row = (sheet, node) => {
  const { transposeA, transposeB } = attributesOf<MatmulAttributes>(node);
  const inputs = (node.inputs as Tensor[]).map((tensor, i) => {
    const order = tensor.shape.map((_, d) => d);
    const [row, column] = order.splice(-2);
    const isTurned = i === 0 ? transposeA : transposeB;
    return sheet.transposed(sheet.logical(tensor), [...order, ...(isTurned ? [column, row] : [row, column])]);
  });
  sheet.storeLogical(first(node), sheet.add('MatMul', inputs));
};

const permute: Row = (sheet, node) => {
  const [x] = node.inputs as [Tensor];
  const y = first(node);
  const { order } = attributesOf<PermuteAttributes>(node);
  const from = storedOrder(x);
  sheet.store(
    y,
    sheet.transposed(
      sheet.stored(x),
      storedOrder(y).map((d) => from.indexOf(order[d])),
    ),
  );
};

/** Gather where each place takes one number or none, else a product with the matrix of weights. */
const take: Row = (sheet, node) => {
  const [x] = node.inputs as [Tensor];
  const y = first(node);
  const { axis, sources, weights, value = 0 } = attributesOf<TakeAttributes>(node);
  const rank = x.shape.length;
  const along = storedAxis(x, axis);
  const isGather = !weights && sources.every((places) => places.length <= 1);
  const taken = isGather
    ? sheet.add('Gather', [sheet.stored(x), sheet.whole(sources.map(([place = 0]) => place))], { axis: along })
    : multiplied(sheet, x, along, sources, weights);
  if (sources.every((places) => places.length > 0)) return sheet.store(y, taken);
  const shape = Array.from({ length: rank }, (_, d) => (d === along ? sources.length : 1));
  const isEmpty = sheet.reals(
    shape,
    sources.map((places) => (places.length === 0 ? 1 : 0)),
  );
  return sheet.store(y, sheet.add('Where', [truth(sheet, isEmpty), sheet.real(value), taken]));
};

/** Weighted sums along a dimension: it is made the last one, and multiplied by a matrix [from, to]. */
function multiplied(
  sheet: Sheet,
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
  const last = sheet.transposed(sheet.stored(x), [...order, along]);
  const product = sheet.add('MatMul', [last, sheet.reals([size, sources.length], matrix)]);
  const back = [...order, along];
  return sheet.transposed(
    product,
    back.map((_, d) => back.indexOf(d)),
  );
}

const expand: Row = (sheet, node) => {
  const { shape } = attributesOf<{ shape: readonly number[] }>(node);
  sheet.storeLogical(first(node), sheet.add('Expand', [sheet.logical(node.inputs[0]!), sheet.whole(shape)]));
};

const convTranspose: Row = (sheet, node) => {
  const [x, weight] = node.inputs as [Tensor, Tensor];
  const { stride, dilation, padding, outputPadding, groups } = attributesOf<ConvTranspose2dAttributes>(node);
  sheet.store(
    first(node),
    sheet.add('ConvTranspose', [sheet.stored(x), sheet.stored(weight)], {
      ...{ kernel_shape: weight.shape.slice(2), strides: stride, dilations: dilation, pads: padsOf(padding) },
      ...{ output_padding: outputPadding, group: groups },
    }),
  );
};

/** The k-th largest of each row is the border: what is above it has the share 1/k, and what is equal to it shares the rest. */
const topShares: Row = (sheet, node) => {
  const { k } = attributesOf<TopSharesAttributes>(node);
  const x = sheet.logical(node.inputs[0]!);
  const largest = sheet.add('TopK', [x, sheet.whole([k])], { axis: -1, largest: 1, sorted: 1 }, 2);
  const border = sheet.add('Gather', [largest, sheet.whole([k - 1])], { axis: -1 });
  const above = asReal(sheet, sheet.add('Greater', [x, border]));
  const equal = asReal(sheet, sheet.add('Equal', [x, border]));
  const count = (value: string) => sheet.add('ReduceSum', [value, sheet.whole([-1])], { keepdims: 1 });
  const each = sheet.add('Div', [sheet.add('Sub', [sheet.real(k), count(above)]), count(equal)]);
  const shares = sheet.add('Add', [above, sheet.add('Mul', [equal, each])]);
  sheet.storeLogical(first(node), sheet.add('Div', [shares, sheet.real(k)]));
};

export const generalRows: Readonly<Record<string, Row>> = {
  arg_extreme: argExtreme,
  binary: elementwise(binary),
  compare: elementwise(compare),
  conv_transpose2d: convTranspose,
  expand,
  join: (sheet, node) => {
    const parts = node.inputs as Tensor[];
    const { axis } = attributesOf<{ axis: number }>(node);
    sheet.store(first(node), sheet.add('Concat', parts.map(sheet.stored), { axis: storedAxis(parts[0], axis) }));
  },
  matmul,
  permute,
  reduce,
  reshape: (sheet, node) => {
    const { shape } = attributesOf<{ shape: readonly number[] }>(node);
    sheet.storeLogical(first(node), sheet.add('Reshape', [sheet.logical(node.inputs[0]!), sheet.whole(shape)]));
  },
  take,
  top_shares: topShares,
  unary: (sheet, node) => {
    const { function: spec } = attributesOf<{ function: UnaryFunction }>(node);
    sheet.store(first(node), applied(sheet, sheet.stored(node.inputs[0]!), spec));
  },
  where: elementwise((sheet, [condition, a, b]) => sheet.add('Where', [truth(sheet, condition), a, b])),
};
