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

/** Names of all outputs, in their order, where the file's metadata has as many; each different, none empty. */
export function fileNames(metadata: Readonly<Record<string, string>>, outputs: number): string[] | undefined {
  for (const key of NAME_KEYS) {
    if (!Object.hasOwn(metadata, key)) continue;
    const names = namesIn(metadata[key], outputs);
    if (names) return names;
  }
  return undefined;
}

function namesIn(text: string, outputs: number): string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = text.split(',').map((name) => name.trim());
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const names = new Array<unknown>(outputs);
  if (Array.isArray(value)) {
    value.slice(0, outputs + 1).forEach((name, place) => {
      names[place] = name;
    });
  } else
    for (const [key, other] of Object.entries(value)) {
      if (typeof other === 'number') names[other] = key;
      else names[Number(key)] = other;
    }
  const isName = (name: unknown) => typeof name === 'string' && name.trim() !== '';
  const complete = names.length === outputs && Array.from(names).every(isName) && new Set(names).size === outputs;
  return complete ? (names as string[]) : undefined;
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
