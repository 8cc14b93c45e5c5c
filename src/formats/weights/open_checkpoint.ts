/** Opens a weights file whose tensors stay in it until they are needed. */
import { type Parts, readPart } from '../parts.js';
import { detectFormat } from '../signature.js';
import type { Checkpoint } from './checkpoint.js';
import { tensorsIn } from './file_tensors.js';
import { LENGTH_BYTES, readSafetensorsHeader, safetensorsHeaderBytes } from './safetensors.js';
import { checkpointOf } from './safetensors_checkpoint.js';

/** The most bytes that `detectFormat` looks at. */
const SIGNATURE_BYTES = 512;

/**
 * The checkpoint in a file of which parts can be read: safetensors, or a PyTorch checkpoint as zip archive. Undefined if its format has to be read
 * as a whole, or is none of weights. The tensors stay in the file: each is read when its numbers are asked for, and may then be collected again.
 * @throws InputError as `readCheckpoint` does; later, when a tensor is read, if the file has changed
 */
export async function openCheckpoint(file: Parts, prefix?: string): Promise<Checkpoint | undefined> {
  const format = detectFormat(readPart(file, 0, Math.min(SIGNATURE_BYTES, file.size)));
  if (format === 'zip') return (await import('../torch/torch.js')).openTorch(file, prefix);
  if (format !== 'safetensors') return undefined;
  const headerBytes = safetensorsHeaderBytes(readPart(file, 0, Math.min(LENGTH_BYTES, file.size)));
  const header = readPart(file, 0, Math.min(headerBytes, file.size));
  const tensorIn = tensorsIn(file);
  return checkpointOf(readSafetensorsHeader(header, file.size), (entry) => tensorIn(entry));
}
