/** Files that a page keeps between visits, in the browser's Cache API. `caches.delete('raybox-weights')` removes them all. */
import type { KeptFiles } from '../gpu/platform.js';

const NAME = 'raybox-weights';

/** No page has this address, so that a service worker that looks up its own requests never meets these files. */
const addressOf = (key: string) => `https://raybox.invalid/${key}`;
const NOTE = 'x-raybox-note';

/** @throws where the browser allows no storage. */
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
