/** Writes the results of the arms side by side, as Markdown and as JSON. */

import { duration } from '../../../src/cli/terminal.js';
import { InputError } from '../../../src/errors.js';
import type { Interval } from '../../../src/evaluate/intervals.js';
import type { ImageTable } from '../../../src/formats/data_sets/image_table.js';
import { markdownTable } from '../../markdown.js';
import {
  type ArmScores,
  armScores,
  aucDifferences,
  type BootstrapSettings,
  type BoxScore,
  type Estimate,
  type FoldResult,
  isAll,
  meanBoxScores,
} from './scores.js';

export interface Arm {
  name: string;
  folds: FoldResult[];
}

export interface ReportSettings extends BootstrapSettings {
  classes: readonly string[];
  folds: number;
  images: number;
  reference?: string;
}

interface Scored {
  name: string;
  scores: ArmScores;
  difference?: ReturnType<typeof aucDifferences>;
  boxes?: BoxScore[];
}

const CRITERIA = ['IoBB > 0.1', 'IoBB > 0.25', 'IoBB > 0.5', 'IoU > 0.1', 'IoU > 0.3'];

/** @throws InputError if the reference is not one of the arms. */
export function crossValidationSummary(
  table: ImageTable,
  arms: readonly Arm[],
  settings: ReportSettings,
): { markdown: string; json: object } {
  const { classes, reference = arms[0].name } = settings;
  const base = arms.find(({ name }) => name === reference);
  if (!base) {
    throw new InputError(`--reference: there is no whole arm ${reference}`, {
      expected: arms.map(({ name }) => name).join(', '),
    });
  }
  const predictionsOf = ({ folds }: Arm) => folds.flatMap(({ predictions }) => predictions);
  const scored = arms.map((arm): Scored => {
    const boxes = arm.folds.flatMap((fold) => (fold.boxes ? [fold.boxes.network] : []));
    return {
      name: arm.name,
      scores: armScores(table, arm.folds, classes, settings),
      ...(arm === base
        ? {}
        : { difference: aucDifferences(table, predictionsOf(arm), predictionsOf(base), classes, settings) }),
      ...(boxes.length > 0 ? { boxes: meanBoxScores(boxes) } : {}),
    };
  });
  const baselines = baselinesOf(base);
  const sections = [
    describe(arms, settings),
    aucTable(scored),
    ...(arms.length > 1 ? [differenceTable(scored, base.name)] : []),
    ...(baselines ? boxTables([...scored, ...baselines]) : []),
  ];
  return { markdown: `${sections.join('\n\n')}\n`, json: { ...settings, arms: scored, baselines } };
}

function baselinesOf({ folds: [{ boxes }] }: Arm): { name: string; boxes: BoxScore[] }[] | undefined {
  if (!boxes) return undefined;
  return [
    { name: 'median box', boxes: meanBoxScores([boxes.medianBox]) },
    { name: 'random map', boxes: meanBoxScores([boxes.randomMap]) },
  ];
}

function describe(arms: readonly Arm[], { images, folds, replicates }: ReportSettings): string {
  const spent = arms.map(({ name, folds: done }) => {
    const seconds = done.reduce((sum, fold) => sum + fold.seconds, 0);
    return `${name} ${duration(seconds * 1000)} (best epochs ${done.map(({ bestEpoch }) => bestEpoch).join(', ')})`;
  });
  return (
    `${images} images in ${folds} folds by patient. AUC: each image is scored by the network that has not seen its patient, all in one ` +
    `ranking; intervals are a bootstrap over patients (${replicates} draws; DeLong’s, which take images as independent, are in the JSON); ` +
    `*within folds* compares only images that one network scored. Trained in: ${spent.join('; ')}.`
  );
}

function aucTable(arms: readonly Scored[]): string {
  const [{ scores }] = arms;
  const head = ['AUC', 'with', ...arms.flatMap(({ name }) => [name, 'within folds'])];
  const rows = scores.classes.map(({ label, positives }, at) => [
    label,
    String(positives),
    ...arms.flatMap(({ scores: { classes } }) => {
      const { auc, bootstrap, withinFolds } = classes[at];
      return [`${figure(auc)} (${span(bootstrap)})`, figure(withinFolds)];
    }),
  ]);
  const means = arms.flatMap(({ scores: { meanAuc, withinFolds } }) => [
    `${figure(meanAuc.value)} (${span(meanAuc)})`,
    figure(withinFolds),
  ]);
  return markdownTable(head, [...rows, ['mean', '', ...means]]);
}

function differenceTable(arms: readonly Scored[], base: string): string {
  const others = arms.filter(({ difference }) => difference);
  const signed = ({ value, ...interval }: Estimate) =>
    Number.isFinite(value) ? `${value > 0 ? '+' : ''}${figure(value)} (${span(interval)})` : '–';
  const labels = arms[0].scores.classes.map(({ label }) => label);
  const rows = labels.map((label) => [label, ...others.map(({ difference }) => signed(difference!.classes[label]))]);
  const means = others.map(({ difference }) => signed(difference!.mean));
  return markdownTable([`AUC less ${base}’s`, ...others.map(({ name }) => name)], [...rows, ['mean', ...means]]);
}

function boxTables(arms: readonly { name: string; boxes?: BoxScore[] }[]): string[] {
  const known = arms.flatMap(({ name, boxes }) => (boxes ? [{ name, boxes }] : []));
  const all = known.map(({ name, boxes }) => {
    const { accuracy, meanIou } = boxes.find(isAll) as BoxScore;
    const at = (criterion: string) =>
      accuracy.find(({ measure, threshold }) => `${measure} > ${threshold}` === criterion) as BoxScore['accuracy'][0];
    const shares = CRITERIA.map((criterion) => `${figure(at(criterion).value)} (${span(at(criterion), 2)})`);
    return [name, ...shares, figure(meanIou), figure(at('IoBB > 0.1').averageFalsePositives, 2)];
  });
  const labels = known[0].boxes.filter((each) => !isAll(each));
  const byDisease = labels.map(({ label, truthBoxes }, row) => [
    label,
    String(truthBoxes),
    ...known.map(({ boxes }) => {
      const { accuracy } = boxes[row];
      return CRITERIA.filter((name) => ['IoBB > 0.25', 'IoU > 0.1'].includes(name))
        .map((name) =>
          accuracy.find(({ measure, threshold }) => `${measure} > ${threshold}` === name)!.value.toFixed(2),
        )
        .join(' · ');
    }),
  ]);
  const { truthBoxes } = known[0].boxes.find(isAll) as BoxScore;
  return [
    `Boxes: ${truthBoxes} of patients that no network has seen, disease known. Each fold’s network draws its own; figures are means over them, ` +
      'intervals Wilson’s for as many boxes as there are.',
    markdownTable(['all diseases', ...CRITERIA, 'mean IoU', 'false boxes per box, IoBB > 0.1'], all),
    markdownTable(['IoBB > 0.25 · IoU > 0.1', 'boxes', ...known.map(({ name }) => name)], byDisease),
  ];
}

const figure = (value: number, digits = 3) => (Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–');

const span = ({ low, high }: Interval, digits = 3) =>
  Number.isFinite(low) ? `${figure(low, digits)} to ${figure(high, digits)}` : '–';
