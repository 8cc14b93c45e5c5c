/**
 * Reads mean and standard deviation from a checkpoint's settings, together with settings that tell the range of the pixels to which they are
 * applied: `input_range` (pretrained-models, timm), `do_rescale`, `rescale_factor` and `do_normalize` (Hugging Face).
 */
import { counted } from '../../errors.js';
import type { FileInput } from './input.js';
import { inUnits, rounded } from './units.js';
import { booleanOf, listed, numbersOf, pathsOf, plainKey, type Setting } from './values.js';

const ABOUT = '(?:img|image|norm|normalize|normalization|pixel|data|dataset|rgb|input)?';
const MEAN = new RegExp(`^${ABOUT}means?$`);
const STD = new RegExp(`^${ABOUT}(?:stds?|stddev)$`);
/** Matches names of means and deviations that are not of pixels, such as those of scores over folds. `age` must not match within `image`. */
const OF_SCORES = /metric|auc|acc|loss|score|result|eval|fold|hist|label|target|(?<![a-z])age/i;
const SCALE = /^(?:inputrange|dorescale|rescalefactor|rescaleoffset)$/;

type Pair = { mean: number[]; std: number[] };

export function normalisationOf(settings: readonly Setting[], channels: number): FileInput {
  const [means, stds] = [MEAN, STD].map((name) =>
    settings.filter((one) => name.test(plainKey(one)) && !OF_SCORES.test(one.path)),
  );
  const scales = settings.filter((one) => SCALE.test(plainKey(one)));
  const skipped = settings.filter((one) => plainKey(one) === 'donormalize' && booleanOf(one.value) === false);
  const all = [...means, ...stds, ...scales, ...skipped];
  if (all.length === 0) return { fields: {}, taken: {}, unused: {} };
  const refuse = (why: string): FileInput => ({
    ...{ fields: {}, taken: {} },
    unused: { mean: `${listed(all)}: ${why}`, std: `${listed(all)}: ${why}` },
  });
  const take = ({ mean, std }: Pair, unit: string): FileInput => {
    const from = `${pathsOf(all)}${unit}`;
    return { fields: { mean, std }, taken: { mean: from, std: from }, unused: {} };
  };
  const white = whiteOf(scales);
  if (typeof white === 'string') return refuse(white);
  if (skipped.length > 0) {
    if (white === undefined) return refuse('they do not say of which range the pixels are that are not normalised');
    const values = (value: number) => new Array<number>(channels).fill(value);
    return take(
      { mean: values(0), std: values(rounded(1 / white)) },
      `, by which pixels from 0 to ${rounded(white)} are not normalised`,
    );
  }
  const pairs = pairsOf(means, stds);
  if (!pairs?.length) return refuse('not a mean and a standard deviation each');
  const read = pairs.map(({ mean, std }) => {
    const [m, s] = [ofChannels(mean, channels), ofChannels(std, channels)];
    return white === undefined ? inUnits(m, s) : ofRange(m, s, white, scales);
  });
  if (read.includes(undefined))
    return refuse(
      white === undefined
        ? `not ${counted(channels, 'number')} each, both for pixels from 0 to 1 or both for pixels from 0 to 255`
        : `not ${counted(channels, 'number')} each for pixels from 0 to ${rounded(white)}`,
    );
  const [first] = read as (Pair & { unit: string })[];
  if (new Set(read.map((one) => JSON.stringify([one!.mean, one!.std]))).size > 1)
    return refuse('they contradict each other');
  return take(first, first.unit);
}

/**
 * The value of a white pixel before mean and deviation are applied, usually 1 or 255, as other settings tell it. Undefined if none tells it.
 * If the settings tell something that raybox cannot follow, the reason as text.
 */
function whiteOf(scales: readonly Setting[]): number | undefined | string {
  const of = (key: string) => scales.filter((one) => plainKey(one) === key).map(({ value }) => value);
  if (of('rescaleoffset').some((value) => booleanOf(value) !== false))
    return 'an offset is added to the pixels as well';
  const isScaled = of('dorescale').map(booleanOf);
  if (isScaled.includes(undefined)) return 'neither true nor false';
  const ranges = of('inputrange').map((value) => {
    const range = numbersOf(value);
    return range?.length === 2 && range[0] === 0 && [1, 255].includes(range[1]) ? range[1] : undefined;
  });
  if (ranges.includes(undefined)) return 'a range of pixels other than 0 to 1 and 0 to 255';
  const factors = of('rescalefactor').map((value) =>
    numbersOf(value)?.length === 1 ? numbersOf(value)![0] : Number.NaN,
  );
  if (factors.some((factor) => !(factor > 0 && factor <= 1))) return 'a factor that is not from 0 to 1';
  const isLeft = isScaled.includes(false);
  const whites = [
    ...(ranges as number[]),
    ...(isLeft ? [255] : factors.map((factor) => factor * 255)),
    ...(isScaled.includes(true) && factors.length === 0 ? [1] : []),
  ];
  const near = (a: number, b: number) => Math.abs(a - b) <= 1e-3 * b;
  const contradict = (isLeft && isScaled.includes(true)) || !whites.every((white) => near(white, whites[0]));
  if (contradict) return 'they contradict each other';
  const usual = [1, 255].find((white) => near(whites[0], white));
  return usual ?? whites[0];
}

/**
 * Converts a mean and deviation of pixels from 0 to `white` into those of pixels from 0 to 1. Undefined if they look like those of another
 * range.
 */
function ofRange(
  mean: number[] | undefined,
  std: number[] | undefined,
  white: number,
  scales: readonly Setting[],
): (Pair & { unit: string }) | undefined {
  if (!mean || !std?.every((value) => value > 0)) return undefined;
  const scaled = (values: readonly number[]) => values.map((value) => rounded(value / white));
  const isNothing = mean.every((value) => value === 0) && std.every((value) => value === 1);
  // `do_rescale: false` may also mean that images have values from 0 to 1 already. With a mean of 0 and a deviation of 1 both are possible.
  if (isNothing && white === 255 && scales.some((one) => plainKey(one) === 'dorescale')) return undefined;
  const own = inUnits(mean, std);
  const looksOther = white === 255 ? own?.unit === '' && !isNothing : white === 1 && own?.unit !== '';
  const [m, s] = [scaled(mean), scaled(std)];
  if (looksOther || ![...m, ...s].every((value) => value >= 0 && value <= 1)) return undefined;
  return { mean: m, std: s, unit: white === 1 ? '' : `, which are for pixels from 0 to ${rounded(white)}` };
}

/** Pairs each mean with the deviation in the same object. If there is only one of each, they are a pair wherever they are. */
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

/** A single number counts for all channels, unless the setting is just called `mean` or `std`, since that could be the mean of anything. */
function ofChannels(setting: Setting, channels: number): number[] | undefined {
  const numbers = numbersOf(setting.value);
  if (numbers?.length === channels) return [...numbers];
  const isOfAnything = typeof setting.value === 'number' && /^(?:means?|stds?|stddev)$/.test(plainKey(setting));
  return numbers?.length === 1 && !isOfAnything ? new Array<number>(channels).fill(numbers[0]) : undefined;
}
