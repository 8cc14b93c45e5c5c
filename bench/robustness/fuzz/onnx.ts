/** ONNX models, as good inputs for the fuzzer. */
import { type OnnxGraph, type OnnxNode, type OnnxTensor, onnxModel } from '../../../test/support/onnx.js';

const floats = (...dims: number[]): OnnxTensor => ({
  dims,
  data: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 37) % 11) / 11 + 0.1),
});
const ints = (...data: number[]): OnnxTensor => ({ dims: [data.length], data, type: 'i64', field: 7 });
const one = (value: number): OnnxTensor => ({ dims: [], data: [value] });

/** A node whose inputs and outputs are given as words; a dot stands for an input that is left out. */
const node = (op: string, inputs: string, outputs: string, attributes: OnnxNode['attributes'] = {}): OnnxNode => ({
  ...{ op, outputs: outputs.split(' '), name: `/${outputs}`, attributes },
  inputs: inputs.split(' ').map((name) => (name === '.' ? '' : name)),
});

/** A classifier: a convolution with the result `conv` (4 maps of 4 × 4), the given nodes up to `last`, then pooling and classes. */
function model(nodes: readonly OnnxNode[], more: Partial<OnnxGraph> = {}): Uint8Array {
  const convolution = node('Conv', 'input w b', 'conv', { pads: [1, 1, 1, 1], strides: [2, 2], group: 1 });
  const head = [
    node('GlobalAveragePool', 'last', 'pooled'),
    node('Flatten', 'pooled', 'flat'),
    node('Gemm', 'flat fc fcb', 'z', { transB: 1, alpha: 1.5 }),
    node('Sigmoid', 'z', 'output'),
  ];
  const tensors = { w: floats(4, 1, 3, 3), b: floats(4), fc: floats(2, 4), fcb: floats(2) };
  return onnxModel({
    metadata: { classes: '["Mass","Nodule"]' },
    ...more,
    nodes: [convolution, ...nodes, ...head],
    tensors: { ...tensors, ...more.tensors },
  });
}

/** Weights in several types and fields, shapes that are computed, patterns of exporters, and tensors of any order. */
function classifiers(): Uint8Array[] {
  const shuffle = [
    node('Shape', 'conv', 'shape'),
    node('Gather', 'shape two', 'side', { axis: 0 }),
    node('Unsqueeze', 'side zero', 'sides'),
    node('Concat', 'apart sides sides', 'wanted', { axis: 0 }),
    node('Reshape', 'conv wanted', 'groups'),
    node('Transpose', 'groups', 'turned', { perm: [0, 2, 1, 3, 4] }),
    node('Reshape', 'turned together', 'last'),
  ];
  const two: OnnxTensor = { dims: [], data: [2], type: 'i64' };
  const numbers = { two, zero: ints(0), apart: ints(1, 2, 2), together: ints(1, -1, 4, 4) };
  const pieces = [
    node('Split', 'conv widths', 'a c', { axis: 1 }),
    node('Slice', 'conv from to axes', 's'),
    node('Pad', 'a pads', 'padded', { mode: 'constant' }),
    node('AveragePool', 'padded', 'small', { kernel_shape: [3, 3], strides: [1, 1], ceil_mode: 1 }),
    node('Concat', 'small s', 'last', { axis: 1 }),
  ];
  const cuts = { widths: ints(2, 2), from: ints(-2), to: ints(99), axes: ints(1), pads: ints(0, 0, 1, 1, 0, 0, 1, 1) };
  const real = { scale: one(0.5), level: { dims: [], data: [3], type: 'u8' as const } };
  return [
    model([node('BatchNormalization', 'conv b b b b', 'n', { epsilon: 0.001 }), node('Relu', 'n', 'last')]),
    model(shuffle, { tensors: numbers, inputs: { input: [null, 1, 8, 8] } }),
    model(pieces, { tensors: cuts }),
    model([node('Sigmoid', 'conv', 'g'), node('Mul', 'conv g', 'last')], {
      tensors: { w: { ...floats(4, 1, 3, 3), field: 4 } },
    }),
    model([node('QuantizeLinear', 'conv scale level', 'q'), node('DequantizeLinear', 'q scale level', 'last')], {
      tensors: real,
    }),
    model([node('MaxPool', 'conv', 'm', { kernel_shape: [2, 2] }), node('Clip', 'm', 'last', { min: 0, max: 6 })], {
      opset: 9,
    }),
  ];
}

/** Norms over several dimensions, and functions along one of them. */
function norms(): Uint8Array[] {
  const group = [
    node('GroupNormalization', 'conv two two', 'groups', { num_groups: 2, epsilon: 0.01 }),
    node('MeanVarianceNormalization', 'groups', 'mean', { axes: [2, 3] }),
    node('LpNormalization', 'mean', 'lp', { axis: 1, p: 1 }),
    node('LayerNormalization', 'lp maps maps', 'last', { axis: -3, epsilon: 0.01 }),
  ];
  const root = [
    node('RMSNormalization', 'conv maps', 'root', { axis: 1, epsilon: 0.01 }),
    node('InstanceNormalization', 'root b b', 'own', { epsilon: 0.01 }),
    node('Hardmax', 'own', 'hard', { axis: 1 }),
    node('Add', 'own hard', 'last'),
  ];
  const flat = [node('Softmax', 'conv', 'soft', { axis: 1 }), node('LogSoftmax', 'soft', 'last', { axis: 2 })];
  return [
    model(group, { opset: 18, tensors: { two: floats(2), maps: floats(4, 4, 4) } }),
    model(root, { opset: 23, tensors: { maps: floats(4, 4, 4) } }),
    model(flat, { opset: 11 }),
  ];
}

/** Signals, windows of p-norms, products of matrices, and padding of any dimension. */
function products(): Uint8Array[] {
  const signal = [
    node('Reshape', 'conv list', 'signal'),
    node('Conv', 'signal w1', 'conv1', { pads: [1, 1], strides: [2] }),
    node('MaxPool', 'conv1', 'pool1', { kernel_shape: [2], strides: [1] }),
    node('Concat', 'pool1 zeros', 'filled', { axis: 2 }),
    node('Reshape', 'filled map', 'last'),
  ];
  const windows = [
    node('LpPool', 'conv', 'lp', { kernel_shape: [2, 2], p: 3, pads: [1, 0, 1, 0], ceil_mode: 1 }),
    node('GlobalLpPool', 'lp', 'all', { p: 1 }),
    node('Expand', 'all sides', 'large'),
    node('Pad', 'large pads five', 'padded', { mode: 'constant' }),
    node('Slice', 'padded from to axis', 'last'),
  ];
  const dense = [
    node('GlobalMaxPool', 'conv', 'largest'),
    node('Reshape', 'largest column', 'matrix'),
    node('Gemm', 'matrix square b', 'turned', { transA: 1, alpha: 0.5, beta: 2 }),
    node('MatMul', 'turned b', 'number'),
    node('Reshape', 'number whole', 'factor'),
    node('Mul', 'conv factor', 'last'),
  ];
  const lists = { list: ints(1, 4, 16), map: ints(1, 4, 2, 5), sides: ints(1, 4, 3, 3), five: one(5) };
  const pads = { pads: ints(0, 1, 0, 2, 0, 0, 1, 0), from: ints(1), to: ints(9), axis: ints(1) };
  return [
    model(signal, { tensors: { ...lists, w1: floats(4, 4, 3), zeros: floats(1, 4, 3) } }),
    model(windows, { tensors: { ...lists, ...pads }, opset: 22 }),
    model(dense, { tensors: { column: ints(4, 1), square: floats(4, 4), whole: ints(1, 1, 1, 1) } }),
  ];
}

/** Quantised weights in blocks, resizing by each method, comparisons, and operators that move numbers. */
function conversions(): Uint8Array[] {
  const blocks = [
    node('DequantizeLinear', 'wq scales zeros', 'wd', { axis: 1, block_size: 2 }),
    node('Cast', 'wd', 'wf', { to: 1 }),
    node('Conv', 'conv wf', 'last'),
  ];
  const resized = [
    node('Resize', 'conv . half', 'small', { mode: 'linear', antialias: 1 }),
    node('Resize', 'small . . sizes', 'kept', { mode: 'cubic', axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }),
    node('Tile', 'kept repeats', 'tiled'),
    node('DepthToSpace', 'tiled', 'deep', { blocksize: 2, mode: 'CRD' }),
    node('SpaceToDepth', 'deep', 'wide', { blocksize: 2 }),
    node('Slice', 'wide from to axis', 'last'),
  ];
  const chosen = [
    node('ArgMax', 'conv', 'place', { axis: 1, keepdims: 1 }),
    node('Cast', 'place', 'number', { to: 1 }),
    node('Greater', 'conv number', 'more'),
    node('Not', 'more', 'less'),
    node('Where', 'less conv number', 'chosen'),
    node('CumSum', 'chosen two', 'sums', { reverse: 1 }),
    node('Mod', 'sums five', 'rest', { fmod: 1 }),
    node('Pow', 'rest five', 'power'),
    node('Max', 'power conv number', 'last'),
  ];
  const wq: OnnxTensor = { dims: [4, 4, 1, 1], data: Array.from({ length: 16 }, (_, i) => i), type: 'u8' };
  const zeros: OnnxTensor = { dims: [4, 2, 1, 1], data: [0, 1, 2, 3, 4, 5, 6, 7], type: 'u8' };
  const tensors = { repeats: ints(1, 2, 1, 1), from: ints(0), to: ints(4), axis: ints(1), sizes: ints(4, 3) };
  return [
    model(blocks, { opset: 21, tensors: { wq, zeros, scales: floats(4, 2, 1, 1) } }),
    model(resized, { opset: 19, tensors: { ...tensors, half: { dims: [4], data: [1, 1, 0.5, 0.5] } } }),
    model(chosen, { tensors: { two: { dims: [], data: [2], type: 'i64' }, five: one(5) } }),
  ];
}

/** Branches, one within the other, of which the condition follows from a shape. */
function branches(): Uint8Array[] {
  const graph = (nodes: readonly OnnxNode[], output: string, tensors: OnnxGraph['tensors'] = {}): OnnxGraph => ({
    ...{ nodes, tensors, outputs: { [output]: [] } },
  });
  const same = graph([node('Identity', 'conv', 'same')], 'same');
  const inner = graph([node('Mul', 'outer factor', 'product')], 'product', { factor: floats(4, 1, 1) });
  const then = graph([node('If', 'is', 'chosen', { then_branch: inner, else_branch: same })], 'chosen');
  const nodes = [
    node('Shape', 'conv', 'shape'),
    node('TopK', 'shape one', 'largest place'),
    node('Equal', 'largest four', 'is'),
    node('Relu', 'conv', 'outer'),
    node('If', 'is', 'last', { then_branch: then, else_branch: same }),
  ];
  return [model(nodes, { tensors: { one: ints(1), four: ints(4) } })];
}

export const onnxModels = (): Uint8Array[] => [
  ...classifiers(),
  ...norms(),
  ...products(),
  ...conversions(),
  ...branches(),
];
