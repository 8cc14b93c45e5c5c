/** Prepares an image's pixels for the GPU: checks their sizes, removes transparency, determines the level of white and adds warnings. */
import { InputError } from '../../errors.js';
import { withoutAlpha } from '../../formats/images/alpha.js';
import { settleBits } from '../../formats/images/bits.js';
import { checkImage, type Image } from '../../formats/images/pixels.js';
import { nearestOf } from '../../options.js';
import { checkPixels } from './image_checks.js';
import { type GpuPixels, gpuPixelBytes, type PixelImage } from './image_input.js';

/**
 * @param bits the bits in use of 16-bit samples, as an option of the call. The image's own `bits` take precedence.
 * @throws InputError for data of the wrong type or length, or if a sample does not fit into the bits.
 */
export function examineImage(image: PixelImage, bits?: number): Image {
  const given = image.bits ?? bits;
  const settled = settleBits(withoutAlpha(wholeImage(image), given), given);
  const found = checkPixels(settled);
  return found.length > 0 ? { ...settled, warnings: [...(settled.warnings ?? []), ...found] } : settled;
}

function wholeImage(image: PixelImage): Image {
  const { data, width, height, bits, warnings } = image;
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray || data instanceof Uint16Array)) {
    throw new InputError('image: the data has the wrong type', {
      expected: 'Uint8Array, Uint8ClampedArray or Uint16Array',
      given: Object.prototype.toString.call(data),
      hint: 'scale floating-point pixels to 8 or 16 bits first; NaN has no grey value',
    });
  }
  const bytes = data instanceof Uint8ClampedArray ? new Uint8Array(data.buffer, data.byteOffset, data.length) : data;
  const channels = data.length / (width * height);
  checkFields(image, channels);
  const checked = { data: bytes, width, height, channels: channels as 1, bits, warnings };
  checkImage(checked);
  return checked;
}

const FIELDS = ['bits', 'channels', 'warnings'];

/** @throws InputError for a field that is misspelt, or that contradicts the data, since it would be ignored. Other fields are the caller's. */
function checkFields(image: PixelImage & { readonly channels?: unknown }, channels: number): void {
  const { data, width, height, bits } = image;
  for (const name of Object.keys(image)) {
    const meant = FIELDS.includes(name) ? undefined : nearestOf(name, FIELDS);
    if (meant) throw new InputError(`image: there is no field ${name}`, { hint: `did you mean ${meant}?` });
  }
  if (bits !== undefined && bits !== 8 && !(data instanceof Uint16Array))
    throw new InputError('image: bits', { expected: '8 for samples of 8 bits, or a Uint16Array', given: String(bits) });
  const pixels = width * height;
  const isKnown = image.channels === undefined || image.channels === channels;
  if (!(pixels >= 1) || !Number.isFinite(pixels) || ([1, 3, 4].includes(channels) && isKnown)) return;
  throw new InputError(`image: the data is not that of ${width} × ${height} pixels`, {
    expected: isKnown
      ? `${pixels}, ${3 * pixels} or ${4 * pixels} values: 1, 3 or 4 channels`
      : `${pixels * Number(image.channels)} values for channels ${image.channels}`,
    given: `${data.length} values`,
  });
}

/** The value of GPUBufferUsage.COPY_SRC. In Node the global may be missing even if the caller has a device. */
const COPY_SOURCE = 0x4;

/**
 * @param given the bits in use, as an option of the call. They are used if the image's own `bits` are 16, which may only be the width of a
 *   sample.
 */
export function examineGpuPixels(image: GpuPixels, given: number | undefined): GpuPixels {
  const { buffer, width, height, channels } = image;
  const bits = image.bits === 16 ? (given ?? 16) : image.bits;
  const wholeBits = Number.isInteger(bits) && bits <= 16 && bits >= (image.bits === 8 ? 8 : 9);
  const whole = [width, height].every((size) => Number.isInteger(size) && size >= 1);
  if (![1, 3, 4].includes(channels) || !wholeBits || !whole || buffer.size < gpuPixelBytes(image)) {
    throw new InputError('image in a GPUBuffer', {
      expected:
        'width × height × channels (1, 3 or 4) samples, bits 8 (one byte a sample) or 9 to 16 (two bytes), in a buffer of that many bytes, rounded up to a multiple of 4',
      given: `${width} × ${height} × ${channels} × ${bits} bits in ${buffer.size} bytes`,
    });
  }
  if (!(buffer.usage & COPY_SOURCE)) {
    throw new InputError('image in a GPUBuffer', { expected: 'usage COPY_SRC', given: `usage ${buffer.usage}` });
  }
  return { ...image, bits };
}
