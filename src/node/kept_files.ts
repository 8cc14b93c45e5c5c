/** Files that are kept between runs, in the user's cache folder: `raybox/weights` in $XDG_CACHE_HOME or ~/.cache. */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { KeptFiles } from '../gpu/platform.js';
import { isRunning } from './processes.js';
import { writeRefusal } from './text_files.js';

/** A file begins with its note, JSON that is filled up with spaces to so many bytes. */
const NOTE_BYTES = 1024;

/** @throws InputError where the folder cannot be made. */
export async function openKeptFiles(): Promise<KeptFiles> {
  const { XDG_CACHE_HOME = '' } = process.env;
  const folder = join(isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'raybox', 'weights');
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw writeRefusal(folder, cause);
  });
  const pathOf = (key: string) => join(folder, `${key}.kept`);
  return {
    async read(key, maxBytes) {
      const file = await open(pathOf(key)).catch(() => undefined);
      if (!file) return undefined;
      try {
        const { size } = await file.stat();
        if (size < NOTE_BYTES || size - NOTE_BYTES > maxBytes) return undefined;
        const { buffer, byteOffset, length } = await file.readFile();
        const bytes = new Uint8Array(buffer, byteOffset + NOTE_BYTES, length - NOTE_BYTES);
        return { note: new TextDecoder().decode(new Uint8Array(buffer, byteOffset, NOTE_BYTES)), bytes };
      } finally {
        await file.close();
      }
    },
    async write(key, bytes, note) {
      const path = pathOf(key);
      const head = Buffer.alloc(NOTE_BYTES, ' ');
      if (head.write(note) < Buffer.byteLength(note)) throw new Error('what the server says of the file is too long');
      await sweep(folder).catch(() => {});
      // A name of its own: several threads of one process may fetch the same weights.
      const beside = `${path}.${randomUUID()}.${process.pid}.part`;
      try {
        const file = await open(beside, 'wx');
        try {
          await file.writeFile(head);
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(beside, path);
      } catch (cause) {
        await rm(beside, { force: true });
        throw writeRefusal(path, cause);
      }
    },
  };
}

/** Removes what killed processes left half written. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number(/\.(\d+)\.part$/.exec(name)?.[1]);
    if (pid && pid !== process.pid && !isRunning(pid)) await rm(join(folder, name), { force: true });
  }
}
