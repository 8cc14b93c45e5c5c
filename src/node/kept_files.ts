/** Keeps files between runs, in a given folder or in the user's cache: `raybox/weights` in $XDG_CACHE_HOME or ~/.cache. */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { KeptFiles } from '../gpu/platform.js';
import { makeFolder, openBeside, sweepParts } from './text_files.js';

/** A file begins with its note: JSON, filled up with spaces to this many bytes. */
const NOTE_BYTES = 1024;

/** @throws InputError if the folder cannot be made. */
export async function openKeptFiles(folder = usersFolder('weights')): Promise<KeptFiles> {
  await makeFolder(folder);
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
      await sweepParts(folder, (name) => name.includes('.kept.'), { threads: true }).catch(() => {});
      const file = await openBeside(path, `.${randomUUID()}`);
      await file.write(head);
      await file.write(bytes);
      await file.keep();
    },
  };
}

/** The folder of this name in the user's cache. */
export function usersFolder(name: string): string {
  const { XDG_CACHE_HOME = '' } = process.env;
  return join(isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'raybox', name);
}
