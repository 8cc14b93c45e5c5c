/** What a benchmark reports: rows as a plain table, and everything as JSON. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { describe, type Gpu } from '../src/gpu/device.js';
import type { Timing } from './measure.js';
import type { Roofs } from './roofs.js';

/** One dispatch's work, or a whole plan's. */
export interface Work {
  readonly flops: number;
  /** Bytes that are bound: each tensor once for each dispatch that reads or writes it. */
  readonly bytes: number;
}

export interface Row extends Partial<Timing> {
  readonly suite: 'operations' | 'networks' | 'localizer' | 'training';
  /** `raybox`, or the peer that ran the same. */
  readonly engine: string;
  readonly label: string;
  readonly type: 'f32' | 'f16';
  /** Kernel variant of an operation; for networks, `run` is what is timed. */
  readonly variant: string;
  /** The same run by the GPU's own clock: the sum over its dispatches, a pass each. */
  readonly gpuMs?: number;
  readonly gflops?: number;
  readonly gbs?: number;
  /** The least time that the roofs allow, divided by the time taken. */
  readonly share?: number;
  /** From nothing compiled and no weight uploaded to the first result. */
  readonly firstMs?: number;
  readonly pipelines?: number;
  readonly dispatches?: number;
  /** On the GPU: weights, arenas, inputs and outputs. */
  readonly memoryBytes?: number;
  /** Training: images by the median step; how many times as fast as the peer, the median over turns; losses of the first steps. */
  readonly imagesPerSecond?: number;
  readonly timesAsFast?: number;
  readonly losses?: readonly number[];
  /** Why there is no timing: what is wrong is not timed. */
  readonly failure?: string;
  /** Why there is no timing though nothing is wrong: the peer is not installed. */
  readonly leftOut?: string;
}

export interface Report {
  readonly date: string;
  readonly adapter: { readonly name: string; readonly software: boolean; readonly features: readonly string[] };
  readonly machine: { readonly cpu: string; readonly cores: number; readonly platform: string };
  readonly versions: Readonly<Record<string, string>>;
  readonly roofs: Roofs | undefined;
  readonly rows: readonly Row[];
}

export function describeMachine(gpu: Gpu): Omit<Report, 'roofs' | 'rows'> {
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

/** The rates that follow from a timing. */
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
  // Sums are f32 in f16 kernels too, but where an adapter multiplies halves faster, that is what it could do.
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

/** A table in Markdown, aligned for a terminal. Columns that no row fills are left out; failures follow below. */
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

/** Writes JSON whole or not at all. */
export function writeJson(path: string, content: object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, `${JSON.stringify(content, undefined, 1)}\n`);
  renameSync(`${path}.part`, path);
}

/** A name for files: the adapter's, in letters, digits and dashes. */
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
  // Two folders up both from dist/bench/report.js and from the bundle beside it.
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
