/** Compares labels that were mined from reports with what radiologists said when they looked at the same images. */
import { InputError } from '../../../src/errors.js';
import { bootstrap, numberClusters } from '../../../src/evaluate/intervals.js';
import { rank, weightedScores } from '../../../src/evaluate/roc.js';
import type { Estimated } from './learning_curve.js';

/** A finding that readers and reports both name: the readers' names for it, and the mined labels that mean it. */
export interface Comparison {
  reader: 'ChestX-Det' | 'RSNA' | 'adjudicated';
  finding: string;
  read: readonly string[];
  mined: readonly string[];
}

const OPACITY = ['Consolidation', 'Infiltration', 'Pneumonia'];

export const COMPARISONS: readonly Comparison[] = [
  ...['Atelectasis', 'Cardiomegaly', 'Effusion', 'Consolidation', 'Mass', 'Pneumothorax', 'Emphysema', 'Fibrosis'].map(
    (name): Comparison => ({ reader: 'ChestX-Det', finding: name, read: [name], mined: [name] }),
  ),
  { reader: 'ChestX-Det', finding: 'Nodule', read: ['Nodule', 'Diffuse Nodule'], mined: ['Nodule'] },
  {
    ...{ reader: 'ChestX-Det', finding: 'Pleural thickening' },
    ...{ read: ['Pleural Thickening'], mined: ['Pleural_Thickening'] },
  },
  { reader: 'ChestX-Det', finding: 'Consolidation, widely', read: ['Consolidation'], mined: OPACITY },
  { reader: 'RSNA', finding: 'Lung opacity', read: ['Lung Opacity'], mined: ['Pneumonia'] },
  { reader: 'RSNA', finding: 'Lung opacity, widely', read: ['Lung Opacity'], mined: OPACITY },
  { reader: 'adjudicated', finding: 'Pneumothorax', read: ['Pneumothorax'], mined: ['Pneumothorax'] },
  { reader: 'adjudicated', finding: 'Nodule or mass', read: ['Nodule or mass'], mined: ['Mass', 'Nodule'] },
  { reader: 'adjudicated', finding: 'Airspace opacity', read: ['Airspace opacity'], mined: [...OPACITY, 'Edema'] },
];

/** What readers said about an image: their findings, by the name of the image. */
export type Reads = ReadonlyMap<string, readonly string[]>;

/** Reads the rows of `reads.csv` of one source: columns image, source and read, where `read` lists findings with | between them. */
export function readsOf(rows: readonly Readonly<Record<string, string>>[], source: string): Reads {
  const found = rows.filter((row) => row.source.startsWith(source));
  if (found.length === 0)
    throw new InputError(`no reads of ${source}`, { expected: 'the columns image, source, read' });
  return new Map(found.map(({ image, read }) => [image, read.split('|')]));
}

/** Reads adjudicated labels: a column for each finding, with YES or NO. */
export const adjudicatedOf = (rows: readonly Readonly<Record<string, string>>[]): Reads =>
  new Map(
    rows.map(
      (row) => [row['Image Index'], Object.keys(row).filter((name) => row[name] === 'YES')] as [string, string[]],
    ),
  );

/** An image that was read, with its mined labels and the scores of a network. */
export interface ReadImage {
  patient: string;
  read: readonly string[];
  mined: readonly string[];
  /** Logits by class. */
  logits?: Readonly<Record<string, number>>;
}

export interface Agreement extends Comparison {
  images: number;
  /** Images with the finding: of the readers, of the reports, and of both. */
  positives: { read: number; mined: number; both: number };
  /** Cohen's kappa. */
  kappa: Estimated;
  /** Share of the readers' positives that the reports have, and of the reports' that the readers have. */
  found: Estimated;
  right: Estimated;
  /** AUC of the scores, with the mined labels and with the readers' as truth, on the same images, and the difference. */
  auc?: { mined: Estimated; read: Estimated; difference: Estimated };
}

/** Intervals come from a bootstrap over patients. */
export function agreementOf(
  comparison: Comparison,
  images: readonly ReadImage[],
  options: { replicates: number; seed: number },
): Agreement {
  const has = (names: readonly string[], wanted: readonly string[]) => wanted.some((name) => names.includes(name));
  const read = images.map((image) => Number(has(image.read, comparison.read)));
  const mined = images.map((image) => Number(has(image.mined, comparison.mined)));
  const { clusterOf, count } = numberClusters(
    images.length,
    images.map(({ patient }) => patient),
  );
  const isScored = images.length > 0 && images.every(({ logits }) => logits !== undefined);
  // A finding that several labels mean is scored by the highest of their logits.
  const scores = images.map(({ logits }) => Math.max(...comparison.mined.map((name) => logits?.[name] ?? 0)));
  const [byMined, byRead] = [mined, read].map((labels) => weightedScores(rank(scores, labels), clusterOf));
  const statistics = (drawn: Uint16Array) => {
    const table = [0, 0, 0, 0];
    for (let i = 0; i < images.length; i++) table[2 * read[i] + mined[i]] += drawn[clusterOf[i]];
    const [neither, onlyMined, onlyRead, both] = table;
    const total = neither + onlyMined + onlyRead + both;
    const [withRead, withMined] = [onlyRead + both, onlyMined + both];
    const byChance = (withRead * withMined + (total - withRead) * (total - withMined)) / total ** 2;
    const kappa = ((neither + both) / total - byChance) / (1 - byChance);
    const aucs = isScored ? [byMined(drawn).auc, byRead(drawn).auc] : [Number.NaN, Number.NaN];
    return [kappa, both / withRead, both / withMined, ...aucs, aucs[1] - aucs[0]];
  };
  const values = statistics(new Uint16Array(count).fill(1));
  const intervals = bootstrap(count, statistics, options);
  const [kappa, found, right, aucMined, aucRead, difference] = values.map((value, i) => ({ value, ...intervals[i] }));
  const sum = (labels: readonly number[]) => labels.reduce((total, one) => total + one, 0);
  return {
    ...comparison,
    images: images.length,
    positives: { read: sum(read), mined: sum(mined), both: sum(read.map((one, i) => one * mined[i])) },
    ...{ kappa, found, right },
    ...(isScored ? { auc: { mined: aucMined, read: aucRead, difference } } : {}),
  };
}
