/** Finds a network's parameters in a checkpoint, and says all at once what is missing or has another shape. */
import { counted, InputError } from '../errors.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { product, type Tensor } from '../graph/ir/tensor.js';
import type { WeightSource } from '../graph/plan/constants.js';

/** How many faults a message lists. */
const LISTED = 5;

/**
 * The values of a graph's parameters. What else the checkpoint holds (a classifier, counters) is left alone.
 * @param parameters of the `GraphBuilder` that the network was built with.
 * @throws InputError naming missing parameters with the nearest that the checkpoint has, or those of another shape.
 */
export function parameterSource(
  { tensors }: Pick<Checkpoint, 'tensors'>,
  parameters: ReadonlyMap<string, Pick<Tensor, 'shape'>>,
): WeightSource {
  const missing = [...parameters.keys()].filter((name) => !tensors.has(name));
  if (missing.length > 0) {
    const unused = [...tensors.keys()].filter((name) => !parameters.has(name));
    const listed = missing.slice(0, LISTED).map((name) => {
      const near = nearest(name, parameters.get(name)!.shape, unused, tensors);
      return near ? `${name} (nearest: ${near})` : name;
    });
    throw new InputError(
      `the checkpoint lacks ${counted(missing.length, 'parameter')}: ${list(listed, missing.length)}`,
      {
        hint: 'is it a checkpoint of this architecture?',
      },
    );
  }
  const wrong = [...parameters].filter(([name, { shape }]) => tensors.get(name)!.shape.join() !== shape.join());
  if (wrong.length > 0) {
    const listed = wrong.slice(0, LISTED).map(([name, { shape }]) => {
      return `${name} (expected ${shape.join('×')}, given ${tensors.get(name)!.shape.join('×') || 'a single number'})`;
    });
    throw new InputError(`${counted(wrong.length, 'parameter')} of another shape: ${list(listed, wrong.length)}`, {
      hint: 'is it a checkpoint of this architecture, with as many channels and classes?',
    });
  }
  return (name, shape) => {
    const found = tensors.get(name);
    if (found?.data.length !== product(shape)) throw new InputError(`the checkpoint has no ${shape.join('×')} ${name}`);
    refuseNotFinite(name, found.data);
    if (name.endsWith('running_var')) refuseNegative(name, found.data);
    return found.data;
  };
}

// An indexed loop: five times as fast as an iterator, and there are millions.
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

// The root of a negative variance is no number, and the ReLU behind it makes zeros of that, which look like a result.
function refuseNegative(name: string, variances: Float32Array): void {
  const index = variances.findIndex((variance) => variance < 0);
  if (index < 0) return;
  throw new InputError(`the checkpoint's ${name} holds a negative variance`, {
    expected: 'numbers of 0 and more',
    given: `${variances[index]} at ${index}`,
    hint: 'the file is damaged, or its tensors stand under wrong names',
  });
}

const list = (listed: readonly string[], total: number) =>
  listed.join(', ') + (total > listed.length ? ` and ${total - listed.length} more` : '');

/** The unused name that ends most alike, those of the right shape before others. */
function nearest(
  name: string,
  shape: readonly number[],
  unused: readonly string[],
  tensors: Checkpoint['tensors'],
): string | undefined {
  const parts = name.split('.').reverse();
  let best: string | undefined;
  let bestScore = 0;
  for (const other of unused) {
    const theirs = other.split('.').reverse();
    const differs = parts.findIndex((part, index) => part !== theirs[index]);
    const common = differs < 0 ? parts.length : differs;
    const score = common + (tensors.get(other)!.shape.join() === shape.join() ? 0.5 : 0);
    if (common > 0 && score > bestScore) [best, bestScore] = [other, score];
  }
  return best;
}
