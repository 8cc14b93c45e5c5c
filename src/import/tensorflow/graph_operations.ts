/** Translates TensorFlow's operations to ONNX's operators. */
import { emit, inShape, integers, numbers } from './builder.js';
import { constant, input, list, type Operation, type OperationCall, refusal, same } from './graph_call.js';
import { batchNorm, biasAdd, convolution, matMul, pad, pool, relu6, resize } from './graph_layers.js';
import { float, integer, integerList, truth } from './graph_nodes.js';

/** Combines several values, two at a time. */
const chain =
  (operator: string): Operation =>
  (call) => {
    const { builder, step, node } = call;
    let sum = input(call, 0);
    node.inputs.slice(1).forEach((name, i, rest) => {
      sum = emit(builder, step, operator, [sum, name], {}, i === rest.length - 1 ? node.name : undefined);
    });
    if (node.inputs.length === 1) emit(builder, step, 'Identity', [sum], {}, node.name);
  };

/** A reduction whose axes are an input. */
const reduction =
  (operator: string): Operation =>
  (call) => {
    const { builder, step, node } = call;
    const axes = list(call, 1);
    const keepdims = truth(node, 'keep_dims') || truth(node, 'keepdims') ? 1 : 0;
    if (axes.length === 0) return void emit(builder, step, 'Identity', [input(call, 0)], {}, node.name);
    if (operator === 'ReduceSum') {
      const name = numbers(builder, step, 'axes', integers(...axes));
      return void emit(builder, step, operator, [input(call, 0), name], { keepdims }, node.name);
    }
    emit(builder, step, operator, [input(call, 0)], { axes, keepdims }, node.name);
  };

const concat: Operation = (call) => {
  const { builder, step, node } = call;
  const [axis] = list(call, node.inputs.length - 1);
  emit(builder, step, 'Concat', node.inputs.slice(0, -1), { axis }, node.name);
};

const squeeze: Operation = (call) => {
  const { builder, step, node } = call;
  const axes = integerList(node, 'squeeze_dims') ?? integerList(node, 'axis') ?? [];
  const inputs = [input(call, 0)];
  if (axes.length > 0) inputs.push(numbers(builder, step, 'axes', integers(...axes)));
  emit(builder, step, 'Squeeze', inputs, {}, node.name);
};

const expandDims: Operation = (call) => {
  const { builder, step, node } = call;
  const axes = numbers(builder, step, 'axes', integers(...list(call, 1)));
  emit(builder, step, 'Unsqueeze', [input(call, 0), axes], {}, node.name);
};

const transpose: Operation = (call) =>
  void emit(call.builder, call.step, 'Transpose', [input(call, 0)], { perm: list(call, 1) }, call.node.name);

/** Stacks values along a new dimension. */
const pack: Operation = (call) => {
  const { builder, step, node } = call;
  const axis = integer(node, 'axis') ?? 0;
  const axes = numbers(builder, step, 'axes', integers(axis));
  const parts = node.inputs.map((name) => emit(builder, step, 'Unsqueeze', [name, axes]));
  emit(builder, step, 'Concat', parts, { axis }, node.name);
};

const LARGE = 2 ** 31 - 1;

const stridedSlice: Operation = (call) => {
  const { builder, step, node } = call;
  const [begin, end, strides] = [1, 2, 3].map((index) => list(call, index));
  const mask = (name: string) => {
    const bits = integer(node, `${name}_mask`) ?? 0;
    return (axis: number) => ((bits >> axis) & 1) === 1;
  };
  if (integer(node, 'ellipsis_mask') || integer(node, 'new_axis_mask'))
    throw refusal(call, 'it skips or adds dimensions (ellipsis_mask, new_axis_mask)');
  if (end.length !== begin.length || strides.length !== begin.length)
    throw refusal(call, 'begin, end and strides differ in length');
  const [noBegin, noEnd, shrinks] = ['begin', 'end', 'shrink_axis'].map(mask);
  const starts = begin.map((at, i) => (noBegin(i) && !shrinks(i) ? (strides[i] > 0 ? 0 : LARGE) : at));
  const ends = end.map((at, i) => {
    if (shrinks(i)) return begin[i] === -1 ? LARGE : begin[i] + 1;
    return noEnd(i) ? (strides[i] > 0 ? LARGE : -LARGE) : at;
  });
  const steps = strides.map((stride, i) => (shrinks(i) ? 1 : stride));
  const axes = begin.map((_, i) => i);
  const shrunk = axes.filter(shrinks);
  const named = ([starts, ends, axes, steps] as const).map((own, i) =>
    numbers(builder, step, ['starts', 'ends', 'axes', 'steps'][i], integers(...own)),
  );
  const cut = emit(builder, step, 'Slice', [input(call, 0), ...named], {}, shrunk.length === 0 ? node.name : undefined);
  if (shrunk.length === 0) return;
  const dropped = numbers(builder, step, 'dropped', integers(...shrunk));
  emit(builder, step, 'Squeeze', [cut, dropped], {}, node.name);
};

const slice: Operation = (call) => {
  const { builder, step, node } = call;
  const [begin, size] = [1, 2].map((index) => list(call, index));
  const ends = begin.map((at, i) => (size[i] === -1 ? LARGE : at + size[i]));
  const axes = begin.map((_, i) => i);
  const named = ([begin, ends, axes] as const).map((own, i) =>
    numbers(builder, step, ['starts', 'ends', 'axes'][i], integers(...own)),
  );
  emit(builder, step, 'Slice', [input(call, 0), ...named], {}, node.name);
};

const split: Operation = (call) => {
  const { builder, step, node } = call;
  const isV = node.operation === 'SplitV';
  const [axis] = list(call, isV ? 2 : 0);
  const count = integer(node, 'num_split') ?? 0;
  if (!(count >= 1 && count <= 1_024)) throw refusal(call, `it cuts into ${count} pieces`);
  const others = Array.from({ length: count - 1 }, (_, i) => `${node.name}:${i + 1}`);
  const inputs = isV ? [input(call, 0), input(call, 1)] : [input(call, 1)];
  emit(builder, step, 'Split', inputs, { axis }, node.name, others);
};

const cast: Operation = (call) => {
  const { builder, step, node } = call;
  const to = node.attributes.DstT;
  const type = JSON.stringify(to ?? '');
  const isWhole = /INT|BOOL/.test(type);
  // Casts of computed values to whole numbers are refused when the node is translated. Those of shapes change nothing.
  emit(builder, step, 'Cast', [input(call, 0)], { to: isWhole ? (/BOOL/.test(type) ? 9 : 7) : 1 }, node.name);
};

const rsqrt: Operation = (call) => {
  const { builder, step, node } = call;
  const root = emit(builder, step, 'Sqrt', [input(call, 0)]);
  emit(builder, step, 'Reciprocal', [root], {}, node.name);
};

const square: Operation = (call) => {
  const x = input(call, 0);
  emit(call.builder, call.step, 'Mul', [x, x], {}, call.node.name);
};

const squaredDifference: Operation = (call) => {
  const difference = emit(call.builder, call.step, 'Sub', [input(call, 0), input(call, 1)]);
  emit(call.builder, call.step, 'Mul', [difference, difference], {}, call.node.name);
};

const softmax: Operation = same('Softmax', { axis: -1 });
const leakyRelu: Operation = (call) => {
  const alpha = float(call.node, 'alpha') ?? 0.2;
  emit(call.builder, call.step, 'LeakyRelu', [input(call, 0)], { alpha }, call.node.name);
};

/** Passes the first input on, for nodes that do nothing in inference. */
const first: Operation = (call) => void emit(call.builder, call.step, 'Identity', [input(call, 0)], {}, call.node.name);

const reshape: Operation = (call) =>
  void emit(call.builder, call.step, 'Reshape', [input(call, 0), input(call, 1)], { allowzero: 1 }, call.node.name);

const gather: Operation = (call) => {
  const { builder, step, node } = call;
  if (integer(node, 'batch_dims')) throw refusal(call, 'it has batch_dims');
  const axis = node.operation === 'GatherV2' ? list(call, 2)[0] : 0;
  emit(builder, step, 'Gather', [input(call, 0), input(call, 1)], { axis }, node.name);
};

const fill: Operation = (call) => {
  const value = constant(call, 1);
  if (value.count !== 1) throw refusal(call, 'its value is not one number');
  const attribute = inShape(value, [1]);
  emit(call.builder, call.step, 'ConstantOfShape', [input(call, 0)], { value: attribute }, call.node.name);
};

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...{ Conv2D: convolution(false), _FusedConv2D: convolution(false), FusedConv2D: convolution(false) },
  ...{ DepthwiseConv2dNative: convolution(true), FusedDepthwiseConv2dNative: convolution(true) },
  _FusedDepthwiseConv2dNative: convolution(true),
  ...{ MatMul: matMul, _FusedMatMul: matMul, BatchMatMul: matMul, BatchMatMulV2: matMul },
  ...{ BiasAdd: biasAdd, BiasAddV1: biasAdd },
  ...{ FusedBatchNorm: batchNorm, FusedBatchNormV2: batchNorm, FusedBatchNormV3: batchNorm },
  ...{ ResizeBilinear: resize('linear'), ResizeNearestNeighbor: resize('nearest') },
  ...{ MaxPool: pool('MaxPool'), AvgPool: pool('AveragePool') },
  ...{ Pad: pad('constant'), PadV2: pad('constant'), MirrorPad: pad() },
  ...{ Mean: reduction('ReduceMean'), Sum: reduction('ReduceSum'), Max: reduction('ReduceMax') },
  ...{ Min: reduction('ReduceMin'), Prod: reduction('ReduceProd') },
  ...{ ConcatV2: concat, Concat: concatFirst, Pack: pack, Reshape: reshape, Squeeze: squeeze, ExpandDims: expandDims },
  ...{ Transpose: transpose, Shape: same('Shape'), Size: same('Size'), StridedSlice: stridedSlice, Slice: slice },
  ...{ Split: split, SplitV: split, Gather: gather, GatherV2: gather, Fill: fill, Range: same('Range') },
  ...{ Cast: cast, Identity: first, StopGradient: first, PreventGradient: first, Snapshot: first },
  ...{ CheckNumerics: first, PlaceholderWithDefault: first },
  ...{ Add: same('Add'), AddV2: same('Add'), AddN: chain('Add'), Sub: same('Sub'), Mul: same('Mul') },
  ...{ RealDiv: same('Div'), Div: same('Div'), Neg: same('Neg'), Pow: same('Pow') },
  ...{ Maximum: same('Max'), Minimum: same('Min'), Sqrt: same('Sqrt'), Rsqrt: rsqrt, Exp: same('Exp') },
  ...{ Log: same('Log'), Abs: same('Abs'), Floor: same('Floor'), Ceil: same('Ceil'), Round: same('Round') },
  ...{ Square: square, SquaredDifference: squaredDifference, Erf: same('Erf'), Reciprocal: same('Reciprocal') },
  ...{ Relu: same('Relu'), Sigmoid: same('Sigmoid'), Tanh: same('Tanh'), Elu: same('Elu'), Selu: same('Selu') },
  ...{ Softplus: same('Softplus'), Softsign: same('Softsign'), LeakyRelu: leakyRelu, Prelu: same('PRelu') },
  Relu6: ({ builder, step, node }) => void relu6(builder, step, node.inputs[0], node.name),
  Softmax: softmax,
};

function concatFirst(call: OperationCall): void {
  const { builder, step, node } = call;
  const [axis] = list(call, 0);
  emit(builder, step, 'Concat', node.inputs.slice(1), { axis }, node.name);
}
