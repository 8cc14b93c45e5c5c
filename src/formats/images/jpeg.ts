/**
 * Decodes JPEG (ITU-T T.81): sequential and progressive, Huffman-coded, 8 bits, in grey, RGB, YCbCr, CMYK and YCCK. The samples are
 * bit for bit those of libjpeg. No package is used, because those that run both in Node and in a page take many times the image's memory,
 * enlarge chroma without smoothing and convert some colours wrongly.
 */
import { InputError } from '../../errors.js';
import type { Warning } from '../../warnings.js';
import { cut, damaged, huffmanTable } from './jpeg_bits.js';
import { type Colours, coloursOf, type Frame, readFrame, readQuantisation, type Tables } from './jpeg_frame.js';
import { imageOf } from './jpeg_samples.js';
import { decodeScan, isWhole, transformComponent } from './jpeg_scan.js';
import { readOrientation, upright } from './orientation.js';
import { checkSize, type DecodeOptions, type Image } from './pixels.js';
import { firstOf, picturesIn } from './several_pictures.js';

/** A progressive image usually has about ten scans. The limit is needed because each scan takes time for every block. */
const MAX_SCANS = 100;

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
 * Decodes a JPEG: grey to one channel, others to RGB. The EXIF orientation is applied, with a warning, so that the image has the
 * orientation in which viewers and browsers show it. A file that lacks only its end marker is read, and so is the first picture of a file
 * with several (MPO), each with a warning. Beside the image, memory is needed for the stored samples and, in progressive files, for their
 * coefficients.
 * @throws InputError for a file that is cut, damaged, of an unsupported kind, or larger than `maxImageBytes`
 */
export async function decodeJpeg(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const { frame, colours, orientation, warnings } = readSegments(bytes, options);
  for (const component of frame.components) {
    transformComponent(component);
    if (!component.plane) throw damaged('a component without a scan');
  }
  const data = imageOf(frame, colours);
  const { width, height } = frame;
  const image: Image = { data, width, height, channels: colours === 'grey' ? 1 : 3 };
  return upright(warnings.length > 0 ? { ...image, warnings } : image, orientation);
}

interface Decoded {
  frame: Frame;
  colours: Colours;
  /** EXIF orientation, 1 to 8. */
  orientation: number;
  warnings: Warning[];
}

/** Reads the file's segments up to the end marker, and decodes each scan when it is reached. */
function readSegments(bytes: Uint8Array, options: DecodeOptions): Decoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tables: Tables = { quantisation: [], dc: [], ac: [], restartInterval: 0 };
  let frame: Frame | undefined;
  let isJfif = false;
  let adobeTransform: number | undefined;
  let orientation = 1;
  let scans = 0;
  let pictures = 1;
  const done = (whole: Frame, more: Warning[]): Decoded => {
    const colours = coloursOf(whole, isJfif, adobeTransform);
    const assumed = adobeTransform === undefined ? assumedOf(colours) : [];
    return { frame: whole, colours, orientation, warnings: [...assumed, ...more] };
  };
  for (let at = 2; ; ) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    const marker = bytes[at + 1];
    if (marker === undefined) {
      if (scans === 0 || !isWhole(frame!))
        throw cut(`${bytes.length} bytes, which end ${scans === 0 ? 'before' : 'between'} the scans`);
      return done(frame!, [MISSING_END]);
    }
    if (bytes[at] !== 0xff)
      throw new InputError('jpeg: no marker where one must be', {
        given: `at byte ${at}`,
        hint: 'the file is damaged',
      });
    if (marker === 0xd9) {
      if (frame === undefined || scans === 0) throw cut('no pixels');
      if (pictures > 1 || holdsPicture(bytes.subarray(at + 2)))
        return done(frame, [firstOf('a JPEG of several pictures', pictures > 1 ? pictures : undefined)]);
      return done(frame, []);
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
    if (marker >= 0xc0 && marker <= 0xc2) {
      if (frame !== undefined) throw new InputError('jpeg: the file holds two frames');
      frame = checkedFrame(segment, marker === 0xc2, bytes.length, options);
    } else if (marker === 0xc4) readHuffman(segment, tables);
    else if (marker === 0xdb) readQuantisation(segment, tables);
    else if (marker === 0xdd && segment.length === 2) tables.restartInterval = (segment[0] << 8) | segment[1];
    else if (marker === 0xe0 && startsWith(segment, 'JFIF\0') && segment.length >= 14) isJfif = true;
    else if (marker === 0xee && startsWith(segment, 'Adobe') && segment.length >= 12) adobeTransform = segment[11];
    else if (marker === 0xe1 && startsWith(segment, 'Exif\0\0')) orientation = readOrientation(segment.subarray(6));
    else if (marker === 0xe2 && startsWith(segment, 'MPF\0')) pictures = picturesIn(segment.subarray(4));
    else if (marker === 0xda) {
      if (!frame) throw damaged('a scan before its frame');
      if (++scans > MAX_SCANS) throw new InputError('jpeg: too many scans', { expected: `at most ${MAX_SCANS}` });
      at = decodeScan(bytes, at, segment, frame, tables);
    }
  }
}

const startsWith = (bytes: Uint8Array, text: string) => String.fromCharCode(...bytes.subarray(0, text.length)) === text;

/** Reads the frame's header, and checks the size before anything is allocated for it. */
function checkedFrame(segment: Uint8Array, progressive: boolean, fileBytes: number, options: DecodeOptions): Frame {
  const frame = readFrame(segment, progressive);
  const { width, height, components } = frame;
  checkSize('jpeg', width, height, components.length > 1 ? 3 : 1, options);
  // Every block takes at least one bit. If the header claims more blocks than that, the file is cut, and no memory is allocated for it.
  if (Math.ceil(width / 8) * Math.ceil(height / 8) > fileBytes * 8) throw cut(`${fileBytes} bytes`);
  return frame;
}

/** DHT: Huffman tables. */
function readHuffman(segment: Uint8Array, tables: Tables): void {
  for (let at = 0; at < segment.length; ) {
    const [kind, place] = [segment[at] >> 4, segment[at] & 15];
    const counts = segment.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const symbols = segment.subarray(at + 17, at + 17 + total);
    if (kind > 1 || place > 3 || counts.length < 16 || symbols.length < total || total > 256)
      throw damaged('an invalid Huffman table');
    tables[kind === 0 ? 'dc' : 'ac'][place] = huffmanTable(counts, symbols);
    at += 17 + total;
  }
}

const MISSING_END: Warning = {
  code: 'missing-end',
  message: 'the JPEG ends without its end marker; all of its image was there and was read',
};

/** Whether another picture follows the end of the first one. There may be zeros between them, because some programs align pictures. */
function holdsPicture(behind: Uint8Array): boolean {
  const start = behind.findIndex((byte) => byte !== 0);
  return start >= 0 && behind[start] === 0xff && behind[start + 1] === 0xd8 && behind[start + 2] === 0xff;
}

/** The warning for an image with four colours and no Adobe marker, which would say what the colours are. */
function assumedOf(colours: Colours): Warning[] {
  if (colours !== 'CMYK') return [];
  const message =
    'the JPEG has four colours and does not say which: CMYK was assumed, inverted as Adobe writes it; convert the file to grey if it looks wrong';
  return [{ code: 'assumed-colours', message }];
}
