/** TensorFlow's operations, each as operators of ONNX. */
import { InputError } from '../../errors.js';
import { type Attribute, type Constant, constantOf } from '../plain.js';
import { type Builder, emit, emitMap, inShape, integers, numbers, reordered, type Step } from './builder.js';
import { float, type GraphNode, integer, integerList, text, textList, truth } from './graph_nodes.js';

export interface OperationCall {
  readonly builder: Builder;
  readonly step: Step;
  readonly node: GraphNode;
}

type Operation = (call: OperationCall) => void;

const refusal = ({ step }: OperationCall, why: string) => new InputError(`${step.origin}: ${why}`);

function input(call: OperationCall, index: number): string {
  const name = call.node.inputs[index];
  if (name === undefined) throw refusal(call, `its input ${index} is missing`);
  return name;
}

/** An input that has to be known before the network runs. */
function constant(call: OperationCall, index: number): Constant {
  const { constants, producers } = call.builder;
  let name = input(call, index);
  // Copies of constants are constants.
  for (let hops = 0; hops < 64; hops++) {
    const found = constants.get(name);
    if (found) return found;
    const copy = producers.get(name);
    if (copy?.operator !== 'Identity') break;
    name = copy.inputs[0];
  }
  throw refusal(call, `its input ${index} (${name.slice(-80)}) is no constant`);
}

/** A constant that is a short list, such as axes. */
function list(call: OperationCall, index: number): number[] {
  const found = constant(call, index);
  if (found.count > 64 || !found.isInteger) throw refusal(call, `its input ${index} is no short list of whole numbers`);
  return Array.from(found.values());
}

/** An operator of the same meaning, for the node's inputs as they are. */
const same =
  (operator: string, attributes: Readonly<Record<string, Attribute>> = {}): Operation =>
  ({ builder, step, node }) =>
    void emit(builder, step, operator, node.inputs, attributes, node.name);

/** Of several values, joined two by two. */
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

/** Whether maps have channels first, as the node says. */
function isFirst(call: OperationCall): boolean {
  const format = text(call.node, 'data_format') ?? 'NHWC';
  if (format !== 'NHWC' && format !== 'NCHW') throw refusal(call, `data_format ${format}`);
  return format === 'NCHW';
}

/** Two of four numbers: those of rows and columns. */
function ofMap(call: OperationCall, attribute: string, otherwise?: readonly number[]): number[] {
  const given = integerList(call.node, attribute) ?? otherwise;
  if (given?.length !== 4) throw refusal(call, `${attribute} is no list of 4 numbers`);
  const [c, h, w] = isFirst(call) ? [1, 2, 3] : [3, 1, 2];
  if (given[0] !== 1 || given[c] !== 1)
    throw refusal(call, `${attribute} ${given.join(', ')} along images or channels`);
  return [given[h], given[w]];
}

function padding(call: OperationCall): Record<string, Attribute> {
  const kind = text(call.node, 'padding') ?? '';
  if (kind === 'SAME') return { auto_pad: 'SAME_UPPER' };
  if (kind === 'VALID') return {};
  const given = integerList(call.node, 'explicit_paddings') ?? [];
  if (kind !== 'EXPLICIT' || given.length !== 8) throw refusal(call, `padding ${kind.slice(0, 40) || 'is missing'}`);
  const at = isFirst(call) ? [4, 6, 5, 7] : [2, 4, 3, 5];
  return { pads: at.map((index) => given[index]) };
}

/** What fused operations do behind their layer, in order, with how many inputs each of them has. */
const FUSED: Readonly<Record<string, number>> = { BiasAdd: 1, Prelu: 1 };
const FUSED_ACTIVATIONS = ['Relu', 'Relu6', 'Elu', 'LeakyRelu', 'Prelu', 'Sigmoid', 'Tanh'];

/** The layer itself, and then what is fused to it. */
function withFused(call: OperationCall, layer: (bias: string | undefined, output: string | undefined) => string): void {
  const { builder, step, node } = call;
  const fused = textList(node, 'fused_ops') ?? [];
  const rest = fused[0] === 'BiasAdd' ? fused.slice(1) : fused;
  const unknown = rest.find((one) => !FUSED_ACTIVATIONS.includes(one)) ?? (rest.length > 1 ? rest[1] : undefined);
  if (unknown !== undefined) throw refusal(call, `it is fused with ${unknown.slice(0, 60)}`);
  const expected = 2 + fused.reduce((sum, one) => sum + (FUSED[one] ?? 0), 0);
  if (node.inputs.length !== expected)
    throw refusal(call, `it has ${node.inputs.length} inputs, and ${fused.join(' and ') || 'nothing'} fused to it`);
  const y = layer(fused[0] === 'BiasAdd' ? input(call, 2) : undefined, rest.length === 0 ? node.name : undefined);
  const [then] = rest;
  if (then === 'Prelu') emit(builder, step, 'PRelu', [y, input(call, expected - 1)], {}, node.name);
  else if (then === 'LeakyRelu')
    emit(builder, step, 'LeakyRelu', [y], { alpha: float(node, 'leakyrelu_alpha') ?? 0.2 }, node.name);
  else if (then === 'Relu6') relu6(builder, step, y, node.name);
  else if (then !== undefined) emit(builder, step, then, [y], {}, node.name);
}

const relu6 = (builder: Builder, step: Step, x: string, output?: string) =>
  emit(
    builder,
    step,
    'Clip',
    [
      x,
      numbers(builder, step, 'min', constantOf([], Float32Array.of(0))),
      numbers(builder, step, 'max', constantOf([], Float32Array.of(6))),
    ],
    {},
    output,
  );

const convolution =
  (isDepthwise: boolean): Operation =>
  (call) => {
    const { builder, step, node } = call;
    const kernel = constant(call, 1);
    if (kernel.shape.length !== 4) throw refusal(call, `weights of ${kernel.shape.length} dimensions`);
    const [rows, columns, channels, outputs] = kernel.shape;
    const weight = isDepthwise
      ? reordered(inShape(kernel, [rows, columns, 1, channels * outputs]), [3, 2, 0, 1])
      : reordered(kernel, [3, 2, 0, 1]);
    const attributes = {
      kernel_shape: [rows, columns],
      strides: ofMap(call, 'strides'),
      dilations: ofMap(call, 'dilations', [1, 1, 1, 1]),
      ...padding(call),
      ...(isDepthwise ? { group: channels } : {}),
    };
    const name = numbers(builder, step, `weights of ${input(call, 1)}`, weight);
    withFused(call, (bias, output) =>
      emitMap(builder, step, 'Conv', [input(call, 0), name, ...(bias ? [bias] : [])], attributes, {
        ...(output === undefined ? {} : { output }),
        isFirst: isFirst(call),
      }),
    );
    if (node.inputs.length < 2) throw refusal(call, 'it has no weights');
  };

const matMul: Operation = (call) => {
  const { builder, step, node } = call;
  const isTransposed = (which: 'a' | 'b') =>
    truth(node, `transpose_${which}`) || truth(node, `adj_${which === 'a' ? 'x' : 'y'}`);
  if (isTransposed('a')) throw refusal(call, 'its first factor is transposed');
  const weight = constant(call, 1);
  if (weight.shape.length !== 2) throw refusal(call, `weights of ${weight.shape.length} dimensions`);
  withFused(call, (bias, output) => {
    const inputs = [input(call, 0), input(call, 1), ...(bias ? [bias] : [])];
    return emit(builder, step, 'Gemm', inputs, { transB: isTransposed('b') ? 1 : 0 }, output);
  });
};

const biasAdd: Operation = (call) => {
  const { builder, step, node } = call;
  if (!isFirst(call)) return void emit(builder, step, 'Add', [input(call, 0), input(call, 1)], {}, node.name);
  const bias = constant(call, 1);
  const name = numbers(builder, step, 'bias', inShape(bias, [bias.count, 1, 1]));
  emit(builder, step, 'Add', [input(call, 0), name], {}, node.name);
};

const batchNorm: Operation = (call) => {
  const { builder, step, node } = call;
  if (node.attributes.is_training !== undefined && truth(node, 'is_training'))
    throw refusal(call, 'it runs as in training, with the statistics of a batch');
  const parameters = [1, 2, 3, 4].map((i) => input(call, i));
  const attributes = { epsilon: float(node, 'epsilon') ?? 1e-4 };
  emitMap(builder, step, 'BatchNormalization', [input(call, 0), ...parameters], attributes, {
    output: node.name,
    isFirst: isFirst(call),
  });
};

const pool =
  (operator: 'MaxPool' | 'AveragePool'): Operation =>
  (call) => {
    const attributes = { kernel_shape: ofMap(call, 'ksize'), strides: ofMap(call, 'strides'), ...padding(call) };
    emitMap(call.builder, call.step, operator, [input(call, 0)], attributes, {
      output: call.node.name,
      isFirst: isFirst(call),
    });
  };

const pad =
  (mode?: string): Operation =>
  (call) => {
    const { builder, step, node } = call;
    const sides = constant(call, 1);
    const given = Array.from(sides.values());
    const kind = mode ?? (text(node, 'mode') ?? '').toLowerCase();
    if (!['constant', 'reflect', 'symmetric'].includes(kind) || sides.shape[1] !== 2 || given.length !== 8)
      throw refusal(call, `it pads ${sides.shape[0]} dimensions (${kind.slice(0, 20)})`);
    if (kind === 'symmetric') throw refusal(call, 'it mirrors with the border itself (SYMMETRIC)');
    const ends = [0, 1].flatMap((end) => [0, 3, 1, 2].map((axis) => given[2 * axis + end]));
    const inputs = [input(call, 0), numbers(builder, step, 'pads', integers(...ends))];
    if (node.inputs.length > 2 && kind === 'constant') inputs.push(input(call, 2));
    emitMap(builder, step, 'Pad', inputs, { mode: kind }, { output: node.name });
  };

/** Joins the numbers along axes that are an input. */
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

/** Numbers of a shape one beside the other. */
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
  // What a network computes is not rounded: that would be refused there. Shapes are whole numbers already.
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

/** The value of a node that only passes it on, and that shall do so in inference alone. */
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
