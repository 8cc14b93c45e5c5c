/**
 * How an image is brought to the network, as settings beside the tensors say it: mean, standard deviation, size, order of channels. Training
 * scripts call them by many names and keep them anywhere (`args.img_size`, `config.data.mean`), so all places are looked at, and a
 * setting is taken only where it can mean one thing, and all places agree.
 */
import { counted } from '../errors.js';
import type { WeightsMetadata } from '../formats/weights.js';
import { IMAGENET } from './input_layouts.js';

/** A value in a file, with the names that lead to it: `hyper_parameters.img_size`. */
export interface Setting {
  readonly path: string;
  readonly key: string;
  readonly value: unknown;
}

/** What holds, where it stands, and what was found but not taken, in clauses for a sentence. */
export interface FileInput {
  readonly fields: Partial<WeightsMetadata>;
  /** The settings that a field was taken from, in words. */
  readonly taken: Partial<Record<keyof WeightsMetadata, string>>;
  readonly unused: Partial<Record<keyof WeightsMetadata, string>>;
}

const MAX_SETTINGS = 20_000;
const MAX_DEPTH = 5;

/** All of a file's settings, those within objects after the objects themselves. */
export function settingsIn(metadata: Readonly<Record<string, string>>): Setting[] {
  const found: Setting[] = [];
  const add = (path: string, key: string, value: unknown, depth: number) => {
    if (found.length >= MAX_SETTINGS) return;
    found.push({ path, key, value });
    if (typeof value !== 'object' || value === null || Array.isArray(value) || depth === 0) return;
    for (const [name, inner] of Object.entries(value)) add(`${path}.${name}`, name, inner, depth - 1);
  };
  for (const [key, text] of Object.entries(metadata)) add(key, key, parsed(text), MAX_DEPTH);
  return found;
}

/** JSON as what it says, anything else as text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Names of a setting without case and hyphens: `img_mean`, `imgMean` and `IMG_MEAN` are one. */
const plainKey = ({ key }: Setting) => key.toLowerCase().replace(/[^a-z]/g, '');
const ABOUT = '(?:img|image|norm|normalize|normalization|pixel|data|dataset|rgb|input)?';
const MEAN = new RegExp(`^${ABOUT}means?$`);
const STD = new RegExp(`^${ABOUT}(?:stds?|stddev)$`);
const SIZE = /^(?:input|img|image|im)(?:size|sz|resolution|shape)$/;
const SIDE = /^(?:input|img|image)(?:width|height|w|h)$/;
const CUT = /^(?:(?:center|centre)?crop(?:size)?|resize(?:size)?)$/;
/** Means and deviations of other things than pixels: of scores, say, over folds. */
const OF_SCORES = /metric|auc|acc|loss|score|result|eval|fold|hist|label|target|age/i;

/** The numbers of a list, or of text such as `0.485,0.456,0.406`; undefined for anything else. */
function numbersOf(value: unknown): number[] | undefined {
  if (typeof value === 'number') return [value];
  const isText = typeof value === 'string' && /^[[(]?\s*-?[\d.][-+\d.e,;\s]*[\])]?$/i.test(value);
  const list = isText
    ? value
        .replace(/[[\]()]/g, ' ')
        .trim()
        .split(/[,;\s]+/)
        .map(Number)
    : value;
  return Array.isArray(list) && list.length > 0 && list.length <= 8 && list.every((one) => Number.isFinite(one))
    ? list
    : undefined;
}

const shown = ({ path, value }: Setting) =>
  `${path} (${(numbersOf(value) ?? [JSON.stringify(Array.isArray(value) ? value.length : String(value).slice(0, 20))]).join(', ')})`;
const listed = (settings: readonly Setting[]) => [...new Set(settings.map(shown))].slice(0, 6).join(', ');
const pathsOf = (settings: readonly Setting[]) =>
  [...new Set(settings.map(({ path }) => path))].slice(0, 4).join(' and ');

/** @param inputChannels of the first convolution */
export function fileInput(
  metadata: Readonly<Record<string, string>>,
  { family }: { family: string },
  inputChannels: 1 | 3,
): FileInput {
  const settings = settingsIn(metadata);
  const parts = [
    sizeOf(settings, inputChannels),
    orderOf(settings, inputChannels),
    normalisationOf(settings, inputChannels),
  ];
  const all: FileInput = {
    fields: Object.assign({}, ...parts.map(({ fields }) => fields)),
    taken: Object.assign({}, ...parts.map(({ taken }) => taken)),
    unused: Object.assign({}, ...parts.map(({ unused }) => unused)),
  };
  if (!saysTransformInput(metadata) || family !== 'googlenet' || inputChannels !== 3 || all.unused.mean) return all;
  const { mean = IMAGENET.mean, std = IMAGENET.std } = all.fields;
  const from = [all.taken.mean, 'transform_input'].filter(Boolean).join(' and ');
  return {
    ...all,
    fields: { ...all.fields, ...transformedInput(mean, std) },
    taken: { ...all.taken, mean: from, std: from },
  };
}

/** Whether a file says that its GoogLeNet transforms its input. */
export const saysTransformInput = (metadata: Readonly<Record<string, string>>) =>
  Object.hasOwn(metadata, 'transform_input') && /^(true|1)$/i.test(metadata.transform_input);

/**
 * A GoogLeNet's `transform_input` takes an image that is normalised as ImageNet's to (x − 0.5) / 0.5 of its pixels: what an image is
 * normalised with, and then this.
 */
export function transformedInput(mean: readonly number[], std: readonly number[]): { mean: number[]; std: number[] } {
  const { mean: m, std: s } = IMAGENET;
  const scales = std.map((value, i) => (value * 0.5) / s[i]);
  const offsets = mean.map((value, i) => value - (scales[i] * (m[i] - 0.5)) / 0.5);
  return { mean: offsets.map(rounded), std: scales.map(rounded) };
}

// Sums of decimal fractions end in dust.
const rounded = (value: number) => Number(value.toPrecision(12));

const nothing: FileInput = { fields: {}, taken: {}, unused: {} };

function sizeOf(settings: readonly Setting[], channels: number): FileInput {
  const sizes = settings.filter((one) => SIZE.test(plainKey(one)) || SIDE.test(plainKey(one)));
  if (sizes.length === 0) return nothing;
  const read = sizes.map((one) => ({ one, side: sideOf(numbersOf(one.value), channels) }));
  const sides = new Set(read.map(({ side }) => side));
  const [side] = sides;
  // A picture that is resized to one size and cut to another is brought to the network in another way than `fit` can say.
  const cuts = settings.filter(
    (one) => CUT.test(plainKey(one)) && numbersOf(one.value)?.every((n) => n >= 16 && n !== side),
  );
  const refuse = (why: string): FileInput => ({
    ...nothing,
    unused: { inputWidth: `${listed([...sizes, ...cuts])}: ${why}` },
  });
  if (sides.has(undefined)) return refuse('no side of a square of 16 to 8192 pixels');
  if (sides.size > 1) return refuse('they contradict each other');
  if (cuts.length > 0) return refuse('an image may be cut as well as resized');
  const from = pathsOf(sizes);
  return {
    fields: { inputWidth: side!, inputHeight: side! },
    taken: { inputWidth: from, inputHeight: from },
    unused: {},
  };
}

/** The side of a square from `224`, `[224, 224]`, `[3, 224, 224]` or `[224, 224, 3]`. */
function sideOf(numbers: readonly number[] | undefined, channels: number): number | undefined {
  if (!numbers || numbers.length > 3) return undefined;
  let sides = numbers;
  if (numbers.length === 3) {
    const isFirst = numbers[0] === channels;
    if (!isFirst && numbers[2] !== channels) return undefined;
    sides = isFirst ? numbers.slice(1) : numbers.slice(0, 2);
  }
  const [side] = sides;
  const isSide = Number.isInteger(side) && side >= 16 && side <= 8192;
  return isSide && sides.every((one) => one === side) ? side : undefined;
}

function orderOf(settings: readonly Setting[], channels: number): FileInput {
  const orders = settings.filter((one) => /^(?:channel|color|colour)(?:order|s?mode)?$/.test(plainKey(one)));
  const read = new Set(
    orders.map(({ value }) => String(value).toLowerCase()).filter((order) => /^(?:rgb|bgr)$/.test(order)),
  );
  if (read.size === 0 || channels === 1) return nothing;
  if (read.size > 1) return { ...nothing, unused: { channelOrder: `${listed(orders)}: they contradict each other` } };
  const [channelOrder] = read as Set<'rgb' | 'bgr'>;
  return { fields: { channelOrder }, taken: { channelOrder: pathsOf(orders) }, unused: {} };
}

function normalisationOf(settings: readonly Setting[], channels: number): FileInput {
  const [means, stds] = [MEAN, STD].map((name) =>
    settings.filter((one) => name.test(plainKey(one)) && !OF_SCORES.test(one.path)),
  );
  const all = [...means, ...stds];
  if (all.length === 0) return nothing;
  const refuse = (why: string): FileInput => ({
    ...nothing,
    unused: { mean: `${listed(all)}: ${why}`, std: `${listed(all)}: ${why}` },
  });
  const pairs = pairsOf(means, stds);
  if (!pairs) return refuse('not a mean and a standard deviation each');
  const read = pairs.map(({ mean, std }) => inUnits(ofChannels(mean, channels), ofChannels(std, channels)));
  if (read.includes(undefined))
    return refuse(
      `not ${counted(channels, 'number')} each, both for pixels from 0 to 1 or both for pixels from 0 to 255`,
    );
  const [first] = read as { mean: number[]; std: number[]; unit: string }[];
  if (new Set(read.map((one) => JSON.stringify([one!.mean, one!.std]))).size > 1)
    return refuse('they contradict each other');
  const from = `${pathsOf(all)}${first.unit}`;
  return { fields: { mean: first.mean, std: first.std }, taken: { mean: from, std: from }, unused: {} };
}

/** Each mean with the deviation beside it; where there is one of each, wherever they stand. */
function pairsOf(means: readonly Setting[], stds: readonly Setting[]): { mean: Setting; std: Setting }[] | undefined {
  if (means.length === 1 && stds.length === 1) return [{ mean: means[0], std: stds[0] }];
  const place = (one: Setting) =>
    [one.path.slice(0, one.path.length - one.key.length), plainKey(one).replace(/(?:means?|stds?|stddev)$/, '')].join(
      ' ',
    );
  const pairs = means.map((mean) => ({ mean, std: stds.filter((std) => place(std) === place(mean)) }));
  if (means.length !== stds.length || pairs.some(({ std }) => std.length !== 1)) return undefined;
  return pairs.map(({ mean, std }) => ({ mean, std: std[0] }));
}

/** One number stands for all channels, unless it is called nothing but mean or std: that may be the mean of anything. */
function ofChannels(setting: Setting, channels: number): number[] | undefined {
  const numbers = numbersOf(setting.value);
  if (numbers?.length === channels) return [...numbers];
  const isOfAnything = typeof setting.value === 'number' && /^(?:means?|stds?|stddev)$/.test(plainKey(setting));
  return numbers?.length === 1 && !isOfAnything ? new Array<number>(channels).fill(numbers[0]) : undefined;
}

/** For pixels from 0 to 1; undefined where mean and deviation are not of one scale. */
function inUnits(
  mean: number[] | undefined,
  std: number[] | undefined,
): { mean: number[]; std: number[]; unit: string } | undefined {
  if (!mean || !std?.every((value) => value > 0)) return undefined;
  const within = (values: readonly number[], least: number, most: number) =>
    values.every((value) => value >= least && value <= most);
  if (within(mean, 0, 1) && within(std, 0, 1)) return { mean, std, unit: '' };
  // A mean of 0 is one on every scale, and a deviation of 1 is none: then the other of the two tells the scale.
  const isAboveOne = mean.some((value) => value > 1);
  const isLarge = isAboveOne || mean.every((value) => value === 0);
  const isWide = std.every((value) => value > 1) || (std.every((value) => value === 1) && isAboveOne);
  if (!isLarge || !isWide || !within(mean, 0, 255) || !within(std, 1, 255)) return undefined;
  const scaled = (values: readonly number[]) => values.map((value) => rounded(value / 255));
  return { mean: scaled(mean), std: scaled(std), unit: ', which are for pixels from 0 to 255' };
}
