/** The results of comparisons, as JSON and as tables. */
import { markdownTable } from '../markdown.js';
import { median } from '../measure.js';
import type { Machine } from '../results.js';
import type { Standing } from './contest.js';
import type { Choice } from './task.js';

/** One task with all engines. */
export interface Comparison extends Choice {
  readonly work: 'run' | 'train';
  readonly standings: readonly Standing[];
}

export interface PeerResults extends Machine {
  /** Gzipped bytes of the code that a page loads, by engine. */
  readonly downloads: Readonly<Record<string, number>>;
  readonly comparisons: Comparison[];
}

const number = (value: number | undefined) =>
  value === undefined ? '' : value >= 1000 ? value.toFixed(0) : value.toPrecision(3);

const mebibytes = (bytes: number | undefined) => (bytes === undefined ? '' : (bytes / 2 ** 20).toFixed(0));

/** The median of ratios with the lowest and the highest, such as `3.5 (2.8 to 4.8)`. */
export function spread(ratios: readonly number[] | undefined): string {
  if (!ratios || ratios.length === 0) return '';
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
  return `${number(median(ratios))} (${number(low)} to ${number(high)})`;
}

const HEAD = ['engine', 'median ms', 'CPU ms', 'time / raybox’s', 'CPU time / raybox’s', 'first ms', 'MiB', 'GPU MiB'];

/** A table in Markdown, and lines for the engines that were not timed. */
export function formatStandings({ network, size, batch, type, work, standings }: Comparison): string {
  const timed = standings.filter(({ medianMs }) => medianMs !== undefined);
  const rows = timed.map((one) => {
    const { peakBytes, bareBytes, gpuBytes } = one.memory ?? {};
    const model = peakBytes !== undefined && bareBytes !== undefined ? peakBytes - bareBytes : undefined;
    return [
      one.version ?? one.engine,
      ...[one.medianMs, one.cpuMs].map(number),
      ...[one.ratios, one.cpuRatios].map(spread),
      number(one.firstMs),
      mebibytes(model),
      mebibytes(gpuBytes),
    ];
  });
  const title = `${work === 'train' ? 'training ' : ''}${network} ${size}×${size} batch ${batch} ${type}, ${timed[0]?.samples ?? 0} turns`;
  const others = standings.flatMap(({ engine, failure, leftOut }) => {
    if (failure !== undefined) return `not timed: ${engine}: ${failure}`;
    return leftOut === undefined ? [] : `left out: ${engine}: ${leftOut}`;
  });
  return [title, '', ...(rows.length > 0 ? [markdownTable(HEAD, rows)] : []), ...others].join('\n');
}

/** One line for the bytes of code that pages load. */
export const formatDownloads = (downloads: PeerResults['downloads']): string =>
  `code that a page loads, gzipped: ${Object.entries(downloads)
    .map(([engine, bytes]) => `${engine} ${(bytes / 2 ** 20).toPrecision(2)} MiB`)
    .join(', ')}`;
