/** Scores predictions against a data set: classification, localization, and both by groups of patients. */
import { InputError } from '../errors.js';
import type { Prediction } from '../formats/findings.js';
import type { ImageTable, LabeledBox } from '../formats/image_table.js';
import { own } from '../formats/json.js';
import { labelNames, listed } from '../formats/label_names.js';
import type { Warning } from '../warnings.js';
import { fitPlatt, fitTemperature, type Scaling } from './calibration.js';
import { type ClassColumn, type ClassScore, logitsOf, rankRows, scoreClasses } from './classification.js';
import { coverage } from './coverage.js';
import { groupsOf } from './groups.js';
import type { BootstrapOptions, Interval } from './intervals.js';
import type { Criterion } from './localization.js';
import { type LocalizationResult, localize, type Scored } from './localize.js';
import { matchPredictions } from './match.js';
import { nameHint } from './name_hints.js';
import { anyBox, classesOf, columnOf, type ScoreSource, scoreSourceOf } from './score_columns.js';
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
  /** Images that a network may have been trained on. Patients who also have images to score are told. */
  training?: Iterable<string>;
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
  const { level = 0.95, replicates = 1000, seed = 0 } = options;
  const matched = matchPredictions(input.predictions, table.classes);
  const met = meet(matched.predictions, table);
  const parts = partsOf(met, options);
  const { all, validation, test } = parts;

  const scoreSource = scoreSourceOf(all);
  const classes = classesOf(table, all, scoreSource, options.classes);
  const columns = classes.map((label) => columnOf(table, all, label, scoreSource));
  const unscoredClasses = table.classes.filter((label) => !classes.includes(label));
  const unpredicted = [...(parts.testNames ?? table.images)].filter(
    (name) => !parts.validationNames.has(name) && !met.seen.has(name),
  );
  const rows = (indices: readonly number[]) => indices.map((i) => all[i].row);
  const said = [...(options.warnings ?? []), ...matched.warnings];
  const warnings = [
    // Whoever matched the predictions before has said so already.
    ...new Map(said.map((warning) => [warning.message, warning])).values(),
    ...coverage({
      ...{ ...met, ...parts, boxes, unpredicted, patients: table.patients },
      ...{ test: rows(test), validation: rows(validation), training: new Set(options.training ?? []) },
    }),
    ...(options.classes ? [] : unscored(unscoredClasses)),
  ];

  const { thresholds, scaling } = fit(columns, validation, scoreSource, options, table.classes);
  const patients = all.map(({ row }) => table.patients[row]);
  const bootstrapOptions = { level, replicates, seed, clusters: patients };
  const fittedFor = (label: string) => ({ threshold: thresholds[label].value, scaling: own(scaling, label) });
  const scoreRows = (some: number[]) => scoreClasses(columns, some, fittedFor, bootstrapOptions);
  const patientCount = (some: number[]) => new Set(some.map((i) => patients[i])).size;
  const overall = scoreRows(test);
  const groups = groupsOf(table, all, test, options.ageLimits).map(({ rows: some, ...group }) => ({
    ...group,
    images: some.length,
    patients: patientCount(some),
    ...scoreRows(some),
  }));
  const scored = test.map((i) => all[i]);
  return {
    classes,
    images: test.length,
    patients: patientCount(test),
    validationImages: validation.length,
    scoreSource,
    unknownImages: met.unknown.length,
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

/** Predictions beside the rows of the label file that they are of. */
interface Met {
  known: Scored[];
  /** Images that the label file lacks. */
  unknown: string[];
  /** Names of all predicted images. */
  seen: Set<string>;
  /** By the image's name. */
  rowOf: Map<string, number>;
}

function meet(predictions: readonly Prediction[], table: ImageTable): Met {
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  const met: Met = { known: [], unknown: [], seen: new Set(), rowOf };
  for (const prediction of predictions) {
    const { image } = prediction;
    if (met.seen.has(image)) throw new InputError(`${image} is predicted twice`);
    met.seen.add(image);
    const row = rowOf.get(image);
    if (row === undefined) met.unknown.push(image);
    else met.known.push({ row, prediction });
  }
  if (met.known.length > 0) return met;
  throw new InputError('No predicted image is in the label file', {
    expected: `names like ${table.images[0] ?? '(the label file is empty)'}`,
    given: predictions[0]?.image ?? 'no predictions',
    hint: nameHint(met.unknown, rowOf),
  });
}

/** The predictions that take part, and which of them, by position, are fitted on and which are scored. */
function partsOf({ known, rowOf }: Met, options: EvaluationOptions) {
  const validationNames = new Set(options.validation ?? []);
  const testNames = options.test && new Set(options.test);
  const isFitted = ({ prediction }: Scored) => validationNames.has(prediction.image);
  const all = known.filter((each) => isFitted(each) || !testNames || testNames.has(each.prediction.image));
  const indices = all.map((_, i) => i);
  const validation = indices.filter((i) => isFitted(all[i]));
  const test = indices.filter((i) => !isFitted(all[i]));
  if (test.length > 0) return { all, validation, test, validationNames, testNames };
  throw new InputError('No predicted image is left to score', { hint: nameHint([...(testNames ?? [])], rowOf) });
}

/** What is fitted on the validation images, or was given, by class. */
function fit(
  columns: readonly ClassColumn[],
  validation: readonly number[],
  source: ScoreSource,
  { rule, scaling = 'platt', thresholds }: EvaluationOptions,
  classes: readonly string[],
) {
  const given = thresholdsByClass(thresholds, classes);
  return {
    thresholds: Object.fromEntries(
      columns.map((column) => [column.label, thresholdOf(column, validation, given, source, rule)]),
    ),
    scaling: scalingOf(columns, validation, scaling),
  };
}

function thresholdOf(
  column: ClassColumn,
  validation: readonly number[],
  given: ReadonlyMap<string, number>,
  source: ScoreSource,
  rule?: ThresholdRule,
): Threshold {
  const said = given.get(column.label);
  if (said !== undefined) return { value: said, source: 'given' };
  const fitted = fitThreshold(rankRows(column, validation), rule);
  if (fitted !== undefined) return { value: fitted, source: 'validation' };
  return { value: source === 'boxes' ? anyBox(column.scores) : 0.5, source: 'default' };
}

function scalingOf(columns: readonly ClassColumn[], validation: readonly number[], kind: 'platt' | 'temperature') {
  const fit = kind === 'platt' ? fitPlatt : fitTemperature;
  return Object.fromEntries(
    columns.flatMap((column): [string, Scaling][] => {
      const sample = logitsOf(column, validation);
      const fitted = sample && fit(sample.logits, sample.labels);
      return fitted ? [[column.label, fitted]] : [];
    }),
  );
}

function unscored(classes: readonly string[]): Warning[] {
  if (classes.length === 0) return [];
  const message = `Classes that nothing was predicted for are not scored: ${listed(classes, 14)}.`;
  return [{ code: 'missing-data', message }];
}

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
