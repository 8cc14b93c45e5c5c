/** The options `cache` and `integrity` of `load`. This module is only loaded if one of them is given. */
import { platform } from '#gpu';
import { InputError } from '../../errors.js';
import { type ByteSource, type ReadBytesOptions, readBytes } from './bytes.js';
import { checkIntegrity, parseIntegrity } from './integrity.js';
import { type KeptBytes, keptWeights } from './kept_weights.js';

export interface CheckedOptions extends ReadBytesOptions {
  cache?: boolean | string | undefined;
  integrity?: string | undefined;
}

/** @throws InputError for invalid options, before anything is read, and for weights with another hash than `integrity` */
export async function checkedWeights(weights: ByteSource, options: CheckedOptions): Promise<KeptBytes> {
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
  const bytes = await readBytes(weights, options);
  if (integrity !== undefined) await checkIntegrity(bytes, integrity, 'weights');
  return { bytes, warnings: [] };
}
