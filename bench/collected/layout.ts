/** The layout of files with results, which is checked before a file is collected, compared or joined with another. */
import { InputError } from '../../src/errors.js';
import { type Check, fields, isName, isObject, listOf, optional } from '../../src/formats/checks.js';
import { LAYOUT, type Results } from '../results.js';

const isAmount: Check = (value) => Number.isFinite(value) && (value as number) >= 0;
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isText: Check = (value) => typeof value === 'string' && value.length <= 2000;
const isFlag: Check = (value) => typeof value === 'boolean';
const isDate: Check = (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/.test(value);
const isOneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
/** An object of at most `most` values by names. */
const byName =
  (check: Check, most: number): Check =>
  (value) =>
    isObject(value) &&
    Object.keys(value).length <= most &&
    Object.entries(value).every(([k, v]) => isName(k) && check(v));
const isRange = listOf(isAmount, 2, 2);

const ROW: Record<string, Check> = {
  suite: isOneOf('operations', 'networks', 'localizer', 'training'),
  engine: isName,
  label: isText,
  type: isOneOf('f32', 'f16'),
  variant: isName,
  medianMs: optional(isAmount),
  quartilesMs: optional(isRange),
  cpuMs: optional(isAmount),
  cpuQuartilesMs: optional(isRange),
  samples: optional(isCount),
  repeats: optional(isCount),
  gpuMs: optional(isAmount),
  gflops: optional(isAmount),
  gbs: optional(isAmount),
  share: optional(isAmount),
  firstMs: optional(isAmount),
  pipelines: optional(isCount),
  dispatches: optional(isCount),
  memoryBytes: optional(isCount),
  imagesPerSecond: optional(isAmount),
  losses: optional(listOf(isAmount, 0, 16)),
  kernels: optional(
    listOf(fields({ kernel: isName, dispatches: isCount, gpuMs: isAmount, share: optional(isAmount) }), 0, 256),
  ),
  choices: optional(
    listOf(
      fields({ work: isText, variant: isName, preferred: isName, nanoseconds: optional(byName(isAmount, 100)) }),
      0,
      1000,
    ),
  ),
  failure: optional(isText),
};

const ROOFS = fields({
  arithmetic: fields({ f32: isAmount, f16: optional(isAmount) }),
  copy: isAmount,
  upload: isAmount,
  readback: isAmount,
});

const FIELDS: Record<keyof Results, readonly [check: Check, expected: string]> = {
  layout: [isOneOf(LAYOUT), `${LAYOUT}; another version of raybox wrote it: run the benchmark again`],
  date: [isDate, 'a date such as 2026-11-28'],
  adapter: [
    fields({ name: isName, software: isFlag, features: listOf(isName, 0, 256) }),
    'name, software and features of the adapter',
  ],
  machine: [fields({ cpu: isName, cores: isCount, platform: isName }), 'cpu, cores and platform'],
  versions: [byName(isName, 16), 'versions by name'],
  roofs: [optional(ROOFS), 'arithmetic, copy, upload and readback'],
  rows: [listOf(fields(ROW), 0, 10_000), `at most 10,000 rows of ${Object.keys(ROW).join(', ')}`],
  verification: [
    optional(
      fields({
        checked: isCount,
        left: isCount,
        failures: listOf(fields({ label: isText, failure: isText }), 0, 10_000),
        worst: byName(isAmount, 10_000),
      }),
    ),
    'checked, left, failures and worst',
  ],
  note: [optional(isText), 'a text'],
};

/**
 * Checks what was read from a file with results.
 * @throws InputError that names the first field, or row and its field, that is wrong
 */
export function checkResults(value: unknown, source: string): Results {
  if (!isObject(value)) throw new InputError(`${source}: not an object with the results of a benchmark`);
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(FIELDS, key));
  if (unknown !== undefined)
    throw new InputError(`${source}: ${unknown}`, { expected: `only ${Object.keys(FIELDS).join(', ')}` });
  for (const [name, [check, expected]] of Object.entries(FIELDS)) {
    if (check(value[name])) continue;
    throw new InputError(`${source}: ${name}${name === 'rows' ? wrongRow(value[name]) : ''}`, { expected });
  }
  return value as unknown as Results;
}

function wrongRow(rows: unknown): string {
  const list = Array.isArray(rows) ? rows : [];
  const index = list.findIndex((row) => !fields(ROW)(row));
  if (index < 0) return '';
  const row: unknown = list[index];
  if (!isObject(row)) return `[${index}]`;
  const name =
    Object.keys(row).find((key) => !Object.hasOwn(ROW, key)) ?? Object.keys(ROW).find((key) => !ROW[key](row[key]));
  return `[${index}].${name}`;
}
