/** Checks the option `ignore`, with which the caller names tensors that take no part in the result. */
import { firstFew, InputError } from '../../errors.js';
import type { TensorData } from '../../formats/weights/checkpoint.js';
import { inBrief } from '../../formats/weights/graph_description.js';
import type { Warning } from '../../warnings.js';

/** @throws InputError if it is not a list of texts, or if a text is empty, since that would match all tensors */
export function checkIgnore(ignore: unknown): void {
  if (ignore === undefined) return;
  if (Array.isArray(ignore) && ignore.every((start) => typeof start === 'string' && start !== '')) return;
  throw new InputError('ignore', {
    expected: "a list of beginnings of tensors' names, such as ['decoder.']",
    given: inBrief(ignore),
  });
}

/** How many names a message lists. */
const LISTED = 6;

/**
 * @param ignore beginnings of names, either of names in the file or of the network's names
 * @param file all tensors of the file, by their names in the file
 * @param tensors the same tensors, without those of other networks, by the network's names
 * @param read the names of the tensors that the network reads
 * @returns a warning if no tensor's name begins as the option says
 * @throws InputError if a tensor that the network reads is to be ignored
 */
export function judgeIgnored(
  ignore: readonly string[],
  file: ReadonlyMap<string, TensorData>,
  tensors: ReadonlyMap<string, TensorData>,
  read: { has(name: string): boolean },
): Warning[] {
  // Otherwise numbers would be read for nothing, or could not be had yet.
  if (ignore.length === 0) return [];
  // On the way from the file a tensor may have been renamed or reshaped. It still has the same array of numbers, by which it is found.
  const names = new Map<TensorData | Float32Array, string>([...tensors].map(([name, tensor]) => [tensor, name]));
  const isOfFile = new Set(file.values());
  for (const [name, tensor] of tensors) if (!isOfFile.has(tensor)) names.set(tensor.data, name);
  const found = [...file].map(([name, tensor]) => ({ name, own: names.get(tensor) ?? names.get(tensor.data) }));
  const unmatched = ignore.filter((start) => {
    const meant = found.filter(({ name, own }) => name.startsWith(start) || own?.startsWith(start));
    const needed = meant.filter(({ own }) => own !== undefined && read.has(own)).map(({ name }) => name);
    if (needed.length === 0) return meant.length === 0;
    throw new InputError('ignore names tensors that the network reads', {
      given: `${start}, the beginning of ${firstFew(needed, LISTED)}`,
      hint:
        needed.length < meant.length
          ? 'name only the others, by longer beginnings of their names, such as up to the next dot'
          : 'without them it would be another network: leave them out of ignore',
    });
  });
  if (unmatched.length === 0) return [];
  return [
    {
      code: 'unused-option',
      message: `No tensor's name begins with ${unmatched.join(', ')}, which ignore names (--ignore). The file has ${firstOf(file)}.`,
    },
  ];
}

/** The different beginnings of the names, up to their first dot. */
function firstOf(file: ReadonlyMap<string, unknown>): string {
  return firstFew([...new Set([...file.keys()].map((name) => name.split('.')[0]))], 8);
}
