/** A data set in memory: the names of its labels, and a table of its images with typed columns. */
import type { OnWarning } from '../../warnings.js';
import type { CsvOptions } from '../csv.js';
import type { Box } from '../findings.js';

/** The eight diseases of ChestX-ray8, in the paper's order. */
export const CHEST_XRAY8_LABELS = [
  'Atelectasis',
  'Cardiomegaly',
  'Effusion',
  'Infiltration',
  'Mass',
  'Nodule',
  'Pneumonia',
  'Pneumothorax',
] as const;

/** The fourteen diseases of ChestX-ray14: those of ChestX-ray8 and six more. */
export const CHEST_XRAY14_LABELS = [
  ...CHEST_XRAY8_LABELS,
  'Consolidation',
  'Edema',
  'Emphysema',
  'Fibrosis',
  'Pleural_Thickening',
  'Hernia',
] as const;

/** The label file's term for an image with none of the diseases. It is not a class, so such an image has no bit set. */
export const NO_FINDING = 'No Finding';

/** Other spellings of a class, in the box file and in the paper, which has a misspelling. */
const SYNONYMS: Readonly<Record<string, string>> = {
  Infiltrate: 'Infiltration',
  Pneumathorax: 'Pneumothorax',
  'Pleural Thickening': 'Pleural_Thickening',
};

/** The label file's spelling of a class, for a spelling that other published files use. */
export const canonicalLabel = (label: string) => (Object.hasOwn(SYNONYMS, label) ? SYNONYMS[label] : label);

export const SEXES = ['', 'F', 'M'] as const;
export const VIEWS = ['', 'PA', 'AP', 'LL'] as const;

/** A table with a row for each image, as one array for each column. Values that the file does not have are 0, '' or NaN. */
export interface ImageTable {
  /** The meaning of the bits of `labels`: bit i is set for images with `classes[i]`. */
  classes: readonly string[];
  length: number;
  images: string[];
  labels: Uint32Array;
  /** Identifiers as the file writes them, not converted to numbers: `13`, `00000013` and `12-0001` are three patients. */
  patients: string[];
  followUps: string[];
  /** In years; NaN if missing or impossible. */
  ages: Float32Array;
  /** Index into `SEXES`. */
  sexes: Uint8Array;
  /** Index into `VIEWS`. */
  views: Uint8Array;
  /** Size of the original image in pixels, before it was resized to 1024 × 1024. */
  widths: Uint16Array;
  heights: Uint16Array;
}

export interface LabeledBox {
  image: string;
  label: string;
  /** In pixels of the published image, which has 1024 × 1024. */
  box: Box;
}

/** The labels of one row, in the order of `classes`; empty for `No Finding`. */
export const labelsOf = (table: ImageTable, row: number) =>
  table.classes.filter((_, bit) => (table.labels[row] >>> bit) & 1);

/** How the files of a data set are read. */
export interface ReadOptions extends CsvOptions {
  /** The classes of the data set, at most 32. Default: those of ChestX-ray14. */
  classes?: readonly string[];
  /** Whether boxes are given as two corners. Default: as the names of their columns say. */
  corners?: boolean;
  /** Called for each value or row that is wrong. Without it the first row that cannot be used throws. */
  onProblem?: (message: string, row: number) => void;
  /** Called with a warning for each thing that was matched, assumed or not used. */
  onWarning?: OnWarning;
}
