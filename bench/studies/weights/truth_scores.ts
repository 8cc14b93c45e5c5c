/** Scores of a network on marks of radiologists, and those of two baselines that do not look at the image. */

import { randomMapBaseline } from '../../../src/evaluate/baselines.js';
import { scaledBox } from '../../../src/evaluate/box_frame.js';
import { bootstrap, type Interval, numberClusters, quantile } from '../../../src/evaluate/intervals.js';
import { type BoxedImage, type Criterion, scoreLocalization } from '../../../src/evaluate/localization.js';
import type { MaskFigure } from '../../../src/evaluate/masks/figures.js';
import type { HeatmapValues } from '../../../src/evaluate/masks/heatmap_size.js';
import { maskScorer } from '../../../src/evaluate/masks/scores.js';
import type { MaskTruth, TruthImage } from '../../../src/evaluate/masks/truth.js';
import type { Box } from '../../../src/formats/findings.js';
import { fnv1a, seededRandom } from '../../../src/random.js';
import { markdownTable } from '../../markdown.js';

/** What a network found in an image, of the findings that are marked there. Boxes are in pixels of the image. */
export interface Found {
  image: string;
  width: number;
  height: number;
  boxes: { label: string; box: Box }[];
  heatmaps: { label: string; width: number; height: number; data: number[] }[];
}

export interface ScoreOptions {
  train: readonly string[];
  validation: readonly string[];
  patientOf(image: string): string;
  seed: number;
  replicates: number;
}

interface Estimate extends Interval {
  value: number;
}

/** The scores of one way to localize on one source of truth. */
export interface TruthScore {
  source: string;
  method: string;
  images: number;
  patients: number;
  marks: number;
  /** By name of the figure: of all pairs of an image and a finding together. */
  all: Record<string, Estimate>;
  /** The pointing game and the mean IoU of boxes by finding. */
  labels: { label: string; images: number; hitRate: Estimate; pxAp: Estimate }[];
}

export const CRITERIA: readonly Criterion[] = [
  ...[0.1, 0.2, 0.3].map((threshold) => ({ measure: 'IoU' as const, threshold })),
  { measure: 'IoBB', threshold: 0.25 },
];

/** A way to localize: boxes, in pixels of the truth's masks, and a heatmap, for a finding in an image. */
interface Method {
  name: string;
  boxes(image: string, label: string): Box[];
  heatmap(image: string, label: string): HeatmapValues | undefined;
}

/** The scores of the network, the median box and a random map. Images of `validation` are scored. */
export function scoreTruth(truth: MaskTruth, found: readonly Found[], options: ScoreOptions): TruthScore[] {
  const methods = [networkOf(found, truth), medianBoxOf(truth, options.train), randomMapOf(truth, options.seed)];
  return methods.map((method) => scoreMethod(truth, method, options));
}

function scoreMethod(truth: MaskTruth, method: Method, options: ScoreOptions): TruthScore {
  const { train, validation, patientOf, seed, replicates } = options;
  const scorer = maskScorer(truth, { predictions: 'heatmaps', validation: train, test: validation, patientOf });
  for (const [image, { regions }] of truth.images) {
    const maps = [...regions.keys()].map((label): [string, HeatmapValues | undefined] => [
      label,
      method.heatmap(image, label),
    ]);
    scorer.addHeatmaps(image, Object.fromEntries(maps.filter((each): each is [string, HeatmapValues] => !!each[1])));
  }
  const { evaluation } = scorer.finish({ replicates, seed });
  const scored = new Set(validation);
  const images = [...truth.images].flatMap(([image, marked]): BoxedImage[] =>
    scored.has(image) && marked.regions.size > 0 ? [boxedImage(image, marked, method)] : [],
  );
  const whole = evaluation.scores[evaluation.scores.length - 1].figures;
  const shown: MaskFigure[] = ['hitRate', 'boxAcc', 'maxBoxAcc', 'pxAp', 'iouKnown', 'dice'];
  return {
    ...{ source: truth.source, method: method.name, images: images.length },
    patients: new Set(images.map(({ image }) => patientOf(image))).size,
    marks: images.reduce((sum, each) => sum + each.truth.length, 0),
    all: {
      ...boxFigures(images, truth.labels, options),
      ...Object.fromEntries(shown.map((name) => [name, { value: whole[name].value, ...whole[name].interval }])),
    },
    labels: evaluation.scores.slice(0, -2).map(({ label, images: count, figures: { hitRate, pxAp } }) => ({
      ...{ label, images: count },
      hitRate: { value: hitRate.value, ...hitRate.interval },
      pxAp: { value: pxAp.value, ...pxAp.interval },
    })),
  };
}

function boxedImage(image: string, { regions }: TruthImage, method: Method): BoxedImage {
  const labels = [...regions.keys()];
  return {
    image,
    truth: labels.flatMap((label) => (regions.get(label)?.boxes ?? []).map((box) => ({ label, box }))),
    detected: labels.flatMap((label) => method.boxes(image, label).map((box) => ({ label, box, score: 1 }))),
  };
}

/** Accuracy by the paper's criteria, mean IoU and false boxes for each truth box, with a bootstrap over patients. */
function boxFigures(
  images: readonly BoxedImage[],
  labels: readonly string[],
  { patientOf, seed, replicates }: ScoreOptions,
): Record<string, Estimate> {
  const { clusterOf, count } = numberClusters(
    images.length,
    images.map(({ image }) => patientOf(image)),
  );
  const parts = Array.from({ length: count }, (_, cluster) => {
    const own = images.filter((_, i) => clusterOf[i] === cluster);
    const score = scoreLocalization(own, labels, { criteria: CRITERIA, replicates: 0 })[labels.length];
    const { truthBoxes, meanIou, figures } = score;
    return [truthBoxes, ...figures.map(({ hits }) => hits), meanIou * truthBoxes, figures[0].falseBoxes];
  });
  const names = [...CRITERIA.map(({ measure, threshold }) => `${measure} > ${threshold}`), 'meanIou', 'falseBoxes'];
  const ratios = (drawn: ArrayLike<number>) => {
    const sum = (at: number) => parts.reduce((total, part, i) => total + drawn[i] * part[at], 0);
    return names.map((_, at) => sum(at + 1) / sum(0));
  };
  const values = ratios(new Uint8Array(count).fill(1));
  const intervals = bootstrap(count, ratios, { seed, replicates });
  return Object.fromEntries(names.map((name, i) => [name, { value: values[i], ...intervals[i] }]));
}

function networkOf(found: readonly Found[], { images }: MaskTruth): Method {
  const byImage = new Map(found.map((each) => [each.image, each]));
  return {
    name: 'network',
    boxes(image, label) {
      const { width, height, boxes } = byImage.get(image) as Found;
      const truth = images.get(image) as TruthImage;
      return boxes
        .filter((each) => each.label === label)
        .map(({ box }) => scaledBox(box, truth.width / width, truth.height / height));
    },
    heatmap: (image, label) => byImage.get(image)?.heatmaps.find((each) => each.label === label),
  };
}

/** Side of the map of the median box, in cells. */
const MEDIAN_CELLS = 64;

/** The median box of each finding over the marks of training images. Its heat falls from the centre, and is one half at its edge. */
function medianBoxOf({ images, labels }: MaskTruth, train: readonly string[]): Method {
  const marked = train.flatMap((image) => images.get(image) ?? []);
  const medians = new Map<string, Box>();
  for (const label of labels) {
    const boxes = marked.flatMap(({ regions, width, height }) =>
      (regions.get(label)?.boxes ?? []).map((box) => scaledBox(box, 1 / width, 1 / height)),
    );
    if (boxes.length === 0) continue;
    const median = (side: keyof Box) =>
      quantile(
        boxes.map((box) => box[side]).sort((a, b) => a - b),
        0.5,
      );
    medians.set(label, { x: median('x'), y: median('y'), width: median('width'), height: median('height') });
  }
  const maps = new Map([...medians].map(([label, box]) => [label, coneOf(box)]));
  return {
    name: 'median box',
    boxes(image, label) {
      const { width, height } = images.get(image) as TruthImage;
      const box = medians.get(label);
      return box ? [scaledBox(box, width, height)] : [];
    },
    heatmap: (_, label) => maps.get(label),
  };
}

function coneOf(box: Box): HeatmapValues {
  const [across, down] = [box.x + box.width / 2, box.y + box.height / 2];
  const data = Array.from({ length: MEDIAN_CELLS ** 2 }, (_, i) => {
    const [x, y] = [((i % MEDIAN_CELLS) + 0.5) / MEDIAN_CELLS, (Math.floor(i / MEDIAN_CELLS) + 0.5) / MEDIAN_CELLS];
    return Math.max(0, 1 - Math.max(Math.abs(x - across) / box.width, Math.abs(y - down) / box.height));
  });
  return { data, width: MEDIAN_CELLS, height: MEDIAN_CELLS };
}

/** Cells of a random map in each direction, as in `randomMapBaseline`, which gives the boxes. */
const RANDOM_CELLS = 3;

function randomMapOf({ images, labels }: MaskTruth, seed: number): Method {
  const frameOf = (image: string) => images.get(image) as TruthImage;
  const empty = [...images.keys()].map((image): BoxedImage => ({ image, truth: [], detected: [] }));
  const drawn = randomMapBaseline(empty, () => labels, { seed, cells: RANDOM_CELLS, frameOf });
  const boxes = new Map(drawn.map(({ image, detected }) => [image, detected]));
  return {
    name: 'random map',
    boxes: (image, label) => (boxes.get(image) ?? []).flatMap((each) => (each.label === label ? [each.box] : [])),
    heatmap(image, label) {
      const random = seededRandom(fnv1a(`${seed} ${image} ${label}`));
      return {
        data: Array.from({ length: RANDOM_CELLS ** 2 }, random),
        ...{ width: RANDOM_CELLS, height: RANDOM_CELLS },
      };
    },
  };
}

const COLUMNS: [string, string][] = [
  ['pointing game', 'hitRate'],
  ['IoU > 0.1', 'IoU > 0.1'],
  ['0.2', 'IoU > 0.2'],
  ['0.3', 'IoU > 0.3'],
  ['IoBB > 0.25', 'IoBB > 0.25'],
  ['mean IoU', 'meanIou'],
  ['false boxes', 'falseBoxes'],
  ['MaxBoxAccV2', 'maxBoxAcc'],
  ['PxAP', 'pxAp'],
];

/** A row for each source and method. */
export function truthTable(scores: readonly TruthScore[]): string {
  const text = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(2).replace(/^0/, ''));
  const rows = scores.map(({ source, method, images, patients, marks, all }) => [
    `${source}: ${marks} marks, ${images} images, ${patients} patients`,
    method,
    ...COLUMNS.map(([, name]) => `${text(all[name].value)} (${text(all[name].low)}–${text(all[name].high)})`),
  ]);
  return markdownTable(['truth', 'by', ...COLUMNS.map(([title]) => title)], rows);
}
