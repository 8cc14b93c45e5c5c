/** The bytes of a file as they come, in small blocks. Those that have been read can be forgotten, and their blocks are used again. */

/** Small, so that a byte which nobody reads keeps few others with it. */
const BLOCK_BYTES = 1 << 16;

/** The bytes of a file from its beginning on, as far as they have come. */
export interface Blocks {
  /** Bytes of the blocks that are held. */
  readonly held: number;
  /** Adds the next bytes of the file. */
  append(piece: Uint8Array): void;
  /** Fills an array with the bytes from byte `at` on, which have to be there. @throws Error if some of them were forgotten */
  copy(at: number, into: Uint8Array): void;
  /** Forgets bytes. A block is free when all of its bytes are forgotten. */
  forget(start: number, end: number): void;
  /** Frees all blocks. */
  clear(): void;
}

interface Block {
  readonly bytes: Uint8Array;
  /** How many of its bytes were not forgotten yet. */
  left: number;
}

/** @param size of the file */
export function createBlocks(size: number): Blocks {
  const blocks = new Map<number, Block>();
  let free: Uint8Array[] = [];
  let length = 0;

  const add = (index: number): Block => {
    const bytes = free.pop() ?? new Uint8Array(BLOCK_BYTES);
    const block = { bytes, left: Math.min(BLOCK_BYTES, size - index * BLOCK_BYTES) };
    blocks.set(index, block);
    return block;
  };
  return {
    get held() {
      return blocks.size * BLOCK_BYTES;
    },
    append(piece) {
      for (const part of partsOf(length, length + piece.length)) {
        const block = part.from === 0 ? add(part.index) : blocks.get(part.index)!;
        block.bytes.set(piece.subarray(part.at, part.at + part.count), part.from);
      }
      length += piece.length;
    },
    copy(at, into) {
      for (const part of partsOf(at, at + into.length)) {
        const block = blocks.get(part.index);
        if (!block) throw new Error(`the bytes from ${at} on were read before, and are not held any more`);
        into.set(block.bytes.subarray(part.from, part.from + part.count), part.at);
      }
    },
    forget(start, end) {
      for (const { index, count } of partsOf(start, end)) {
        const block = blocks.get(index);
        if (!block) continue;
        block.left -= count;
        if (block.left > 0) continue;
        blocks.delete(index);
        free.push(block.bytes);
      }
    },
    clear() {
      blocks.clear();
      free = [];
    },
  };
}

/** The parts of some bytes by the block that they are in: the first of them in the block and in the bytes, and how many there are. */
function* partsOf(start: number, end: number) {
  for (let at = start; at < end; ) {
    const index = Math.floor(at / BLOCK_BYTES);
    const from = at - index * BLOCK_BYTES;
    const count = Math.min(BLOCK_BYTES - from, end - at);
    yield { index, from, at: at - start, count };
    at += count;
  }
}
