/** A data set in memory: what its labels are called, and one typed column per fact about its images. */
import type { Box } from './findings.js';

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

/** The fourteen of ChestX-ray14: the eight and six more. */
export const CHEST_XRAY14_LABELS = [
  ...CHEST_XRAY8_LABELS,
  'Consolidation',
  'Edema',
  'Emphysema',
  'Fibrosis',
  'Pleural_Thickening',
  'Hernia',
] as const;

/** The label file's word for "none of the listed diseases". It is no class: its bit set is empty. */
export const NO_FINDING = 'No Finding';

/** Other spellings of a class: the box file's, and the paper's own slip. */
const SYNONYMS: Readonly<Record<string, string>> = {
  Infiltrate: 'Infiltration',
  Pneumathorax: 'Pneumothorax',
  'Pleural Thickening': 'Pleural_Thickening',
};

/** The spelling of the label file for a class that other files spell differently. */
export const canonicalLabel = (label: string) => (Object.hasOwn(SYNONYMS, label) ? SYNONYMS[label] : label);

export const SEXES = ['', 'F', 'M'] as const;
export const VIEWS = ['', 'PA', 'AP', 'LL'] as const;

/** One row per image, one array per column. What a file does not say is 0, '' or NaN. */
export interface ImageTable {
  /** What the bits of `labels` mean: bit i stands for `classes[i]`. */
  classes: readonly string[];
  length: number;
  images: string[];
  labels: Uint32Array;
  /** Identifiers as the file writes them, never numbers: `13`, `00000013` and `12-0001` are three patients. */
  patients: string[];
  followUps: string[];
  /** Years; NaN where missing or impossible. */
  ages: Float32Array;
  /** Index into `SEXES`. */
  sexes: Uint8Array;
  /** Index into `VIEWS`. */
  views: Uint8Array;
  /** Pixels of the original, before it was resized to 1024². */
  widths: Uint16Array;
  heights: Uint16Array;
}

export interface LabeledBox {
  image: string;
  label: string;
  /** Pixels of the published 1024×1024 image. */
  box: Box;
}

/** The labels of one row, in the order of `classes`; empty for `No Finding`. */
export const labelsOf = (table: ImageTable, row: number) =>
  table.classes.filter((_, bit) => (table.labels[row] >>> bit) & 1);
