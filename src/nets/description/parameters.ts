/** Finds a network's parameters in a checkpoint. Its errors list all parameters that are missing or have another shape, not only the first. */
import { counted, InputError } from '../../errors.js';
import type { Checkpoint } from '../../formats/weights/checkpoint.js';
import type { WeightSource } from '../../graph/plan/types.js';
import { type Parameters, parameterValues } from './parameter_values.js';

/** How many faults a message lists. */
const LISTED = 5;

/**
 * A source of the values of a graph's parameters. Other tensors of the checkpoint (a classifier, counters) are not looked at.
 * @param parameters of the `GraphBuilder` that the network was built with.
 * @throws InputError that names the missing parameters, each with the most similar name in the checkpoint, or those of another shape.
 */
export function parameterSource(checkpoint: Pick<Checkpoint, 'tensors'>, parameters: Parameters): WeightSource {
  checkParameters(checkpoint, parameters);
  return parameterValues(checkpoint);
}

/** @throws InputError in the same cases as `parameterSource` */
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

/** The unused name with the longest equal ending. If several are equally long, one whose tensor has the right shape. */
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
