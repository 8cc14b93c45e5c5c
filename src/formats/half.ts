/**
 * Converts arrays of 16-bit floats to and from float32. There are two formats: IEEE 754 binary16 (`F16`: 5 bits of exponent, 10 of mantissa)
 * and bfloat16 (`BF16`: the upper half of a float32). Numbers are rounded to the nearest, ties to even. Subnormals, infinities and the sign
 * of zero are preserved, and NaN stays NaN.
 */

const SMALLEST_NORMAL_F16 = 0x38800000; // 2^-14 as float32 bits
const INFINITY_F32 = 0x7f800000;
// Adding 2^52 and subtracting it again rounds a smaller positive float64 to an integer, ties to even.
const ROUNDER = 2 ** 52;

/** Converts binary16 bit patterns to numbers. The result is exact. */
export function f16ToF32(source: Uint16Array): Float32Array<ArrayBuffer> {
  const result = new Float32Array(source.length);
  const bits = new Uint32Array(result.buffer);
  for (let i = 0; i < source.length; i++) {
    const sign = (source[i] & 0x8000) << 16;
    const magnitude = source[i] & 0x7fff;
    if (magnitude >= 0x7c00) bits[i] = sign | INFINITY_F32 | (magnitude << 13);
    else if (magnitude >= 0x0400) bits[i] = sign | ((magnitude << 13) + 0x38000000);
    else result[i] = (sign === 0 ? magnitude : -magnitude) * 2 ** -24;
  }
  return result;
}

/** Converts numbers to binary16 bit patterns. Numbers with a magnitude of 65520 or more become infinite. */
export function f32ToF16(source: Float32Array): Uint16Array<ArrayBuffer> {
  const result = new Uint16Array(source.length);
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  for (let i = 0; i < source.length; i++) {
    const sign = (bits[i] >>> 16) & 0x8000;
    const magnitude = bits[i] & 0x7fffffff;
    if (magnitude > INFINITY_F32) result[i] = sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
    else if (magnitude >= 0x47800000) result[i] = sign | 0x7c00;
    else if (magnitude >= SMALLEST_NORMAL_F16)
      result[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    else result[i] = sign | (Math.abs(source[i]) * 2 ** 24 + ROUNDER - ROUNDER);
  }
  return result;
}

/** Converts bfloat16 bit patterns to numbers. The result is exact. */
export function bf16ToF32(source: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i] << 16;
  return new Float32Array(bits.buffer);
}

/** Converts numbers to bfloat16 bit patterns. */
export function f32ToBf16(source: Float32Array): Uint16Array<ArrayBuffer> {
  const result = new Uint16Array(source.length);
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  for (let i = 0; i < source.length; i++) {
    const nan = (bits[i] & 0x7fffffff) > INFINITY_F32;
    result[i] = nan ? (bits[i] >>> 16) | 0x40 : (bits[i] + 0x7fff + ((bits[i] >>> 16) & 1)) >>> 16;
  }
  return result;
}
