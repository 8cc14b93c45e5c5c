/** What to say of a file that is of no format that raybox reads. Loaded only then. */
import { InputError } from '../errors.js';
import { detectFormat } from './signature.js';

/** What a file is, as an error message says it. */
export function describeFormat(bytes: Uint8Array): string {
  const format = detectFormat(bytes);
  if (format === 'empty') return 'an empty file';
  if (format === 'HTML') return 'an HTML page';
  if (format === 'text') return 'a text file';
  if (format === 'git-lfs pointer') return 'a git-lfs pointer';
  if (format === 'unknown')
    return `bytes ${[...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')} …`;
  return `${/^(?:HEIC|HDF5|ONNX)/.test(format) ? 'an' : 'a'} ${format} file`;
}

/** Why bytes are no weights, and what to do about it. */
export function noCheckpoint(bytes: Uint8Array): InputError {
  return new InputError('weights: the file is no checkpoint', {
    expected: 'a safetensors file or one that torch.save wrote',
    given: describeFormat(bytes),
    hint: HINTS[detectFormat(bytes)],
  });
}

const HINTS: Record<string, string> = {
  HTML: 'the address gave a web page: check it',
  'git-lfs pointer': 'run git lfs pull to get the file itself',
  empty: 'the download or copy did not finish',
  gzip: 'unpack it first',
  tar: 'unpack it first, or save it again with a torch of this decade',
  pickle: 'save the weights with torch.save',
  ONNX: 'export the state dict with torch.save instead',
};
