/**
 * How many bits of a 16-bit sample are in use. Detectors measure 10 to 15 bits, and many programs store them as they are in 16,
 * where 4095, say, is white. Taken for 65535 levels such an image is nearly black.
 */
import { InputError } from '../errors.js';
import { bitsOf, type Image } from './pixels.js';

const FEWEST = 8;
const WHOLE = 16;

function checkBits(bits: number | undefined): void {
  if (bits === undefined || (Number.isInteger(bits) && bits >= FEWEST && bits <= WHOLE)) return;
  throw new InputError('bits', { expected: 'a whole number from 8 to 16', given: String(bits) });
}

/**
 * Says in `bits` what white is. The rule, for 16-bit images alone:
 *
 * 1. `given` by the caller: taken.
 * 2. `stated` by the file (PNG's sBIT) as 16: taken. As fewer, and no sample is above them: taken, with a warning, because by the
 *    PNG standard such samples should have been scaled up to 16 bits.
 * 3. Some sample is 32768 or more: 16 bits.
 * 4. Otherwise the smallest number of bits, 8 at least, that holds all samples, with a warning: a dark image of 16 bits looks the same.
 *
 * Samples of 8 bits become bytes. A black image stays what it is.
 * @throws InputError where a sample does not fit into the bits that were given.
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

/** Where only the number of bits matters, a sample that uses all of them ends the search. */
function highestSample(data: Uint16Array, stopEarly: boolean): number {
  const enough = stopEarly ? 2 ** (WHOLE - 1) : 2 ** WHOLE;
  let highest = 0;
  for (let i = 0; i < data.length && highest < enough; i++) if (data[i] > highest) highest = data[i];
  return highest;
}

/** Samples → 0 … 65535. */
export const to16Bits = (image: Image) => 65535 / (2 ** bitsOf(image) - 1);
