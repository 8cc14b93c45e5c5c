/** The options `cache` and `integrity` of `load`. Loaded where one of them is given. */
import { InputError } from '../errors.js';
import { readCheckpoint } from '../formats/weights.js';
import type { Warning } from '../warnings.js';
import { checkIntegrity, parseIntegrity } from './integrity.js';
import { keptWeights } from './kept_weights.js';
import type { ReadOptions, WeightsInput } from './model.js';

export interface CheckedBytes {
  bytes: Uint8Array;
  warnings?: readonly Warning[];
}

/**
 * @param read gives the bytes of weights that are not kept
 * @param isReadable whether bytes are weights; others are not kept
 * @throws InputError for options that make no sense, before anything is read, and for weights of another hash
 */
export async function checkedWeights(
  weights: WeightsInput,
  options: ReadOptions & { maxBytes: number },
  read: () => Promise<Uint8Array>,
  isReadable = isCheckpoint,
): Promise<CheckedBytes> {
  const { cache = false, integrity } = options;
  if (typeof cache !== 'boolean') throw new InputError('cache', { expected: 'true or false', given: String(cache) });
  if (integrity !== undefined) parseIntegrity(integrity);
  if (cache) return keptWeights(weights, { ...options, isReadable: (bytes) => isReadable(bytes, options.prefix) });
  const bytes = await read();
  if (integrity !== undefined) await checkIntegrity(bytes, integrity, 'weights');
  return { bytes };
}

function isCheckpoint(bytes: Uint8Array, prefix: string | undefined): Promise<boolean> {
  return readCheckpoint(bytes, prefix).then(
    () => true,
    () => false,
  );
}
