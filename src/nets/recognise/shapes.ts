/**
 * Helpers with which families read the names and shapes of a checkpoint's tensors. In an nn.Sequential, layers without parameters leave gaps in
 * the numbers, which show where the poolings are.
 */
import { firstFew, InputError } from '../../errors.js';
import type { Shapes } from '../family.js';

/** The prefix as a field of a description, which has it only if it is not the usual one. */
export const named = (prefix: string, usual: string) => (prefix === usual ? {} : { prefix });

/** The shape of a convolution's weights: outputs, inputs, height and width. @throws InputError if there is no such convolution */
export function convolutionShape(tensors: Shapes, name: string): readonly number[] {
  const shape = tensors.get(`${name}.weight`)?.shape;
  if (shape?.length !== 4)
    throw new InputError(`the checkpoint's ${name}.weight is missing or is not a convolution`, {
      expected: 'four sizes',
      given: shape ? shape.join('×') : namesUnder(tensors, name),
    });
  return shape;
}

/** The names under a layer's name, for an error: the layer may have been replaced by several. */
function namesUnder(tensors: Shapes, name: string): string {
  const names = [...tensors.keys()].filter((one) => one.startsWith(`${name}.`) && !one.endsWith('num_batches_tracked'));
  return firstFew(names, 4) || 'nothing of that name';
}

/** How many layers with consecutive numbers the checkpoint has. */
export function countFrom(tensors: Shapes, first: number, name: (index: number) => string): number {
  let index = first;
  while (tensors.has(`${name(index)}.weight`)) index++;
  return index - first;
}

/** The numbers N of all names of the form `prefix`N.`rest`, in ascending order. */
export function layerNumbers(tensors: Shapes, prefix: string, rest: RegExp): number[] {
  const numbers = [...tensors.keys()].flatMap((name) => {
    const match = name.startsWith(prefix) ? /^(\d{1,4})\.(.*)$/.exec(name.slice(prefix.length)) : null;
    return match && rest.test(match[2]) ? Number(match[1]) : [];
  });
  return numbers.sort((a, b) => a - b);
}

/** The error if the gaps in an nn.Sequential do not show where the poolings are. */
export function unknownLayers(prefix: string, first: number, last: number): InputError {
  return new InputError(
    `cannot tell what the layers ${prefix}${first} to ${prefix}${last} are: they have no parameters`,
    {
      hint: 'give the architecture in the options',
    },
  );
}
