/** Picks cases for the page of results: those in which the network was most right and most wrong. */

import { type ImageTable, type LabeledBox, labelsOf } from '../../formats/data_sets/image_table.js';
import type { Box, Prediction } from '../../formats/findings.js';
import { bestIou } from '../localization.js';
import { scoreFor } from '../localize.js';

export interface Case {
  kind: 'best' | 'worst';
  image: string;
  label: string;
  /** Why it was picked, in words. */
  reason: string;
  score: number;
  truth: Box[];
  detected: Box[];
}

export interface CaseInput {
  table: ImageTable;
  predictions: readonly Prediction[];
  boxes?: readonly LabeledBox[];
}

interface Candidate extends Omit<Case, 'kind'> {
  /** How right the prediction is, in [0, 1]. It can be a "best" case if this is above 0. */
  right: number;
  /** How wrong the prediction is, in [0, 1]. It can be a "worst" case if this is above 0. */
  wrong: number;
}

/**
 * Picks up to `count` cases of each kind, with several labels if possible. Of equally good cases, the one with the higher score comes first.
 * @param options.localized whether cases are judged by boxes. If so, a case is an image and a disease with a truth box, judged by its best
 *   IoU. If not, it is an image and a label, judged by how far the score is from what it should be.
 */
export function pickCases(
  input: CaseInput,
  options: { classes: readonly string[]; count?: number; localized: boolean },
): Case[] {
  const { classes, count = 6, localized } = options;
  const candidates = localized ? boxedPairs(input, classes) : labelledPairs(input, classes);
  const by = (key: 'right' | 'wrong') =>
    candidates.filter((each) => each[key] > 0).sort((a, b) => b[key] - a[key] || b.score - a.score);
  const best = varied(by('right'), count);
  const shown = new Set(best);
  const worst = varied(
    by('wrong').filter((each) => !shown.has(each)),
    count,
  );
  const toCase =
    (kind: Case['kind']) =>
    (candidate: Candidate): Case => {
      const { right, wrong, ...rest } = candidate;
      return { kind, ...rest };
    };
  return [...best.map(toCase('best')), ...worst.map(toCase('worst'))];
}

/** The first `count` candidates, but with at most a third from one label as long as there are others. */
function varied(candidates: Candidate[], count: number): Candidate[] {
  const taken = new Map<string, number>();
  const first: Candidate[] = [];
  const rest: Candidate[] = [];
  for (const candidate of candidates) {
    const already = taken.get(candidate.label) ?? 0;
    taken.set(candidate.label, already + 1);
    (already < Math.ceil(count / 3) ? first : rest).push(candidate);
  }
  return [...first, ...rest].slice(0, count);
}

function boxedPairs({ predictions, boxes = [] }: CaseInput, classes: readonly string[]): Candidate[] {
  const predictionOf = new Map(predictions.map((prediction) => [prediction.image, prediction]));
  const truthOf = new Map<string, LabeledBox[]>();
  for (const each of boxes) {
    const pair = JSON.stringify([each.image, each.label]);
    const same = truthOf.get(pair);
    if (same) same.push(each);
    else truthOf.set(pair, [each]);
  }
  return [...truthOf.values()].flatMap((pair) => {
    const { image, label } = pair[0];
    const prediction = predictionOf.get(image);
    if (!prediction || !classes.includes(label)) return [];
    const truth = pair.map(({ box }) => box);
    const found = (prediction.findings ?? []).filter((each) => each.label === label);
    const detected = found.map(({ box }) => box);
    const best = truth.reduce((most, box) => Math.max(most, bestIou(box, found)), 0);
    const reason = detected.length === 0 ? 'no box' : `IoU ${best.toFixed(2)}`;
    return [
      { image, label, score: scoreFor(prediction, label), truth, detected, reason, right: best, wrong: 1 - best },
    ];
  });
}

function labelledPairs({ table, predictions }: CaseInput, classes: readonly string[]): Candidate[] {
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  return predictions.flatMap((prediction) => {
    const { image } = prediction;
    const row = rowOf.get(image);
    if (row === undefined) return [];
    const present = labelsOf(table, row);
    return classes.map((label) => {
      const score = scoreFor(prediction, label);
      const has = present.includes(label);
      const wrong = Math.max(0, (has ? 1 - score : score) - 0.5);
      const reason = wrong === 0 ? 'found' : has ? 'missed' : 'false alarm';
      return { image, label, score, truth: [], detected: [], reason, right: has ? Math.max(0, score - 0.5) : 0, wrong };
    });
  });
}
