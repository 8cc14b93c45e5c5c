/** A network's parameters in a checkpoint, and all at once what is missing or has another shape. */
import { counted, InputError } from '../errors.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import type { WeightSource } from '../graph/plan/constants.js';
import { type Parameters, parameterValues } from './parameter_values.js';

/** How many faults a message lists. */
const LISTED = 5;

/**
 * The values of a graph's parameters. What else the checkpoint holds (a classifier, counters) is left alone.
 * @param parameters of the `GraphBuilder` that the network was built with.
 * @throws InputError naming missing parameters with the nearest that the checkpoint has, or those of another shape.
 */
export function parameterSource(checkpoint: Pick<Checkpoint, 'tensors'>, parameters: Parameters): WeightSource {
  checkParameters(checkpoint, parameters);
  return parameterValues(checkpoint);
}

/** @throws InputError as `parameterSource` does */
export function checkParameters({ tensors }: Pick<Checkpoint, 'tensors'>, parameters: Parameters): void {
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
