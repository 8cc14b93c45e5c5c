/** Errors for files in formats that raybox does not read. This module is only loaded if there is such a file. */
import { InputError } from '../errors.js';
import { BROWSER_FORMATS, detectFormat } from './signature.js';

const HTML_HINT = 'the address gave a web page: check it';
const LFS_HINT = 'run git lfs pull to get the file itself';
const EMPTY_HINT = 'the download or copy did not finish';

/** The format of a file, in the words of an error message. */
export function describeFormat(bytes: Uint8Array): string {
  const format = detectFormat(bytes);
  if (format === 'empty') return 'an empty file';
  if (format === 'HTML') return 'an HTML page';
  if (format === 'text') return 'a text file';
  if (format === 'git-lfs pointer') return 'a git-lfs pointer';
  if (format === 'unknown')
    return `bytes ${[...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')} …`;
  return `${/^(?:AVIF|HEIC|HDF5|MPEG|ONNX)/.test(format) ? 'an' : 'a'} ${format} file`;
}

/** The error for bytes that are not weights, with advice. */
export function noCheckpoint(bytes: Uint8Array): InputError {
  return new InputError('weights: the file is no checkpoint', {
    expected: 'a safetensors file or one that torch.save wrote',
    given: describeFormat(bytes),
    hint: HINTS[detectFormat(bytes)],
  });
}

/** The error for bytes that are not an image in a supported format, with advice. */
export function noImageFile(bytes: Uint8Array): InputError {
  const format = detectFormat(bytes);
  const hint = BROWSER_FORMATS.includes(format)
    ? 'convert it to PNG, which loses nothing; in a page, where the browser decodes it, it is taken as it is'
    : IMAGE_HINTS[format];
  return new InputError('image: not a PNG or JPEG file', {
    expected: 'PNG or JPEG',
    given: describeFormat(bytes),
    ...(hint ? { hint } : {}),
  });
}

const IMAGE_HINTS: Record<string, string> = {
  HTML: HTML_HINT,
  'git-lfs pointer': LFS_HINT,
  empty: EMPTY_HINT,
  DICOM: 'export it as a 16-bit PNG first',
  HEIC: 'convert it to PNG first, which loses nothing',
  TIFF: 'convert it to PNG first, which loses nothing',
  'JPEG 2000': 'convert it to PNG first, which loses nothing',
};

const HINTS: Record<string, string> = {
  HTML: HTML_HINT,
  'git-lfs pointer': LFS_HINT,
  empty: EMPTY_HINT,
  gzip: 'unpack it first',
  tar: 'unpack it first; if PyTorch before 0.1.10 wrote it, load it there, or with any later torch.load, and save it again: torch.save(torch.load(FILE), FILE)',
  pickle: 'save the weights with torch.save',
  HDF5: 'make a TensorFlow.js model of Keras’ h5: tensorflowjs_converter --input_format keras model.h5 FOLDER, and load FOLDER/model.json',
  ONNX: 'export the state dict with torch.save instead',
};
