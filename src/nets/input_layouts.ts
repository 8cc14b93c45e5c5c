/** What files say beside their tensors, and public layouts that marks tell: names of outputs, range of the input, thresholds. */
import type { Backbone } from '../formats/architecture.js';
import type { TensorData } from '../formats/checkpoint.js';
import type { WeightsMetadata } from '../formats/weights.js';

/** ImageNet's, with which torchvision's weights were trained. */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Outputs that nobody named. */
export const unnamed = (count: number) => Array.from({ length: count }, (_, index) => `output ${index}`);

/** Where training scripts keep the names of outputs beside the weights: lists, or names with their numbers. */
const NAME_KEYS = [
  ...['classes', 'class_names', 'classNames', 'class_labels', 'labels', 'label_names', 'label_list', 'pathologies'],
  ...['targets', 'target_names', 'diseases', 'findings', 'class_to_idx', 'label2id', 'idx_to_class', 'id2label'],
];

/**
 * Names of all outputs, in their order, where the file's metadata has as many; each different, none empty. Else `unfit`, for a
 * sentence: what the file has instead, such as `classes (2: Mass, Nodule)`.
 */
export function fileNames(
  metadata: Readonly<Record<string, string>>,
  outputs: number,
): { names?: string[]; unfit?: string } {
  let fit: { key: string; names: string[] } | undefined;
  let unfit: string | undefined;
  for (const key of NAME_KEYS) {
    const value = Object.hasOwn(metadata, key) ? parsed(metadata[key]) : undefined;
    if (typeof value !== 'object' || value === null) continue;
    const names = namesIn(value, outputs);
    if (!names) unfit ??= `${key} (${summary(value)})`;
    else if (!fit) fit = { key, names };
    else if (isReordered(names, fit.names))
      return { unfit: `the same names in different orders in ${fit.key} and ${key}` };
  }
  return fit ? { names: fit.names } : { unfit };
}

const isReordered = (some: readonly string[], others: readonly string[]) =>
  some.some((name, index) => name !== others[index]) && some.every((name) => others.includes(name));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.split(',').map((name) => name.trim());
  }
}

function namesIn(value: object, outputs: number): string[] | undefined {
  const entries = Object.entries(value);
  // Of two names with one number, neither is right.
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

/** How many a file gives, and the first of them. */
function summary(value: object): string {
  // Not a template: that would call what an object of the file has for `toString`.
  const text = (item: unknown) => (typeof item === 'string' ? item : JSON.stringify(item)).slice(0, 40);
  const entries = Object.entries(value);
  const first = entries.slice(0, 4).map(([key, item]) => (Array.isArray(value) ? '' : `${text(key)}: `) + text(item));
  return `${entries.length}: ${first.join(', ')}${entries.length > first.length ? ', …' : ''}`;
}

/** torchxrayvision's, in the order of every one of its classifiers. */
const TORCHXRAYVISION = [
  ...['Atelectasis', 'Consolidation', 'Infiltration', 'Pneumothorax', 'Edema', 'Emphysema', 'Fibrosis', 'Effusion'],
  ...['Pneumonia', 'Pleural_Thickening', 'Cardiomegaly', 'Nodule', 'Mass', 'Hernia', 'Lung Lesion', 'Fracture'],
  ...['Lung Opacity', 'Enlarged Cardiomediastinum'],
];

/** A GoogLeNet's `transform_input` brings images that are normalised as ImageNet's to [−1, 1]: it is mean and std of 0.5. */
export function fileInput(
  metadata: Readonly<Record<string, string>>,
  { family }: Backbone,
  inputChannels: 1 | 3,
): Partial<WeightsMetadata> {
  const said = Object.hasOwn(metadata, 'transform_input') && /^(true|1)$/i.test(metadata.transform_input);
  return said && family === 'googlenet' && inputChannels === 3 ? { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } : {};
}

/**
 * torchxrayvision's classifiers: a buffer `op_threshs` beside a network of one channel. They take values from −1024 to 1024; an
 * output without a threshold was not trained and keeps its number for a name. Thresholds come out by number.
 */
export function publicLayout(
  tensors: ReadonlyMap<string, TensorData>,
  inputChannels: 1 | 3,
  outputs: number,
): Partial<WeightsMetadata> {
  const operating = tensors.get('op_threshs');
  if (!operating || inputChannels !== 1 || operating.data.length !== outputs) return {};
  const numbers = unnamed(outputs);
  const isTrained = (index: number) => operating.data[index] >= 0 && operating.data[index] <= 1;
  return {
    mean: [0.5],
    std: [1 / 2048],
    thresholds: Object.fromEntries(
      [...operating.data.keys()].filter(isTrained).map((index) => [String(index), operating.data[index]]),
    ),
    ...(outputs === TORCHXRAYVISION.length
      ? { classes: TORCHXRAYVISION.map((name, index) => (isTrained(index) ? name : numbers[index])) }
      : {}),
  };
}
