/** TensorFlow's operations that are layers: convolutions with fused operations, dense layers, norms, pooling, padding, resizing. */
import { type Attribute, constantOf } from '../plain.js';
import { type Builder, emit, emitMap, inShape, integers, numbers, reordered, type Step } from './builder.js';
import { constant, input, list, type Operation, type OperationCall, refusal } from './graph_call.js';
import { float, integerList, text, textList, truth } from './graph_nodes.js';

/** Whether maps have channels first, as the node says. */
function isFirst(call: OperationCall): boolean {
  const format = text(call.node, 'data_format') ?? 'NHWC';
  if (format !== 'NHWC' && format !== 'NCHW') throw refusal(call, `data_format ${format}`);
  return format === 'NCHW';
}

/** The numbers for rows and columns of an attribute with four numbers. */
function ofMap(call: OperationCall, attribute: string, otherwise?: readonly number[]): number[] {
  const given = integerList(call.node, attribute) ?? otherwise;
  if (given?.length !== 4) throw refusal(call, `${attribute} is not a list of 4 numbers`);
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

/** Operations that may be fused to a layer and have inputs of their own, with the number of these inputs. */
const FUSED: Readonly<Record<string, number>> = { BiasAdd: 1, Prelu: 1 };
const FUSED_ACTIVATIONS = ['Relu', 'Relu6', 'Elu', 'LeakyRelu', 'Prelu', 'Sigmoid', 'Tanh'];

/** Adds the layer, and then the operations that are fused to it. */
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

export const relu6 = (builder: Builder, step: Step, x: string, output?: string) =>
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

export const convolution =
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

export const matMul: Operation = (call) => {
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

export const biasAdd: Operation = (call) => {
  const { builder, step, node } = call;
  if (!isFirst(call)) return void emit(builder, step, 'Add', [input(call, 0), input(call, 1)], {}, node.name);
  const bias = constant(call, 1);
  const name = numbers(builder, step, 'bias', inShape(bias, [bias.count, 1, 1]));
  emit(builder, step, 'Add', [input(call, 0), name], {}, node.name);
};

export const batchNorm: Operation = (call) => {
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

export const pool =
  (operator: 'MaxPool' | 'AveragePool'): Operation =>
  (call) => {
    const attributes = { kernel_shape: ofMap(call, 'ksize'), strides: ofMap(call, 'strides'), ...padding(call) };
    emitMap(call.builder, call.step, operator, [input(call, 0)], attributes, {
      output: call.node.name,
      isFirst: isFirst(call),
    });
  };

export const pad =
  (mode?: string): Operation =>
  (call) => {
    const { builder, step, node } = call;
    const sides = constant(call, 1);
    const given = Array.from(sides.values());
    const kind = mode ?? (text(node, 'mode') ?? '').toLowerCase();
    if (!['constant', 'reflect', 'symmetric'].includes(kind) || sides.shape[1] !== 2 || given.length !== 8)
      throw refusal(call, `it pads ${sides.shape[0]} dimensions (${kind.slice(0, 20)})`);
    if (kind === 'symmetric') throw refusal(call, 'it mirrors with the border itself (SYMMETRIC)');
    // Padding does not say where channels are. The two dimensions that are padded are rows and columns.
    const [second, third, fourth] = [1, 2, 3].map((axis) => given[2 * axis] !== 0 || given[2 * axis + 1] !== 0);
    const isFirst = !second && third && fourth;
    const order = isFirst ? [0, 1, 2, 3] : [0, 3, 1, 2];
    const ends = [0, 1].flatMap((end) => order.map((axis) => given[2 * axis + end]));
    const inputs = [input(call, 0), numbers(builder, step, 'pads', integers(...ends))];
    if (node.inputs.length > 2 && kind === 'constant') inputs.push(input(call, 2));
    emitMap(builder, step, 'Pad', inputs, { mode: kind }, { output: node.name, isFirst });
  };

/** Sizes of rows and columns are an input. */
export const resize =
  (mode: 'linear' | 'nearest'): Operation =>
  (call) => {
    const { builder, step, node } = call;
    const sizes = numbers(builder, step, 'sizes', integers(...list(call, 1)));
    const isHalf = truth(node, 'half_pixel_centers');
    const areCorners = truth(node, 'align_corners');
    const coordinates = areCorners ? 'align_corners' : isHalf ? 'half_pixel' : 'asymmetric';
    // Of two pixels whose centres are equally near, the upper one is taken.
    const nearest = isHalf || areCorners ? 'round_prefer_ceil' : 'floor';
    const attributes = { mode, coordinate_transformation_mode: coordinates, nearest_mode: nearest, axes: [2, 3] };
    emitMap(builder, step, 'Resize', [input(call, 0), '', '', sizes], attributes, { output: node.name });
  };
