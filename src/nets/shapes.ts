/**
 * What families read from the names and shapes of a checkpoint's tensors. Layers without parameters leave gaps in the numbering of
 * nn.Sequential, which tell where the poolings are.
 */
import { firstFew, InputError } from '../errors.js';
import type { Shapes } from './family.js';

/** A prefix as a description has it: only where it is not the usual one. */
export const named = (prefix: string, usual: string) => (prefix === usual ? {} : { prefix });

/** Outputs, inputs, height and width of a convolution's weights. */
export function convolutionShape(tensors: Shapes, name: string): readonly number[] {
  const shape = tensors.get(`${name}.weight`)?.shape;
  if (shape?.length !== 4)
    throw new InputError(`the checkpoint's ${name}.weight is missing or no convolution`, {
      expected: 'four sizes',
      given: shape ? shape.join('×') : namesUnder(tensors, name),
    });
  return shape;
}

/** What stands in a layer's place: a stem of several convolutions, say. */
function namesUnder(tensors: Shapes, name: string): string {
  const names = [...tensors.keys()].filter((one) => one.startsWith(`${name}.`) && !one.endsWith('num_batches_tracked'));
  return firstFew(names, 4) || 'nothing of that name';
}

/** How many names in a row the checkpoint has. */
export function countFrom(tensors: Shapes, first: number, name: (index: number) => string): number {
  let index = first;
  while (tensors.has(`${name(index)}.weight`)) index++;
  return index - first;
}

/** Numbers N, ascending, of names `prefix`N.`rest`. */
export function layerNumbers(tensors: Shapes, prefix: string, rest: RegExp): number[] {
  const numbers = [...tensors.keys()].flatMap((name) => {
    const match = name.startsWith(prefix) ? /^(\d{1,4})\.(.*)$/.exec(name.slice(prefix.length)) : null;
    return match && rest.test(match[2]) ? Number(match[1]) : [];
  });
  return numbers.sort((a, b) => a - b);
}

/** Why the poolings of an nn.Sequential cannot be told. */
export function unknownLayers(prefix: string, first: number, last: number): InputError {
  return new InputError(
    `cannot tell what the layers ${prefix}${first} to ${prefix}${last} are: they have no parameters`,
    {
      hint: 'give the architecture in the options',
    },
  );
}
