/** Scores predictions against a data set: classification, localization, and both by groups of patients. */
import { InputError } from '../errors.js';
import type { Prediction } from '../formats/findings.js';
import { type ImageTable, type LabeledBox, SEXES, VIEWS } from '../formats/image_table.js';
import { own } from '../formats/json.js';
import { labelNames, listed } from '../formats/label_names.js';
import type { Warning } from '../warnings.js';
import { fitPlatt, fitTemperature, type Scaling, sigmoid } from './calibration.js';
import { type ClassColumn, type ClassScore, logitsFrom, logitsOf, rankRows, scoreClasses } from './classification.js';
import { coverage, endingHint } from './coverage.js';
import type { BootstrapOptions, Interval } from './intervals.js';
import type { Criterion } from './localization.js';
import { boxScore, type LocalizationResult, localize, type Scored } from './localize.js';
import { matchPredictions } from './match.js';
import { fitThreshold, type ThresholdRule } from './thresholds.js';

/** Truth and predictions, image by image. */
export interface EvaluationInput {
  table: ImageTable;
  predictions: readonly Prediction[];
  /** Truth boxes, in the same pixels as the predictions' boxes. */
  boxes?: readonly LabeledBox[];
}

/** What is scored, and how often patients are drawn again for intervals. */
export interface EvaluationOptions extends Omit<BootstrapOptions, 'clusters'> {
  /** Default: every class of the table that the predictions score. */
  classes?: readonly string[];
  /** Images to fit thresholds and calibration on; they are not scored. */
  validation?: Iterable<string>;
  /** Images to score. Default: all that are predicted and not for validation. */
  test?: Iterable<string>;
  /** Operating thresholds by label; what is not given is fitted on `validation`, or 0.5 where there is none. */
  thresholds?: Readonly<Record<string, number>>;
  rule?: ThresholdRule;
  scaling?: 'platt' | 'temperature';
  /** Upper ends of the age groups, in years. */
  ageLimits?: readonly number[];
  frocCriteria?: readonly Criterion[];
  /** What was said while the files were read: it comes first in the result's warnings. */
  warnings?: readonly Warning[];
}

/** The probability from which a class counts as found, and where it comes from. */
export interface Threshold {
  value: number;
  /** `default`: nothing was given and nothing could be fitted. It is 0.5, or where there are boxes only, any box counts. */
  source: 'given' | 'validation' | 'default';
}

/** Figures of the images of one view, one sex or one range of ages. */
export interface GroupScore {
  /** `view`, `sex` or `age`. */
  by: string;
  group: string;
  images: number;
  patients: number;
  classes: ClassScore[];
  meanAuc: number;
  meanAucInterval: Interval;
}

/** All figures of an evaluation, with their intervals. */
export interface EvaluationResult {
  classes: string[];
  images: number;
  patients: number;
  validationImages: number;
  /** What ranks images: probabilities, or the score of the best box where a file has boxes only. */
  scoreSource: 'probabilities' | 'boxes';
  /** Predictions of images that the label file does not have: ignored. */
  unknownImages: number;
  /** Images to score (those of `test`, else of the label file) that nothing was predicted for: not scored. */
  unpredictedImages: number;
  /** Classes of the data set that are not scored, because the predictions do not have them or others were asked for. */
  unscoredClasses: string[];
  /** What of the files was matched, assumed, missing or not used. Mostly empty. */
  warnings: Warning[];
  /** Share of the intervals, and draws of the bootstrap. */
  level: number;
  replicates: number;
  seed: number;
  thresholds: Record<string, Threshold>;
  scaling: Record<string, Scaling>;
  overall: ClassScore[];
  /** Mean over the classes that have an area. */
  meanAuc: number;
  meanAucInterval: Interval;
  groups: GroupScore[];
  localization?: LocalizationResult;
}

/**
 * Scores predictions against truth: how well each class ranks the images, and its boxes as Wang et al. 2017 score them.
 * @throws InputError where no predicted image is in the table, a class is not scored for every image, or probabilities
 *   lie outside [0, 1]
 */
export function evaluate(input: EvaluationInput, options: EvaluationOptions = {}): EvaluationResult {
  const { table, boxes = [] } = input;
  const { level = 0.95, replicates = 1000, seed = 0, rule, scaling: scalingKind = 'platt' } = options;
  const { predictions, warnings: matching } = matchPredictions(input.predictions, table.classes);
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  const known: Scored[] = [];
  const unknown: string[] = [];
  const seen = new Set<string>();
  for (const prediction of predictions) {
    if (seen.has(prediction.image)) throw new InputError(`${prediction.image} is predicted twice`);
    seen.add(prediction.image);
    const row = rowOf.get(prediction.image);
    if (row === undefined) unknown.push(prediction.image);
    else known.push({ row, prediction });
  }
  if (known.length === 0) {
    throw new InputError('No predicted image is in the label file', {
      expected: `names like ${table.images[0] ?? '(the label file is empty)'}`,
      given: predictions[0]?.image ?? 'no predictions',
      hint: endingHint(unknown, rowOf),
    });
  }
  const validationNames = new Set(options.validation ?? []);
  const testNames = options.test && new Set(options.test);
  const wanted = ({ prediction: { image } }: Scored) =>
    validationNames.has(image) || !testNames || testNames.has(image);
  const all = known.filter(wanted);
  const indices = all.map((_, i) => i);
  const validation = indices.filter((i) => validationNames.has(all[i].prediction.image));
  const test = indices.filter((i) => !validationNames.has(all[i].prediction.image));
  if (test.length === 0) {
    throw new InputError('No predicted image is left to score', {
      hint: endingHint([...(testNames ?? [])], rowOf),
    });
  }

  const scoreSource = scoreSourceOf(all);
  const classes = classesOf(table, all, scoreSource, options.classes);
  const columns = classes.map((label) => columnOf(table, all, label, scoreSource));
  const unscoredClasses = table.classes.filter((label) => !classes.includes(label));
  const unpredicted = [...(testNames ?? table.images)].filter((name) => !validationNames.has(name) && !seen.has(name));
  const warnings = [
    ...(options.warnings ?? []),
    ...matching,
    ...coverage({ boxes, rowOf, seen, unknown, unpredicted, validationNames, testNames }),
    ...(options.classes || unscoredClasses.length === 0
      ? []
      : [missing(`Classes that nothing was predicted for are not scored: ${listed(unscoredClasses, 14)}.`)]),
  ];

  const givenThresholds = thresholdsByClass(options.thresholds, table.classes);
  const thresholds = Object.fromEntries(
    columns.map((column): [string, Threshold] => {
      const given = givenThresholds.get(column.label);
      if (given !== undefined) return [column.label, { value: given, source: 'given' }];
      const fitted = fitThreshold(rankRows(column, validation), rule);
      if (fitted !== undefined) return [column.label, { value: fitted, source: 'validation' }];
      return [column.label, { value: scoreSource === 'boxes' ? anyBox(column.scores) : 0.5, source: 'default' }];
    }),
  );
  const scaling = Object.fromEntries(
    columns.flatMap((column): [string, Scaling][] => {
      const sample = logitsOf(column, validation);
      const fit = scalingKind === 'platt' ? fitPlatt : fitTemperature;
      const fitted = sample && fit(sample.logits, sample.labels);
      return fitted ? [[column.label, fitted]] : [];
    }),
  );

  const patients = all.map(({ row }) => table.patients[row]);
  const bootstrapOptions = { level, replicates, seed, clusters: patients };
  const fittedFor = (label: string) => ({ threshold: thresholds[label].value, scaling: own(scaling, label) });
  const scoreRows = (rows: number[]) => scoreClasses(columns, rows, fittedFor, bootstrapOptions);
  const patientCount = (rows: number[]) => new Set(rows.map((i) => patients[i])).size;
  const overall = scoreRows(test);
  const groups = groupsOf(table, all, test, options.ageLimits).map(({ rows, ...group }) => ({
    ...group,
    images: rows.length,
    patients: patientCount(rows),
    ...scoreRows(rows),
  }));
  const scored = test.map((i) => all[i]);
  return {
    classes,
    images: test.length,
    patients: patientCount(test),
    validationImages: validation.length,
    scoreSource,
    unknownImages: unknown.length,
    unpredictedImages: unpredicted.length,
    unscoredClasses,
    warnings,
    level,
    replicates,
    seed,
    thresholds,
    scaling,
    overall: overall.classes,
    meanAuc: overall.meanAuc,
    meanAucInterval: overall.meanAucInterval,
    groups,
    localization: localize(table, scored, boxes, classes, thresholds, { ...options, level, replicates, seed }),
  };
}

const missing = (message: string): Warning => ({ code: 'missing-data', message });

/** Thresholds under the data set's names. Those of other classes are of no use here: weights may know more. */
function thresholdsByClass(given: Readonly<Record<string, number>> = {}, classes: readonly string[]) {
  const names = labelNames(classes);
  return new Map(
    Object.entries(given).flatMap(([name, value]): [string, number][] => {
      const label = names.match(name);
      return label === undefined ? [] : [[label, value]];
    }),
  );
}

/** @throws InputError where some images have probabilities or logits and others none: boxes would rank the others */
function scoreSourceOf(all: readonly Scored[]): EvaluationResult['scoreSource'] {
  const without = all.filter(({ prediction }) => !prediction.probabilities && !prediction.logits);
  if (without.length === 0) return 'probabilities';
  if (without.length === all.length) return 'boxes';
  throw new InputError(`${without[0].prediction.image} has boxes but no probabilities`, {
    expected: 'probabilities, or logits, for every image to score or for none',
    given: `none for ${without.length} of ${all.length} images`,
    hint: 'predict them too, or leave their boxes out',
  });
}

/** The threshold that every box passes and no image without one. */
const anyBox = (scores: Float64Array) =>
  scores.reduce((least, score) => (score > 0 ? Math.min(least, score) : least), 1);

function classesOf(table: ImageTable, all: Scored[], source: string, wanted?: readonly string[]): string[] {
  const foreign = wanted?.find((label) => !table.classes.includes(label));
  if (foreign) throw new InputError(`${foreign} is no class of the data set`, { expected: table.classes.join(', ') });
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

function columnOf(table: ImageTable, all: Scored[], label: string, source: string): ClassColumn {
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

/** Test rows by view, sex and age, as far as the label file says. */
function groupsOf(table: ImageTable, all: Scored[], test: number[], ageLimits: readonly number[] = [18, 40, 60, 80]) {
  const ageGroup = (age: number) => {
    if (Number.isNaN(age)) return '';
    const at = ageLimits.findIndex((limit) => age < limit);
    if (at < 0) return `${ageLimits.at(-1)}+`;
    return at === 0 ? `under ${ageLimits[0]}` : `${ageLimits[at - 1]}–${ageLimits[at] - 1}`;
  };
  const keys: Record<string, (row: number) => string> = {
    view: (row) => VIEWS[table.views[row]],
    sex: (row) => SEXES[table.sexes[row]],
    age: (row) => ageGroup(table.ages[row]),
  };
  return Object.entries(keys).flatMap(([by, keyOf]) => {
    const groups = new Map<string, number[]>();
    for (const i of test) {
      const group = keyOf(all[i].row);
      const known = groups.get(group);
      if (known) known.push(i);
      else groups.set(group, [i]);
    }
    groups.delete('');
    if (groups.size < 2) return [];
    const order = [`under ${ageLimits[0]}`, ...[...groups.keys()].sort()];
    return [...groups]
      .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
      .map(([group, rows]) => ({ by, group, rows }));
  });
}
