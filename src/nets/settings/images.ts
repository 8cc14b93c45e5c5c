/**
 * Reads from a checkpoint's settings how images were prepared for its network: the size, the order of channels, and how they were cut and
 * resized. If raybox does something differently, a warning says so.
 */

import type { FileInput } from './input.js';
import { booleanOf, listed, numbersOf, pathsOf, plainKey, type Setting } from './values.js';

const SIZE = /^(?:input|img|image|im)(?:size|sz|resolution|shape)$/;
const SIDE = /^(?:input|img|image)(?:width|height|w|h)$/;
const CUT = /^(?:(?:center|centre)?crop(?:size)?|resize(?:size)?|shortestedge)$/;
/** Matches settings of only one part of the work (training, testing …), since a network may be trained at one size and used at another. */
const OF_PART =
  /^(?:train|val|valid|validation|test|eval|inference)(?:input|img|image|crop|resize|centercrop)*(?:size|sz|resolution|res)$/;
const CROP_SHARE = /^(?:test|val|eval)?crop(?:pct|percent|percentage|ratio)$/;
const INTERPOLATION =
  /^(?:img|image|resize|test|val|eval)?(?:interpolation|interpolationmode|resample|resamplemode|resizemode)$/;

const nothing: FileInput = { fields: {}, taken: {}, unused: {} };

/** Matches Hugging Face's `size`, which is an object with a height and a width. */
const isSize = (one: Setting) =>
  SIZE.test(plainKey(one)) ||
  (plainKey(one) === 'size' && typeof one.value === 'object' && numbersOf(one.value)?.length === 2);

export function sizeOf(settings: readonly Setting[], channels: number): FileInput {
  const sizes = settings.filter((one) => isSize(one) || SIDE.test(plainKey(one)));
  const parts = settings.filter((one) => OF_PART.test(plainKey(one)) && numbersOf(one.value)?.some((n) => n >= 16));
  const withParts = (input: FileInput): FileInput => {
    const others = parts.filter((one) => sideOf(numbersOf(one.value), channels) !== input.fields.inputWidth);
    if (others.length === 0) return input;
    const told = `${listed(others)}: of one part of the work, and not taken`;
    const before = input.unused.inputWidth;
    return { ...input, unused: { ...input.unused, inputWidth: before ? `${before}; ${told}` : told } };
  };
  const read = sizes.map((one) => ({ one, side: sideOf(numbersOf(one.value), channels) }));
  const sides = new Set(read.map(({ side }) => side));
  const [side] = sides;
  // An image may be resized to one size and then cut to a smaller one. No value of `fit` describes that.
  const cuts = settings.filter(
    (one) => CUT.test(plainKey(one)) && numbersOf(one.value)?.every((n) => n >= 16 && n !== side),
  );
  const refuse = (why: string): FileInput =>
    withParts({ ...nothing, unused: { inputWidth: `${listed([...sizes, ...cuts])}: ${why}` } });
  if (sizes.length === 0)
    return cuts.length === 0
      ? withParts(nothing)
      : refuse('how an image is resized and cut does not say the size of the input');
  if (sides.has(undefined)) return refuse('no side of a square of 16 to 8192 pixels');
  if (sides.size > 1) return refuse('they contradict each other');
  if (cuts.length > 0) return refuse('an image may be cut as well as resized');
  const from = pathsOf(sizes);
  return withParts({
    fields: { inputWidth: side!, inputHeight: side! },
    taken: { inputWidth: from, inputHeight: from },
    unused: {},
  });
}

/** The side of a square that is written as `224`, `[224, 224]`, `[3, 224, 224]` or `[224, 224, 3]`. */
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

/** Matches names of settings whose value is the order of channels. */
const ORDER = /^(?:channels?|colou?r|input|image|img|pixel)(?:order|s?mode|space|format|type)?$/;
const OTHER_COLOURS = /^(?:gr[ae]y(?:scale)?|l|ycbcr|ycrcb|yuv|hsv|hls|lab|xyz|cmyk)$/;
const SWITCHES: readonly { key: RegExp; on?: 'rgb' | 'bgr'; off?: 'rgb' | 'bgr' }[] = [
  // Programs with this switch read images as BGR, so that the order is BGR if the switch is off.
  { key: /^torgb$/, on: 'rgb', off: 'bgr' },
  { key: /^(?:tobgr|bgr|isbgr|usebgr)$/, on: 'bgr', off: 'rgb' },
  { key: /^bgr(?:to)?rgb$/, on: 'rgb' },
  { key: /^rgb(?:to)?bgr$/, on: 'bgr' },
  { key: /^(?:swaprb|swapchannels|channelswap)$/ },
];

export function orderOf(settings: readonly Setting[], channels: number): FileInput {
  if (channels === 1) return nothing;
  const clear: Setting[] = [];
  const unclear: Setting[] = [];
  const read = new Set<'rgb' | 'bgr'>();
  const take = (one: Setting, order: 'rgb' | 'bgr' | undefined) => {
    if (order) read.add(order);
    (order ? clear : unclear).push(one);
  };
  for (const one of settings) {
    const key = plainKey(one);
    const text = typeof one.value === 'string' ? one.value.toLowerCase() : '';
    const isOn = booleanOf(one.value);
    const row = isOn === undefined ? undefined : SWITCHES.find((each) => each.key.test(key));
    if (row && isOn !== undefined) take(one, isOn ? row.on : row.off);
    else if (ORDER.test(key) && /^(?:rgb|bgr)$/.test(text)) take(one, text as 'rgb' | 'bgr');
    else if (ORDER.test(key) && OTHER_COLOURS.test(text)) take(one, undefined);
  }
  const refuse = (which: readonly Setting[], why: string): FileInput => ({
    ...nothing,
    unused: { channelOrder: `${listed(which)}: ${why}` },
  });
  if (read.size > 1) return refuse(clear, 'they contradict each other');
  const [channelOrder] = read;
  if (channelOrder) return { fields: { channelOrder }, taken: { channelOrder: pathsOf(clear) }, unused: {} };
  return unclear.length === 0 ? nothing : refuse(unclear, 'it does not say whether channels come as RGB or as BGR');
}

/** Settings of resizing that differ from what raybox does. They are only reported, since raybox cannot follow them. */
export function resizingOf(settings: readonly Setting[]): FileInput {
  const crops = settings.filter((one) => {
    const share = CROP_SHARE.test(plainKey(one)) ? numbersOf(one.value) : undefined;
    return share?.length === 1 && share[0] > 0 && share[0] !== 1 && share[0] !== 100;
  });
  const filters = settings.filter((one) => INTERPOLATION.test(plainKey(one)) && isOtherFilter(one.value));
  const rough = settings.filter((one) => plainKey(one) === 'antialias' && booleanOf(one.value) === false);
  const resizing = [
    ...(filters.length > 0 ? [`${listed(filters)}: images are resized bilinearly here`] : []),
    ...(rough.length > 0 ? [`${listed(rough)}: images that shrink are averaged here`] : []),
  ];
  return {
    ...nothing,
    unused: {
      ...(crops.length > 0
        ? { fit: `${listed(crops)}: the middle of a larger image was cut out, and here the whole image is taken` }
        : {}),
      ...(resizing.length > 0 ? { resizing: resizing.join('; ') } : {}),
    },
  };
}

/** Whether a value names or numbers another filter than the bilinear one, whose number is 1 in OpenCV and 2 in Pillow. */
function isOtherFilter(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && value !== 1 && value !== 2;
  return typeof value === 'string' && /nearest|cubic|lanczos|area|box|hamming/i.test(value) && !/linear/i.test(value);
}
