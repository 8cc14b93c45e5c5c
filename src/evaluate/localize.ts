/** The localization part of an evaluation: two ways of deciding which boxes count, each beside two baselines. */

import { InputError } from '../errors.js';
import { type ImageTable, type LabeledBox, labelsOf } from '../formats/data_sets/image_table.js';
import type { Finding, Prediction } from '../formats/findings.js';
import { own } from '../formats/json.js';
import { medianBoxBaseline, randomMapBaseline } from './baselines.js';
import { sigmoid } from './calibration.js';
import { type Froc, froc, type PointingGame, pointingGame } from './froc.js';
import type { BootstrapOptions } from './intervals.js';
import { type BoxedImage, type Criterion, type LocalizationScore, scoreLocalization } from './localization.js';

/** Scores for one way of deciding which detected boxes count, and those of both baselines. */
export interface Reading {
  scores: LocalizationScore[];
  medianBox: LocalizationScore[];
  randomMap: LocalizationScore[];
}

/** How well predicted boxes match the truth boxes, beside two baselines that do not look at the image. */
export interface LocalizationResult {
  /** Scored images with truth boxes. */
  images: number;
  truthBoxes: number;
  /** (a) Boxes of the diseases that the image has by its labels or its truth boxes. */
  known: Reading;
  /** (b) Boxes of the diseases whose score reaches the operating threshold. */
  gated: Reading;
  froc: Froc[];
  pointing: PointingGame[];
  /** The points of the pointing game: maxima of heatmaps, or if there are none, the centre of the best box. */
  pointSource: 'maximum' | 'box centre';
}

/** A row of the table, and the prediction for it. */
export interface Scored {
  row: number;
  prediction: Prediction;
}

/** The score of a label's best box; 0 without one. */
export function boxScore(findings: readonly Finding[] = [], label: string): number {
  let best: number | undefined;
  for (const finding of findings) {
    if (finding.label === label && (best === undefined || finding.score > best)) best = finding.score;
  }
  return best ?? 0;
}

/** Scores the boxes of those images that have truth boxes; undefined if there are no truth boxes or no predicted boxes. */
export function localize(
  table: ImageTable,
  scored: Scored[],
  boxes: readonly LabeledBox[],
  classes: string[],
  operatingThresholds: Readonly<Record<string, { value: number }>>,
  options: Omit<BootstrapOptions, 'clusters'> & { frocCriteria?: readonly Criterion[] },
): LocalizationResult | undefined {
  const boxed = boxedImages(scored, boxes, classes);
  if (!boxed) return undefined;
  const { rows, labels, images } = boxed;
  const byImage = new Map(rows.map((each) => [each.prediction.image, each]));
  const entry = ({ image }: BoxedImage) => byImage.get(image) as Scored;

  for (const image of images) refuseTooMany(image);
  const knownLabels = (image: BoxedImage) =>
    labels.filter((label) => labelsOf(table, entry(image).row).includes(label) || has(image.truth, label));
  const gatedLabels = (image: BoxedImage) =>
    labels.filter((label) => scoreFor(entry(image).prediction, label) >= operatingThresholds[label].value);
  const frameOf = (image: string) => {
    const { width = 1024, height = 1024 } = byImage.get(image)?.prediction ?? {};
    return { width, height };
  };
  const { level, replicates, seed, frocCriteria } = options;
  const clusters = rows.map(({ row }) => table.patients[row]);
  const bootstrapOptions = { level, replicates, seed, clusters };
  const read = (labelsFor: (image: BoxedImage) => string[]): Reading => {
    const score = (some: BoxedImage[]) => scoreLocalization(some, labels, bootstrapOptions);
    const counted = images.map((image) => {
      const counting = labelsFor(image);
      return { ...image, detected: image.detected.filter(({ label }) => counting.includes(label)) };
    });
    return {
      scores: score(counted),
      medianBox: score(medianBoxBaseline(images, labelsFor)),
      randomMap: score(randomMapBaseline(images, labelsFor, { seed, frameOf })),
    };
  };
  const criteria = frocCriteria ?? [
    { measure: 'IoBB', threshold: 0.5 },
    { measure: 'IoU', threshold: 0.3 },
  ];
  const hasPoints = rows.some(({ prediction }) => prediction.points);
  return {
    images: images.length,
    truthBoxes: images.reduce((sum, { truth }) => sum + truth.length, 0),
    known: read(knownLabels),
    gated: read(gatedLabels),
    froc: criteria.map((criterion) => froc(images, criterion, bootstrapOptions)),
    pointing: pointingGame(images, labels, (image, label) =>
      hasPoints ? own(entry(image).prediction.points, label) : bestCentre(entry(image).prediction.findings, label),
    ),
    pointSource: hasPoints ? 'maximum' : 'box centre',
  };
}

/** Scored images with truth boxes, and the labels of those; undefined if there are no such images, or no predicted boxes at all. */
function boxedImages(scored: readonly Scored[], boxes: readonly LabeledBox[], classes: readonly string[]) {
  const truthOf = new Map<string, LabeledBox[]>();
  for (const each of boxes) {
    if (!classes.includes(each.label)) continue;
    const known = truthOf.get(each.image);
    if (known) known.push(each);
    else truthOf.set(each.image, [each]);
  }
  const rows = scored.filter(({ prediction }) => truthOf.has(prediction.image));
  if (rows.length === 0 || !scored.some(({ prediction }) => prediction.findings)) return undefined;
  const labels = classes.filter((label) => rows.some(({ prediction }) => has(truthOf.get(prediction.image), label)));
  const images: BoxedImage[] = rows.map(({ prediction }) => ({
    image: prediction.image,
    truth: truthOf.get(prediction.image) as LabeledBox[],
    detected: (prediction.findings ?? []).filter(({ label }) => labels.includes(label)),
  }));
  return { rows, labels, images };
}

/** Boxes of an image are counted in 16 bits. */
const MAX_BOXES = 65_535;
/** Every predicted box of an image is compared with every truth box, about fifty times. The bound keeps that within seconds. */
const MAX_PAIRS = 1_000_000;

function refuseTooMany({ image, truth, detected }: BoxedImage): void {
  const pairs = truth.length * detected.length;
  if (detected.length <= MAX_BOXES && truth.length <= MAX_BOXES && pairs <= MAX_PAIRS) return;
  throw new InputError(`${image} has too many boxes to be compared`, {
    expected: `at most ${MAX_BOXES} boxes of a kind, and ${MAX_PAIRS} pairs of a predicted and a truth box`,
    given: `${detected.length} predicted and ${truth.length} truth boxes, ${pairs} pairs`,
    hint: 'keep the boxes with the highest scores',
  });
}

const has = (some: readonly { label: string }[] | undefined, label: string) =>
  some?.some((each) => each.label === label) ?? false;

/** The score that decides whether an image has a label: its probability, or if there is none, the score of its best box. */
export function scoreFor({ probabilities, logits, findings }: Prediction, label: string): number {
  const logitValue = own(logits, label);
  if (logitValue !== undefined) return sigmoid(logitValue);
  return probabilities ? (own(probabilities, label) ?? 0) : boxScore(findings, label);
}

function bestCentre(findings: readonly Finding[] = [], label: string): [number, number] | undefined {
  const surest = (a: Finding, b: Finding) => (b.peak ?? 0) - (a.peak ?? 0) || b.score - a.score;
  const [best] = findings.filter((finding) => finding.label === label).sort(surest);
  return best && [best.box.x + best.box.width / 2, best.box.y + best.box.height / 2];
}
