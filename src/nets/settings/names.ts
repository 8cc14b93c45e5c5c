/** Names of outputs, as settings beside the tensors of a checkpoint give them. */
import { brief } from '../../formats/brief.js';
import { settingsIn } from './values.js';

/** The keys under which training scripts save the names of outputs, as lists or as objects that map names to numbers or back. */
const NAME_KEYS = [
  ...['classes', 'class_names', 'classNames', 'class_labels', 'labels', 'label_names', 'label_list', 'pathologies'],
  ...['targets', 'target_names', 'diseases', 'findings', 'class_to_idx', 'label2id', 'idx_to_class', 'id2label'],
];

/**
 * The names of all outputs in their order, if the file's metadata has exactly as many different names, none of them empty; `from` says where
 * they were found. Otherwise `unfit` says, as a part of a sentence, what the file has instead, such as `classes (2: Mass, Nodule)`.
 */
export function fileNames(
  metadata: Readonly<Record<string, string>>,
  outputs: number,
): { names?: string[]; from?: string; unfit?: string } {
  let fit: { path: string; names: string[] } | undefined;
  let unfit: string | undefined;
  const settings = settingsIn(metadata);
  for (const { path, value: given } of NAME_KEYS.flatMap((name) => settings.filter(({ key }) => key === name))) {
    const value = typeof given === 'string' ? given.split(',').map((name) => name.trim()) : given;
    if (typeof value !== 'object' || value === null) continue;
    // A single word need not be a class. It may, for example, be the name of a file with the labels.
    const names = typeof given === 'string' && !given.includes(',') ? undefined : namesIn(value, outputs);
    if (!names) unfit ??= `${path} (${summary(value)})`;
    else if (names.every((name, index) => name === `LABEL_${index}`))
      continue; // these are only numbers, written as text
    else if (!fit) fit = { path, names };
    else if (names.some((name, index) => name !== fit!.names[index])) {
      const isReordered = names.every((name) => fit!.names.includes(name));
      return {
        unfit: `${isReordered ? 'the same names in different orders' : 'different names'} in ${fit.path} and ${path}`,
      };
    }
  }
  return fit ? { names: fit.names, from: fit.path } : { unfit };
}

function namesIn(value: object, outputs: number): string[] | undefined {
  const entries = Object.entries(value);
  // If two names have the same number, neither can be trusted.
  if (entries.length !== outputs) return undefined;
  const names = new Array<unknown>(outputs);
  for (const [key, other] of entries) {
    if (typeof other === 'number') names[other] = key;
    else names[Number(key)] = other;
  }
  const isName = (name: unknown) => typeof name === 'string' && name.trim() !== '';
  const complete = names.length === outputs && Array.from(names).every(isName) && new Set(names).size === outputs;
  return complete ? (names as string[]) : undefined;
}

/** The number of names that a file gives, and the first of them, in words. */
function summary(value: object): string {
  const text = (item: unknown) => (typeof item === 'string' ? item.slice(0, 40) : brief(item));
  const entries = Object.entries(value);
  const first = entries.slice(0, 4).map(([key, item]) => (Array.isArray(value) ? '' : `${text(key)}: `) + text(item));
  return `${entries.length}: ${first.join(', ')}${entries.length > first.length ? ', …' : ''}`;
}
