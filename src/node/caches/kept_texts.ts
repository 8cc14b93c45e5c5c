/** Keeps short texts between runs, in the folder `raybox/tuning` of $XDG_CACHE_HOME or ~/.cache. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeptTexts } from '../../gpu/platform.js';
import { withFile } from '../lock.js';
import { readText, writeWhole } from '../text_files.js';
import { usersFolder } from './kept_files.js';

const ENDING = '.json';

/**
 * Opens the texts of tuning.
 * @param make whether to do so even if there are none. The folder is made with the first text.
 */
export async function openKeptTexts(make: boolean): Promise<KeptTexts | undefined> {
  const folder = usersFolder('tuning');
  const exists = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
  if (!make && !(await exists(folder))) return undefined;
  const pathOf = (key: string) => join(folder, `${key}${ENDING}`);
  const read = async (key: string, maxLength: number) =>
    (await exists(pathOf(key))) ? readText(pathOf(key), maxLength) : undefined;
  return {
    read,
    async keys() {
      const names = await readdir(folder).catch(() => []);
      return names.filter((name) => name.endsWith(ENDING)).map((name) => name.slice(0, -ENDING.length));
    },
    // The lock makes sure that no other process changes the text between reading and writing.
    change: (key, maxLength, change) =>
      inTurn(pathOf(key), async () => {
        const before = await read(key, maxLength).catch(() => undefined);
        await writeWhole(pathOf(key), change(before));
      }),
    remove: (key) => inTurn(pathOf(key), () => rm(pathOf(key), { force: true })),
  };
}

/** For how many milliseconds to wait for the lock. Another process holds it only while it writes, which takes long only on a busy machine. */
const PATIENCE = 20_000;

const inTurn = (path: string, work: () => Promise<void>) => withFile(path, work, PATIENCE);
