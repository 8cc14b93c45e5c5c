/** Writes the results of the ablations as Markdown tables and one SVG figure. */

import { duration } from '../../../src/cli/terminal.js';
import { COLORS, loadPlotting } from '../../../src/evaluate/page/plotting.js';
import { CHEST_XRAY8_LABELS } from '../../../src/formats/data_sets/image_table.js';
import { markdownTable } from '../../markdown.js';
import { differences, type Estimate, estimate } from './analysis.js';
import { type Block, type Cost, configurationsOf, REFERENCE } from './configurations.js';

/** The results of one trained network. Figures that are not defined are null. */
export interface Run {
  id: string;
  seed: number;
  bestEpoch: number;
  seconds: number;
  /** The numbers of test images and of their boxes. */
  images: number;
  truthBoxes: number;
  meanAuc: number;
  auc: Record<string, number | null>;
  /** Accuracy for known diseases, as the mean over the diseases. */
  accuracy: {
    measure: 'IoBB' | 'IoU';
    threshold: number;
    mean: number;
    /** False boxes of all diseases / truth boxes. */
    averageFalsePositives: number;
    of: Record<string, number | null>;
  }[];
}

export interface StudySettings {
  preset: string;
  count: number;
  size: number;
  /** Epochs of the backbones on clear phantoms; 0 for random weights. */
  pretrain: number;
  epochs: number;
  batch: number;
  lr: number;
}

/** A column of the tables. All values are at least 0. */
interface Metric {
  name: string;
  /** The largest possible value. Default: 1. */
  most?: number;
  of(run: Run): number | null | undefined;
}

const MEAN_AUC: Metric = { name: 'mean AUC', of: ({ meanAuc }) => meanAuc };

const accuracyAt = (measure: 'IoBB' | 'IoU', threshold: number): Metric => ({
  name: `${measure} > ${threshold}`,
  of: ({ accuracy }) => accuracy.find((each) => each.measure === measure && each.threshold === threshold)?.mean,
});

const ACCURACIES = [
  ...[0.1, 0.25, 0.5].map((threshold) => accuracyAt('IoBB', threshold)),
  ...[0.1, 0.3].map((threshold) => accuracyAt('IoU', threshold)),
];

const FALSE_BOXES: Metric = {
  name: 'false boxes per truth box, IoBB > 0.1',
  most: Number.POSITIVE_INFINITY,
  of: ({ accuracy }) =>
    accuracy.find(({ measure, threshold }) => measure === 'IoBB' && threshold === 0.1)?.averageFalsePositives,
};

const DIFFERENCES = [MEAN_AUC, ACCURACIES[1], ACCURACIES[3]];

export async function ablationSummary(
  runs: readonly Run[],
  blocks: readonly Block[],
  costs: ReadonlyMap<string, Cost>,
  settings: StudySettings,
): Promise<{ markdown: string; svg: string }> {
  const markdown = [
    describe(runs, settings),
    ...blocks.map((block) => blockTables(block, runs, costs)),
    perDisease(blocks, runs),
  ].join('\n\n');
  return { markdown: `${markdown}\n`, svg: await figure(runs, blocks) };
}

const meanOf = (runs: readonly Run[], id: string, metric: Metric): Estimate =>
  estimate(valuesOf(runs, id, metric), [0, metric.most ?? 1]);

const valuesOf = (runs: readonly Run[], id: string, { of }: Metric): number[] =>
  runs.filter((run) => run.id === id).map((run) => of(run) ?? Number.NaN);

function differencesOf(runs: readonly Run[], metric: Metric) {
  const bySeed = new Map<string, Map<number, number>>();
  for (const run of runs) {
    bySeed.set(run.id, (bySeed.get(run.id) ?? new Map()).set(run.seed, metric.of(run) ?? Number.NaN));
  }
  return differences(bySeed, REFERENCE.id);
}

function describe(runs: readonly Run[], { preset, count, size, pretrain, epochs, batch, lr }: StudySettings): string {
  const start =
    pretrain > 0 ? `${pretrain} epochs of the backbone on as many \`demo\` phantoms, then ` : 'Random weights, ';
  const seeds = new Set(runs.map(({ seed }) => seed)).size;
  const [{ images }] = runs;
  const boxes = [...new Set(runs.map(({ truthBoxes }) => truthBoxes))].sort((a, b) => a - b);
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
  return (
    `${runs.length} runs, ${seeds} seeds, ${duration(seconds * 1000)} in all. Each seed has its own ${count} \`${preset}\` phantoms ` +
    `(${size}×${size}; about ${images} for testing, with ${boxes[0]} to ${boxes[boxes.length - 1]} boxes). ${start}${epochs} epochs of the whole network, batch ${batch}, AdamW at ${lr}, ` +
    'weights of the best validation epoch. Means over seeds with 95 % t intervals. Accuracies are means over the diseases, disease known, ' +
    'boxes cut as the paper does. Differences to LSE r = 10 are paired by seed; their intervals take the spread of a run from all ' +
    'configurations together, and are not corrected for their number.'
  );
}

function blockTables({ title, configurations }: Block, runs: readonly Run[], costs: ReadonlyMap<string, Cost>): string {
  const metrics = [MEAN_AUC, ...ACCURACIES, FALSE_BOXES];
  const found = configurations.filter(({ id }) => runs.some((run) => run.id === id));
  const figures = found.map(({ id, label }) => {
    const { side, megaflops } = costs.get(id) as Cost;
    const cells = metrics.map((metric) => shown(meanOf(runs, id, metric)));
    return [label, String(side), megaflops.toFixed(1), ...cells];
  });
  const gaps = DIFFERENCES.map((metric) => differencesOf(runs, metric).of);
  const compared = found
    .filter(({ id }) => id !== REFERENCE.id)
    .map(({ id, label }) => [label, ...gaps.map((gap) => shown(gap.get(id) as Estimate, true))]);
  return [
    `**${title}**`,
    markdownTable([title, 'S', 'MFLOP', ...metrics.map(({ name }) => name)], figures),
    ...(compared.length > 0
      ? [markdownTable([`less ${REFERENCE.label}`, ...DIFFERENCES.map(({ name }) => name)], compared)]
      : []),
  ].join('\n\n');
}

function perDisease(blocks: readonly Block[], runs: readonly Run[]): string {
  const rows = configurationsOf(blocks)
    .filter(({ id }) => runs.some((run) => run.id === id))
    .map(({ id, label }) => [
      label,
      ...CHEST_XRAY8_LABELS.map((disease) => shown(meanOf(runs, id, { name: disease, of: ({ auc }) => auc[disease] }))),
    ]);
  return `**AUC by disease**\n\n${markdownTable(['', ...CHEST_XRAY8_LABELS], rows)}`;
}

function shown({ mean, low, high }: Estimate, signed = false): string {
  const text = (value: number) => `${signed && value > 0 ? '+' : ''}${value.toFixed(3).replace('-', '−')}`;
  if (!Number.isFinite(mean)) return '–';
  return Number.isFinite(low) ? `${text(mean)} (${text(low)} to ${text(high)})` : text(mean);
}

const LABELS = 110;
const PANEL = 230;
const ROW = 20;

/**
 * Draws three panels with the difference of each configuration from the reference: a dot for the mean, a bar for its interval, and small dots
 * for the pairs of runs.
 */
async function figure(runs: readonly Run[], blocks: readonly Block[]): Promise<string> {
  const { Plot, draw } = await loadPlotting('the figure of the ablations');
  const rows = blocks.flatMap(({ name, title, configurations }) => [
    { key: name, label: title.toUpperCase(), id: undefined },
    ...configurations.map(({ id, label }) => ({ key: `${name}/${label}`, label, id })),
  ]);
  const labels = new Map(rows.map(({ key, label }) => [key, label]));
  const height = ROW * rows.length + 60;
  const panels = DIFFERENCES.map((metric, at) => {
    const { seeds, of } = differencesOf(runs, metric);
    const runValue = (id: string, seed: number) => {
      const run = runs.find((each) => each.id === id && each.seed === seed) as Run;
      return metric.of(run) as number;
    };
    const points = rows.flatMap(({ key, id }) => {
      const gap = id === undefined ? undefined : of.get(id);
      return gap && Number.isFinite(gap.mean) ? [{ key, id: id as string, ...gap }] : [];
    });
    const pairs = points
      .filter(({ id }) => id !== REFERENCE.id)
      .flatMap(({ key, id }) =>
        seeds.map((seed) => ({ key, value: runValue(id, seed) - runValue(REFERENCE.id, seed) })),
      );
    const left = at === 0 ? LABELS : 10;
    const base = meanOf(runs, REFERENCE.id, metric).mean.toFixed(3);
    const svg = draw(
      {
        ...{ width: PANEL + left, height, marginLeft: left, marginRight: 14, marginTop: 26, marginBottom: 34 },
        x: { label: `${metric.name}, less that of ${REFERENCE.label} (${base})`, ...AXIS },
        y: {
          ...{ label: null, domain: rows.map(({ key }) => key), tickSize: 0 },
          tickFormat: (key: string) => (at === 0 ? (labels.get(key) as string) : ''),
        },
        r: { type: 'identity' },
        marks: [
          Plot.ruleX([0], { stroke: COLORS.second, strokeDasharray: '3,3' }),
          Plot.ruleY(
            points.filter(({ low }) => Number.isFinite(low)),
            { y: 'key', x1: 'low', x2: 'high', stroke: COLORS.result, strokeWidth: 2, strokeOpacity: 0.55 },
          ),
          Plot.dot(pairs, { y: 'key', x: 'value', r: 1.8, fill: COLORS.random }),
          Plot.dot(points, {
            ...{ y: 'key', x: 'mean', r: 4 },
            fill: ({ id }: { id: string }) => (id === REFERENCE.id ? COLORS.second : COLORS.result),
          }),
        ],
      },
      metric.name,
    );
    return { svg, width: PANEL + left };
  });
  return sideBySide(panels, height);
}

const AXIS = { labelAnchor: 'center', labelArrow: 'none', grid: true, ticks: 4, nice: true, tickFormat: '+' } as const;

function sideBySide(panels: readonly { svg: string; width: number }[], height: number): string {
  let x = 0;
  const placed = panels.map(({ svg, width }) => {
    const at = x;
    x += width;
    return svg.replace('<svg ', `<svg x="${at}" `);
  });
  const size = `width="${x}" height="${height}" viewBox="0 0 ${x} ${height}"`;
  const style = 'style="background: white; color: #1c2733"';
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}>\n${placed.join('\n')}\n</svg>\n`;
}
