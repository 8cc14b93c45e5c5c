/** What `raybox quantize` prints, unless it prints JSON. */
import { counted } from '../../errors.js';
import { mean } from '../../evaluate/roc.js';
import { product } from '../../graph/ir/tensor.js';
import { table } from '../terminal.js';
import type { Comparison } from './comparison.js';

/** A layer whose weights became integers. */
interface QuantizedLayer {
  name: string;
  shape: readonly number[];
  /** Root of the squared error's sum over that of the squared weights. */
  relativeError: number;
}

/** What `raybox quantize` has done, as `--json` prints it. */
export interface Quantization {
  file: string;
  bytes: number;
  /** Bytes of the weights that were read, if they are a file. */
  bytesBefore?: number;
  layers: QuantizedLayer[];
  /** How many numbers of the network stay as they are. */
  kept: number;
  /** On how many images ranges of activations were measured, and of how many layers. */
  calibration?: { images: number; layers: number };
  /** The file that was read and that which was written, both in f32. */
  comparison?: Comparison;
  /** The file that was read in f32, and that which was written with 8-bit arithmetic. */
  int8Comparison?: Comparison;
}

/** A table of the layers, the sizes of the files, and how far probabilities moved. */
export function format(done: Quantization): string {
  const { file, bytes, bytesBefore, layers, kept, calibration, comparison, int8Comparison } = done;
  const rows = layers.map(({ name, shape, relativeError }) => [name, shape.join('×'), percent(relativeError)]);
  const numbers = layers.reduce((sum, { shape }) => sum + product(shape), 0);
  const before =
    bytesBefore === undefined
      ? ''
      : `, ${((100 * bytes) / bytesBefore).toFixed(0)} % of ${bytesBefore.toLocaleString('en')}`;
  return [
    table([['weights', 'shape', 'relative error'], ...rows]),
    `${file}: ${counted(layers.length, 'tensor')} with ${numbers.toLocaleString('en')} numbers as 8-bit integers, ` +
      `${kept.toLocaleString('en')} other numbers as they were; ${bytes.toLocaleString('en')} bytes${before}\n`,
    ...(calibration
      ? [
          `${counted(calibration.layers, 'layer')} can be computed with 8-bit integers (--precision int8), by ranges measured on ${counted(calibration.images, 'image')}\n`,
        ]
      : []),
    ...(comparison ? [comparisonText('probabilities before and after', comparison)] : []),
    ...(int8Comparison ? [comparisonText('before, and with 8-bit arithmetic', int8Comparison)] : []),
  ].join('\n');
}

function comparisonText(what: string, { images, classes }: Comparison): string {
  const hasTruth = classes.some(({ aucBefore }) => aucBefore !== undefined);
  const rows = classes.map((one) => [
    one.label,
    one.meanDifference.toFixed(5),
    one.maxDifference.toFixed(5),
    one.rankCorrelation.toFixed(5),
    one.changed,
    ...(hasTruth ? [auc(one.aucBefore), auc(one.aucAfter)] : []),
  ]);
  const all = (pick: (one: Comparison['classes'][number]) => number) => classes.map(pick);
  const total = [
    'all',
    mean(all(({ meanDifference }) => meanDifference)).toFixed(5),
    all(({ maxDifference }) => maxDifference)
      .reduce((most, one) => Math.max(most, one), 0)
      .toFixed(5),
    mean(all(({ rankCorrelation }) => rankCorrelation)).toFixed(5),
    all(({ changed }) => changed).reduce((sum, one) => sum + one, 0),
    ...(hasTruth
      ? [auc(mean(all(({ aucBefore = NaN }) => aucBefore))), auc(mean(all(({ aucAfter = NaN }) => aucAfter)))]
      : []),
  ];
  const head = [
    'class',
    'mean |Δp|',
    'max |Δp|',
    'rank correlation',
    'changed',
    ...(hasTruth ? ['AUC before', 'AUC after'] : []),
  ];
  return `On ${counted(images, 'image')}, ${what}:\n${table([head, ...rows, total])}`;
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
const auc = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? '–' : value.toFixed(4));
