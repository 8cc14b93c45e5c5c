/** Errors for files in formats that raybox does not read. This module is only loaded if there is such a file. */
import { InputError } from '../errors.js';
import { BROWSER_FORMATS, detectFormat, READ_FORMATS } from './signature.js';

const HTML_HINT = 'the address gave a web page: check it';
const LFS_HINT = 'run git lfs pull to get the file itself';
const SAVED_MODEL_HINT =
  'it is a SavedModel of TensorFlow: tensorflowjs_converter FOLDER OUT, or python -m tf2onnx.convert --saved-model FOLDER --output model.onnx, writes what raybox reads';
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
  return new InputError('weights: the file is not a checkpoint', {
    expected:
      'safetensors, a file that torch.save wrote, an ONNX model, model.json of TensorFlow.js, or a model that Keras saved',
    given: describeFormat(bytes),
    hint: HINTS[detectFormat(bytes)],
  });
}

/** The error for a zip archive without a checkpoint of PyTorch. @param names those of its entries */
export function noTorchArchive(names: readonly string[]): InputError {
  const isKeras = names.includes('config.json') && names.some((name) => name.endsWith('.weights.h5'));
  if (isKeras)
    return new InputError('weights: the archive has the parts of a model that Keras saved, in another order', {
      given: names.slice(0, 5).join(', '),
      hint: "save it anew: keras.models.load_model('model.keras').save('model.keras')",
    });
  return new InputError('torch: the zip archive holds no data.pkl', {
    given: names.slice(0, 5).join(', ') || 'an empty archive',
    hint: ARCHIVE_HINTS.find(({ entry }) => names.some((name) => entry.test(name)))?.hint ?? ARCHIVE_HINT,
  });
}

const ARCHIVE_HINT = 'is this a file that torch.save wrote?';
/** Advice for archives that are no checkpoint, by the name of one of their entries. */
const ARCHIVE_HINTS: readonly { entry: RegExp; hint: string }[] = [
  {
    entry: /\.npy$/,
    hint: 'it is an archive of NumPy: recorded activations are given to raybox verify --reference, and weights are saved with torch.save',
  },
  { entry: /(^|\/)saved_model\.pb$/, hint: SAVED_MODEL_HINT },
  {
    entry: /\.(pth?|ckpt|tar|safetensors|onnx|h5|hdf5|keras|json)$/i,
    hint: 'if the weights are in this archive, unpack it first',
  },
];

/** The error for JSON that is no TensorFlow.js model, with advice. @param keys the first of its keys; undefined if it is no object */
export function noModelJson(keys: readonly string[] | undefined, given: string): InputError {
  return new InputError('weights: the file is JSON, but not a TensorFlow.js model', {
    expected: 'model.json with modelTopology and weightsManifest',
    given: keys ? keys.slice(0, 6).join(', ').slice(0, 120) || 'no keys' : given,
    hint: JSON_HINTS.find(({ key }) => keys?.includes(key))?.hint ?? JSON_HINT,
  });
}

const JSON_HINT = 'name the file of the weights, or the model.json that lies beside them';
/** Advice for JSON files that are often given in place of weights. Each kind is recognised by one of its keys. */
const JSON_HINTS: readonly { key: string; hint: string }[] = [
  {
    key: 'weight_map',
    hint: 'it lists the files that a network is split into: join them, and save one safetensors file',
  },
  {
    key: 'architectures',
    hint: 'it is the configuration beside the weights: load model.safetensors, and give the settings as options',
  },
  { key: 'error', hint: 'it is the answer of a server that refused: check the address' },
  { key: 'message', hint: 'it is the answer of a server that refused: check the address' },
];

/** The error for bytes that are not an image in a supported format, with advice. */
export function noImageFile(bytes: Uint8Array): InputError {
  const format = detectFormat(bytes);
  const hint = BROWSER_FORMATS.includes(format)
    ? 'convert it to PNG, which loses nothing; in a page, where the browser decodes it, it is taken as it is'
    : IMAGE_HINTS[format];
  return new InputError(`image: not a ${READ_FORMATS} file`, {
    expected: READ_FORMATS,
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
  ONNX: 'export the state dict with torch.save instead',
};
