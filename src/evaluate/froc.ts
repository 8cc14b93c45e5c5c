/** Measures of localization that are newer than the paper: the free-response ROC curve and the pointing game. */
import type { Box } from '../formats/findings.js';
import { type BootstrapOptions, bootstrap, type Interval, numberClusters, wilsonInterval } from './intervals.js';
import { type BoxedImage, type Criterion, isRight } from './localization.js';

export interface FrocPoint {
  /** Detected boxes with at least this score count. */
  score: number;
  falseBoxesPerImage: number;
  sensitivity: number;
}

export interface Froc {
  criterion: Criterion;
  truthBoxes: number;
  images: number;
  points: FrocPoint[];
  /** Sensitivity at each of `FROC_RATES` false boxes per image. */
  atRates: { rate: number; sensitivity: number }[];
  /** The mean of those (van Ginneken et al. 2010; also the score of the LUNA16 challenge). */
  meanSensitivity: number;
  meanSensitivityInterval: Interval;
}

export const FROC_RATES = [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8];

/** What a detected box adds when the required score falls to its own: truth boxes that no other has hit before, or a false box. */
interface Event {
  image: number;
  score: number;
  hits: number;
  falseBoxes: number;
}

function eventsOf(images: readonly BoxedImage[], criterion: Criterion): Event[] {
  return images
    .flatMap(({ truth, detected }, image) => {
      const hit = new Set<Box>();
      return [...detected]
        .sort((a, b) => b.score - a.score)
        .map(({ label, score, box }) => {
          const right = truth.filter((each) => each.label === label && isRight(box, each.box, criterion));
          const fresh = right.filter((each) => !hit.has(each.box));
          for (const each of fresh) hit.add(each.box);
          return { image, score, hits: fresh.length, falseBoxes: right.length === 0 ? 1 : 0 };
        });
    })
    .sort((a, b) => b.score - a.score);
}

/**
 * Free-response ROC: sensitivity over truth boxes against false boxes per image, while the score that a box needs is lowered. A box is
 * right or false as in `scoreLocalization`. A second box that hits the same truth box changes nothing.
 */
export function froc(images: readonly BoxedImage[], criterion: Criterion, options: BootstrapOptions = {}): Froc {
  const events = eventsOf(images, criterion);
  const { clusterOf, count } = numberClusters(images.length, options.clusters);
  const truthBoxes = images.reduce((sum, { truth }) => sum + truth.length, 0);

  const points: FrocPoint[] = [];
  let hits = 0;
  let falseBoxes = 0;
  for (const [i, event] of events.entries()) {
    hits += event.hits;
    falseBoxes += event.falseBoxes;
    const next = events[i + 1];
    if (next?.score === event.score) continue;
    // A point with the same sensitivity as the one before is left out. The curve is flat there until the next point.
    if (next && points.length > 0 && hits / truthBoxes === points[points.length - 1].sensitivity) continue;
    points.push({
      score: event.score,
      falseBoxesPerImage: falseBoxes / images.length,
      sensitivity: hits / truthBoxes,
    });
  }

  /** Sensitivity at each rate, if each cluster of images counts as often as it was drawn. */
  const sensitivities = (drawn: Uint16Array) => {
    let drawnTruth = 0;
    let drawnImages = 0;
    for (let i = 0; i < images.length; i++) {
      drawnTruth += drawn[clusterOf[i]] * images[i].truth.length;
      drawnImages += drawn[clusterOf[i]];
    }
    const reached = new Float64Array(FROC_RATES.length);
    let rate = 0;
    let hit = 0;
    let wrong = 0;
    let settled = 0;
    for (const [i, event] of events.entries()) {
      hit += drawn[clusterOf[event.image]] * event.hits;
      wrong += drawn[clusterOf[event.image]] * event.falseBoxes;
      if (events[i + 1]?.score === event.score) continue;
      while (rate < FROC_RATES.length && wrong > FROC_RATES[rate] * drawnImages) reached[rate++] = settled / drawnTruth;
      if (rate === FROC_RATES.length) break;
      settled = hit;
    }
    return reached.fill(settled / drawnTruth, rate);
  };
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

  const atRates = sensitivities(new Uint16Array(count).fill(1));
  const [meanSensitivityInterval] = bootstrap(count, (drawn) => [mean(sensitivities(drawn))], options);
  return {
    criterion,
    truthBoxes,
    images: images.length,
    points,
    atRates: FROC_RATES.map((rate, i) => ({ rate, sensitivity: atRates[i] })),
    meanSensitivity: truthBoxes === 0 ? Number.NaN : mean(atRates),
    meanSensitivityInterval,
  };
}

export interface PointingGame {
  label: string;
  /** The number of images with a truth box of the disease. In `hits` of them the point is inside one. */
  pairs: number;
  hits: number;
  accuracy: number;
  interval: Interval;
}

/**
 * The pointing game (Zhang et al. 2016): whether the point of which the network is surest lies on the disease. If `pointOf` gives no point,
 * it counts as a miss.
 *
 * @param tolerance pixels by which a point may lie outside a truth box; 15 in the original.
 */
export function pointingGame(
  images: readonly BoxedImage[],
  labels: readonly string[],
  pointOf: (image: BoxedImage, label: string) => readonly [number, number] | undefined,
  tolerance = 0,
): PointingGame[] {
  return labels.map((label) => {
    let pairs = 0;
    let hits = 0;
    for (const image of images) {
      const truth = image.truth.filter((each) => each.label === label);
      if (truth.length === 0) continue;
      pairs += 1;
      const point = pointOf(image, label);
      if (point && truth.some(({ box }) => contains(box, point, tolerance))) hits += 1;
    }
    return { label, pairs, hits, accuracy: hits / pairs, interval: wilsonInterval(hits, pairs) };
  });
}

const contains = ({ x, y, width, height }: Box, [px, py]: readonly [number, number], by: number) =>
  px >= x - by && px < x + width + by && py >= y - by && py < y + height + by;
