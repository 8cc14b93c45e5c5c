/** Reads files and URLs piece by piece, in Node, Deno and Bun. */
import { createReadStream, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InputError } from '../errors.js';
import { openUrl, type Platform } from '../gpu/platform.js';

/** @throws InputError if there is no such file, or if it cannot be read. */
export const open: Platform['open'] = async (source, signal) => {
  const url = source instanceof URL ? source : /^[a-z][a-z0-9+.-]+:/i.test(source) ? new URL(source) : undefined;
  if (url && url.protocol !== 'file:') return openUrl(url, signal);
  const path = url ? fileURLToPath(url) : String(source);
  const unreadable = (given: string, cause?: unknown) =>
    new InputError(`cannot read ${path}`, { expected: 'a file', given, cause });
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

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'no permission',
};

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && REASONS[code]) ?? message;
}
