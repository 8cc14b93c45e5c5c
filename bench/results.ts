/** Writes the results of benchmarks: rows as a plain table, and everything as JSON. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { describe, type Gpu } from '../src/gpu/device.js';
import type { Timing } from './measure.js';
import type { Roofs } from './roofs.js';

/** The work of a dispatch or of a whole plan. */
export interface Work {
  readonly flops: number;
  /** Bytes that are bound. Each tensor counts once for each dispatch that reads or writes it. */
  readonly bytes: number;
}

export interface Row extends Partial<Timing> {
  readonly suite: 'operations' | 'networks' | 'localizer' | 'training';
  /** `raybox`, or the name of a peer that does the same work. */
  readonly engine: string;
  readonly label: string;
  readonly type: 'f32' | 'f16';
  /** The kernel variant of an operation; `run` for networks. */
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
  /** Training: images per second by the median step, the median over the turns of the speed relative to the peer, and losses of first steps. */
  readonly imagesPerSecond?: number;
  readonly timesAsFast?: number;
  readonly losses?: readonly number[];
  /** Why the result is wrong, and so not timed. */
  readonly failure?: string;
  /** Why there is no timing although nothing is wrong: the peer is not installed. */
  readonly leftOut?: string;
}

export interface Results {
  readonly date: string;
  readonly adapter: { readonly name: string; readonly software: boolean; readonly features: readonly string[] };
  readonly machine: { readonly cpu: string; readonly cores: number; readonly platform: string };
  readonly versions: Readonly<Record<string, string>>;
  readonly roofs: Roofs | undefined;
  readonly rows: readonly Row[];
}

export function describeMachine(gpu: Gpu): Omit<Results, 'roofs' | 'rows'> {
  const [cpu] = cpus();
  return {
    date: new Date().toISOString(),
    adapter: { name: describe(gpu.info), software: gpu.software, features: [...gpu.features].sort() },
    machine: {
      cpu: cpu?.model.trim() ?? 'unknown',
      cores: cpus().length,
      platform: `${process.platform} ${process.arch}`,
    },
    versions: { raybox: ownVersion(), node: process.versions.node, webgpu: versionOf('webgpu') },
  };
}

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
  // f16 kernels compute sums in f32. But if an adapter multiplies f16 numbers faster, that is its limit.
  const { f32, f16 } = roofs.arithmetic;
  const arithmetic = type === 'f16' ? Math.max(f32, f16 ?? 0) : f32;
  const least = work.reduce((total, { flops, bytes }) => {
    return total + Math.max(flops / arithmetic, bytes / roofs.copy) / 1e9;
  }, 0);
  return { ...known, share: least / seconds };
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
  ['images/s', (row) => number(row.imagesPerSecond)],
  ['× peer', (row) => number(row.timesAsFast)],
  ['GPU ms', (row) => number(row.gpuMs)],
  ['CPU ms', (row) => number(row.cpuMs)],
  ['GFLOP/s', (row) => number(row.gflops)],
  ['GB/s', (row) => number(row.gbs)],
  [
    'of roof',
    (row) => (row.share === undefined ? undefined : `${(row.share * 100).toFixed(row.share < 0.1 ? 1 : 0)} %`),
  ],
  ['samples', (row) => row.samples?.toString()],
  ['± %', (row) => row.marginPercent?.toFixed(1)],
  ['first ms', (row) => number(row.firstMs)],
  ['pipelines', (row) => row.pipelines?.toString()],
  ['MiB', (row) => (row.memoryBytes === undefined ? undefined : (row.memoryBytes / 2 ** 20).toFixed(0))],
];

const TEXT_COLUMNS = new Set(['engine', 'case', 'type', 'variant']);

/** A table in Markdown, aligned for a terminal, without columns that are empty in all rows. Failures are listed below it. */
export function formatTable(rows: readonly Row[]): string {
  const timed = rows.filter((row) => row.failure === undefined && row.leftOut === undefined);
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
  const leftOut = rows.flatMap((row) => (row.leftOut === undefined ? [] : `left out: ${row.label}: ${row.leftOut}`));
  return [...table, ...failures, ...leftOut].join('\n');
}

export function formatRoofs({ arithmetic, copy, upload, readback }: Roofs): string {
  const gigaflops = Object.entries(arithmetic).map(([type, value]) => `${number(value)} GFLOP/s ${type}`);
  const bytes = Object.entries({ copy, upload, readback }).map(([what, value]) => `${what} ${number(value)} GB/s`);
  return `roofs: ${[...gigaflops, ...bytes].join(', ')}`;
}

/** Writes JSON completely or not at all. */
export function writeJson(path: string, content: object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, `${JSON.stringify(content, undefined, 1)}\n`);
  renameSync(`${path}.part`, path);
}

/** The name of an adapter for use in file names, in letters, digits and dashes. */
export function fileNameOf(gpu: Gpu): string {
  return (
    describe(gpu.info)
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 60)
      .replace(/^-|-$/g, '') || 'adapter'
  );
}

function ownVersion(): string {
  // This path is right both from dist/bench/results.js and from the bundle in the same folder.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function versionOf(name: string): string {
  try {
    return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
  } catch {
    return 'unknown';
  }
}
