/** Bytes of which parts are read when they are needed, so that a large file need not be in memory as a whole. */
export interface Parts {
  readonly size: number;
  /** Fills an array with the bytes from byte `at` on. @throws InputError if there are not as many, or if the file has changed */
  read(at: number, into: Uint8Array): void;
  /** All of the bytes, if they are in memory. Parts of them are then views, and nothing is copied. */
  readonly bytes?: Uint8Array;
}

/** Some bytes of a file: from `start` up to, and without, `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Bytes of which parts have to be awaited: those of a Blob, or of a download that is under way. */
export interface AwaitedParts {
  readonly size: number;
  /** Whether they can be read in any order, and more than once, without anything being held for that. */
  readonly isRandom?: boolean;
  /** Fills an array with the bytes from byte `at` on. @throws InputError if they cannot be read, or do not come */
  read(at: number, into: Uint8Array): Promise<void>;
}

/** Bytes in memory, for readers of files of which parts are read. */
export const partsOf = (bytes: Uint8Array): Parts => ({
  size: bytes.length,
  bytes,
  read: (at, into) => into.set(bytes.subarray(at, at + into.length)),
});

/** The bytes from `start` to `end`. The caller makes sure that there are as many. */
export function readPart(parts: Parts, start: number, end: number): Uint8Array {
  if (parts.bytes) return parts.bytes.subarray(start, end);
  const bytes = new Uint8Array(end - start);
  parts.read(start, bytes);
  return bytes;
}

/** Bytes of a piece: a multiple of the sizes of all element types, small beside the weights, and large enough that the calls do not matter. */
export const PIECE_BYTES = 1 << 20;

/** A function that gives the bytes from `start` to `end` piece by piece. Each piece is only valid until the next one is asked for. */
export function piecesIn(parts: Parts): (start: number, end: number) => Generator<Uint8Array> {
  // Buffers are used again, since thousands of them would fill the memory before they are collected.
  const free: Uint8Array[] = [];
  return function* (start, end) {
    const buffer = parts.bytes ? undefined : (free.pop() ?? new Uint8Array(PIECE_BYTES));
    try {
      for (let at = start; at < end; at += PIECE_BYTES) {
        const next = Math.min(at + PIECE_BYTES, end);
        const piece = buffer?.subarray(0, next - at) ?? readPart(parts, at, next);
        if (buffer) parts.read(at, piece);
        yield piece;
      }
    } finally {
      if (buffer) free.push(buffer);
    }
  };
}
