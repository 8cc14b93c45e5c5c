/** The hash by which results say with which weights they were made. */
import { readTensors } from '../../localizer/weights/model.js';
import type { OnFile, ReadOptions } from '../../localizer/weights/weights_input.js';
import { fileHash } from '../../node/weights_file.js';
import { naming } from '../terminal.js';
import { shortened, shortHash } from './made_by.js';

/** The hash of weights that are being read. */
interface WeightsHash {
  readonly onFile: OnFile;
  /**
   * The hash, when the weights have been read: of a single file that of its bytes, as `sha256sum` gives it; of several files, that of a line
   * with name and hash for each of them. @throws InputError if the file has changed since
   */
  value(): string;
}

/** @param weights a path or address. The hash has to be made before they are read, so that a change in between is noticed */
export function watchWeights(weights: string): WeightsHash {
  const ofFile = fileHash(weights);
  const files = new Map<string, string>();
  return {
    onFile(name, bytes) {
      files.set(name, shortHash(bytes));
    },
    value() {
      // Weights whose tensors are read one by one are never in memory as a whole. Then there is one file.
      const first = files.get('') ?? (ofFile ? shortened(ofFile()) : '');
      if (files.size <= 1) return first;
      const lines = [...files].map(([name, hash]) => `${name} ${hash}\n`);
      return shortHash(lines.sort().join(''));
    },
  };
}

/** The hash of weights that need not be run. Only what has no file on this machine, or several, is read as weights. */
export async function hashOfWeights(weights: string, options: ReadOptions): Promise<string> {
  const hash = watchWeights(weights);
  await readTensors(weights, { ...options, onFile: hash.onFile }).catch(naming(weights));
  return hash.value();
}
