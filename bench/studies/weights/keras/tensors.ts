/** Weights of a Keras model under other names and with other orders of dimensions. */
import { InputError } from '../../../../src/errors.js';
import type { TensorData } from '../../../../src/formats/weights/checkpoint.js';
import type { Constant } from '../../../../src/import/plain.js';

/** The first modules of a network: its weights under torchvision's names, and the description of a backbone that ends after them. */
export interface FirstModules {
  tensors: Map<string, TensorData>;
  backbone: Readonly<Record<string, unknown>>;
}

/** Orders of dimensions: Keras has rows, columns, inputs, outputs; a depthwise convolution has channels there, then 1. */
export const FULL = [3, 2, 0, 1];
export const DEPTHWISE = [2, 3, 0, 1];

/** @param network its name, for the error about a weight that the model does not have */
export const readerOf =
  (constants: ReadonlyMap<string, Constant>, network: string) =>
  (name: string): TensorData => {
    const constant = constants.get(name);
    if (constant === undefined)
      throw new InputError(`the model has no weight ${name}`, { expected: `Keras' ${network}` });
    return { shape: [...constant.shape], data: Float32Array.from(constant.values()) };
  };

/** The tensor with its dimensions in another order: `order[i]` is the old place of the new dimension i. */
export function transposed({ shape, data }: TensorData, order: readonly number[]): TensorData {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const to = order.map((axis) => shape[axis]);
  const result = new Float32Array(data.length);
  let next = 0;
  const walk = (axis: number, offset: number): void => {
    if (axis === order.length) result[next++] = data[offset];
    else for (let i = 0; i < to[axis]; i++) walk(axis + 1, offset + i * strides[order[axis]]);
  };
  walk(0, 0);
  return { shape: to, data: result };
}
