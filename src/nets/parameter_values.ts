/** Reads the values of a network's parameters from a checkpoint that has them all. */
import { InputError } from '../errors.js';
import type { Checkpoint } from '../formats/weights/checkpoint.js';
import { product, type Tensor } from '../graph/ir/tensor.js';
import type { WeightSource } from '../graph/plan/types.js';

/** A network's parameters by name, as in `GraphBuilder.parameters`. */
export type Parameters = ReadonlyMap<string, Pick<Tensor, 'shape'>>;

/** Whether the tensors have every parameter in its shape. If not, `checkParameters` throws an error that says what is wrong. */
export const hasParameters = ({ tensors }: Pick<Checkpoint, 'tensors'>, parameters: Parameters): boolean =>
  [...parameters].every(([name, { shape }]) => tensors.get(name)?.shape.join() === shape.join());

/** The returned function throws an InputError if a parameter is missing, a value is not finite, or a variance is below 0. */
export function parameterValues({ tensors }: Pick<Checkpoint, 'tensors'>): WeightSource {
  return (name, shape) => {
    const found = tensors.get(name);
    if (found?.data.length !== product(shape)) throw new InputError(`the checkpoint has no ${shape.join('×')} ${name}`);
    refuseNotFinite(name, found.data);
    if (name.endsWith('running_var')) refuseNegative(name, found.data);
    return found.data;
  };
}

// An indexed loop is five times as fast as an iterator, and there are millions of values.
function refuseNotFinite(name: string, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new InputError(`the checkpoint's ${name} is not finite`, {
      expected: 'numbers',
      given: `${values[i]} at ${i}`,
      hint: 'a training that diverged leaves such weights',
    });
  }
}

// The root of a negative variance is NaN. The ReLU after the batch norm may turn it into zeros, which would look like a result.
function refuseNegative(name: string, variances: Float32Array): void {
  const index = variances.findIndex((variance) => variance < 0);
  if (index < 0) return;
  throw new InputError(`the checkpoint's ${name} holds a negative variance`, {
    expected: 'numbers of 0 and more',
    given: `${variances[index]} at ${index}`,
    hint: 'the file is damaged, or its tensors have wrong names',
  });
}
