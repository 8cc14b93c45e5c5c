/** JPEG by jpeg-js: baseline and progressive, 8 bits, grey, colour and Adobe CMYK. ITU-T T.81. */
import { InputError } from '../errors.js';
import { loadOptional } from './optional.js';
import { checkSize, type DecodeOptions, type Image } from './pixels.js';

const MAX_SCANS = 100;
const MAX_MEMORY_MB = 2048;

const UNSUPPORTED_FRAMES: Record<number, string> = {
  195: 'lossless',
  197: 'hierarchical',
  198: 'hierarchical',
  199: 'hierarchical',
  201: 'arithmetic-coded',
  202: 'arithmetic-coded',
  203: 'arithmetic-coded',
  205: 'arithmetic-coded',
  206: 'arithmetic-coded',
  207: 'arithmetic-coded',
};

/**
 * Decodes a JPEG: grey to one channel, colour and Adobe CMYK to three. The EXIF orientation is applied, so that the image
 * stands as viewers and browsers show it. Throws an InputError for a file that is cut, of a kind that is not supported
 * (named), or larger than `maxImageBytes`.
 */
export async function decodeJpeg(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const { width, height, components, isRgb, orientation, end } = readMarkers(bytes);
  checkSize('jpeg', width, height, components > 1 ? 3 : 1, options);
  // Every block of 8 × 8 takes a bit at least: a header that promises more is not worth the memory.
  if (Math.ceil(width / 8) * Math.ceil(height / 8) > bytes.length * 8) throw cut(`${bytes.length} bytes`);

  const { default: jpeg } = await loadOptional('jpeg-js', 'JPEG', () => import('jpeg-js'));
  let rgb: Uint8Array;
  try {
    const decoded = jpeg.decode(bytes.subarray(0, end), {
      useTArray: true,
      formatAsRGBA: false,
      colorTransform: isRgb ? false : undefined,
      maxResolutionInMP: Infinity,
      maxMemoryUsageInMB: MAX_MEMORY_MB,
    });
    rgb = decoded.data;
  } catch (cause) {
    throw new InputError('jpeg: the image cannot be decoded', {
      given: cause instanceof Error ? cause.message : undefined,
      hint: 'the file is incomplete or damaged',
      cause,
    });
  }
  if (components > 1) return upright({ data: rgb, width, height, channels: 3 }, orientation);
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++) grey[i] = rgb[3 * i];
  return upright({ data: grey, width, height, channels: 1 }, orientation);
}

interface Markers {
  width: number;
  height: number;
  components: number;
  /** Three components that are red, green and blue rather than luma and chroma. */
  isRgb: boolean;
  /** EXIF orientation, 1 to 8. */
  orientation: number;
  /** Offset behind the end marker. */
  end: number;
}

const cut = (given: string) =>
  new InputError('jpeg: the file is cut', { given, hint: 'the file is incomplete: download or copy it again' });

/** Walks the markers to the end of the image, over the compressed data, without decoding it. */
function readMarkers(bytes: Uint8Array): Markers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frame: Frame | undefined;
  let restartInterval = 0;
  let adobeTransform: number | undefined;
  let orientation = 1;
  let scans = 0;
  for (let at = 2; ; ) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    const marker = bytes[at + 1];
    if (marker === undefined) throw cut(`${bytes.length} bytes`);
    if (bytes[at] !== 0xff)
      throw new InputError('jpeg: no marker where one must be', {
        given: `at byte ${at}`,
        hint: 'the file is damaged',
      });
    if (marker === 0xd9) {
      if (frame === undefined || scans === 0) throw cut('no pixels');
      const { width, height, ids } = frame;
      const isRgb = ids.length === 3 && (adobeTransform === 0 || (adobeTransform === undefined && ids === 'RGB'));
      return { width, height, components: ids.length, isRgb, orientation, end: at + 2 };
    }
    if (at + 4 > bytes.length) throw cut(`${bytes.length} bytes`);
    const length = view.getUint16(at + 2);
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (length < 2 || segment.length !== length - 2) throw cut(`${bytes.length} bytes`);
    at += 2 + length;

    if (UNSUPPORTED_FRAMES[marker] !== undefined)
      throw new InputError(`jpeg: ${UNSUPPORTED_FRAMES[marker]} images are not supported`, {
        expected: 'baseline or progressive',
      });
    if (marker === 0xdd && segment.length === 2) restartInterval = (segment[0] << 8) | segment[1];
    else if (marker >= 0xc0 && marker <= 0xc2) {
      if (frame !== undefined) throw new InputError('jpeg: the file holds two frames');
      frame = readFrame(segment);
    } else if (marker === 0xee && startsWith(segment, 'Adobe') && segment.length >= 12) adobeTransform = segment[11];
    else if (marker === 0xe1 && startsWith(segment, 'Exif\0\0')) orientation = readOrientation(segment.subarray(6));
    else if (marker === 0xda) {
      if (++scans > MAX_SCANS) throw new InputError('jpeg: too many scans', { expected: `at most ${MAX_SCANS}` });
      // Compressed data: 0xff is followed by 0 or by a restart marker until the next segment.
      let restarts = 0;
      for (; at < bytes.length && !(bytes[at] === 0xff && isSegment(bytes[at + 1])); at++)
        if (bytes[at] === 0xff && isRestart(bytes[at + 1])) restarts++;
      // The decoder leaves grey what lies behind a missing restart.
      if (
        frame !== undefined &&
        restartInterval > 0 &&
        restarts < Math.ceil(scanUnits(frame, segment) / restartInterval) - 1
      )
        throw cut(`a scan with ${restarts} restarts`);
    }
  }
}

const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;
const isSegment = (marker: number) => marker !== 0 && marker !== 0xff && !isRestart(marker);
const startsWith = (bytes: Uint8Array, text: string) => String.fromCharCode(...bytes.subarray(0, text.length)) === text;

interface Frame {
  width: number;
  height: number;
  /** One character for each component. */
  ids: string;
  /** Sampling factors of each component. */
  sampling: { h: number; v: number }[];
}

function readFrame(segment: Uint8Array): Frame {
  const [precision, heightHigh, heightLow, widthHigh, widthLow, count] = segment;
  if (segment.length !== 6 + 3 * count || ![1, 3, 4].includes(count))
    throw new InputError('jpeg: impossible header', { expected: '1, 3 or 4 components', given: `${count}` });
  if (precision !== 8) throw new InputError(`jpeg: ${precision}-bit images are not supported`, { expected: '8 bits' });
  const components = Array.from({ length: count }, (_, i) => segment.subarray(6 + 3 * i));
  return {
    width: (widthHigh << 8) | widthLow,
    height: (heightHigh << 8) | heightLow,
    ids: String.fromCharCode(...components.map(([id]) => id)),
    sampling: components.map(([, factors]) => ({ h: factors >> 4, v: factors & 15 })),
  };
}

/** Minimum coded units of a scan: single blocks where it holds one component, else one block of the largest sampling. */
function scanUnits({ width, height, ids, sampling }: Frame, scan: Uint8Array): number {
  const h = Math.max(...sampling.map((factors) => factors.h));
  const v = Math.max(...sampling.map((factors) => factors.v));
  const only = sampling[ids.indexOf(String.fromCharCode(scan[1]))];
  if (scan[0] !== 1 || only === undefined) return Math.ceil(width / (8 * h)) * Math.ceil(height / (8 * v));
  return Math.ceil(Math.ceil((width * only.h) / h) / 8) * Math.ceil(Math.ceil((height * only.v) / v) / 8);
}

/** Tag 0x0112 of the first directory of a TIFF header; 1 (upright) where it is missing or makes no sense. */
function readOrientation(tiff: Uint8Array): number {
  if (tiff.length < 10) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = tiff[0] === 0x49;
  const start = view.getUint32(4, little);
  if (start + 2 > tiff.length) return 1;
  const end = Math.min(tiff.length, start + 2 + 12 * view.getUint16(start, little));
  for (let entry = start + 2; entry + 12 <= end; entry += 12)
    if (view.getUint16(entry, little) === 0x0112) {
      const value = view.getUint16(entry + 8, little);
      return value >= 1 && value <= 8 ? value : 1;
    }
  return 1;
}

/** Turns and mirrors an image as its EXIF orientation says: 2 to 4 keep rows, 5 to 8 make columns of them. */
function upright(image: Image, orientation: number): Image {
  if (orientation === 1) return image;
  const { data, width, height, channels } = image;
  const transposed = orientation >= 5;
  const flipX = [2, 3, 7, 8].includes(orientation);
  const flipY = [3, 4, 6, 7].includes(orientation);
  const [newWidth, newHeight] = transposed ? [height, width] : [width, height];
  const turned = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < newHeight; y++)
    for (let x = 0; x < newWidth; x++) {
      const [column, row] = transposed ? [y, x] : [x, y];
      const fromX = flipX ? width - 1 - column : column;
      const fromY = flipY ? height - 1 - row : row;
      for (let c = 0; c < channels; c++) turned[to++] = data[(fromY * width + fromX) * channels + c];
    }
  return { data: turned, width: newWidth, height: newHeight, channels };
}
