/** The results of benchmarks, and how they are shown. This is used in pages too. */
import type { Timing } from './measure.js';
import type { Roofs } from './roofs.js';
import type { Verification } from './verification.js';

/** The work of a dispatch or of a whole plan. */
export interface Work {
  readonly flops: number;
  /** Bytes that are bound. Each tensor counts once for each dispatch that reads or writes it. */
  readonly bytes: number;
}

export interface Row extends Partial<Timing> {
  readonly suite: 'operations' | 'networks' | 'localizer' | 'training';
  readonly engine: string;
  readonly label: string;
  readonly type: 'f32' | 'f16';
  /** The kernel variant of an operation; for networks `run`, or `tuned` with the kernels that tuning chooses. */
  readonly variant: string;
  /** The time of a run by the GPU's clock: the sum over its dispatches, each in a pass of its own. */
  readonly gpuMs?: number;
  readonly gflops?: number;
  readonly gbs?: number;
  /** The least time that the roofs allow, divided by the time taken. */
  readonly share?: number;
  /** Milliseconds to the first result, including the compilation of kernels and the upload of weights. */
  readonly firstMs?: number;
  readonly pipelines?: number;
  readonly dispatches?: number;
  /** Bytes on the GPU: weights, arenas, inputs and outputs. */
  readonly memoryBytes?: number;
  /** Training: images per second by the median step, and losses of the first steps. */
  readonly imagesPerSecond?: number;
  readonly losses?: readonly number[];
  /** Networks: the kernels of a run, the one that takes longest first. */
  readonly kernels?: readonly KernelShare[];
  /** Networks with tuned kernels: which are not those that the rules prefer, with the nanoseconds of each that was timed. */
  readonly choices?: readonly TunedKernel[];
  /** Why the result is wrong, and so not timed. */
  readonly failure?: string;
}

/** A kernel that tuning has chosen in place of the preferred one. */
export interface TunedKernel {
  /** The operation with its shapes and attributes. */
  readonly work: string;
  readonly variant: string;
  readonly preferred: string;
  readonly nanoseconds?: Readonly<Record<string, number>>;
}

/** All dispatches of one kernel in a run. */
export interface KernelShare {
  readonly kernel: string;
  readonly dispatches: number;
  readonly gpuMs: number;
  /** The least time that the roofs allow, divided by the time taken. */
  readonly share?: number;
}

/** The version of the layout of files with results. */
export const LAYOUT = 2;

export interface Results {
  readonly layout: typeof LAYOUT;
  readonly date: string;
  readonly adapter: { readonly name: string; readonly software: boolean; readonly features: readonly string[] };
  readonly machine: { readonly cpu: string; readonly cores: number; readonly platform: string };
  readonly versions: Readonly<Record<string, string>>;
  readonly roofs?: Roofs | undefined;
  readonly rows: readonly Row[];
  readonly verification?: Verification | undefined;
  /** Whatever a reader has to know, such as that other programs used the machine. */
  readonly note?: string;
}

/** Results without what was measured. */
export type Machine = Pick<Results, 'layout' | 'date' | 'adapter' | 'machine' | 'versions'>;

/** Computes rates from a timing. */
export function rates(
  work: readonly Work[],
  { medianMs }: Pick<Timing, 'medianMs'>,
  type: 'f32' | 'f16',
  roofs: Roofs | undefined,
): Pick<Row, 'gflops' | 'gbs' | 'share'> {
  const sum = (of: keyof Work) => work.reduce((total, one) => total + one[of], 0);
  const seconds = medianMs / 1000;
  const known = { gflops: sum('flops') / seconds / 1e9, gbs: sum('bytes') / seconds / 1e9 };
  if (!roofs) return known;
  return { ...known, share: work.reduce((total, one) => total + leastMs(one, type, roofs), 0) / medianMs };
}

/** The least milliseconds that the roofs allow for a dispatch. */
export function leastMs(
  { flops, bytes }: Work,
  type: 'f32' | 'f16',
  { arithmetic: { f32, f16 }, copy }: Roofs,
): number {
  // f16 kernels compute sums in f32. But if an adapter multiplies f16 numbers faster, that is its limit.
  const arithmetic = type === 'f16' ? Math.max(f32, f16 ?? 0) : f32;
  return Math.max(flops / arithmetic, bytes / copy) / 1e6;
}

type Column = readonly [title: string, cell: (row: Row) => string | undefined];

const number = (value: number | undefined, digits = 3) =>
  value === undefined ? undefined : value >= 1000 ? value.toFixed(0) : value.toPrecision(digits);

const COLUMNS: readonly Column[] = [
  ['engine', (row) => row.engine],
  ['case', (row) => row.label],
  ['type', (row) => row.type],
  ['variant', (row) => row.variant],
  ['median ms', (row) => number(row.medianMs)],
  ['half of them', (row) => row.quartilesMs?.map((ms) => number(ms)).join(' to ')],
  ['images/s', (row) => number(row.imagesPerSecond)],
  ['GPU ms', (row) => number(row.gpuMs)],
  ['CPU ms', (row) => number(row.cpuMs)],
  ['GFLOP/s', (row) => number(row.gflops)],
  ['GB/s', (row) => number(row.gbs)],
  [
    'of roof',
    (row) => (row.share === undefined ? undefined : `${(row.share * 100).toFixed(row.share < 0.1 ? 1 : 0)} %`),
  ],
  ['samples', (row) => row.samples?.toString()],
  ['first ms', (row) => number(row.firstMs)],
  ['pipelines', (row) => row.pipelines?.toString()],
  ['MiB', (row) => (row.memoryBytes === undefined ? undefined : (row.memoryBytes / 2 ** 20).toFixed(0))],
];

const TEXT_COLUMNS = new Set(['engine', 'case', 'type', 'variant']);

/** A table in Markdown, aligned for a terminal, without columns that are empty in all rows. Failures are listed below it. */
export function formatTable(rows: readonly Row[]): string {
  const timed = rows.filter((row) => row.failure === undefined);
  const columns = COLUMNS.filter(([, cell]) => timed.some((row) => cell(row) !== undefined));
  const cells = timed.map((row) => columns.map(([, cell]) => cell(row) ?? ''));
  const widths = columns.map(([title], at) => Math.max(title.length, ...cells.map((line) => line[at].length)));
  const isText = columns.map(([title]) => TEXT_COLUMNS.has(title));
  const line = (texts: readonly string[]) =>
    `| ${texts.map((text, at) => (isText[at] ? text.padEnd(widths[at]) : text.padStart(widths[at]))).join(' | ')} |`;
  const rule = `| ${widths.map((width, at) => (isText[at] ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  const failures = rows
    .filter((row) => row.failure !== undefined)
    .map((row) => `not timed: ${[row.label, row.type, row.variant].join(' ')}: ${row.failure!.split('\n')[0]}`);
  const table = timed.length > 0 ? [line(columns.map(([title]) => title)), rule, ...cells.map(line)] : [];
  return [...table, ...failures].join('\n');
}

export function formatRoofs({ arithmetic, copy, upload, readback }: Roofs): string {
  const gigaflops = Object.entries(arithmetic).map(([type, value]) => `${number(value)} GFLOP/s ${type}`);
  const bytes = Object.entries({ copy, upload, readback }).map(([what, value]) => `${what} ${number(value)} GB/s`);
  return `roofs: ${[...gigaflops, ...bytes].join(', ')}`;
}
