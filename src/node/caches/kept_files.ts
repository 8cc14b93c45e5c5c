/** Keeps files between runs, in a given folder or in the user's cache: `raybox/weights` in $XDG_CACHE_HOME or ~/.cache. */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { type Parts, readPart } from '../../formats/parts.js';
import { openCheckpoint } from '../../formats/weights/open_checkpoint.js';
import type { KeptFiles } from '../../gpu/platform.js';
import { makeFolder, openBeside, sweepParts } from '../text_files.js';
import { hashOf, openParts } from '../weights_file.js';

/** A file begins with its note: JSON, filled up with spaces to this many bytes. */
const NOTE_BYTES = 1024;

/** @throws InputError if the folder cannot be made. */
export async function openKeptFiles(folder = usersFolder('weights')): Promise<KeptFiles> {
  await makeFolder(folder);
  const pathOf = (key: string) => join(folder, `${key}.kept`);
  return {
    async read(key, maxBytes) {
      const file = openParts(pathOf(key));
      if (!file || file.size < NOTE_BYTES || file.size - NOTE_BYTES > maxBytes) return undefined;
      const note = new TextDecoder().decode(readPart(file, 0, NOTE_BYTES));
      const content: Parts = {
        size: file.size - NOTE_BYTES,
        read: (at, into) => file.read(NOTE_BYTES + at, into),
      };
      return {
        note,
        get bytes() {
          return readPart(content, 0, content.size);
        },
        inParts: {
          hashBy: (algorithm) => hashOf(content, algorithm),
          tensors: (prefix) => openCheckpoint(content, prefix),
        },
      };
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
