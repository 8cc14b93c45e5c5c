/** Scores predictions against a data set: classification (for all patients and for groups of them) and localization. */
import { InputError } from '../errors.js';
import type { ImageTable, LabeledBox } from '../formats/data_sets/image_table.js';
import { labelNames, listed } from '../formats/data_sets/label_names.js';
import type { Prediction } from '../formats/findings.js';
import { own } from '../formats/json.js';
import { DEFAULT_OPERATING_THRESHOLD } from '../formats/operating_thresholds.js';
import type { HeatmapMethod } from '../formats/weights/heatmap_methods.js';
import { checkOptions } from '../options.js';
import type { Warning } from '../warnings.js';
import { fitPlatt, fitTemperature, type Scaling } from './calibration.js';
import { type ClassColumn, type ClassScore, logitsOf, rankRows, scoreClasses } from './classification.js';
import { coverage } from './coverage.js';
import { groupsOf } from './groups.js';
import type { Interval } from './intervals.js';
import { type LocalizationResult, localize, type Scored } from './localize.js';
import type { MaskEvaluation } from './masks/evaluation.js';
import { matchPredictions } from './match.js';
import { nameHint } from './name_hints.js';
import { fitThreshold, type ThresholdRule } from './operating_points.js';
import { EVALUATION_OPTIONS, type EvaluationOptions } from './options.js';
import { anyBox, classesOf, columnOf, type ScoreSource, scoreSourceOf } from './score_columns.js';

/** Truth and predictions, image by image. */
export interface EvaluationInput {
  table: ImageTable;
  predictions: readonly Prediction[];
  /** Truth boxes, in the same pixels as the predictions' boxes. */
  boxes?: readonly LabeledBox[];
}

/** The probability from which a class counts as found, and where this threshold comes from. */
export interface Threshold {
  value: number;
  /** `default`: none was given and none could be fitted. It is then 0.5, or if there are only boxes, low enough for any box. */
  source: 'given' | 'validation' | 'default';
}

/** Scores of the images of one view, one sex or one range of ages. */
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
  /** The numbers that images are ranked by: probabilities, or the score of the best box if a file has only boxes. */
  scoreSource: 'probabilities' | 'boxes';
  /** The number of predicted images that are not in the label file. They are ignored. */
  unknownImages: number;
  /** The number of images to score (those of `test`, or else of the label file) without a prediction. They are not scored. */
  unpredictedImages: number;
  /** Classes of the data set that are not scored, because the predictions do not have them or other classes were asked for. */
  unscoredClasses: string[];
  /** What was matched, assumed, missing or not used in the files. Mostly empty. */
  warnings: Warning[];
  /** Confidence level of the intervals. */
  level: number;
  /** The number of draws of the bootstrap. */
  replicates: number;
  seed: number;
  operatingThresholds: Record<string, Threshold>;
  scaling: Record<string, Scaling>;
  overall: ClassScore[];
  /** Mean over the classes whose AUC is defined. */
  meanAuc: number;
  meanAucInterval: Interval;
  groups: GroupScore[];
  localization?: LocalizationResult;
  /** Heatmaps against masks, polygons or further boxes, one for each source of truth. Only with such truth. */
  masks?: MaskEvaluation[];
  /** How heatmaps, and the boxes in them, were computed, if that is known. */
  heatmapMethod?: HeatmapMethod;
}

/**
 * Scores predictions against truth: how well each class ranks the images, and its boxes in the way of Wang et al. 2017.
 * @throws InputError if no predicted image is in the table, if an image lacks the score of a class, or if probabilities lie outside [0, 1].
 */
export function evaluate(input: EvaluationInput, options: EvaluationOptions = {}): EvaluationResult {
  checkOptions('evaluate', options, EVALUATION_OPTIONS);
  const { table, boxes = [] } = input;
  const { level = 0.95, replicates = 1000, seed = 0 } = options;
  const matched = matchPredictions(input.predictions, table.classes);
  const joined = joinWithTable(matched.predictions, table);
  const parts = partsOf(joined, options);
  const { all, validation, test } = parts;

  const scoreSource = scoreSourceOf(all);
  const classes = classesOf(table, all, scoreSource, options.classes);
  const columns = classes.map((label) => columnOf(table, all, label, scoreSource));
  const unscoredClasses = table.classes.filter((label) => !classes.includes(label));
  const unpredicted = [...(parts.testNames ?? table.images)].filter(
    (name) => !parts.validationNames.has(name) && !joined.seen.has(name),
  );
  const said = [...(options.warnings ?? []), ...matched.warnings];
  const warnings = [
    // If the caller has matched the predictions before, its warnings are in `options.warnings` too. Each message is kept once.
    ...new Map(said.map((warning) => [warning.message, warning])).values(),
    ...coverageOf(table, boxes, joined, parts, unpredicted, options.training),
    ...(options.classes ? [] : unscored(unscoredClasses)),
  ];

  const { operatingThresholds, scaling } = fit(columns, validation, scoreSource, options, table.classes);
  const patients = all.map(({ row }) => table.patients[row]);
  const bootstrapOptions = { level, replicates, seed, clusters: patients };
  const fittedFor = (label: string) => ({ threshold: operatingThresholds[label].value, scaling: own(scaling, label) });
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
    unknownImages: joined.unknown.length,
    unpredictedImages: unpredicted.length,
    unscoredClasses,
    warnings,
    ...(options.heatmapMethod ? { heatmapMethod: options.heatmapMethod } : {}),
    level,
    replicates,
    seed,
    operatingThresholds,
    scaling,
    overall: overall.classes,
    meanAuc: overall.meanAuc,
    meanAucInterval: overall.meanAucInterval,
    groups,
    localization: localize(table, scored, boxes, classes, operatingThresholds, { ...options, level, replicates, seed }),
  };
}

/** Warnings about images that are in the label file but not in the predictions, the other way round, or in two parts of the split. */
function coverageOf(
  { patients }: ImageTable,
  boxes: readonly LabeledBox[],
  joined: Joined,
  parts: ReturnType<typeof partsOf>,
  unpredicted: readonly string[],
  training: EvaluationOptions['training'] = [],
): Warning[] {
  const rows = (indices: readonly number[]) => indices.map((i) => parts.all[i].row);
  return coverage({
    ...{ ...joined, ...parts, boxes, unpredicted, patients },
    ...{ test: rows(parts.test), validation: rows(parts.validation), training: new Set(training) },
  });
}

/** Predictions joined with the rows of the label file. */
interface Joined {
  known: Scored[];
  /** Names of predicted images that are not in the label file. */
  unknown: string[];
  /** Names of all predicted images. */
  seen: Set<string>;
  /** Row in the label file, by the image's name. */
  rowOf: Map<string, number>;
}

function joinWithTable(predictions: readonly Prediction[], table: ImageTable): Joined {
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  const joined: Joined = { known: [], unknown: [], seen: new Set(), rowOf };
  for (const prediction of predictions) {
    const { image } = prediction;
    if (joined.seen.has(image)) throw new InputError(`${image} is predicted twice`);
    joined.seen.add(image);
    const row = rowOf.get(image);
    if (row === undefined) joined.unknown.push(image);
    else joined.known.push({ row, prediction });
  }
  if (joined.known.length > 0) return joined;
  throw new InputError('No predicted image is in the label file', {
    expected: `names like ${table.images[0] ?? '(the label file is empty)'}`,
    given: predictions[0]?.image ?? 'no predictions',
    hint: nameHint(joined.unknown, rowOf),
  });
}

/** The predictions that are used, and the indexes of those that thresholds are fitted on and of those that are scored. */
function partsOf({ known, rowOf }: Joined, options: EvaluationOptions) {
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

/** Thresholds and scalings by class, as given or as fitted on the validation images. */
function fit(
  columns: readonly ClassColumn[],
  validation: readonly number[],
  source: ScoreSource,
  { rule, scaling = 'platt', operatingThresholds }: EvaluationOptions,
  classes: readonly string[],
) {
  const given = thresholdsByClass(operatingThresholds, classes);
  return {
    operatingThresholds: Object.fromEntries(
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
  return { value: source === 'boxes' ? anyBox(column.scores) : DEFAULT_OPERATING_THRESHOLD, source: 'default' };
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

/** Thresholds by the data set's names of classes. Those of other classes are left out, since weights may have more classes. */
function thresholdsByClass(given: Readonly<Record<string, number>> = {}, classes: readonly string[]) {
  const names = labelNames(classes);
  return new Map(
    Object.entries(given).flatMap(([name, value]): [string, number][] => {
      const label = names.match(name);
      return label === undefined ? [] : [[label, value]];
    }),
  );
}
