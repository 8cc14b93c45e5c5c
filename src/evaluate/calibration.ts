/**
 * Calibration: whether of all images with a probability of 0.3, three in ten have the disease. For a network that was trained with the
 * paper's weighted loss this does not hold until its outputs are scaled. The scaling has to be fitted on a validation split.
 */
import { sigmoid, softplus } from '../sigmoid.js';
import { type Interval, wilsonInterval } from './intervals.js';

export { sigmoid };

/** The inverse of the sigmoid. Probabilities of 0 and 1 become about ±16, so that the result is finite. */
export function logit(probability: number): number {
  const clipped = Math.min(Math.max(probability, 1e-7), 1 - 1e-7);
  return Math.log(clipped / (1 - clipped));
}

export interface ReliabilityBin {
  /** The bin has the predictions in [low, high); the last one also those that equal `high`. */
  low: number;
  high: number;
  count: number;
  positives: number;
  meanProbability: number;
  observed: number;
  observedInterval: Interval;
}

export interface Calibration {
  bins: ReliabilityBin[];
  /** Expected calibration error: mean |observed − predicted| over the bins, weighted by their counts. */
  ece: number;
  /** Mean squared difference of probability and label. */
  brier: number;
}

/** Computes a reliability curve over `bins` equally wide bins. Empty ones are left out. */
export function reliability(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  options: { bins?: number; level?: number } = {},
): Calibration {
  const { bins: binCount = 10, level = 0.95 } = options;
  const counts = new Float64Array(binCount);
  const positives = new Float64Array(binCount);
  const sums = new Float64Array(binCount);
  let squares = 0;
  const total = probabilities.length;
  for (let i = 0; i < total; i++) {
    const bin = Math.min(Math.floor(probabilities[i] * binCount), binCount - 1);
    counts[bin] += 1;
    positives[bin] += labels[i];
    sums[bin] += probabilities[i];
    squares += (probabilities[i] - labels[i]) ** 2;
  }
  const bins: ReliabilityBin[] = [];
  let error = 0;
  for (let bin = 0; bin < binCount; bin++) {
    if (counts[bin] === 0) continue;
    error += Math.abs(positives[bin] - sums[bin]);
    bins.push({
      low: bin / binCount,
      high: (bin + 1) / binCount,
      count: counts[bin],
      positives: positives[bin],
      meanProbability: sums[bin] / counts[bin],
      observed: positives[bin] / counts[bin],
      observedInterval: wilsonInterval(positives[bin], counts[bin], level),
    });
  }
  return { bins, ece: error / total, brier: squares / total };
}

/** Calibrated probability = sigmoid(slope · logit + offset). */
export interface Scaling {
  slope: number;
  offset: number;
}

export const applyScaling = (logitValue: number, { slope, offset }: Scaling) => sigmoid(slope * logitValue + offset);

/**
 * Temperature scaling, a slope without an offset: the temperature is 1 / slope (Guo et al. 2017). A probability stays on the same side of
 * 0.5, so this cannot remove the bias towards positives that the weighted loss causes. Platt scaling can.
 */
export function fitTemperature(logits: ArrayLike<number>, labels: ArrayLike<number>): Scaling | undefined {
  return fitSigmoid(logits, labels, false);
}

/** Slope and offset (Platt 1999). With his smoothed targets the slope stays finite if the scores separate the class perfectly. */
export function fitPlatt(logits: ArrayLike<number>, labels: ArrayLike<number>): Scaling | undefined {
  return fitSigmoid(logits, labels, true);
}

/** Minimises the log loss, which is convex, by Newton's method with step halving (Lin, Lin & Weng 2007). */
function fitSigmoid(logits: ArrayLike<number>, labels: ArrayLike<number>, withOffset: boolean): Scaling | undefined {
  let positives = 0;
  for (let i = 0; i < labels.length; i++) positives += labels[i];
  const negatives = labels.length - positives;
  if (positives === 0 || negatives === 0) return undefined;
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (negatives + 2);

  // The log loss of sigmoid(z) for a target t is log(1 + exp(z)) − t z.
  const lossAt = (slope: number, offset: number) => {
    let loss = 0;
    for (let i = 0; i < logits.length; i++) {
      const z = slope * logits[i] + offset;
      loss += softplus(z) - (labels[i] === 1 ? high : low) * z;
    }
    return loss;
  };

  let slope = 1;
  let offset = 0;
  let loss = lossAt(slope, offset);
  for (let step = 0; step < 100; step++) {
    let gradSlope = 0;
    let gradOffset = 0;
    let curveSlope = 1e-12;
    let curveBoth = 0;
    let curveOffset = 1e-12;
    for (let i = 0; i < logits.length; i++) {
      const p = sigmoid(slope * logits[i] + offset);
      const error = p - (labels[i] === 1 ? high : low);
      const weight = p * (1 - p);
      gradSlope += error * logits[i];
      gradOffset += error;
      curveSlope += weight * logits[i] * logits[i];
      curveBoth += weight * logits[i];
      curveOffset += weight;
    }
    if (!withOffset) {
      gradOffset = 0;
      curveBoth = 0;
    }
    const determinant = curveSlope * curveOffset - curveBoth * curveBoth;
    const stepSlope = -(curveOffset * gradSlope - curveBoth * gradOffset) / determinant;
    const stepOffset = -(curveSlope * gradOffset - curveBoth * gradSlope) / determinant;
    const descent = gradSlope * stepSlope + gradOffset * stepOffset;
    if (!(descent < -1e-12 * logits.length)) break;
    let reach = 1;
    let next = lossAt(slope + stepSlope, offset + stepOffset);
    while (!(next <= loss + 1e-4 * reach * descent) && reach > 1e-10) {
      reach /= 2;
      next = lossAt(slope + reach * stepSlope, offset + reach * stepOffset);
    }
    if (reach <= 1e-10) break;
    slope += reach * stepSlope;
    offset += reach * stepOffset;
    loss = next;
  }
  return { slope, offset };
}
