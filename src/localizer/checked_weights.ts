/** The options `cache` and `integrity` of `load`. Loaded where one of them is given. */
import { platform } from '#gpu';
import { InputError } from '../errors.js';
import { checkIntegrity, parseIntegrity } from './integrity.js';
import { type KeptBytes, keptWeights } from './kept_weights.js';
import type { ReadOptions, WeightsInput } from './model.js';

/**
 * @param read gives the bytes of weights that are not kept
 * @throws InputError for options that make no sense, before anything is read, and for weights of another hash
 */
export async function checkedWeights(
  weights: WeightsInput,
  options: ReadOptions & { maxBytes: number },
  read: () => Promise<Uint8Array>,
): Promise<KeptBytes> {
  const { cache = false, integrity } = options;
  if (typeof cache === 'string' && platform.name === 'web') {
    throw new InputError('cache', { expected: 'true or false in a page', given: 'a folder' });
  }
  if (typeof cache !== 'boolean' && (typeof cache !== 'string' || cache === '')) {
    throw new InputError('cache', { expected: 'true, false or a folder', given: String(cache) });
  }
  if (integrity !== undefined) parseIntegrity(integrity);
  const folder = typeof cache === 'string' ? cache : undefined;
  if (cache) return keptWeights(weights, { ...options, folder });
  const bytes = await read();
  if (integrity !== undefined) await checkIntegrity(bytes, integrity, 'weights');
  return { bytes, warnings: [] };
}
