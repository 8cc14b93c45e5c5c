/** 8-bit integers as the kernels compute them. f32 products are rounded once, so that the integers are exactly the same. */

/** To the nearest whole number; a half to the even one. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

const within = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value));

/** The integer that stands for an activation. */
export const quantizeActivation = (value: number, scale: number, zero: number): number =>
  within(roundHalfEven(Math.fround(value * Math.fround(1 / scale))) + zero, -128, 127);

/** Weights as integers, with what belongs to each output channel. */
export interface IntegerWeights {
  readonly integers: Int8Array;
  readonly scales: Float64Array;
  readonly inverses: Float64Array;
}

/** @param weight the first of its axes has the outputs */
export function quantizeWeights(weight: Float64Array, outputs: number): IntegerWeights {
  const count = weight.length / outputs;
  const largest = Array.from({ length: outputs }, (_, o) =>
    weight.subarray(o * count, (o + 1) * count).reduce((most, one) => Math.max(most, Math.abs(one)), 0),
  );
  const inverses = Float64Array.from(largest, (most) => (most > 1e-30 ? Math.fround(127 / most) : 0));
  const scales = Float64Array.from(largest, (most) => (most > 1e-30 ? Math.fround(most / 127) : 0));
  const integers = Int8Array.from(weight, (one, i) =>
    within(roundHalfEven(Math.fround(one * inverses[Math.floor(i / count)])), -127, 127),
  );
  return { integers, scales, inverses };
}

/**
 * Weights of a case that are whole numbers, one of them 127 in each output channel. Adapters may divide with an error in the last digit, which
 * could turn a half either way; these weights become the same integers anyway, as those of a file with 8-bit weights do.
 * @param count of an output channel
 */
export const wholeWeights = (count: number) => (index: number) =>
  index % count === 0 ? 127 : ((index * 7919) % 255) - 127;
