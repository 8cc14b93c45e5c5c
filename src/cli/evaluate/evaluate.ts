/** `raybox evaluate`: scores a network, or predictions from files, on a data set. */

import { basename, join, resolve } from 'node:path';
import { counted, InputError } from '../../errors.js';
import { areCorners, CORNERS_OF, type CornersOf } from '../../evaluate/box_corners.js';
import type { EvaluationResult } from '../../evaluate/evaluate.js';
import { ALL_LABELS } from '../../evaluate/localization.js';
import type { ThresholdRule } from '../../evaluate/operating_points.js';
import { labelNames } from '../../formats/data_sets/label_names.js';
import type { Prediction } from '../../formats/findings.js';
import type { DecodeOptions } from '../../formats/images/pixels.js';
import { parseJson } from '../../formats/json.js';
import { isProbability } from '../../formats/operating_thresholds.js';
import { mergePredictions } from '../../formats/predictions/predictions.js';
import { DEFAULT_BATCH } from '../../localizer/batches.js';
import type { LoadOptions } from '../../localizer/load_options.js';
import { type Dataset, openDataset } from '../../node/dataset.js';
import { readText } from '../../node/text_files.js';
import { type Command, InvalidArgumentError, Option } from '../../node/vendor/commander.js';
import type { Warning } from '../../warnings.js';
import { adapterOption, backendOption } from '../adapter_option.js';
import { addImageOptions, threadsOption } from '../image_options.js';
import { interruptible, print, refuseFormerOption, table, UsageError, wholeNumber } from '../terminal.js';
import { addWeightsOptions, classList, type WeightsOptions } from '../weights_options.js';
import { readPredictions, writeEvaluation } from './files.js';
import { addMaskOptions, type MaskOptions } from './mask_options.js';
import { maskSummary, openMaskScorers } from './mask_scorers.js';
import { evaluateMasks } from './predicted_masks.js';
import { splitOf } from './split.js';
import { storeOperatingThresholds } from './stored_thresholds.js';

interface CommandOptions extends DecodeOptions, WeightsOptions, MaskOptions {
  data?: string;
  predictions?: string[];
  weights?: string;
  batch: number;
  threads?: number;
  adapter?: string;
  backend?: LoadOptions['backend'];
  out: string;
  boxes?: string;
  boxFrame?: number;
  corners?: CornersOf;
  logits?: boolean;
  cocoIndex?: string;
  classes?: string;
  validation?: string;
  test?: string;
  split?: number;
  operatingThresholds?: string;
  sensitivity?: number;
  specificity?: number;
  scaling: 'platt' | 'temperature';
  bootstrap: number;
  seed: number;
  cases: number;
  html: boolean;
  pictures?: boolean;
  /** True if the option has no value: the file is then that of the weights that are evaluated. */
  storeOperatingThresholds?: string | true;
}

/** A number above 0 and up to 1. */
function share(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be a number above 0, up to 1.');
}

/** Adds `raybox evaluate`. */
export function addEvaluateCommand(program: Command): void {
  const command = addWeightsOptions(program.command('evaluate'))
    .description(
      'score predictions against a data set: ROC, calibration, localization as the paper scores it, heatmaps against masks',
    )
    .option('--data <dir>', 'data set in the ChestX-ray8/14 layout; only --predicted-masks need none')
    .option('--predictions <file...>', '.csv (a column per class, or a row per box), .jsonl, .coco.json')
    .option('--weights <file>', 'predict with these weights; the predictions are kept in predictions.jsonl')
    .requiredOption('--out <dir>', 'folder for evaluation.json, evaluation.csv and evaluation.html')
    .option('--boxes <file>', 'truth boxes; default: BBox_List_2017.csv of the data set')
    .option(
      '--box-frame <pixels>',
      'side of the square that the truth boxes refer to; default: the image',
      wholeNumber(1, 65_535),
    )
    .addOption(
      new Option(
        '--corners <whose>',
        'whose boxes are two corners, x1, y1, x2, y2; default: as the names of columns say',
      ).choices(CORNERS_OF),
    )
    .option('--logits', 'the numbers of a .csv are logits')
    .option('--coco-index <file>', 'COCO annotation file with the names for the ids in a list of COCO results')
    .option('--classes <names>', '8, 14, or names separated by commas; default: what the predictions score')
    .option('--validation <list>', 'file of image names to fit operating thresholds and calibration on')
    .option('--test <list>', 'file of image names to score, or "all"; default: test_list.txt of the data set, else all')
    .option(
      '--split <seed>',
      "use the validation and test images of raybox's own split by patient, with this seed",
      wholeNumber(0, 2 ** 32),
    )
    .option('--operating-thresholds <file>', 'JSON of operating thresholds by class, instead of fitting them')
    .option('--sensitivity <share>', "fit operating thresholds to this sensitivity instead of Youden's index", share)
    .option('--specificity <share>', "fit operating thresholds to this specificity instead of Youden's index", share)
    .addOption(new Option('--scaling <kind>', 'calibration to fit').choices(['platt', 'temperature']).default('platt'))
    .option('--bootstrap <draws>', 'draws of the bootstrap', wholeNumber(0, 100_000), 1000)
    .option('--seed <number>', 'seed of the bootstrap and the random baseline', wholeNumber(0, 2 ** 32), 0)
    .option(
      '--cases <count>',
      'how many of the best cases get pictures, and as many of the worst',
      wholeNumber(0, 100),
      6,
    )
    .option('--no-html', 'leave out the page of results, evaluation.html')
    .option('--pictures', 'also write the sections of that page as PNG, drawn by a headless browser')
    .option(
      '--store-operating-thresholds [weights]',
      'write the fitted operating thresholds into this file; default: that of --weights',
    )
    .option('--batch <n>', 'images in one run of the network', wholeNumber(1, 1024), DEFAULT_BATCH)
    .addOption(threadsOption('decode images'))
    .addOption(backendOption())
    .addOption(adapterOption());
  refuseFormerOption(command, '--thresholds', '--operating-thresholds');
  refuseFormerOption(command, '--store-thresholds', '--store-operating-thresholds');
  addImageOptions(addMaskOptions(command)).action(runCommand);
}

async function runCommand(options: CommandOptions, command: Command): Promise<void> {
  const { weights, predictions: files = [], storeOperatingThresholds: target } = options;
  if (options.predictedMasks !== undefined) return evaluateMasks(options, command);
  if (options.data === undefined) throw new UsageError('name the data set with --data');
  if ((weights === undefined) === (files.length === 0)) throw new UsageError('give either --predictions or --weights');
  refuseWithoutEffect(options, files);
  const stored = target === true ? weights : target;
  if (target === true && stored === undefined)
    throw new UsageError('--store-operating-thresholds: name the file of weights');

  if (options.pictures && !options.html)
    throw new UsageError('--pictures are of the page of results: leave out --no-html');

  const { corners } = options;
  const data = await openDataset(options.data, { boxes: options.boxes, corners: areCorners(corners, 'truth') });
  const warnings: Warning[] = [];
  const split = await splitOf(options, data, warnings);
  const masks = await openMaskScorers(options, data, split, warnings);
  const operatingThresholds =
    options.operatingThresholds === undefined
      ? undefined
      : await readOperatingThresholds(options.operatingThresholds, data.table.classes);
  const { scaling, bootstrap: replicates, seed, cases, html, out } = options;
  const evaluationOptions = {
    ...split,
    ...{
      out,
      cases,
      html,
      replicates,
      seed,
      scaling,
      operatingThresholds,
      boxFrame: options.boxFrame,
      corners,
      warnings,
      masks,
    },
    classes: options.classes === undefined ? undefined : classList(options.classes),
    rule: ruleOf(options),
    subtitle: `${(weights === undefined ? files : [weights]).map((path) => basename(path)).join(', ')} on ${basename(resolve(data.folder))}`,
  };
  const result =
    weights === undefined
      ? await writeEvaluation(await joinedPredictions(files, options, data, warnings), data, evaluationOptions)
      : await interruptible(async (signal) => {
          // The engine is only loaded if a network has to be run.
          const { evaluateWeights } = await import('./weights.js');
          return evaluateWeights(weights, data, { ...options, ...evaluationOptions, signal });
        });
  if (stored !== undefined) await storeFitted(stored, result);
  await print(`${summary(result)}\n`);
  if (options.pictures) {
    const { writePagePictures } = await import('../../node/browser/page_pictures.js');
    await writePagePictures(join(out, 'evaluation.html'), out);
  }
}

/** How operating thresholds are fitted. Undefined: by Youden's index. */
function ruleOf({ sensitivity, specificity }: CommandOptions): ThresholdRule | undefined {
  if (sensitivity !== undefined) return { rule: 'sensitivity', target: sensitivity };
  return specificity === undefined ? undefined : { rule: 'specificity', target: specificity };
}

/** The names of the options of `addWeightsOptions`. They only make sense together with weights. */
const OF_WEIGHTS = [
  ...['names', 'architecture', 'prediction', 'mean', 'std', 'inputSize', 'transformInput', 'prefix', 'ignore'],
  ...['metadata', 'cache', 'integrity', 'backend'],
];

/** @throws UsageError for an option without effect. Otherwise the user would believe that the scores follow it. */
function refuseWithoutEffect(options: CommandOptions, files: readonly string[]): void {
  const { weights, logits, cocoIndex, split, validation, test } = options;
  const has = (ending: RegExp) => files.some((path) => ending.test(path));
  if (weights === undefined && OF_WEIGHTS.some((name) => name in options))
    throw new UsageError('--names, --metadata, --cache and the like say what weights do not: they go with --weights');
  if (options.masks && weights === undefined)
    throw new UsageError(
      '--masks are compared with heatmaps of --weights, or with --predicted-masks: give one of them',
    );
  const { maskFrame, maskLabels, maskThresholds, maskValidation } = options;
  if (!options.masks && (maskFrame ?? maskLabels ?? maskThresholds ?? maskValidation) !== undefined)
    throw new UsageError('--mask-frame, --mask-labels, --mask-thresholds and --mask-validation go with --masks');
  if (logits && !has(/\.csv$/i)) throw new UsageError('--logits is of a .csv: JSON lines and COCO say what they give');
  if (cocoIndex !== undefined && !has(/\.json$/i)) throw new UsageError('--coco-index goes with a .json of results');
  if (split !== undefined && (validation !== undefined || test !== undefined))
    throw new UsageError('--split draws both lists: leave out --validation and --test');
  const rule = ruleOf(options)?.rule;
  if (options.sensitivity !== undefined && options.specificity !== undefined)
    throw new UsageError('--sensitivity and --specificity are two rules for the same operating thresholds: give one');
  if (rule !== undefined && validation === undefined && split === undefined)
    throw new UsageError(`--${rule} fits operating thresholds: name the images to fit on with --validation or --split`);
}

async function joinedPredictions(
  files: readonly string[],
  { logits, cocoIndex, corners }: CommandOptions,
  { table }: Dataset,
  warnings: Warning[],
) {
  const read: Prediction[][] = [];
  for (const path of files) {
    const onWarning = (warning: Warning) => warnings.push(warning);
    read.push(
      await readPredictions(path, {
        ...{ classes: table.classes, logits, cocoIndex, onWarning },
        corners: areCorners(corners, 'predictions'),
      }),
    );
  }
  const merged = mergePredictions(...read);
  if (merged.length > 0) return merged;
  const empty = warnings.filter(({ code }) => code === 'missing-data').map(({ message }) => message);
  throw new InputError(empty.join(' '), { hint: 'name files with predictions' });
}

async function storeFitted(path: string, { operatingThresholds }: EvaluationResult): Promise<void> {
  const fitted = Object.entries(operatingThresholds).filter(([, { source }]) => source === 'validation');
  if (fitted.length === 0) throw new InputError('no threshold was fitted', { hint: 'give --validation or --split' });
  await storeOperatingThresholds(path, Object.fromEntries(fitted.map(([label, { value }]) => [label, value])));
}

/**
 * Thresholds by the class names of the data set.
 * @throws InputError for a class that it does not have, because such a threshold would never be used
 */
async function readOperatingThresholds(path: string, classes: readonly string[]): Promise<Record<string, number>> {
  const parsed = parseJson(await readText(path), path);
  const entries = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : [];
  if (entries.length === 0 || !entries.every(([, value]) => isProbability(value))) {
    throw new InputError(`${path} gives no operating thresholds`, { expected: 'an object of a probability by class' });
  }
  const names = labelNames(classes);
  const matched = entries.map(([name, value]): [string, number] => {
    const label = names.match(name);
    if (label !== undefined) return [label, value];
    throw new InputError(`${path}: ${name} is not a class of the data set`, { expected: classes.join(', ') });
  });
  if (new Set(matched.map(([label]) => label)).size < matched.length) {
    throw new InputError(`${path}: two operating thresholds are of one class`, {
      given: entries.map(([name]) => name).join(', '),
    });
  }
  return Object.fromEntries(matched);
}

/** The most important results, for the terminal. The files have all of them. */
function summary(result: EvaluationResult) {
  const { overall, meanAuc, localization, images, patients, validationImages, warnings } = result;
  const fitted = validationImages > 0 ? `, ${validationImages} more to fit operating thresholds on` : '';
  const ranked = result.scoreSource === 'boxes' ? 'the score of the best box' : 'probabilities';
  const lines = [`${counted(images, 'image')} of ${counted(patients, 'patient')}${fitted}, ranked by ${ranked}`];
  if (result.heatmapMethod && result.heatmapMethod !== 'cam')
    lines.push(`heatmaps and boxes come from gradients: ${result.heatmapMethod}`);
  for (const { message } of warnings) lines.push(`note: ${message}`);
  const figure = (value: number | undefined) => (Number.isFinite(value) ? (value as number).toFixed(3) : '–');
  const scores = localization?.known.scores;
  const local = (label: string) => {
    const score = scores?.find((each) => each.label === label);
    return score ? [score.truthBoxes, figure(score.figures[0].accuracy), figure(score.meanIou)] : [];
  };
  const rows = overall.map(({ label, positives, auc }) => [label, positives, figure(auc), ...local(label)]);
  const head = ['', 'with', 'AUC', ...(scores ? ['boxes', 'IoBB > 0.1', 'mean IoU'] : [])];
  lines.push('', table([head, ...rows, [ALL_LABELS, '', figure(meanAuc), ...local(ALL_LABELS)]]));
  if (result.masks) lines.push('', maskSummary(result.masks));
  return lines.join('\n');
}
