/** Reads files and URLs piece by piece, in Node, Deno and Bun. */
import { createReadStream, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InputError } from '../errors.js';
import { openUrl, type Platform } from '../gpu/platform.js';

/** @throws InputError if there is no such file, or if it cannot be read. */
export const open: Platform['open'] = async (source, signal) => {
  const path = pathOf(source);
  if (path instanceof URL) return openUrl(path, signal);
  const unreadable = (given: string, cause?: unknown) => cannotRead(path, given, cause);
  let size: number;
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw unreadable(stats.isDirectory() ? 'a folder' : 'something else');
    size = stats.size;
  } catch (error) {
    throw error instanceof InputError ? error : unreadable(reason(error), error);
  }
  async function* pieces() {
    try {
      yield* createReadStream(path, { signal, highWaterMark: 1 << 20 });
    } catch (error) {
      signal?.throwIfAborted();
      throw unreadable(reason(error), error);
    }
  }
  return { size, pieces: pieces() };
};

/** The path of a file, or the address of something else. */
export function pathOf(source: string | URL): string | URL {
  const url = source instanceof URL ? source : /^[a-z][a-z0-9+.-]+:/i.test(source) ? new URL(source) : undefined;
  if (!url) return String(source);
  return url.protocol === 'file:' ? fileURLToPath(url) : url;
}

export const cannotRead = (path: string, given: string, cause?: unknown) =>
  new InputError(`cannot read ${path}`, { expected: 'a file', given, cause });

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'no permission',
};

export function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && REASONS[code]) ?? message;
}
