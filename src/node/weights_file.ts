/** Weights in a file, of which tensors are read when they are needed, in Node, Deno and Bun. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { InputError } from '../errors.js';
import { type Parts, piecesIn } from '../formats/parts.js';
import { openCheckpoint } from '../formats/weights/open_checkpoint.js';
import type { Platform } from '../gpu/platform.js';
import { checkHash } from '../localizer/weights/integrity.js';
import { cannotRead, pathOf, reason } from './open.js';

/** @throws InputError for a damaged file or another one than `integrity` describes; later, when a tensor is read, if the file cannot be read or is not the same any more. */
export const openWeights: NonNullable<Platform['tensors']> = async (source, maxBytes, options = {}) => {
  const { prefix, integrity } = options;
  const file = openParts(source);
  if (!file || file.size > maxBytes) return undefined;
  if (integrity !== undefined) await checkHash((algorithm) => hashOf(file, algorithm), integrity, 'weights');
  return openCheckpoint(file, prefix);
};

/** The hash of a file of which a piece is in memory at a time. */
export function hashOf(file: Parts, algorithm: string): Uint8Array {
  const hash = createHash(algorithm);
  for (const piece of piecesIn(file)(0, file.size)) hash.update(piece);
  return hash.digest();
}

/**
 * Gives the SHA-256 of a file in hexadecimal when it is asked for, a piece of the file in memory at a time; undefined for anything else than
 * a file. The hash is of the file as it is now: later it throws an InputError if the file has changed since.
 */
export function fileHash(source: string | URL): (() => string) | undefined {
  const file = openParts(source);
  if (!file) return undefined;
  return () => Buffer.from(hashOf(file, 'sha256')).toString('hex');
}

/**
 * A file; undefined for anything else. Its parts cannot be read any more once it has changed.
 * @param source a function gives the path where the file is now, if it may be renamed
 */
export function openParts(source: string | URL | (() => string)): Parts | undefined {
  const path = typeof source === 'function' ? source() : pathOf(source);
  if (path instanceof URL) return undefined;
  const opened = statsOf(path);
  if (!opened?.isFile()) return undefined;
  return {
    size: opened.size,
    read(at, into) {
      const now = typeof source === 'function' ? source() : path;
      let file: number | undefined;
      try {
        // It is opened for each part, so that no file is left open, whatever happens to the tensors in it.
        file = openSync(now, 'r');
        if (!isSame(opened, fstatSync(file))) throw changed(now);
        for (let done = 0; done < into.length; ) {
          const count = readSync(file, into, done, into.length - done, at + done);
          if (count === 0) throw cannotRead(now, 'its end, before all was read');
          done += count;
        }
      } catch (error) {
        throw error instanceof InputError ? error : cannotRead(now, reason(error), error);
      } finally {
        if (file !== undefined) closeSync(file);
      }
    },
  };
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

const isSame = (some: Stats, other: Stats) =>
  some.size === other.size && some.mtimeMs === other.mtimeMs && some.ino === other.ino && some.dev === other.dev;

const changed = (path: string) =>
  new InputError(`${path} has changed while it was read`, {
    expected: 'the same file as at the beginning',
    hint: 'read it again when nobody writes it any more',
  });
