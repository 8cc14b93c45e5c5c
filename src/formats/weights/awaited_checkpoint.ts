/** The tensors of a file of which parts have to be awaited, such as a Blob or a download. */
import type { AwaitedParts } from '../parts.js';
import { detectFormat } from '../signature.js';
import type { Checkpoint } from './checkpoint.js';
import { awaitedTensorIn } from './file_tensors.js';
import { readSafetensorsHeader, safetensorsHeaderBytes } from './safetensors.js';
import { checkpointOf } from './safetensors_checkpoint.js';

/** Bytes that `detectFormat` needs to tell these formats from others. The first 8 of safetensors say how long the header is. */
const BEGINNING_BYTES = 64;

/**
 * The checkpoint in a file of which parts have to be awaited. Undefined for all formats but safetensors, and zip archives of PyTorch that can be read
 * in any order. Only the header is awaited, or an archive's directory and check; the numbers of the tensors have to be awaited later (`piecesOf`,
 * `numbersOf`).
 * @throws InputError as `readSafetensorsHeader` does; later, when a tensor is read, if its bytes do not come
 */
export async function awaitCheckpoint(file: AwaitedParts, prefix?: string): Promise<Checkpoint | undefined> {
  const beginning = await awaitBeginning(file, BEGINNING_BYTES);
  const format = detectFormat(beginning);
  if (format === 'zip' && file.isRandom) return (await import('./awaited_torch.js')).awaitTorch(file, prefix);
  if (format !== 'safetensors') return undefined;
  const header = await awaitBeginning(file, safetensorsHeaderBytes(beginning));
  return checkpointOf(readSafetensorsHeader(header, file.size), (entry) => awaitedTensorIn(file, entry));
}

async function awaitBeginning(file: AwaitedParts, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(count, file.size));
  await file.read(0, bytes);
  return bytes;
}
