/**
 * A download of which parts can be read while the rest comes. What has been read can be forgotten, and if nobody reads, the download waits, so
 * that large weights are never in memory as a whole.
 */
import { InputError } from '../../errors.js';
import type { AwaitedParts } from '../../formats/parts.js';
import type { Pieces } from '../../gpu/platform.js';
import { createBlocks } from './blocks.js';
import { type Coming, checkedPieces, type ReadBytesOptions, readPieces } from './bytes.js';

/** Bytes that may come before somebody reads them, about as many as come while the first kernels are compiled. */
const AHEAD_BYTES = 16 << 20;

/** After this time without a reader as many bytes more may come, since servers close connections from which nobody reads. */
const PATIENCE_MS = 10_000;

/** @throws InputError later, where bytes are awaited, if they cannot be read, are too many, or others than was said */
export function download(source: Pieces, options: ReadBytesOptions): Coming {
  const { size } = source;
  if (size !== undefined && size <= options.maxBytes) return inBlocks(size, source, options);
  const reading = readPieces(source, options);
  reading.catch(() => {}); // thrown where the bytes are awaited
  return { parts: undefined, whole: () => reading, end: async () => void (await reading), dropRead() {}, stop() {} };
}

function inBlocks(size: number, source: Pieces, options: ReadBytesOptions): Coming {
  const store = createStore(size);
  const news = createNews();
  let wanted = 0;
  let ahead = AHEAD_BYTES;
  let isStopped = false;
  let isDone = false;
  const hurry = (bytes: number) => {
    ahead += bytes;
    news.tell();
  };
  const isAhead = () => !isStopped && store.length >= wanted && store.unread(wanted) >= ahead;
  const receive = async () => {
    for await (const piece of checkedPieces(source, options)) {
      store.add(piece);
      news.tell();
      while (isAhead()) await news.within(PATIENCE_MS, () => hurry(AHEAD_BYTES));
      if (isStopped) throw new InputError(`${options.what}: nobody needs it any more`);
    }
    if (store.length === size) return;
    throw new InputError(`${options.what}: the file is ${store.length > size ? 'longer than was said' : 'cut'}`, {
      expected: `${size} bytes`,
      given: `${store.length}`,
      hint: 'get it again',
    });
  };
  const reading = receive().finally(() => {
    isDone = true;
    news.tell();
  });
  reading.catch(() => {}); // thrown where the bytes are awaited
  const parts: AwaitedParts = {
    size,
    async read(at, into) {
      wanted = Math.max(wanted, at + into.length);
      news.tell();
      while (store.length < at + into.length) {
        if (isDone) await reading;
        await news.next();
      }
      store.read(at, into);
      news.tell();
    },
  };
  return {
    parts,
    async whole() {
      const all = store.whole();
      hurry(size);
      await reading;
      return all;
    },
    dropRead: store.dropRead,
    async end() {
      store.end();
      hurry(size);
      await reading;
    },
    stop() {
      isStopped = true;
      news.tell();
    },
  };
}

/** Bytes that have come: in blocks, or in one array if somebody wants that. */
function createStore(size: number) {
  const blocks = createBlocks(size);
  let all: Uint8Array | undefined;
  let length = 0;
  let isDropping = false;
  let isNeeded = true;
  return {
    get length() {
      return length;
    },
    /** Bytes that are held for readers to come, of which those before `wanted` may have been read. */
    unread: (wanted: number) => (isDropping ? blocks.held : length - wanted),
    add(piece: Uint8Array) {
      const inside = piece.subarray(0, Math.max(0, size - length));
      if (all) all.set(inside, Math.min(length, size));
      else if (isNeeded) blocks.append(inside);
      length += piece.length;
    },
    read(at: number, into: Uint8Array) {
      if (all) return into.set(all.subarray(at, at + into.length));
      blocks.copy(at, into);
      if (isDropping) blocks.forget(at, at + into.length);
    },
    whole() {
      if (all) return all;
      all = new Uint8Array(size);
      blocks.copy(0, all.subarray(0, length));
      blocks.clear();
      return all;
    },
    dropRead() {
      isDropping = true;
    },
    /** Nobody reads any more. What still comes is not held where it would be dropped when it is read. */
    end() {
      if (!isDropping) return;
      isNeeded = false;
      blocks.clear();
    },
  };
}

/** Lets some wait until another tells that something has changed. */
function createNews() {
  let tell = () => {};
  let next = Promise.resolve();
  const renew = () => {
    next = new Promise((resolve) => {
      tell = resolve;
    });
  };
  renew();
  return {
    next: () => next,
    tell() {
      tell();
      renew();
    },
    /** Waits for news. If there are none for so many milliseconds, calls a function that has to tell some. */
    async within(ms: number, otherwise: () => void) {
      const timer = setTimeout(otherwise, ms);
      await next;
      clearTimeout(timer);
    },
  };
}
