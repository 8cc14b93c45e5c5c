/** Checks files by their hashes, written as in W3C Subresource Integrity (the attribute `integrity` of a script in a page). */
import { InputError } from '../../errors.js';

/** The length of each hash in bytes. A longer hash is stronger. */
const LENGTHS = { sha256: 32, sha384: 48, sha512: 64 };
export type Algorithm = keyof typeof LENGTHS;

/**
 * Checks bytes against `sha256-…`, `sha384-…` or `sha512-…` in base64. There may be several hashes with spaces between them. Then only
 * those of the strongest algorithm count, and one of them has to match.
 * @param what the name of the file in messages
 * @throws InputError if no hash matches, with the hashes that were expected and given
 */
export const checkIntegrity = (bytes: Uint8Array, integrity: string, what: string): Promise<void> =>
  checkHash((algorithm) => hashOf(bytes, algorithm), integrity, what);

/** The same for bytes that are not in memory. @param hashBy computes their hash */
export async function checkHash(
  hashBy: (algorithm: Algorithm) => Uint8Array | Promise<Uint8Array>,
  integrity: string,
  what: string,
): Promise<void> {
  const { algorithm, hashes } = parseIntegrity(integrity);
  const hash = await hashBy(algorithm);
  const given = btoa(String.fromCharCode(...hash));
  if (hashes.includes(given)) return;
  throw new InputError(`${what}: not the file that the option integrity describes`, {
    expected: hashes.map((one) => `${algorithm}-${one}`).join(' or '),
    given: `${algorithm}-${given}`,
    hint: 'the file was changed or damaged on its way: get it again; where it was changed on purpose, say so in integrity',
  });
}

/** @throws InputError for a text that is not valid. If it were ignored, as browsers do, the file would not be checked. */
export function parseIntegrity(integrity: string): { algorithm: Algorithm; hashes: string[] } {
  const found = String(integrity).trim().split(/\s+/).map(parseHash);
  const strongest = found.reduce((most, { algorithm }) => Math.max(most, LENGTHS[algorithm]), 0);
  const best = found.filter(({ algorithm }) => LENGTHS[algorithm] === strongest);
  return { algorithm: best[0].algorithm, hashes: best.map(({ hash }) => hash) };
}

function parseHash(text: string): { algorithm: Algorithm; hash: string } {
  const [, algorithm, base64] = /^(sha(?:256|384|512))-([\w+/-]+={0,2})(?:\?.*)?$/.exec(text) ?? [];
  const hash = base64?.replaceAll('-', '+').replaceAll('_', '/');
  const length = LENGTHS[algorithm as Algorithm];
  if (!hash || hash.replace(/=+$/, '').length !== Math.ceil((length * 4) / 3)) {
    throw new InputError('integrity', {
      expected: 'sha256-, sha384- or sha512- and the hash in base64',
      given: `'${text.slice(0, 100)}'`,
      hint: 'openssl dgst -sha256 -binary FILE | openssl base64 -A gives the hash',
    });
  }
  return { algorithm: algorithm as Algorithm, hash: hash.replace(/=+$/, '').padEnd(Math.ceil(length / 3) * 4, '=') };
}

/** @throws InputError in a page that is not served over https or from localhost, because browsers compute no hashes there. */
export async function hashOf(bytes: Uint8Array, algorithm: Algorithm): Promise<Uint8Array> {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) {
    throw new InputError('hashes cannot be computed here', { hint: 'serve the page over https or from localhost' });
  }
  return new Uint8Array(await subtle.digest(algorithm.replace('sha', 'SHA-'), bytes as BufferSource));
}
