/**
 * Records of one length in a folder, which processes add to and find again. They share two files:
 *
 *   NAME.bin   one record after another
 *   NAME.tsv   a line for each record, in the same order: hash of its bytes, its key, and a list as JSON that is kept with it
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { lockFile } from '../lock.js';
import { readText, writeRefusal } from '../text_files.js';

export interface RecordFile {
  /** The number of records, and the bytes that they take. */
  readonly count: number;
  /** A record. Undefined if there is none with this key, or if it is damaged. */
  find(key: string): Promise<{ bytes: Uint8Array<ArrayBuffer>; note: readonly unknown[] } | undefined>;
  /**
   * Adds a record, or puts a new one in the place of a damaged one.
   * @param key without line breaks. @param note a list that JSON can hold. @throws InputError if it cannot be written
   */
  add(key: string, bytes: Uint8Array, note: readonly unknown[]): Promise<void>;
  close(): Promise<void>;
}

interface Entry {
  /** How many records are before it. */
  place: number;
  hash: string;
  note: readonly unknown[];
}

interface Index {
  entries: Map<string, Entry>;
  /** Number of lines, which is the place of the next record. */
  count: number;
  /** Length of these lines. */
  bytes: number;
}

/** The beginning of the SHA-256 of some bytes: 16 hexadecimal digits. */
export const hashOf = (bytes: ArrayBufferView): string =>
  createHash('sha256')
    .update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    .digest('hex')
    .slice(0, 16);

/**
 * Opens the records of a name. Makes the folder if it does not exist. Only one process at a time can have them open.
 * @param name path without ending. @param length bytes of each record
 * @throws InputError if the folder cannot be written, or if another process has the records open
 */
export async function openRecordFile(name: string, length: number): Promise<RecordFile> {
  const [path, indexPath] = [`${name}.bin`, `${name}.tsv`];
  const lock = await lockFile(path);
  const files: FileHandle[] = [];
  const closeAll = async () => {
    for (const file of files.splice(0)) await file.close();
    await lock.release();
  };
  try {
    for (const each of [path, indexPath]) files.push(await openOrMake(each));
    const [recordFile, indexFile] = files;
    const index = readIndex(await readText(indexPath), Math.floor((await recordFile.stat()).size / length));
    await indexFile.truncate(index.bytes);
    return createRecordFile(index, { recordFile, indexFile, path, length, closeAll });
  } catch (error) {
    await closeAll();
    throw writeRefusal(path, error);
  }
}

interface Files {
  recordFile: FileHandle;
  indexFile: FileHandle;
  path: string;
  length: number;
  closeAll: () => Promise<void>;
}

function createRecordFile(index: Index, { recordFile, indexFile, path, length, closeAll }: Files): RecordFile {
  /** Keys of records whose hash was found right. That is looked at once. */
  const checked = new Set<string>();
  let last: Promise<void> = Promise.resolve();

  async function write(key: string, bytes: Uint8Array, note: readonly unknown[]): Promise<void> {
    const hash = hashOf(bytes);
    const line = Buffer.from(`${hash}\t${key}\t${JSON.stringify(note)}\n`);
    try {
      // The line comes last, so that there is no line without its record.
      await writeAll(recordFile, bytes, index.count * length);
      await writeAll(indexFile, line, index.bytes);
    } catch (error) {
      throw writeRefusal(path, error);
    }
    index.entries.set(key, { place: index.count++, hash, note });
    index.bytes += line.length;
    checked.add(key);
  }

  return {
    get count() {
      return index.count;
    },
    async find(key) {
      const entry = index.entries.get(key);
      if (!entry) return undefined;
      const bytes = new Uint8Array(length);
      await recordFile.read(bytes, 0, length, entry.place * length);
      if (!checked.has(key) && hashOf(bytes) !== entry.hash) return undefined;
      checked.add(key);
      return { bytes, note: entry.note };
    },
    add(key, bytes, note) {
      const own = last.then(() => write(key, bytes, note));
      last = own.catch(() => {});
      return own;
    },
    async close() {
      await last;
      await closeAll();
    },
  };
}

/** Opens a file for reading and writing at any position. Makes it if it does not exist. */
async function openOrMake(path: string): Promise<FileHandle> {
  await (await open(path, 'a')).close();
  return open(path, 'r+');
}

/**
 * Reads the lines of the index up to the first that is incomplete or damaged, which a killed process may have left.
 * @param most the number of records that are there
 */
function readIndex(text: string, most: number): Index {
  const entries = new Map<string, Entry>();
  let [count, bytes] = [0, 0];
  for (const [line, hash, key, note] of text.matchAll(/([0-9a-f]{16})\t([^\n]+)\t(\[[^\n]*\])\n/gy)) {
    if (count === most) break;
    try {
      entries.set(key, { place: count, hash, note: JSON.parse(note) });
    } catch {
      break;
    }
    count++;
    bytes += Buffer.byteLength(line);
  }
  return { entries, count, bytes };
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
