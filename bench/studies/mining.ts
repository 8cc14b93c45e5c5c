/**
 * Scores the miner of `src/reports` on the chest reports of Indiana University (OpenI), in the way in which ChestX-ray8 scored its own.
 *
 *   node dist/bench/studies/mining.js --data DIR [--json FILE]      DIR: reports_dev.tgz, gold_labels_dev.csv, no_indexing_dev.txt
 *
 * There are two sets of reports. Set A has all indexed reports, and set B those of A with any of the eight diseases or Normal. Intervals are
 * 95 % bootstrap percentiles over reports. Rules that a person has written cannot be cross-validated (see `src/reports/README.md`): all errors
 * that were read while writing them are in folds 0–3, and fold 4 was not looked at. The likelihoods of cue words and vague terms are learned
 * from data, so they are cross-validated: learned on four folds and scored on the fifth, five times.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { readCsv } from '../../src/formats/csv.js';
import { readReports } from '../../src/node/reports/report_files.js';
import { fnv1a, seededRandom } from '../../src/random.js';
import { type Disease, diseases, eightDiseases, vagueTerms } from '../../src/reports/lexicon.js';
import { type MineOptions, mineReport } from '../../src/reports/mine.js';
import { rules } from '../../src/reports/rules/rules.js';

/** Table 2 of the paper (Wang et al., CVPR 2017): precision, recall, F1 of its miner on OpenI. */
const paper: Record<string, readonly [number, number, number]> = {
  Atelectasis: [0.99, 0.85, 0.91],
  Cardiomegaly: [1.0, 0.79, 0.88],
  Effusion: [0.93, 0.82, 0.87],
  Infiltration: [0.74, 0.87, 0.8],
  Mass: [0.75, 0.4, 0.52],
  Nodule: [0.96, 0.62, 0.75],
  Normal: [0.87, 0.99, 0.93],
  Pneumonia: [0.66, 0.93, 0.77],
  Pneumothorax: [0.9, 0.82, 0.86],
  Total: [0.9, 0.91, 0.9],
};

const scored = [...eightDiseases, 'Normal'];
const others = diseases.slice(8);
const foldCount = 5;
const heldOut = 4;

export interface Case {
  id: string;
  text: string;
  gold: Set<string>;
  fold: number;
}

/** The fold of a report, by the hash FNV-1a of its identifier, so that it does not depend on the order of files. */
export const foldOf = (id: string): number => fnv1a(id) % foldCount;

async function readCases(folder: string): Promise<Case[]> {
  const gold = new Map<string, Set<string>>();
  let names: string[] = [];
  readCsv(readFileSync(join(folder, 'gold_labels_dev.csv'), 'utf8'), (fields, row) => {
    if (row === 1) names = fields.map((name) => (name === 'normal' ? 'Normal' : name));
    else gold.set(fields[0]!, new Set(names.filter((_, at) => at > 0 && fields[at] === '1')));
  });
  const unindexed = new Set(readFileSync(join(folder, 'no_indexing_dev.txt'), 'utf8').split(/\s+/));
  const cases: Case[] = [];
  const onProblem = ({ message }: { message: string }) => {
    throw new Error(message);
  };
  for await (const { id, text } of readReports(join(folder, 'reports_dev.tgz'), '', { onProblem })) {
    const labels = gold.get(id);
    if (!labels) throw new Error(`no gold labels for ${id}`);
    if (!unindexed.has(id)) cases.push({ id, text, gold: labels, fold: foldOf(id) });
  }
  return cases;
}

function predict({ text }: Case, options: MineOptions): Set<string> {
  const { findings, normal } = mineReport(text, { explain: false, ...options });
  return new Set<string>(normal ? [...findings, 'Normal'] : findings);
}

/** True positives, false positives and false negatives of one label in one report, packed for the bootstrap. */
type Counts = [tp: number, fp: number, fn: number];

const outcome = (predicted: Set<string>, gold: Set<string>, label: string): Counts => {
  const p = predicted.has(label);
  const g = gold.has(label);
  return [Number(p && g), Number(p && !g), Number(!p && g)];
};

const f1 = ([tp, fp, fn]: Counts): number => (tp === 0 ? 0 : (2 * tp) / (2 * tp + fp + fn));
const precision = ([tp, fp]: Counts): number => tp / (tp + fp);
const recall = ([tp, , fn]: Counts): number => tp / (tp + fn);
const add = (sum: Counts, [tp, fp, fn]: Counts, weight = 1): Counts => [
  sum[0] + weight * tp,
  sum[1] + weight * fp,
  sum[2] + weight * fn,
];

export interface Row {
  label: string;
  counts: Counts;
  precision: number;
  recall: number;
  f1: number;
  interval: [low: number, high: number];
  paper?: readonly [number, number, number];
}

/** A row for each label, and one for all labels together (the eight diseases and Normal), each with its bootstrap interval. */
export function score(cases: readonly Case[], predictions: ReadonlyMap<string, Set<string>>, resamples = 1000): Row[] {
  const next = seededRandom(1);
  const weights: Uint16Array[] = Array.from({ length: resamples }, () => {
    const weight = new Uint16Array(cases.length);
    for (let draw = 0; draw < cases.length; draw++) weight[Math.floor(next() * cases.length)]!++;
    return weight;
  });
  const rowOf = (label: string, labels: readonly string[]): Row => {
    const perCase = cases.map((item) =>
      labels.reduce<Counts>((sum, name) => add(sum, outcome(predictions.get(item.id)!, item.gold, name)), [0, 0, 0]),
    );
    const counts = perCase.reduce<Counts>((sum, one) => add(sum, one), [0, 0, 0]);
    const informative = perCase.flatMap((one, at) => (one.some((value) => value > 0) ? [at] : []));
    const samples = weights
      .map((weight) => f1(informative.reduce<Counts>((sum, at) => add(sum, perCase[at]!, weight[at]!), [0, 0, 0])))
      .sort((a, b) => a - b);
    const at = (share: number): number => samples[Math.min(resamples - 1, Math.floor(share * resamples))]!;
    return {
      label,
      counts,
      precision: precision(counts),
      recall: recall(counts),
      f1: f1(counts),
      interval: [at(0.025), at(0.975)],
      paper: paper[label],
    };
  };
  return [...[...scored, ...others].map((label) => rowOf(label, [label])), rowOf('Total', scored)];
}

/**
 * How often each cue or vague term meant "present", counted over reports that mention a disease only with this cue. Half a report is added on
 * both sides, so that a single report has little weight. A cue that never occurs gets 0.
 */
export function learn(cases: readonly Case[]): Record<string, number> {
  const seen = new Map<string, [n: number, present: number]>();
  for (const { text, gold } of cases) {
    const { evidence, labels } = mineReport(text);
    for (const disease of Object.keys(labels) as Disease[]) {
      if (labels[disease] !== 'uncertain') continue;
      const ids = new Set(
        evidence.filter((e) => e.concept === disease && e.status === 'uncertain').map(({ rule }) => rule),
      );
      for (const id of ids) {
        const [n, present] = seen.get(id) ?? [0, 0];
        seen.set(id, [n + 1, present + Number(gold.has(disease))]);
      }
    }
  }
  const ids = [...rules.filter(({ kind }) => kind === 'uncertain'), ...vagueTerms].map(({ id }) => id);
  return Object.fromEntries(
    ids.map((id) => {
      const [n, present] = seen.get(id) ?? [0, 0];
      return [id, n === 0 ? 0 : (present + 0.5) / (n + 1)];
    }),
  );
}

const predictAll = (cases: readonly Case[], options: MineOptions = {}): Map<string, Set<string>> =>
  new Map(cases.map((item) => [item.id, predict(item, options)]));

/** Learns likelihoods on four folds and predicts the fifth, for each of the five folds. */
export function crossValidate(cases: readonly Case[]): Map<string, Set<string>> {
  const all = new Map<string, Set<string>>();
  for (let fold = 0; fold < foldCount; fold++) {
    const likelihoods = learn(cases.filter((item) => item.fold !== fold));
    const part = cases.filter((item) => item.fold === fold);
    for (const [id, labels] of predictAll(part, { likelihoods })) all.set(id, labels);
  }
  return all;
}

const setB = (cases: readonly Case[]): Case[] => cases.filter(({ gold }) => scored.some((label) => gold.has(label)));

const figure = (value: number): string => (Number.isNaN(value) ? '  – ' : value.toFixed(3));

function table(title: string, rows: readonly Row[], count: number): string {
  const lines = rows.map(({ label, counts: [tp, fp, fn], ...row }) => {
    const published = row.paper ? row.paper.map((value) => value.toFixed(2)).join(' / ') : '';
    const [low, high] = row.interval;
    return `| ${label.padEnd(18)} | ${String(tp + fn).padStart(5)} | ${String(tp).padStart(4)} | ${String(fp).padStart(3)} | ${String(fn).padStart(3)} | ${figure(row.precision)} | ${figure(row.recall)} | ${figure(row.f1)} | ${figure(low)}–${figure(high)} | ${published.padEnd(18)} |`;
  });
  return [
    `\n${title} (${count} reports)\n`,
    `| label              | coded | tp   | fp  | fn  | P     | R     | F1    | F1, 95 %    | paper: P / R / F1  |`,
    `| ------------------ | ----: | ---: | --: | --: | ----: | ----: | ----: | ----------- | ------------------ |`,
    ...lines,
  ].join('\n');
}

function speed(cases: readonly Case[]): number {
  const started = performance.now();
  predictAll(cases);
  return cases.length / ((performance.now() - started) / 1000);
}

async function main(): Promise<void> {
  const values = new Command('mining')
    .description('the miner beside the gold labels of OpenI and the figures of the paper')
    .option('--data <dir>', 'folder of the reports and their labels', '../shared/data/openi')
    .option('--json <file>', 'of the results')
    .option('--learn', 'print the likelihoods of uncertain cues that folds 0–3 give')
    .parse()
    .opts<{ data: string; json?: string; learn?: boolean }>();
  const cases = await readCases(values.data);
  const development = cases.filter(({ fold }) => fold !== heldOut);
  if (values.learn) {
    console.log('Likelihoods learned on folds 0–3:');
    for (const [id, value] of Object.entries(learn(development))) console.log(`  ${id.padEnd(22)} ${value.toFixed(2)}`);
    return;
  }
  const shipped = predictAll(cases);
  const perSecond = Math.max(...Array.from({ length: 5 }, () => speed(cases)));
  const validated = crossValidate(cases);
  const results: Record<string, Row[]> = {};
  const print = (title: string, part: readonly Case[], predictions: ReadonlyMap<string, Set<string>>): void => {
    for (const [name, members] of [
      ['A', part],
      ['B', setB(part)],
    ] as const) {
      results[`${title}, set ${name}`] = score(members, predictions);
      console.log(table(`${title}, set ${name}`, results[`${title}, set ${name}`]!, members.length));
    }
  };
  print('Cross-validated likelihoods, all folds', cases, validated);
  print('As shipped, development folds 0–3', development, shipped);
  print(
    'As shipped, held-out fold 4',
    cases.filter(({ fold }) => fold === heldOut),
    shipped,
  );

  console.log('\nMicro F1 with Normal by policy for uncertain mentions (all folds)\n');
  for (const uncertain of ['drop', 'cue', 'keep'] as const) {
    const predictions = predictAll(cases, { uncertain });
    const [a, b] = [cases, setB(cases)].map((part) => score(part, predictions, 1).at(-1)!.f1);
    console.log(`  ${uncertain.padEnd(5)} A ${a!.toFixed(3)}  B ${b!.toFixed(3)}`);
  }
  const empty = cases.filter(({ text }) => text.trim() === '').length;
  console.log(`\n${empty} reports have neither findings nor impression: Normal, since nothing is found in them.`);
  console.log(`${Math.round(perSecond)} reports a second on one core, the fastest of five passes.`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}

if (process.argv[1]?.endsWith('mining.js')) await main();
