/**
 * Loads the WebGPU back end of TensorFlow.js as a peer, and gives it a device.
 *
 * Its packages are not a dependency of raybox, because they take 102 MB and only one benchmark needs them. If they are missing, the error says
 * how to install them.
 */
import { platform } from '#gpu';
import { InputError } from '../../src/errors.js';
import type { Gpu } from '../../src/gpu/device.js';

const CORE = '@tensorflow/tfjs-core';
const BACKEND = '@tensorflow/tfjs-backend-webgpu';
/** In Node this is the only package that has the gradients of operations. */
const LAYERS = '@tensorflow/tfjs-layers';
/** The latest release, of October 2024. */
const VERSION = '4.22.0';

export interface Tensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}

export interface Variable extends Tensor {
  assign(value: Tensor): void;
}

type Operand = Tensor | number;
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
  maxPool(x: Tensor, size: number, stride: number, padding: number): Tensor;
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

/**
 * Loads TensorFlow.js and gives it a device.
 * @throws InputError if it is not installed. The hint is the command that installs it.
 */
export async function loadTensorFlow(gpu: Gpu): Promise<TensorFlow> {
  const hint = `npm i --no-save ${[CORE, LAYERS, BACKEND].map((name) => `${name}@${VERSION}`).join(' ')}`;
  const load = (name: string) =>
    import(name).catch((cause: Error) => {
      throw new InputError(`TensorFlow.js did not load: ${cause.message.split('\n')[0]}`, { hint, cause });
    });
  const tf: TensorFlow = await load(CORE);
  await load(LAYERS);
  const { WebGPUBackend } = await load(BACKEND);
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
