/** Reads the tensors and the strings of a weights file, whatever its format. What they say about the network is read in `weights.ts`. */

import { detectFormat } from '../signature.js';
import type { Checkpoint } from './checkpoint.js';
import { hasInt8, readSafetensors, readSafetensorsHeader } from './safetensors.js';

/**
 * Reads weights in a format that is detected from the bytes: safetensors, or a PyTorch checkpoint as zip archive or stream. Tensors keep
 * the names that they have in the file.
 * @param prefix the prefix of the network to read, which may also be the name of its dict in a PyTorch checkpoint.
 * @throws InputError that says what is wrong with the file, or which other format it has.
 */
export async function readCheckpoint(bytes: Uint8Array, prefix?: string): Promise<Checkpoint> {
  const format = detectFormat(bytes);
  // Loaded on demand, because a page that only uses safetensors does not need the reader of pickles.
  if (format === 'zip' || format === 'torch stream')
    return (await import('../torch/torch.js')).readTorch(bytes, prefix);
  if (format === 'safetensors') {
    const header = readSafetensorsHeader(bytes);
    if (hasInt8(header)) return (await import('./int8_weights.js')).int8InMemory(header, bytes);
    return readSafetensors(bytes, header);
  }
  throw (await import('../refused_format.js')).noCheckpoint(bytes);
}
