/** Public layouts that marks in a checkpoint tell: names of outputs, range and size of the input, thresholds. */

import type { TensorData } from '../formats/checkpoint.js';
import type { WeightsMetadata } from '../formats/weights.js';
import type { Head } from './architecture.js';
import type { Backbone } from './backbone.js';

/** ImageNet's, with which torchvision's weights were trained. */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** What is assumed of the pixels that a network takes, where nobody says it: ImageNet's for three channels. */
export const assumedNormalisation = (channels: 1 | 3) => (channels === 3 ? IMAGENET : { mean: [0.5], std: [0.25] });

/** Outputs that nobody named. */
export const unnamed = (count: number) => Array.from({ length: count }, (_, index) => `output ${index}`);

/** torchxrayvision's, in the order of every one of its classifiers. */
const TORCHXRAYVISION = [
  ...['Atelectasis', 'Consolidation', 'Infiltration', 'Pneumothorax', 'Edema', 'Emphysema', 'Fibrosis', 'Effusion'],
  ...['Pneumonia', 'Pleural_Thickening', 'Cardiomegaly', 'Nodule', 'Mass', 'Hernia', 'Lung Lesion', 'Fracture'],
  ...['Lung Opacity', 'Enlarged Cardiomediastinum'],
];

/** What a public layout says, and by which marks it was told. */
export interface PublicLayout {
  readonly fields: Partial<WeightsMetadata>;
  /** For a sentence; absent where it is none that is known. */
  readonly marks?: string;
  /** A mark that stands where the rest of the layout does not: a clause that says so. */
  readonly doubt?: string;
}

/**
 * torchxrayvision's classifiers: one channel of values from −1024 to 1024, a DenseNet with its `classifier` (224 pixels) or a ResNet with
 * its `fc` (512), and beside them `op_threshs` with a probability for each output, or none for one that was not trained. All of
 * it has to be there; names are taken where there are as many as all its classifiers have. Outputs that were not trained keep their number for a name. Thresholds come out by
 * number.
 */
export function publicLayout(
  tensors: ReadonlyMap<string, TensorData>,
  { family }: Backbone,
  { classes: outputs, prediction }: Head,
  inputChannels: 1 | 3,
): PublicLayout {
  const operating = tensors.get('op_threshs')?.data;
  if (!operating) return { fields: {} };
  const isTrained = (index: number) => operating[index] >= 0 && operating[index] <= 1;
  const layer = family === 'densenet' ? 'classifier' : family === 'resnet' ? 'fc' : undefined;
  const isWhole =
    inputChannels === 1 &&
    layer !== undefined &&
    prediction === layer &&
    operating.length === outputs &&
    operating.every((value, index) => Number.isNaN(value) || isTrained(index));
  const network = family === 'resnet' ? "a ResNet's fc" : "a DenseNet's classifier";
  if (!isWhole)
    return {
      fields: {},
      doubt:
        "op_threshs, which torchxrayvision's classifiers have too, but with one channel, a DenseNet's classifier or a ResNet's fc, and a probability for each output: its range of −1024 to 1024 and its names were not assumed",
    };
  const numbers = unnamed(outputs);
  const side = family === 'resnet' ? 512 : 224;
  return {
    marks: `op_threshs beside one channel and ${network} of ${outputs} outputs`,
    fields: {
      ...{ mean: [0.5], std: [1 / 2048], inputWidth: side, inputHeight: side },
      operatingThresholds: Object.fromEntries(
        [...operating.keys()].filter(isTrained).map((index) => [String(index), operating[index]]),
      ),
      ...(outputs === TORCHXRAYVISION.length
        ? { classes: TORCHXRAYVISION.map((name, index) => (isTrained(index) ? name : numbers[index])) }
        : {}),
    },
  };
}
