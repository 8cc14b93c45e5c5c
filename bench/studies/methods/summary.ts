/** Writes poolings and heatmap methods side by side, as Markdown. */
import { duration } from '../../../src/cli/terminal.js';
import type { Interval } from '../../../src/evaluate/intervals.js';
import type { HeatmapMethod } from '../../../src/formats/weights/heatmap_methods.js';
import type { Pooling } from '../../../src/formats/weights/poolings.js';
import { markdownTable } from '../../markdown.js';
import { type TruthScore, truthTable } from '../weights/truth_scores.js';

export interface PoolingResult {
  pooling: Pooling;
  bestEpoch: number;
  seconds: number;
  /** Mean AUC of the classes on the test images. */
  auc: Interval & { value: number };
  /** The network's heatmaps by each method, beside the two baselines, which are the same for all. */
  maps: { method: HeatmapMethod; scores: TruthScore[] }[];
}

export function methodsSummary(results: readonly PoolingResult[]): string {
  const ranking = markdownTable(
    ['pooling', 'mean AUC', 'best epoch', 'time'],
    results.map(({ pooling, auc, bestEpoch, seconds }) => [
      ...[pooling, `${number(auc.value)} (${number(auc.low)}–${number(auc.high)})`],
      ...[String(bestEpoch), duration(seconds * 1000)],
    ]),
  );
  const sources = [
    ...new Set(results.flatMap(({ maps }) => maps.flatMap(({ scores }) => scores.map((one) => one.source)))),
  ];
  const tables = sources.map((source) => {
    const rows = results.flatMap(({ pooling, maps }) =>
      maps.flatMap(({ method, scores }) =>
        scores
          .filter((one) => one.source === source && one.method === 'network')
          .map((one) => ({ ...one, method: `${pooling}, ${method}` })),
      ),
    );
    const baselines = results[0].maps[0].scores.filter((one) => one.source === source && one.method !== 'network');
    return truthTable([...rows, ...baselines]);
  });
  return `${[ranking, ...tables].map((table) => table.trimEnd()).join('\n\n')}\n`;
}

const number = (value: number) => value.toFixed(3).replace(/^0/, '');
