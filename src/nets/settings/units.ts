/** Finds out whether a mean and a standard deviation are for pixels from 0 to 1 or from 0 to 255, and checks those that a caller gives. */
import { InputError } from '../../errors.js';
import { inBrief } from '../../formats/weights/graph_description.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { Warning } from '../../warnings.js';

// Removes the rounding errors of sums of decimal fractions, such as 0.30000000000000004.
export const rounded = (value: number) => Number(value.toPrecision(12));

/** Mean and deviation for pixels from 0 to 1; undefined if the two are not of one scale. */
export function inUnits(
  mean: number[] | undefined,
  std: number[] | undefined,
): { mean: number[]; std: number[]; unit: string } | undefined {
  if (!mean || !std?.every((value) => value > 0)) return undefined;
  const within = (values: readonly number[], least: number, most: number) =>
    values.every((value) => value >= least && value <= most);
  if (within(mean, 0, 1) && within(std, 0, 1)) return { mean, std, unit: '' };
  // A mean of 0 and a deviation of 1 do not show the scale. Then the other of the two numbers does.
  const isAboveOne = mean.some((value) => value > 1);
  const isLarge =
    mean.every((value) => value === 0) || (isAboveOne && mean.every((value) => value === 0 || value >= 1));
  const isWide = std.every((value) => value > 1) || (std.every((value) => value === 1) && isAboveOne);
  if (!isLarge || !isWide || !within(mean, 0, 255) || !within(std, 1, 255)) return undefined;
  const scaled = (values: readonly number[]) => values.map((value) => rounded(value / 255));
  return { mean: scaled(mean), std: scaled(std), unit: ', which are for pixels from 0 to 255' };
}

type Normalisation = Pick<WeightsMetadata, 'mean' | 'std'>;

/**
 * The mean and std that a caller gives, for pixels from 0 to 1. If both are for pixels from 0 to 255, they are converted, with a warning, as if
 * a file had said them. If only one is given, it must be from 0 to 1.
 * @throws InputError if one cannot be a mean or a deviation, or if the two are not of one scale
 */
export function givenNormalisation(given: Partial<Normalisation>): {
  fields: Partial<Normalisation>;
  warnings: Warning[];
} {
  const { mean, std } = given;
  if (mean !== undefined) checkNumbers('mean', mean, () => true, 'finite numbers, one for each channel');
  if (std !== undefined) checkNumbers('std', std, (value) => value > 0, 'numbers above 0, one for each channel');
  if (mean && std) {
    const read = inUnits(mean, std);
    if (!read)
      throw new InputError('mean and std are not of one scale', {
        expected: 'both for pixels from 0 to 1 (none above 1), or both for pixels from 0 to 255',
        given: `mean ${mean.join(', ')} and std ${std.join(', ')}`,
        hint: 'divide by 255 what is for pixels from 0 to 255',
      });
    if (read.unit === '') return { fields: { mean, std }, warnings: [] };
    const message = `A mean of ${mean.join(', ')} and a std of ${std.join(', ')} are for pixels from 0 to 255, and were read as such: for pixels from 0 to 1 they are ${read.mean.map(short).join(', ')} and ${read.std.map(short).join(', ')}.`;
    return { fields: { mean: read.mean, std: read.std }, warnings: [{ code: 'assumed-input', message }] };
  }
  for (const [name, values] of Object.entries({ mean, std })) {
    if (!values || values.every((value) => value >= 0 && value <= 1)) continue;
    const other = name === 'mean' ? 'std' : 'mean';
    throw new InputError(`${name} is not of pixels from 0 to 1`, {
      expected: 'numbers from 0 to 1',
      given: values.join(', '),
      hint: `divide it by 255 where it is for pixels from 0 to 255, or give ${other} as well, in the same units`,
    });
  }
  return { fields: { ...(mean ? { mean } : {}), ...(std ? { std } : {}) }, warnings: [] };
}

const short = (value: number) => String(Number(value.toPrecision(4)));

function checkNumbers(name: string, values: unknown, isRight: (value: number) => boolean, expected: string): void {
  const isNumber = (value: unknown) => Number.isFinite(value) && isRight(value as number);
  if (Array.isArray(values) && values.length > 0 && values.every(isNumber)) return;
  const place = Array.isArray(values) ? values.findIndex((value) => !isNumber(value)) : -1;
  throw new InputError(name, {
    expected,
    given: place < 0 ? inBrief(values) : `${inBrief((values as unknown[])[place])} for channel ${place}`,
  });
}
