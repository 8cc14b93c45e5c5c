/** Small classifiers with hidden layers behind the last feature map, as ONNX models: the heads of VGG, AlexNet, MobileNetV3 and fastai. */
import { seededRandom } from '../../src/random.js';
import { type OnnxNode, type OnnxTensor, onnxModel } from './onnx.js';

/** Side of the image, which has one channel. */
export const SIDE = 16;
export const CLASSES = ['Mass', 'Nodule', 'Effusion', 'Hernia', 'Edema'];
const CHANNELS = 6;
/** Side of the feature map. */
export const MAP = 8;

const node = (op: string, inputs: string, output: string, attributes: OnnxNode['attributes'] = {}): OnnxNode => ({
  ...{ op, inputs: inputs.split(' '), outputs: [output], attributes },
});
const dense = (from: string, to: string): OnnxNode => node('Gemm', `${from} ${to}.w ${to}.b`, to, { transB: 1 });
const pool = (kernel: number): OnnxNode =>
  node('MaxPool', 'features', 'small', { kernel_shape: [kernel, kernel], strides: [2, 2] });

/** For each kind, what stands between the feature map and the classes, and how many numbers the first dense layer reads. */
const KINDS: Record<string, { nodes: OnnxNode[]; inputs: number }> = {
  vgg: {
    nodes: [
      ...[pool(2), node('Flatten', 'small', 'flat'), dense('flat', 'one'), node('Relu', 'one', 'r1')],
      ...[dense('r1', 'two'), node('Relu', 'two', 'r2'), dense('r2', 'output')],
    ],
    inputs: CHANNELS * 16,
  },
  alexnet: {
    nodes: [
      ...[pool(3), node('AveragePool', 'small', 'even', { kernel_shape: [2, 2], strides: [1, 1] })],
      ...[node('Flatten', 'even', 'flat'), node('Dropout', 'flat', 'd'), dense('d', 'one'), node('Relu', 'one', 'r1')],
      ...[dense('r1', 'two'), node('Relu', 'two', 'r2'), dense('r2', 'output')],
    ],
    inputs: CHANNELS * 4,
  },
  mobilenetv3: {
    nodes: [
      ...[node('GlobalAveragePool', 'features', 'g'), node('Flatten', 'g', 'flat'), dense('flat', 'one')],
      ...[node('HardSwish', 'one', 'h1'), dense('h1', 'two'), node('HardSwish', 'two', 'h2'), dense('h2', 'output')],
    ],
    inputs: CHANNELS,
  },
  fastai: {
    nodes: [
      ...[node('GlobalAveragePool', 'features', 'a'), node('GlobalMaxPool', 'features', 'm')],
      ...[node('Concat', 'm a', 'both', { axis: 1 }), node('Flatten', 'both', 'flat'), dense('flat', 'one')],
      ...[node('Relu', 'one', 'r1'), dense('r1', 'two'), node('Relu', 'two', 'r2'), dense('r2', 'output')],
    ],
    inputs: 2 * CHANNELS,
  },
};

export const HIDDEN_KINDS = Object.keys(KINDS);

/** The model's bytes. Its features end with a hard swish in the MobileNetV3, so that some are below 0, else with a ReLU. */
export function hiddenModel(kind: string): Uint8Array {
  const { nodes, inputs } = KINDS[kind];
  const random = seededRandom(11);
  const weights = (...dims: number[]): OnnxTensor => {
    const fan = dims.length > 1 ? dims.slice(1).reduce((a, b) => a * b, 1) : 4;
    const count = dims.reduce((a, b) => a * b, 1);
    return { dims, data: Float32Array.from({ length: count }, () => (random() * 2 - 1) * Math.sqrt(6 / fan)) };
  };
  return onnxModel({
    nodes: [
      node('Conv', 'input conv.w conv.b', 'conv', { pads: [1, 1, 1, 1], strides: [2, 2], kernel_shape: [3, 3] }),
      node(kind === 'mobilenetv3' ? 'HardSwish' : 'Relu', 'conv', 'features'),
      ...nodes,
    ],
    tensors: {
      ...{ 'conv.w': weights(CHANNELS, 1, 3, 3), 'conv.b': weights(CHANNELS) },
      ...{ 'one.w': weights(7, inputs), 'one.b': weights(7), 'two.w': weights(9, 7), 'two.b': weights(9) },
      ...{ 'output.w': weights(CLASSES.length, 9), 'output.b': weights(CLASSES.length) },
    },
    inputs: { input: [null, 1, SIDE, SIDE] },
    metadata: { class_names: CLASSES.join() },
    opset: 17,
  });
}
