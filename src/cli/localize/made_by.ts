/**
 * What decides the results of `raybox localize`: the weights and most of the options. Each result says it, so that a file of results is only
 * continued by the same.
 */
import { createHash } from 'node:crypto';
import { InputError } from '../../errors.js';
import { brief } from '../../formats/brief.js';
import { isObject } from '../../formats/checks.js';
import { DEFAULT_MAX_BOXES } from '../../ops/boxes/component_boxes.js';
import { dashed } from '../terminal.js';
import { readMetadata } from '../weights_options.js';
import type { Options } from './options.js';
import type { MadeBy, Results } from './results.js';

/**
 * Whether an option decides the results. If it is not known, it does. The others say where files are, which overlays are drawn, how the weights
 * get here (their bytes are compared), and how the work is done: what runs the network, and how many images at once, changes results by no
 * more than rounding. An image that `maxImageBytes` refuses has no result.
 */
export const DECIDES: Readonly<Record<keyof Options, boolean>> = {
  ...{ names: true, architecture: true, prediction: true, mean: true, std: true, inputSize: true },
  ...{ transformInput: true, prefix: true, preset: true, ignore: true, metadata: true, output: true },
  ...{ probabilities: true, heatmaps: true, precision: true, bits: true },
  ...{
    classes: true,
    operatingThresholds: true,
    heatThresholds: true,
    maxBoxes: true,
    minRegion: true,
    lungMask: true,
  },
  ...{ weights: false, cache: false, integrity: false, out: false, overlay: false, allBoxes: false },
  ...{ maxImageBytes: false, batch: false, adapter: false, backend: false, threads: false },
};

/** Values that are the same as no option. */
const DEFAULTS: Partial<Options> = { lungMask: 'off', precision: 'f32', maxBoxes: DEFAULT_MAX_BOXES };

/** The options of a command line that decide results, in the order of their names. Metadata in a file is read. */
export async function decidingOptions(options: Options): Promise<MadeBy['options']> {
  const given = Object.entries(options).filter(([key, value]) => {
    const name = key as keyof Options;
    return value !== undefined && (DECIDES[name] ?? true) && value !== DEFAULTS[name];
  });
  const texts = given.map(async ([name, value]) => [
    `--${dashed(name)}`,
    bounded(
      name === 'metadata'
        ? JSON.stringify(await readMetadata(value))
        : textOf(IS_SET.has(name) ? inOrder(value) : value),
    ),
  ]);
  return Object.fromEntries((await Promise.all(texts)).sort(byName));
}

/** Options whose values have no order: `--classes A,B` is the same as `--classes B,A`. */
const IS_SET: ReadonlySet<string> = new Set<keyof Options>(['classes', 'ignore', 'operatingThresholds']);

/** A list, or values by name, in the order of its texts. A class that is named twice counts once. */
const inOrder = (value: unknown) =>
  Array.isArray(value) ? [...new Set(value)].sort() : Object.fromEntries(Object.entries(value as object).sort(byName));

const byName = ([a]: readonly unknown[], [b]: readonly unknown[]) => (String(a) < String(b) ? -1 : 1);

function textOf(value: unknown): string {
  if (value === true) return '';
  if (Array.isArray(value)) return value.join();
  if (!isObject(value)) return String(value);
  return Object.entries(value)
    .map(([name, one]) => `${name}=${one}`)
    .join();
}

/** The longest text of an option in a result. There is one in every line. */
const LONGEST = 120;

/** A long text is replaced by its beginning and its hash. */
const bounded = (text: string) => (text.length <= LONGEST ? text : `${text.slice(0, 60)}… (sha256 ${shortHash(text)})`);

/** The first 16 hexadecimal digits of a SHA-256. They are enough to tell files apart, and `sha256sum` shows them. */
export const shortHash = (content: string | Uint8Array) =>
  shortened(createHash('sha256').update(content).digest('hex'));
/** The part of a SHA-256, in hexadecimal digits, that results have. */
export const shortened = (hash: string) => hash.slice(0, 16);

const isHash = (value: unknown) => typeof value === 'string' && /^[\da-f]{1,64}$/.test(value);

/** Whether a value is what results say they were made by. */
export function isMadeBy(value: unknown): value is MadeBy {
  const { raybox, weights, options } = isObject(value) ? value : {};
  const isWhole = typeof raybox === 'string' && isHash(weights) && isObject(options);
  const isOption = ([name, text]: [string, unknown]) => /^--[a-z\d-]{1,40}$/.test(name) && typeof text === 'string';
  return isWhole && Object.entries(options).every(isOption);
}

/** Collects what results say, each once. Only a few are kept: if a file has more, it is refused anyway. */
export function collectMadeBy() {
  const all = new Map<string, MadeBy>();
  let isUnmarked = false;
  return {
    /** @param value what a result says, or anything else */
    add(value: unknown) {
      isUnmarked ||= !isMadeBy(value);
      if (isMadeBy(value) && all.size < 8) all.set(JSON.stringify(value), value);
    },
    all: () => [...all.values()],
    isUnmarked: () => isUnmarked,
  };
}

/**
 * Refuses to continue results that other weights or options have made.
 * @param now what this run is made by. If the weights are not known yet, only the options are compared
 * @throws InputError that names the first difference
 */
export function refuseOthers(
  path: string | undefined,
  { madeBy }: Pick<Results, 'madeBy'>,
  now: Pick<MadeBy, 'options'> & Partial<MadeBy>,
): void {
  for (const before of madeBy) {
    const difference = otherOption(before.options, now.options) ?? otherWeights(before, now);
    if (difference === undefined) continue;
    throw new InputError(`${path} was written ${difference}`, {
      hint: 'name another file with --out, or give the weights and options of that time',
    });
  }
}

function otherOption(before: MadeBy['options'], now: MadeBy['options']): string | undefined {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  const name = names.find((one) => before[one] !== now[one]);
  if (name === undefined) return undefined;
  const whole = (value: string) => (value === '' ? name : `${name} ${value.slice(0, LONGEST)}`);
  if (now[name] === undefined) return `with ${whole(before[name])}, now it is not given`;
  if (before[name] === undefined) return `without ${name}, now ${whole(now[name])} is given`;
  return `with ${whole(before[name])}, now it is ${now[name]}`;
}

const otherWeights = (before: MadeBy, now: Partial<MadeBy>): string | undefined =>
  now.weights === undefined || now.weights === before.weights
    ? undefined
    : `with other weights (their SHA-256 begins with ${before.weights}, now with ${now.weights})`;

/** What the user should know about the results that a file has already. */
export function notesOn(
  path: string | undefined,
  { madeBy, isUnmarked }: Pick<Results, 'madeBy' | 'isUnmarked'>,
  { raybox }: Pick<MadeBy, 'raybox'>,
): string[] {
  const notes: string[] = [];
  if (isUnmarked)
    notes.push(
      `${path} has results that do not say by which weights and options they were made. They stay as they are: if they are not of the same weights and options as now, name another file with --out.`,
    );
  const versions = new Set(madeBy.map((one) => one.raybox).filter((version) => version !== raybox));
  if (versions.size > 0)
    notes.push(
      `${path} has results of raybox ${[...versions].map((version) => brief(version)).join(', ')}, and this is ${raybox}. Its changelog says whether results have changed.`,
    );
  return notes.map((note) => `raybox: ${note}`);
}
