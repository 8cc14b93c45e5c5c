/**
 * Determines how many bits of a 16-bit sample are in use. Detectors measure 10 to 15 bits, and many programs store them unscaled in 16-bit
 * samples, so that white is 4095, for example. If 65535 were taken for white, such an image would be nearly black.
 */
import { InputError } from '../../errors.js';
import { bitsOf, type Image } from './pixels.js';

const FEWEST = 8;
const WHOLE = 16;

function checkBits(bits: number | undefined): void {
  if (bits === undefined || (Number.isInteger(bits) && bits >= FEWEST && bits <= WHOLE)) return;
  throw new InputError('bits', { expected: 'a whole number from 8 to 16', given: String(bits) });
}

/**
 * Sets the field `bits` of a 16-bit image, which determines the level of white. The first of these rules that applies is used:
 *
 * 1. The caller gives a number: it is used.
 * 2. A sample is 32768 or more, or all samples are 0: 16 bits.
 * 3. The file states a number (in PNG's chunk sBIT), which is at least 8, and no sample needs more bits: it is used. If it is below 16,
 *    there is a warning, because the PNG standard demands that such samples are scaled up to 16 bits.
 * 4. Otherwise the smallest number of bits, at least 8, that holds all samples. There is a warning, because the image may also be a dark
 *    one of 16 bits.
 *
 * If 8 bits are in use, the samples are converted to bytes. Images of 8 bits are returned unchanged.
 * @throws InputError if a sample does not fit into the bits that the caller gives.
 */
export function settleBits(image: Image, given: number | undefined, stated?: number): Image {
  checkBits(given);
  if (!(image.data instanceof Uint16Array)) return image;
  if (given === WHOLE) return { ...image, bits: WHOLE };
  const highest = highestSample(image.data, given === undefined);
  if (given !== undefined) {
    if (highest < 2 ** given) return withBits(image, given);
    throw new InputError('image: a sample does not fit into the bits that were given', {
      expected: `bits: ${given}, so ${2 ** given - 1} at most`,
      given: String(highest),
    });
  }
  if (stated === WHOLE || highest === 0 || highest >= 2 ** (WHOLE - 1)) return { ...image, bits: WHOLE };
  const says = stated !== undefined && stated >= FEWEST && highest < 2 ** stated;
  const bits = says ? stated : Math.max(FEWEST, Math.floor(Math.log2(highest)) + 1);
  const message =
    `${says ? `the file states ${bits} significant bits, and ` : ''}no sample of this 16-bit image is above ${highest}: ` +
    `${bits} bits were assumed, with white at ${2 ** bits - 1}; bits: 16 (--bits 16) reads it as a dark image of 16 bits`;
  const assumed = withBits(image, bits);
  return { ...assumed, warnings: [...(image.warnings ?? []), { code: 'assumed-bits', message }] };
}

function withBits(image: Image, bits: number): Image {
  return bits > FEWEST ? { ...image, bits } : { ...image, bits, data: Uint8Array.from(image.data) };
}

/** @param stopEarly whether the search may end at a sample that needs all 16 bits, because only the number of bits is needed */
function highestSample(data: Uint16Array, stopEarly: boolean): number {
  const enough = stopEarly ? 2 ** (WHOLE - 1) : 2 ** WHOLE;
  let highest = 0;
  for (let i = 0; i < data.length && highest < enough; i++) if (data[i] > highest) highest = data[i];
  return highest;
}

/** The factor that scales an image's samples to 0 … 65535. */
export const to16Bits = (image: Image) => 65535 / (2 ** bitsOf(image) - 1);
