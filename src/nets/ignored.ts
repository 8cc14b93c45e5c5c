/** Tensors that the caller says take no part in the result, against those that the network reads. */
import { firstFew, InputError } from '../errors.js';
import type { TensorData } from '../formats/checkpoint.js';
import { inBrief } from '../formats/graph_description.js';
import type { Warning } from '../warnings.js';

/** @throws InputError for what is no list of texts. An empty text would name all tensors. */
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
 * @param ignore beginnings of names, as the file has them or as the network does
 * @param file all tensors of the file, by their names there
 * @param tensors those that are left, by the network's names
 * @param read names of those that the network reads
 * @returns a warning where there are beginnings that no tensor has
 * @throws InputError where a beginning names what the network reads: it cannot both take part in the result and not
 */
export function judgeIgnored(
  ignore: readonly string[],
  file: ReadonlyMap<string, TensorData>,
  tensors: ReadonlyMap<string, TensorData>,
  read: { has(name: string): boolean },
): Warning[] {
  // A tensor may have got another name, or another shape: then its numbers stayed where they are.
  const names = new Map<TensorData | Float32Array, string>([...tensors].map(([name, tensor]) => [tensor, name]));
  const isOfFile = new Set(file.values());
  for (const [name, tensor] of tensors) if (!isOfFile.has(tensor)) names.set(tensor.data, name);
  const found = [...file].map(([name, tensor]) => ({ name, own: names.get(tensor) ?? names.get(tensor.data) }));
  const unmatched = ignore.filter((start) => {
    const meant = found.filter(({ name, own }) => name.startsWith(start) || own?.startsWith(start));
    const needed = meant.filter(({ own }) => own !== undefined && read.has(own)).map(({ name }) => name);
    if (needed.length === 0) return meant.length === 0;
    throw new InputError('ignore names tensors that the network reads', {
      given: `${start}, with which begin ${firstFew(needed, LISTED)}`,
      hint:
        needed.length < meant.length
          ? 'name the others by more of what they begin with, up to a dot, say'
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

/** What names begin with, up to their first dot. */
function firstOf(file: ReadonlyMap<string, unknown>): string {
  return firstFew([...new Set([...file.keys()].map((name) => name.split('.')[0]))], 8);
}
