/**
 * Half floats to and from float32, whole arrays at a time. IEEE 754 binary16 (`F16`: 5 exponent bits, 10 of mantissa)
 * and bfloat16 (`BF16`: the upper half of a float32). Both ways round to nearest, ties to even; subnormals, infinities
 * and the sign of zero survive, NaN stays NaN.
 */

const SMALLEST_NORMAL_F16 = 0x38800000; // 2^-14 as float32 bits
const INFINITY_F32 = 0x7f800000;
// Adding and taking away 2^52 rounds a float64 below it to an integer, ties to even.
const ROUNDER = 2 ** 52;

/** Binary16 bit patterns to numbers. Exact. */
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

/** Numbers to binary16 bit patterns. From 65520 on, numbers become infinite. */
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

/** bfloat16 bit patterns to numbers. Exact. */
export function bf16ToF32(source: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i] << 16;
  return new Float32Array(bits.buffer);
}

/** Numbers to bfloat16 bit patterns. */
export function f32ToBf16(source: Float32Array): Uint16Array<ArrayBuffer> {
  const result = new Uint16Array(source.length);
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  for (let i = 0; i < source.length; i++) {
    const nan = (bits[i] & 0x7fffffff) > INFINITY_F32;
    result[i] = nan ? (bits[i] >>> 16) | 0x40 : (bits[i] + 0x7fff + ((bits[i] >>> 16) & 1)) >>> 16;
  }
  return result;
}
