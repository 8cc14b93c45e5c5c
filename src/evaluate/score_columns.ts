/** Collects the scores that images are ranked by: which classes have them, and a column for each class. */
import { InputError } from '../errors.js';
import type { ImageTable } from '../formats/data_sets/image_table.js';
import type { Prediction } from '../formats/findings.js';
import { givenTwice } from '../options.js';
import { sigmoid } from './calibration.js';
import { type ClassColumn, logitsFrom } from './classification.js';
import { boxScore, type Scored } from './localize.js';

/** The numbers that images are ranked by: probabilities, or the score of the best box if there are only boxes. */
export type ScoreSource = 'probabilities' | 'boxes';

/** @throws InputError if only some images have probabilities or logits. Scores of boxes for the others could not be compared with them. */
export function scoreSourceOf(all: readonly Scored[]): ScoreSource {
  const without = all.filter(({ prediction }) => !prediction.probabilities && !prediction.logits);
  if (without.length === 0) return 'probabilities';
  if (without.length === all.length) return 'boxes';
  throw new InputError(`${without[0].prediction.image} has boxes but no probabilities`, {
    expected: 'probabilities, or logits, for every image to score or for none',
    given: `none for ${without.length} of ${all.length} images`,
    hint: 'predict them too, or leave their boxes out',
  });
}

/** The highest threshold that every box reaches. Images without a box do not reach it. */
export const anyBox = (scores: Float64Array) =>
  scores.reduce((least, score) => (score > 0 ? Math.min(least, score) : least), 1);

export function classesOf(table: ImageTable, all: Scored[], source: string, wanted?: readonly string[]): string[] {
  const foreign = wanted?.find((label) => !table.classes.includes(label));
  if (foreign)
    throw new InputError(`${foreign} is not a class of the data set`, { expected: table.classes.join(', ') });
  const twice = wanted && givenTwice(wanted);
  if (twice) throw new InputError(`${twice} is asked for twice`, { expected: 'each class once' });
  const named = ({ probabilities, logits, findings = [] }: Prediction) =>
    source === 'probabilities' ? Object.keys(logits ?? probabilities ?? {}) : findings.map(({ label }) => label);
  const present = new Set(all.flatMap(({ prediction }) => named(prediction)));
  const classes = [...(wanted ?? table.classes.filter((label) => present.has(label)))];
  if (classes.length === 0) {
    throw new InputError('The predictions score no class of the data set', {
      expected: table.classes.join(', '),
      given: [...present].slice(0, 20).join(', ') || 'none',
    });
  }
  return classes;
}

export function columnOf(table: ImageTable, all: Scored[], label: string, source: string): ClassColumn {
  const bit = table.classes.indexOf(label);
  const labels = Uint8Array.from(all, ({ row }) => (table.labels[row] >>> bit) & 1);
  if (source === 'boxes') {
    const scores = Float64Array.from(all, ({ prediction }) => boxScore(prediction.findings, label));
    if (scores.some((score) => score < 0)) throw new InputError(`A box of ${label} has a negative score`);
    return { label, labels, scores };
  }
  const scoreIn = (prediction: Prediction, kind: 'probabilities' | 'logits') => {
    const value = prediction[kind]?.[label];
    if (!Number.isFinite(value)) throw new InputError(`${prediction.image} has no score for ${label}`);
    return value as number;
  };
  if (all.every(({ prediction }) => prediction.logits)) {
    const logits = Float64Array.from(all, ({ prediction }) => scoreIn(prediction, 'logits'));
    return { label, labels, logits, scores: logits.map(sigmoid) };
  }
  const scores = Float64Array.from(all, ({ prediction }) =>
    prediction.probabilities ? scoreIn(prediction, 'probabilities') : sigmoid(scoreIn(prediction, 'logits')),
  );
  const outside = scores.findIndex((score) => score < 0 || score > 1);
  if (outside >= 0) {
    throw new InputError(`${all[outside].prediction.image}: the probability of ${label} is not in [0, 1]`, {
      given: `${scores[outside]}`,
      hint: 'Logits have to be given as logits.',
    });
  }
  return { label, labels, scores, logits: logitsFrom(scores) };
}
