/** Keeps files of a page between visits, in the browser's Cache API. `caches.delete('raybox-weights')` removes them all. */
import type { KeptFiles } from '../gpu/platform.js';

const NAME = 'raybox-weights';

/** The address of a file in the cache. No page has such an address, so a service worker that looks up requests never finds these files. */
const addressOf = (key: string) => `https://raybox.invalid/${key}`;
const NOTE = 'x-raybox-note';

/** @throws if the browser allows no storage. */
export async function openKeptFiles(): Promise<KeptFiles | undefined> {
  const cache = await globalThis.caches?.open(NAME);
  if (!cache) return undefined;
  return {
    async read(key, maxBytes) {
      const found = await cache.match(addressOf(key));
      if (!found || Number(found.headers.get('content-length')) > maxBytes) return undefined;
      const note = decodeURIComponent(found.headers.get(NOTE) ?? '');
      return { bytes: new Uint8Array(await found.arrayBuffer()), note };
    },
    async write(key, bytes, note) {
      const headers = { [NOTE]: encodeURIComponent(note), 'content-length': String(bytes.length) };
      await cache.put(addressOf(key), new Response(bytes as BodyInit, { headers }));
    },
  };
}
