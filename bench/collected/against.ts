/** Compares results with those of a former run. */
import { markdownTable } from '../markdown.js';
import { median } from '../measure.js';
import type { Results, Row } from '../results.js';

const nameOf = ({ suite, label, type, variant }: Row) => [suite, label, type, variant].join('\t');
const number = (value: number) => (value >= 1000 ? value.toFixed(0) : value.toPrecision(3));

/** The new time divided by the former, and the ratios of the quartiles that are farthest apart. */
export interface Ratio {
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

function ratioOf(
  now: number,
  former: number,
  quartiles: readonly number[] | undefined,
  formerQuartiles: readonly number[] | undefined,
): Ratio {
  const [low, high] = quartiles ?? [now, now];
  const [formerLow, formerHigh] = formerQuartiles ?? [former, former];
  return { middle: now / former, low: low / formerHigh, high: high / formerLow };
}

const format = (ratio: Ratio | undefined) =>
  ratio === undefined ? '' : `${number(ratio.middle)} (${number(ratio.low)} to ${number(ratio.high)})`;

/** What has to be known before two results are compared: other adapters, machines or versions. */
export function differencesOfMachines(now: Results, former: Results): string[] {
  const lines: string[] = [];
  const compare = (what: string, a: string | number, b: string | number) => {
    if (a !== b) lines.push(`another ${what}: ${b} before, ${a} now`);
  };
  compare('adapter', now.adapter.name, former.adapter.name);
  compare('processor', now.machine.cpu, former.machine.cpu);
  compare('number of cores', now.machine.cores, former.machine.cores);
  compare('platform', now.machine.platform, former.machine.platform);
  const names = new Set([...Object.keys(now.versions), ...Object.keys(former.versions)]);
  for (const name of names)
    compare(`version of ${name}`, now.versions[name] ?? 'none', former.versions[name] ?? 'none');
  return lines;
}

/**
 * A table with a line for each row that both have, sorted by the ratio. Below 1 is faster than before. The ratio of processor times, which
 * software adapters have, hardly depends on what else the machine did.
 */
export function formatAgainst(now: Results, former: Results): string {
  const before = new Map(former.rows.map((row) => [nameOf(row), row]));
  const lines = now.rows.flatMap((row) => {
    const old = before.get(nameOf(row));
    if (old?.medianMs === undefined || row.medianMs === undefined) return [];
    const wall = ratioOf(row.medianMs, old.medianMs, row.quartilesMs, old.quartilesMs);
    const cpu =
      row.cpuMs !== undefined && old.cpuMs !== undefined && old.cpuMs > 0
        ? ratioOf(row.cpuMs, old.cpuMs, row.cpuQuartilesMs, old.cpuQuartilesMs)
        : undefined;
    return [{ row, old, wall, cpu, sorted: (cpu ?? wall).middle }];
  });
  lines.sort((a, b) => a.sorted - b.sorted);
  const withCpu = lines.some(({ cpu }) => cpu !== undefined);
  const head = [
    'case',
    'type',
    'variant',
    'before ms',
    'now ms',
    'now / before',
    ...(withCpu ? ['CPU now / before'] : []),
  ];
  const cells = lines.map(({ row, old, wall, cpu }) => [
    ...[row.label, row.type, row.variant, number(old.medianMs!), number(row.medianMs!), format(wall)],
    ...(withCpu ? [format(cpu)] : []),
  ]);
  const broken = now.rows.filter((row) => row.failure !== undefined && before.get(nameOf(row))?.failure === undefined);
  const mended = now.rows.filter((row) => row.failure === undefined && before.get(nameOf(row))?.failure !== undefined);
  const only = now.rows.filter((row) => !before.has(nameOf(row))).length;
  const gone = former.rows.filter((row) => !now.rows.some((other) => nameOf(other) === nameOf(row))).length;
  return [
    `against the run of ${former.date}:`,
    ...differencesOfMachines(now, former),
    '',
    ...(lines.length > 0 ? [markdownTable(head, cells)] : ['no case is in both']),
    ...(lines.length > 1 ? [`middle of all: ${number(median(lines.map(({ sorted }) => sorted)))}`] : []),
    ...broken.map((row) => `wrong now, and not before: ${row.label} ${row.type} ${row.variant}`),
    ...mended.map((row) => `wrong before, and not now: ${row.label} ${row.type} ${row.variant}`),
    ...(only + gone > 0 ? [`${only} cases are only in this run, ${gone} only in the former`] : []),
  ].join('\n');
}
