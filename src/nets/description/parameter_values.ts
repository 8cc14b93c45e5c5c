/** Reads the values of a network's parameters from a checkpoint that has them all. */
import { InputError } from '../../errors.js';
import { type Checkpoint, numbersOf, piecesOf } from '../../formats/weights/checkpoint.js';
import { product, type Tensor } from '../../graph/ir/tensor.js';
import type { WeightSource } from '../../graph/plan/types.js';

/** A network's parameters by name, as in `GraphBuilder.parameters`. */
export type Parameters = ReadonlyMap<string, Pick<Tensor, 'shape'>>;

/** Whether the tensors have every parameter in its shape. If not, `checkParameters` throws an error that says what is wrong. */
export const hasParameters = ({ tensors }: Pick<Checkpoint, 'tensors'>, parameters: Parameters): boolean =>
  [...parameters].every(([name, { shape }]) => tensors.get(name)?.shape.join() === shape.join());

/**
 * The returned functions throw an InputError if a parameter is missing, a value is not finite, or a variance is below 0. Tensors that are in a
 * file are read when they are asked for, or awaited.
 */
export function parameterValues({ tensors }: Pick<Checkpoint, 'tensors'>): WeightSource {
  const find = (name: string, shape: readonly number[]) => {
    const found = tensors.get(name);
    if (!found || product(found.shape) !== product(shape))
      throw new InputError(`the checkpoint has no ${shape.join('×')} ${name}`);
    return found;
  };
  const checked = (name: string, numbers: Float32Array) => {
    refuseWrong(name, numbers, 0);
    return numbers;
  };
  const whole: WeightSource = (name, shape) => {
    const numbers = numbersOf(find(name, shape));
    return numbers instanceof Promise ? numbers.then((all) => checked(name, all)) : checked(name, numbers);
  };
  return Object.assign(whole, {
    async *pieces(name: string, shape: readonly number[]) {
      let at = 0;
      for await (const piece of piecesOf(find(name, shape))) {
        refuseWrong(name, piece, at);
        yield piece;
        at += piece.length;
      }
    },
  });
}

function refuseWrong(name: string, values: Float32Array, from: number): void {
  refuseNotFinite(name, values, from);
  if (name.endsWith('running_var')) refuseNegative(name, values, from);
}

// An indexed loop is five times as fast as an iterator, and there are millions of values.
function refuseNotFinite(name: string, values: Float32Array, from: number): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new InputError(`the checkpoint's ${name} is not finite`, {
      expected: 'numbers',
      given: `${values[i]} at ${from + i}`,
      hint: 'a training that diverged leaves such weights',
    });
  }
}

// The root of a negative variance is NaN. The ReLU after the batch norm may turn it into zeros, which would look like a result.
function refuseNegative(name: string, variances: Float32Array, from: number): void {
  const index = variances.findIndex((variance) => variance < 0);
  if (index < 0) return;
  throw new InputError(`the checkpoint's ${name} holds a negative variance`, {
    expected: 'numbers of 0 and more',
    given: `${variances[index]} at ${from + index}`,
    hint: 'the file is damaged, or its tensors have wrong names',
  });
}
