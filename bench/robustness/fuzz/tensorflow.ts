/**
 * TensorFlow.js models as one input: the length of model.json in eight bytes, model.json, then the files of the weights one after the
 * other.
 */
import { InputError } from '../../../src/errors.js';
import {
  functional,
  jsonBytes,
  layer,
  type Model,
  modelOf,
  node,
  type Stored,
} from '../../../test/support/tensorflow.js';
import { joinAll } from './mutate.js';

/** Joins model.json and the files of weights in the layout of a safetensors file. Mutators of safetensors headers then change model.json. */
function framed({ json, files }: Model): Uint8Array {
  const text = jsonBytes(json);
  const length = new DataView(new ArrayBuffer(8));
  length.setUint32(0, text.length, true);
  return joinAll([new Uint8Array(length.buffer), text, ...Object.values(files)]);
}

/** The parts of an input, and a reader of the weights' files: `…shard2of3.bin` is the second third of what follows model.json. */
export function unframed(bytes: Uint8Array): {
  json: Uint8Array;
  external(location: string, most: number): Promise<Uint8Array>;
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = bytes.length < 8 ? bytes.length : Math.min(bytes.length, 8 + view.getUint32(0, true));
  const rest = bytes.subarray(end);
  const external = async (location: string, most: number) => {
    const [, which, of] = /shard(\d{1,6})of(\d{1,6})/.exec(location) ?? [undefined, '1', '1'];
    const length = Math.ceil(rest.length / Math.max(1, Number(of)));
    const piece = rest.subarray((Number(which) - 1) * length, Number(which) * length);
    if (piece.length > most) throw new InputError('the file is too large', { expected: `at most ${most} bytes` });
    return piece;
  };
  return { json: bytes.subarray(8, end), external };
}

const floats = (...shape: number[]): Stored => ({
  shape,
  data: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 37) % 11) / 11 + 0.1),
});
const integers = (...data: number[]): Stored => ({ shape: [data.length], data, dtype: 'int32' });
const bytes = (...shape: number[]): Stored => ({
  ...{ shape, data: Array.from(floats(...shape).data, (value) => Math.round(value * 200)) },
  quantization: { dtype: 'uint8', scale: 0.01, min: -0.5 },
});

const SIDE = 8;
const image = layer('InputLayer', 'image', { batch_input_shape: [null, SIDE, SIDE, 1], dtype: 'float32' });
const convolution = layer('Conv2D', 'conv', { filters: 4, kernel_size: [3, 3], padding: 'same', use_bias: false }, [
  'image',
]);
const head = (from: string) => [
  layer('GlobalAveragePooling2D', 'pool', {}, [from]),
  layer('Dense', 'fc', { units: 2, activation: 'softmax' }, ['pool']),
];
const headWeights = { 'fc/kernel': floats(4, 2), 'fc/bias': floats(2) };
const four = { norm: ['gamma', 'beta', 'moving_mean', 'moving_variance'] };

function layersModels(): Model[] {
  const kernel = { 'conv/kernel': floats(3, 3, 1, 4) };
  const model = (layers: unknown[], last: string, weights: Record<string, Stored>, shards = 2) =>
    modelOf(
      {
        keras_version: '2.15.0',
        model_config: functional([image, convolution, ...layers, ...head(last)], 'image', 'fc'),
      },
      { ...kernel, ...weights, ...headWeights },
      shards,
      { userDefinedMetadata: { classes: ['Mass', 'Nodule'] } },
    );
  const norm = Object.fromEntries(four.norm.map((own) => [`norm/${own}`, floats(4)]));
  const inner = functional(
    [
      layer('InputLayer', 'own', { batch_input_shape: [null, SIDE, SIDE, 4] }),
      layer('ReLU', 'cut', { max_value: 6 }, ['own']),
    ],
    'own',
    'cut',
  );
  const argument = { class_name: '__keras_tensor__', config: { keras_history: ['image', 0, 0] } };
  const third = { ...convolution, inbound_nodes: [{ args: [argument], kwargs: { training: false } }] };
  return [
    model(
      [
        layer('BatchNormalization', 'norm', { axis: [3], epsilon: 0.001 }, ['conv']),
        { ...layer('Functional', 'inner', {}, ['norm']), config: inner.config },
        layer('MaxPooling2D', 'small', { pool_size: 2, padding: 'same' }, ['inner']),
        layer('UpSampling2D', 'large', { size: 2 }, ['small']),
        layer('Add', 'sum', {}, ['large', 'norm']),
        layer(
          'ZeroPadding2D',
          'pad',
          {
            padding: [
              [1, 0],
              [0, 1],
            ],
          },
          ['sum'],
        ),
        layer(
          'Cropping2D',
          'last',
          {
            cropping: [
              [1, 0],
              [0, 1],
            ],
          },
          ['pad'],
        ),
      ],
      'last',
      norm,
    ),
    model(
      [
        layer('SeparableConv2D', 'deep', { filters: 2, kernel_size: 3, use_bias: false, activation: 'swish' }, [
          'conv',
        ]),
        layer('Concatenate', 'last', { axis: -1 }, ['deep', 'deep']),
      ],
      'last',
      { 'deep/depthwise_kernel': bytes(3, 3, 4, 1), 'deep/pointwise_kernel': bytes(1, 1, 4, 2) },
      3,
    ),
    modelOf(
      { keras_version: '3.3.0', model_config: functional([image, third, ...head('conv')], 'image', 'fc') },
      { ...kernel, ...headWeights },
    ),
    modelOf(
      {
        ...{ class_name: 'Sequential' },
        config: [image, convolution, ...head('conv')].map(({ class_name, config }) => ({ class_name, config })),
      },
      { ...kernel, ...headWeights },
      1,
    ),
  ];
}

function graphModels(): Model[] {
  const sizes = {
    shape: { shape: { dim: ['-1', '8', '8', '1'].map((size) => ({ size })) } },
    dtype: { type: 'DT_FLOAT' },
  };
  const strides = { strides: [1, 2, 2, 1], dilations: [1, 1, 1, 1], padding: 'SAME', data_format: 'NHWC' };
  const model = (nodes: unknown[], last: string, weights: Record<string, Stored> = {}) => {
    const all = { k: floats(3, 3, 1, 4), b: floats(4), axes: integers(1, 2), ...headWeights, ...weights };
    const constants = Object.keys(all).map((name) => node('Const', name, []));
    const tail = [
      node('Mean', 'mean', [last, 'axes'], { keep_dims: false }),
      node('_FusedMatMul', 'logits', ['mean', 'fc/kernel', 'fc/bias'], { fused_ops: ['BiasAdd'] }),
      node('Softmax', 'scores', ['logits']),
    ];
    const fused = node('_FusedConv2D', 'conv', ['image', 'k', 'b'], { ...strides, fused_ops: ['BiasAdd', 'Relu6'] });
    const whole = [node('Placeholder', 'image', [], sizes), ...constants, fused, ...nodes, ...tail];
    return modelOf({ node: whole }, all, 2, {
      ...{ format: 'graph-model', signature: { outputs: { scores: { name: 'scores:0' } } } },
    });
  };
  const one = (value: number): Stored => ({ shape: [], data: [value], dtype: 'int32' });
  return [
    model(
      [node('FusedBatchNormV3', 'norm', ['conv', 'b', 'b', 'b', 'b'], { epsilon: 0.001, is_training: false })],
      'norm',
    ),
    model(
      [
        node('Shape', 'shape', ['conv']),
        node('StridedSlice', 'first', ['shape', 'from', 'to', 'to'], { shrink_axis_mask: 1 }),
        node('Pack', 'wanted', ['first', 'side', 'side', 'channels'], { axis: 0 }),
        node('Reshape', 'same', ['conv', 'wanted']),
        node('Pad', 'padded', ['same', 'sides']),
        node('MaxPool', 'small', ['padded'], { ...strides, ksize: [1, 2, 2, 1], strides: [1, 1, 1, 1] }),
        node('Split', 'parts', ['last axis', 'small'], { num_split: 2 }),
        node('ConcatV2', 'again', ['parts:1', 'parts', 'last axis'], {}),
      ],
      'again',
      {
        ...{ from: integers(0), to: integers(1), side: one(4), channels: one(4), 'last axis': one(3) },
        sides: { shape: [4, 2], data: [0, 0, 1, 1, 1, 1, 0, 0], dtype: 'int32' },
      },
    ),
  ];
}

/** Layers models and graph models with what raybox reads of each, with weights in several types and numbers of files. */
export const tensorflowModels = (): Uint8Array[] => [...layersModels(), ...graphModels()].map(framed);
