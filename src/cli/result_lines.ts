/** Results of `raybox localize` as JSON lines, each appended in one piece; a half line that a killed run left is cut off. */
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { InputError } from '../errors.js';
import { parseJson } from '../formats/json.js';
import type { ImageFile } from '../node/image_files.js';
import { openBeside, writeRefusal } from '../node/text_files.js';
import type { ErrorLine, ResultLine } from './localize_results.js';

/** The file is something that must not be touched. */
export const notOurs = (path: string, given?: string) =>
  new InputError(`${path} holds something else than results of raybox localize`, {
    ...(given ? { given } : {}),
    hint: 'name another file, or move this one away',
  });

export interface ResultLines {
  /** The classes of the results that are there already. */
  readonly classes?: readonly string[];
  /** Paths of the images that are done, as they were given. */
  readonly files: readonly string[];
  has(file: ImageFile): boolean;
  add(line: ResultLine | ErrorLine): Promise<void>;
  /** All results that are there, the last of each image, in the order in which images were first done. */
  read(): Promise<ResultLine[]>;
  close(): Promise<void>;
  /** The same, once all is done: of an image with several lines (it failed before, say) the last one stays. */
  finish(): Promise<void>;
}

/** What a file of JSON lines already says, by path: an error's message, or nothing where the image is done. */
type Known = Map<string, string | undefined>;

/**
 * Opens a file of JSON lines to go on with it.
 * @param hint what to do where it cannot be written any more
 * @throws InputError where it holds something else, or cannot be written
 */
export async function openLines(path: string, hint: string): Promise<ResultLines> {
  const known: Known = new Map();
  let classes: string[] | undefined;
  let repeated = false;
  const files: string[] = [];
  let length = existsSync(path) ? await wholeLines(path) : 0;
  await readLines(path, length, ({ file, error, probabilities }) => {
    repeated ||= known.has(resolve(file));
    known.set(resolve(file), error);
    if (error === undefined) files.push(file);
    classes ??= probabilities && Object.keys(probabilities);
  });
  const refuse = (cause: unknown): never => {
    throw writeRefusal(path, cause, hint);
  };
  const file = await open(path, 'a').catch(refuse);
  await file.truncate(length).catch(refuse);
  return {
    classes,
    files,
    has: ({ path: image }) => known.has(resolve(image)) && known.get(resolve(image)) === undefined,
    async add(line) {
      const error = 'error' in line ? line.error : undefined;
      const key = resolve(line.file);
      if (error !== undefined && known.get(key) === error) return; // a retry that failed as before
      const text = `${JSON.stringify(line)}\n`;
      await file.appendFile(text).catch(async (cause) => {
        // On a full disk the beginning of the line may have found room.
        await file.truncate(length).catch(() => {});
        refuse(cause);
      });
      length += Buffer.byteLength(text);
      repeated ||= known.has(key);
      known.set(key, error);
    },
    async read() {
      const results = new Map<string, ResultLine>();
      await readLines(path, length, (line) => {
        if (line.error === undefined) results.set(resolve(line.file), line);
      });
      return [...results.values()];
    },
    close: () => file.close(),
    async finish() {
      await file.close();
      if (repeated) await keepLast(path, length);
    },
  };
}

/** Writes the file again without the lines that later ones of the same images replace. */
async function keepLast(path: string, length: number): Promise<void> {
  const last = new Map<string, number>();
  await readLines(path, length, ({ file }, number) => {
    last.set(resolve(file), number);
  });
  const whole = await openBeside(await realpath(path)); // a link stays one
  await readLines(path, length, async ({ file }, number, text) => {
    if (last.get(resolve(file)) === number) await whole.write(`${text}\n`);
  });
  await whole.keep();
}

/** Length up to and including the last line end. */
async function wholeLines(path: string): Promise<number> {
  const { size } = await stat(path);
  const file: FileHandle = await open(path, 'r');
  try {
    const piece = Buffer.alloc(1 << 16);
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - piece.length);
      const { bytesRead } = await file.read(piece, 0, end - start, start);
      const at = piece.subarray(0, bytesRead).lastIndexOf(0x0a);
      if (at >= 0) return start + at + 1;
      end = start;
    }
    if (size > 0 && !(await startsLikeLine(file))) throw notOurs(path);
    return 0;
  } finally {
    await file.close();
  }
}

/** A file without any line end is a first line that was cut off, or nothing of ours, which is not to be emptied. */
async function startsLikeLine(file: FileHandle): Promise<boolean> {
  const start = '{"image":';
  const { buffer, bytesRead } = await file.read(Buffer.alloc(start.length), 0, start.length, 0);
  return start.startsWith(buffer.toString('latin1', 0, bytesRead));
}

type AnyLine = ResultLine & { error?: string };

async function readLines(
  path: string,
  length: number,
  onLine: (line: AnyLine, number: number, text: string) => void | Promise<void>,
): Promise<void> {
  if (length === 0) return;
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path, { end: length - 1 }) })) {
    number += 1;
    if (line.trim() === '') continue;
    const value = parseJson(line, `${path}: line ${number}`) as AnyLine;
    if (typeof value?.file !== 'string') throw notOurs(path, `line ${number}: ${line.slice(0, 60)}`);
    await onLine(value, number, line);
  }
}
