/**
 * Arithmetic of the element types. Constants are computed in float64. Results that a type cannot hold are rounded (real numbers) or wrap
 * around (whole numbers), or are refused if the formats do not define them.
 */
import { InputError } from '../errors.js';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../formats/half.js';
import type { ElementType } from '../formats/weights/checkpoint.js';
import { remainder } from '../ops/general/binary.js';

/** The bits of types that hold whole numbers. */
const WHOLE = { I8: 8, I16: 16, I32: 32, I64: 64, U8: 8, U16: 16, U32: 32, U64: 64 } as const;

export const isReal = (type: string): boolean => /^(F|BF)\d/.test(type);
const isBits = (type: ElementType): type is keyof typeof WHOLE => type in WHOLE;

/** The array for the numbers of a constant of this type: float32 for real numbers of up to 32 bits, float64 for all others (exact up to 2^53). */
export const arrayOf = (type: ElementType, count: number): Float32Array | Float64Array =>
  type === 'F32' || type === 'F16' || type === 'BF16' ? new Float32Array(count) : new Float64Array(count);

/** Rounds real numbers to their type, in place. Whole numbers do not change; `wrap` is for them. */
export function rounded<T extends Float32Array | Float64Array>(type: ElementType, values: T): T {
  // An array of float32 has rounded to float32 already; a second rounding to half the bits changes no result of one sum or product.
  if (type === 'F16') values.set(f16ToF32(f32ToF16(values as Float32Array)));
  if (type === 'BF16') values.set(bf16ToF32(f32ToBf16(values as Float32Array)));
  return values;
}

const tooLarge = (type: string) =>
  new InputError(`it computes with whole numbers (${type}) beyond 2^53, which raybox cannot hold`);

/** A whole number of at most 2^53 as it is. @throws InputError for a larger one, which was rounded when it was read */
export function exact(type: ElementType, number: number): number {
  if (isReal(type) || Number.isSafeInteger(number)) return number;
  throw tooLarge(type);
}

/** The number that a type holds of a whole number: its lowest bits. @throws InputError for one that is not exact */
export function wrap(type: ElementType, number: number | bigint): number {
  if (!isBits(type)) throw new InputError(`it computes whole numbers of the type ${type}`);
  if (typeof number === 'number' && !Number.isSafeInteger(number)) throw tooLarge(type);
  const bits = WHOLE[type];
  if (typeof number === 'number' && isWithin(type, number)) return number + 0;
  const result = Number(type[0] === 'I' ? BigInt.asIntN(bits, BigInt(number)) : BigInt.asUintN(bits, BigInt(number)));
  if (!Number.isSafeInteger(result)) throw tooLarge(type);
  return result;
}

function isWithin(type: keyof typeof WHOLE, number: number): boolean {
  const bits = WHOLE[type];
  return type[0] === 'I' ? number >= -(2 ** (bits - 1)) && number < 2 ** (bits - 1) : number >= 0 && number < 2 ** bits;
}

/** A whole number of a type as it is. @throws InputError for one that the type cannot hold, for which libraries give different results */
export function held(type: ElementType, number: number): number {
  if (isBits(type) && isWithin(type, number)) return exact(type, number) + 0;
  throw new InputError(`it computes a whole number that its type (${type}) does not hold`, { given: String(number) });
}

/** A function of two numbers of a type, whose result is of the same type. */
type Pair = (type: ElementType, a: number, b: number) => number;

const quotient = (a: number, b: number) => {
  if (b === 0) throw new InputError('it divides a whole number by 0');
  return (a - (a % b)) / b;
};

const rest = (a: number, b: number) => {
  if (b === 0) throw new InputError('it divides a whole number by 0');
  return a % b;
};

/** Sums, products and the like, as C computes them with whole numbers. */
const whole = (of: (a: number, b: number) => number | bigint): Pair => {
  return (type, a, b) => wrap(type, of(exact(type, a), exact(type, b)));
};

const pairs = {
  add: whole((a, b) => a + b),
  sub: whole((a, b) => a - b),
  mul: whole((a, b) => (Number.isSafeInteger(a * b) ? a * b : BigInt(a) * BigInt(b))),
  div: whole(quotient),
  fmod: whole(rest),
  // The remainder has the sign of the divisor.
  mod: whole((a, b) => (rest(a, b) !== 0 && rest(a, b) < 0 !== b < 0 ? rest(a, b) + b : rest(a, b))),
  max: (_, a, b) => Math.max(a, b),
  min: (_, a, b) => Math.min(a, b),
  pow: power,
} satisfies Record<string, Pair>;

/** A power of a whole number is cut to a whole one. Beyond the type's range it is not defined. */
function power(type: ElementType, a: number, b: number): number {
  const isExact = Number.isInteger(b) && b >= 0 && b <= 64;
  const result = isExact ? Number(BigInt(exact(type, a)) ** BigInt(b)) : Math.trunc(exact(type, a) ** b);
  return held(type, result);
}

const real = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  fmod: (a, b) => a % b,
  mod: remainder,
  max: Math.max,
  min: Math.min,
  // A power of 1 is 1, whatever the exponent.
  pow: (a, b) => (a === 1 ? 1 : a ** b),
} satisfies Record<keyof typeof pairs, (a: number, b: number) => number>;

export type PairKind = keyof typeof pairs;

/** A function of two numbers of a type. */
export const pairOf = (kind: PairKind, type: ElementType): ((a: number, b: number) => number) =>
  isReal(type) ? real[kind] : (a, b) => pairs[kind](type, a, b);

/**
 * The type that two constants are computed in.
 * @throws InputError for a whole and a real type, which no operator combines
 */
export function commonType(a: ElementType, b: ElementType): ElementType {
  if (a === b) return a;
  if (isReal(a) !== isReal(b)) throw new InputError('its inputs are of different types', { given: `${a} and ${b}` });
  const size = (type: ElementType) => (isBits(type) ? WHOLE[type] : Number(/\d+/.exec(type)?.[0] ?? 1));
  return size(b) > size(a) ? b : a;
}

/** Numbers of one type as those of another. @throws InputError where the result is not defined: a real number beyond the range of a whole type */
export function converted(from: ElementType, to: ElementType, values: ArrayLike<number>): Float32Array | Float64Array {
  const result = arrayOf(to, values.length);
  const one = conversion(from, to);
  for (let i = 0; i < result.length; i++) result[i] = one(values[i]);
  return rounded(to, result);
}

function conversion(from: ElementType, to: ElementType): (number: number) => number {
  if (from === to) return (number) => number;
  if (to === 'BOOL') return (number) => (number === 0 ? 0 : 1);
  if (!isBits(to)) return (number) => exact(from, number);
  if (!isReal(from)) return (number) => wrap(to, exact(from, number));
  return (number) => {
    const cut = Math.trunc(number);
    if (!isWithin(to, cut))
      throw new InputError(`it casts a number to ${to} that is beyond its range`, { given: String(number) });
    return exact(to, cut) + 0;
  };
}
