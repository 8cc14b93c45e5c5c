/** Keeps short texts of a page between visits, in the browser's IndexedDB. `indexedDB.deleteDatabase('raybox-tuning')` removes them all. */
import type { KeptTexts } from '../gpu/platform.js';

const NAME = 'raybox-tuning';
const STORE = 'texts';

/** Opens the texts of tuning, and makes their database if there is none. @throws if the browser allows no storage. */
export async function openKeptTexts(): Promise<KeptTexts> {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await answerOf(opening);
  // Otherwise this page would keep others from deleting the database.
  database.onversionchange = () => database.close();
  const store = (mode: IDBTransactionMode) => database.transaction(STORE, mode).objectStore(STORE);
  const textOf = (found: unknown, maxLength: number) => {
    if (found === undefined || (typeof found === 'string' && found.length <= maxLength)) return found;
    throw new Error(`it is not a text of at most ${maxLength} characters`);
  };
  return {
    keys: async () => (await answerOf(store('readonly').getAllKeys())).map(String),
    read: async (key, maxLength) => textOf(await answerOf(store('readonly').get(key)), maxLength),
    // Reading and writing are one transaction, so no other page changes the text in between.
    async change(key, maxLength, change) {
      const texts = store('readwrite');
      const found = await answerOf(texts.get(key));
      const isText = typeof found === 'string' && found.length <= maxLength;
      await answerOf(texts.put(change(isText ? found : undefined), key));
    },
    remove: async (key) => {
      await answerOf(store('readwrite').delete(key));
    },
  };
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
