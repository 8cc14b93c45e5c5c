/** Bytes of which parts are read when they are needed, so that a large file need not be in memory as a whole. */
export interface Parts {
  readonly size: number;
  /** Fills an array with the bytes from byte `at` on. @throws InputError if there are not as many, or if the file has changed */
  read(at: number, into: Uint8Array): void;
}

/** The bytes from `start` to `end`, in an array of their own. */
export function readPart(parts: Parts, start: number, end: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(end - start);
  parts.read(start, bytes);
  return bytes;
}
