/** Loads the WebGPU back end of TensorFlow.js as a peer, and gives it a device. */

import type { Gpu } from '../../src/gpu/device.js';
import { product } from '../../src/graph/ir/tensor.js';
import { platform } from '../../src/node/platform.js';
import { importPeer } from './installed.js';

const CORE = '@tensorflow/tfjs-core';
const BACKEND = '@tensorflow/tfjs-backend-webgpu';
/** In Node this is the only package that has the gradients of operations. */
const LAYERS = '@tensorflow/tfjs-layers';

export interface Tensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}

export interface Variable extends Tensor {
  assign(value: Tensor): void;
}

type Operand = Tensor | number;

/** A convolution with its bias and activation. */
interface Convolution {
  readonly x: Tensor;
  readonly filter: Tensor;
  readonly strides: number;
  readonly pad: Pads;
  readonly bias?: Tensor | undefined;
  readonly activation?: string | undefined;
}

type Pads = readonly (readonly [number, number])[];

/** The parts of TensorFlow.js that are used here. */
export interface TensorFlow {
  readonly version_core: string;
  tidy<T>(work: () => T): T;
  tensor(values: Float32Array, shape: readonly number[]): Tensor;
  variable(value: Tensor, trainable: boolean, name?: string): Variable;
  add(a: Operand, b: Operand): Tensor;
  sub(a: Operand, b: Operand): Tensor;
  mul(a: Operand, b: Operand): Tensor;
  neg(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  softplus(x: Tensor): Tensor;
  sum(x: Tensor): Tensor;
  logSumExp(x: Tensor, axes: readonly number[]): Tensor;
  moments(x: Tensor, axes: readonly number[]): { mean: Tensor; variance: Tensor };
  batchNorm(x: Tensor, mean: Tensor, variance: Tensor, offset: Tensor, scale: Tensor, epsilon: number): Tensor;
  conv2d(x: Tensor, filter: Tensor, stride: number, pads: Pads): Tensor;
  readonly fused: { conv2d(given: Convolution): Tensor; depthwiseConv2d(given: Convolution): Tensor };
  maxPool(x: Tensor, size: number, stride: number, padding: number | 'valid'): Tensor;
  avgPool(x: Tensor, size: number, stride: number, padding: 'valid'): Tensor;
  pad(x: Tensor, pads: Pads, value: number): Tensor;
  concat(tensors: readonly Tensor[], axis: number): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, order: readonly number[]): Tensor;
  clipByValue(x: Tensor, least: number, most: number): Tensor;
  div(a: Operand, b: Operand): Tensor;
  exp(x: Tensor): Tensor;
  log(x: Tensor): Tensor;
  max(x: Tensor, axes: readonly number[], keepDims: boolean): Tensor;
  mean(x: Tensor, axes: readonly number[], keepDims: boolean): Tensor;
  sigmoid(x: Tensor): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor;
  readonly train: { momentum(rate: number, momentum: number): Optimizer };
  registerBackend(name: string, make: () => object): boolean;
  removeBackend(name: string): void;
  setBackend(name: string): Promise<boolean>;
}

export interface Optimizer {
  minimize(loss: () => Tensor, returnCost: true, variables: Variable[]): Tensor;
  dispose(): void;
}

/** Loads TensorFlow.js and gives it a device. @throws MissingEngine if it is not installed */
export async function loadTensorFlow(gpu: Gpu): Promise<TensorFlow> {
  const tf = await importPeer<TensorFlow>(CORE);
  await importPeer(LAYERS);
  const { WebGPUBackend } = await importPeer<{
    WebGPUBackend: new (device: GPUDevice, info: GPUAdapterInfo) => object;
  }>(BACKEND);
  // The back end checks that there is a `navigator.gpu`, but then uses the device that it is given.
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: await platform.gpu({}) }, configurable: true });
  try {
    const backend: object = new WebGPUBackend(gpu.device, gpu.info);
    tf.registerBackend('webgpu', () => backend);
    if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js refused its WebGPU back end');
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else Reflect.deleteProperty(globalThis, 'navigator');
  }
  return tf;
}

/** Converts a filter from PyTorch's order [outputs, inputs, h, w] to TensorFlow's [h, w, inputs, outputs]. */
export function filter(
  values: Float32Array,
  [outputs, inputs, height, width]: readonly number[],
): [Float32Array, number[]] {
  const taps = height * width;
  const turned = new Float32Array(product([outputs, inputs, taps]));
  for (let o = 0, from = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let tap = 0; tap < taps; tap++) turned[(tap * inputs + i) * outputs + o] = values[from++];
    }
  }
  return [turned, [height, width, inputs, outputs]];
}
