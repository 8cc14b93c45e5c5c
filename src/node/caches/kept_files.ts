/** Keeps files between runs, in a given folder or in the user's cache: `raybox/weights` in $XDG_CACHE_HOME or ~/.cache. */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { type Parts, readPart } from '../../formats/parts.js';
import { openCheckpoint } from '../../formats/weights/open_checkpoint.js';
import type { GrowingKeptFile, KeptFile, KeptFiles } from '../../gpu/platform.js';
import { makeFolder, sweepParts, writeRefusal } from '../text_files.js';
import { hashOf, openParts } from '../weights_file.js';

/** A file begins with its note: JSON, filled up with spaces to this many bytes. */
const NOTE_BYTES = 1024;

/** @throws InputError if the folder cannot be made. */
export async function openKeptFiles(folder = usersFolder('weights')): Promise<KeptFiles> {
  await makeFolder(folder);
  const pathOf = (key: string) => join(folder, `${key}.kept`);
  return {
    async read(key, maxBytes) {
      return keptFile(() => pathOf(key), maxBytes);
    },
    async begin(key) {
      await sweepParts(folder, (name) => name.includes('.kept.'), { threads: true }).catch(() => {});
      return beginFile(pathOf(key));
    },
  };
}

/** Begins a file under a temporary name beside its final place. */
async function beginFile(path: string): Promise<GrowingKeptFile> {
  const beside = `${path}.${randomUUID()}.${process.pid}.part`;
  const refuse = (cause: unknown): never => {
    throw writeRefusal(path, cause);
  };
  const file = await open(beside, 'wx').catch(refuse);
  let isClosed = false;
  let isKept = false;
  const close = async () => {
    if (!isClosed) await file.close();
    isClosed = true;
  };
  const discard = async () => {
    await close().catch(() => {});
    await rm(beside, { force: true });
  };
  await file.appendFile(Buffer.alloc(NOTE_BYTES, ' ')).catch(async (cause) => {
    await discard();
    refuse(cause);
  });
  return {
    discard,
    write: (bytes) => file.appendFile(bytes).catch(refuse),
    async end(note) {
      const bytes = Buffer.from(note);
      if (bytes.length > NOTE_BYTES) throw new Error('what the server says of the file is too long');
      const finish = async () => {
        await file.write(bytes, 0, bytes.length, 0);
        await file.sync();
        await close();
      };
      await finish().catch(refuse);
      return keptFile(() => (isKept ? path : beside)) ?? refuse(new Error('another program has removed it'));
    },
    async keep() {
      await rename(beside, path).catch(refuse);
      isKept = true;
    },
  };
}

/** A file of which the first bytes are the note. @param path where it is now, as it may be renamed while it is read */
function keptFile(path: () => string, maxBytes = Number.POSITIVE_INFINITY): KeptFile | undefined {
  const file = openParts(path);
  if (!file || file.size < NOTE_BYTES || file.size - NOTE_BYTES > maxBytes) return undefined;
  const note = new TextDecoder().decode(readPart(file, 0, NOTE_BYTES));
  let now = behindNote(file);
  const content: Parts = {
    size: now.size,
    read(at, into) {
      try {
        now.read(at, into);
      } catch (error) {
        // Somebody else who fetched the same content at the same time may have put theirs in its place.
        const other = openParts(path);
        if (other?.size !== file.size || !hasHash(behindNote(other), note)) throw error;
        now = behindNote(other);
        now.read(at, into);
      }
    },
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
}

const behindNote = ({ size, read }: Parts): Parts => ({
  size: size - NOTE_BYTES,
  read: (at, into) => read(NOTE_BYTES + at, into),
});

/** Whether a file has the hash that a note says. */
function hasHash(file: Parts, note: string): boolean {
  try {
    return Buffer.from(hashOf(file, 'sha256')).toString('hex') === JSON.parse(note).sha256;
  } catch {
    return false;
  }
}

/** The folder of this name in the user's cache. */
export function usersFolder(name: string): string {
  const { XDG_CACHE_HOME = '' } = process.env;
  return join(isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'raybox', name);
}
