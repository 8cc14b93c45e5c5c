/** The options of phantoms, their presets and their checks. */

import { InputError } from '../errors.js';
import { brief } from '../formats/brief.js';
import { CHEST_XRAY8_LABELS } from '../formats/data_sets/image_table.js';
import { checkOptions, optionKinds } from '../options.js';

/** The eight diseases of ChestX-ray8, in the paper's order. */
export const DISEASES = CHEST_XRAY8_LABELS;
/** One of the diseases that phantoms can have. */
export type Disease = (typeof DISEASES)[number];

/** The share of the 112,120 images of ChestX-ray14 that have each label (Wang et al., data set note, 2017). */
export const REAL_PREVALENCE: Record<Disease, number> = {
  Atelectasis: 11559 / 112120,
  Cardiomegaly: 2776 / 112120,
  Effusion: 13317 / 112120,
  Infiltration: 19894 / 112120,
  Mass: 5782 / 112120,
  Nodule: 6331 / 112120,
  Pneumonia: 1431 / 112120,
  Pneumothorax: 5302 / 112120,
};

/** The options that a preset sets. Each can also be given by itself. */
export interface PhantomStyle {
  /** Probability of each disease: that of the real data set, one eighth each, or numbers for some diseases (0 for the others). */
  prevalence: 'real' | 'balanced' | Partial<Record<Disease, number>>;
  /** Range of severity, from 0 (barely visible) to 1 (obvious). It determines contrast and extent. */
  severity: readonly [number, number];
  /** How strongly diseases occur together, from 0 (independent) to 1. Prevalences stay the same. */
  coOccurrence: number;
  /** The share of the positives whose label is dropped. As many false labels are added, so that prevalences stay the same. */
  labelNoise: number;
  /** Probability that a pneumothorax has been treated, so that the picture has a chest tube. */
  confounder: number;
  /** Factor of the probabilities of tubes, lines, electrodes and other devices; 0 for none. */
  distractors: number;
  /** Factor of the probabilities of harmless things that look like a disease: folds, scars, shadows; 0 for none. */
  lookAlikes: number;
  /** Standard deviation of the quantum noise in grey levels, where the beam is weakened most. */
  noise: number;
  /** Spread of exposure, position, inspiration and body shape, 0 to 1. */
  variation: number;
}

/** The presets by name. */
export const PRESETS = {
  demo: {
    prevalence: 'balanced',
    severity: [0.6, 1],
    coOccurrence: 0,
    labelNoise: 0,
    confounder: 0,
    distractors: 0.5,
    lookAlikes: 0,
    noise: 3,
    variation: 0.5,
  },
  hard: {
    prevalence: 'real',
    severity: [0, 0.6],
    coOccurrence: 0.4,
    labelNoise: 0.1,
    confounder: 0.4,
    distractors: 1.5,
    lookAlikes: 1,
    noise: 8,
    variation: 1,
  },
} as const satisfies Record<string, PhantomStyle>;
/** The name of one of the `PRESETS`. */
export type Preset = keyof typeof PRESETS;

/** Options of `drawPhantom`. The same options always give the same pixels. */
export interface PhantomOptions extends Partial<PhantomStyle> {
  /** A whole number below 2³². Each seed is a data set of its own. */
  seed: number;
  /** The number of the image in that data set, a whole number below 2³². */
  index: number;
  /** Width and height in pixels, 64 to 2048. Except for the noise, the picture is the same at every size. */
  size: number;
  /** Default `demo`. */
  preset?: Preset;
  /** Draws exactly these diseases, instead of random ones. An empty list draws a healthy chest. */
  diseases?: readonly Disease[];
}

const PHANTOM_OPTIONS = optionKinds<PhantomOptions>({
  seed: 'a number',
  index: 'a number',
  size: 'a number',
  preset: 'a text',
  diseases: 'a list of texts',
  prevalence: 'anything',
  severity: 'a list of numbers',
  coOccurrence: 'a number',
  labelNoise: 'a number',
  confounder: 'a number',
  distractors: 'a number',
  lookAlikes: 'a number',
  noise: 'a number',
  variation: 'a number',
});

export const MIN_SIZE = 64;
export const MAX_SIZE = 2048;

/** The options with the values of the preset for those that are not given. @throws InputError if one makes no sense. */
export function resolveOptions(options: PhantomOptions): PhantomStyle & PhantomOptions & { preset: Preset } {
  checkOptions('drawPhantom', options, PHANTOM_OPTIONS);
  const preset = options.preset ?? 'demo';
  if (!Object.hasOwn(PRESETS, preset)) fail('preset', Object.keys(PRESETS).join(' or '), preset);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const all = { ...PRESETS[preset], ...given, preset } as PhantomStyle & PhantomOptions & { preset: Preset };

  whole('seed', all.seed, 0, 0xffffffff);
  whole('index', all.index, 0, 0xffffffff);
  whole('size', all.size, MIN_SIZE, MAX_SIZE);
  for (const name of ['coOccurrence', 'labelNoise', 'confounder', 'variation'] as const) inRange(name, all[name], 0, 1);
  inRange('distractors', all.distractors, 0, 10);
  inRange('lookAlikes', all.lookAlikes, 0, 10);
  inRange('noise', all.noise, 0, 64);
  const severity = all.severity as unknown;
  if (!Array.isArray(severity) || severity.length !== 2) fail('severity', 'a pair [low, high]', severity);
  inRange('severity', all.severity[0], 0, 1);
  inRange('severity', all.severity[1], all.severity[0], 1);
  if (all.diseases !== undefined && !Array.isArray(all.diseases)) fail('diseases', 'a list', all.diseases);
  for (const label of all.diseases ?? []) knownDisease('diseases', label);
  prevalences(all.prevalence);
  return all;
}

/** The probability of each disease. */
export function prevalences(prevalence: PhantomStyle['prevalence']): Record<Disease, number> {
  if (prevalence === 'real') return REAL_PREVALENCE;
  const all = Object.fromEntries(DISEASES.map((label) => [label, 0])) as Record<Disease, number>;
  if (prevalence === 'balanced') {
    for (const label of DISEASES) all[label] = 1 / DISEASES.length;
    return all;
  }
  if (prevalence === null || typeof prevalence !== 'object') {
    fail('prevalence', "'real', 'balanced' or a number for each disease", prevalence);
  }
  for (const [label, value] of Object.entries(prevalence)) {
    inRange(`prevalence of ${label}`, value, 0, 1);
    all[knownDisease('prevalence', label)] = value;
  }
  return all;
}

function fail(name: string, expected: string, given: unknown): never {
  throw new InputError(`phantom: ${name} is wrong`, { expected, given: brief(given) });
}

function whole(name: string, value: unknown, low: number, high: number): void {
  if (!Number.isInteger(value) || (value as number) < low || (value as number) > high) {
    fail(name, `a whole number from ${low} to ${high}`, value);
  }
}

function inRange(name: string, value: unknown, low: number, high: number): void {
  if (typeof value !== 'number' || !(value >= low && value <= high)) fail(name, `${low} to ${high}`, value);
}

function knownDisease(name: string, label: string): Disease {
  if (!(DISEASES as readonly string[]).includes(label)) fail(name, DISEASES.join(', '), label);
  return label as Disease;
}
