/**
 * Results of `raybox localize` as JSON lines. Each line is appended in one piece. If a killed run has left an incomplete line, it is
 * removed.
 */
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, open, realpath, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { InputError } from '../../errors.js';
import { brief } from '../../formats/brief.js';
import { parseJson } from '../../formats/json.js';
import type { ImageFile } from '../../node/images/image_files.js';
import { openBeside, writeRefusal } from '../../node/text_files.js';
import { collectMadeBy } from './made_by.js';
import { faultOf } from './result_line_check.js';
import type { ErrorLine, MadeBy, ResultLine } from './results.js';

/** The error for a file with other content, which must not be changed. */
export const notOurs = (path: string, given?: string) =>
  new InputError(`${path} holds something else than results of raybox localize`, {
    ...(given ? { given } : {}),
    hint: 'name another file, or move this one away',
  });

const notALine = (path: string, number: number, { what, expected, given }: NonNullable<ReturnType<typeof faultOf>>) =>
  new InputError(`${path}: line ${number} is no result of raybox localize: ${what} is wrong`, {
    ...{ expected, given: given === undefined ? 'nothing' : brief(JSON.stringify(given)) },
    hint: 'remove the line, so that the image is localized again, or name another file',
  });

/** A file of JSON lines that grows by a line for each image. */
export interface ResultLines {
  /** The classes of the results that the file has already. */
  readonly classes?: readonly string[];
  /** Paths of the images that have results already, as they were given. */
  readonly files: readonly string[];
  /** By what these results were made, each once. */
  readonly madeBy: readonly MadeBy[];
  /** Whether some of them do not say it. */
  readonly isUnmarked: boolean;
  has(file: ImageFile): boolean;
  add(line: ResultLine | ErrorLine): Promise<void>;
  /** The last result of each image that has one, in the order in which the images first came. */
  read(): Promise<ResultLine[]>;
  /** Closes the file. If nothing was written into a new one, it is removed. */
  close(): Promise<void>;
  /**
   * Closes the file when all images are done. If an image has several lines, because it failed before for example, only the last one is
   * kept.
   */
  finish(): Promise<void>;
}

/** The images that a file of JSON lines has, by path. The value is the message of the error, or undefined if there is a result. */
type Known = Map<string, string | undefined>;

/**
 * Opens a file of JSON lines, new or from an earlier run.
 * @param hint what the user can do if it cannot be written any more
 * @throws InputError if it has other content, or if it cannot be written
 */
export async function openLines(path: string, hint: string): Promise<ResultLines> {
  const known: Known = new Map();
  let classes: string[] | undefined;
  let repeated = false;
  const files: string[] = [];
  const made = collectMadeBy();
  const isNew = !existsSync(path);
  let length = isNew ? 0 : await wholeLines(path);
  await readLines(path, length, (line, number) => {
    const fault = faultOf(line);
    if (fault) throw notALine(path, number, fault);
    const { file, error, probabilities, madeBy } = line;
    repeated ||= known.has(resolve(file));
    known.set(resolve(file), error);
    if (error === undefined) {
      files.push(file);
      made.add(madeBy);
    }
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
    madeBy: made.all(),
    isUnmarked: made.isUnmarked(),
    has: ({ path: image }) => known.has(resolve(image)) && known.get(resolve(image)) === undefined,
    async add(line) {
      const error = 'error' in line ? line.error : undefined;
      const key = resolve(line.file);
      if (error !== undefined && known.get(key) === error) return; // the image was tried again and failed as before
      const text = `${JSON.stringify(line)}\n`;
      await file.appendFile(text).catch(async (cause) => {
        // If the disk is full, the beginning of the line may have been written.
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
    async close() {
      await file.close();
      if (isNew && length === 0) await rm(path, { force: true });
    },
    async finish() {
      await file.close();
      if (repeated) await keepLast(path, length);
    },
  };
}

/** Writes the file again with only the last line of each image. */
async function keepLast(path: string, length: number): Promise<void> {
  const last = new Map<string, number>();
  await readLines(path, length, ({ file }, number) => {
    last.set(resolve(file), number);
  });
  const whole = await openBeside(await realpath(path)); // if the path is a link, the file behind it is replaced, not the link
  await readLines(path, length, async ({ file }, number, text) => {
    if (last.get(resolve(file)) === number) await whole.write(`${text}\n`);
  });
  await whole.keep();
}

/** The length of the file up to and including its last line end. */
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

/** Whether a file without a line end begins as a line of results that was cut off. Any other file must not be emptied. */
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
