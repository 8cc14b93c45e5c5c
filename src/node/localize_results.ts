/**
 * Where `raybox localize` puts its results, so that a run that was cut off goes on where it stopped.
 *
 * JSON lines are appended to the file itself, each in one piece; a half line that a killed run left is cut off. CSV and
 * COCO cannot be appended to safely: their results gather as JSON lines in FILE.part.jsonl, and the file is written beside
 * its place and renamed once all is done.
 */
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { InputError } from '../errors.js';
import { writeBoxList } from '../formats/box_list.js';
import { parseJson, readCoco, toCoco } from '../formats/coco.js';
import { readCsv } from '../formats/csv.js';
import type { Finding, Prediction } from '../formats/findings.js';
import type { LabeledBox } from '../formats/image_table.js';
import type { Warning } from '../warnings.js';
import type { ImageFile } from './image_files.js';
import { print, UsageError } from './terminal.js';
import { readText, writeWhole } from './text_files.js';

/** One line. `image` is the file's name, `file` its path as it was given. */
export interface ResultLine extends Prediction {
  file: string;
  findings: Finding[];
  /** Labels with more regions than boxes were asked for. */
  truncated?: string[];
  /** What was assumed of the weights, and what looks wrong about the image. */
  warnings?: readonly Warning[];
}

export interface ErrorLine {
  image: string;
  file: string;
  /** Why the image could not be done. */
  error: string;
}

export interface Results {
  /** The classes of the results that are there already. */
  readonly classes?: readonly string[];
  has(file: ImageFile): boolean;
  add(line: ResultLine | ErrorLine): Promise<void>;
  /** All is done: makes the file whole. */
  finish(): Promise<void>;
  /** Closes without finishing; a later run goes on from here. */
  suspend(): Promise<void>;
}

/** Results on stdout. */
export const standardOutput: Results = {
  has: () => false,
  add: (line) => print(`${JSON.stringify(line)}\n`),
  finish: async () => {},
  suspend: async () => {},
};

/**
 * Opens, or goes on with, a file of results; its ending decides the format.
 *
 * @throws UsageError for an ending that is none of the three; InputError where the file holds something else
 */
export async function openResults(path: string): Promise<Results> {
  if (/\.(jsonl|ndjson)$/i.test(path)) return openLines(path);
  if (/\.coco\.json$/i.test(path)) return openTable(path, cocoFormat);
  if (/\.csv$/i.test(path)) return openTable(path, csvFormat);
  throw new UsageError(`--out ${path}: the name must end in .jsonl, .csv or .coco.json`);
}

/** What a file of JSON lines already says, by path: an error's message, or nothing where the image is done. */
type Known = Map<string, string | undefined>;

async function openLines(path: string): Promise<Results> {
  const known: Known = new Map();
  let classes: string[] | undefined;
  const whole = existsSync(path) ? await wholeLines(path) : 0;
  await readLines(path, whole, ({ file, error, probabilities }) => {
    known.set(resolve(file), error);
    classes ??= probabilities && Object.keys(probabilities);
  });
  const opened = mkdir(dirname(resolve(path)), { recursive: true }).then(() => open(path, 'a'));
  const file = await opened.catch((cause) => {
    throw new InputError(`${path} cannot be written: ${(cause as Error).message}`, { cause });
  });
  await file.truncate(whole);
  return {
    classes,
    has: ({ path: image }) => known.has(resolve(image)) && known.get(resolve(image)) === undefined,
    async add(line) {
      const error = 'error' in line ? line.error : undefined;
      const key = resolve(line.file);
      if (error !== undefined && known.get(key) === error) return; // a retry that failed as before
      known.set(key, error);
      await file.appendFile(`${JSON.stringify(line)}\n`);
    },
    finish: () => file.close(),
    suspend: () => file.close(),
  };
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

const notOurs = (path: string, given?: string) =>
  new InputError(`${path} holds something else than results of raybox localize`, {
    ...(given ? { given } : {}),
    hint: 'name another file, or move this one away',
  });

type AnyLine = ResultLine & { error?: string };

async function readLines(path: string, length: number, onLine: (line: AnyLine) => void): Promise<void> {
  if (length === 0) return;
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path, { end: length - 1 }) })) {
    number += 1;
    if (line.trim() === '') continue;
    const value = parseJson(line, `${path}: line ${number}`) as AnyLine;
    if (typeof value?.file !== 'string') throw notOurs(path, `line ${number}: ${line.slice(0, 60)}`);
    onLine(value);
  }
}

interface TableFormat {
  /** Names of the images that a finished file has, and the file's text with further results. */
  read(path: string): Promise<{ names: Set<string>; write(added: readonly ResultLine[]): string }>;
}

async function openTable(path: string, format: TableFormat): Promise<Results> {
  const part = `${path}.part.jsonl`;
  const before = await format.read(path);
  const lines = await openLines(part);
  return {
    classes: lines.classes,
    has: (file) => before.names.has(file.name) || lines.has(file),
    add: lines.add,
    async finish() {
      await lines.finish();
      const results = new Map<string, ResultLine>();
      await readLines(part, await wholeLines(part), (line) => {
        if (line.error === undefined) results.set(resolve(line.file), line);
      });
      await writeWhole(path, before.write([...results.values()]));
      await rm(part);
    },
    suspend: lines.suspend,
  };
}

/** An image without findings leaves no row, so that a later run looks at it again. */
const csvFormat: TableFormat = {
  async read(path) {
    const rows: (LabeledBox & { score?: number })[] = [];
    if (existsSync(path)) {
      readCsv(await readText(path), ([image, label, x, y, width, height, score], row) => {
        if (row === 1) {
          if (!/^image index$/i.test(image)) throw notOurs(path, image.slice(0, 60));
          return;
        }
        const [left, top, right, bottom] = [x, y, width, height].map(Number);
        const box = { x: left, y: top, width: right, height: bottom };
        rows.push({ image, label, box, ...(score ? { score: Number(score) } : {}) });
      });
    }
    return {
      names: new Set(rows.map(({ image }) => image)),
      write: (added) =>
        writeBoxList([
          ...rows,
          ...added.flatMap(({ image, findings }) =>
            findings.map(({ label, box, score }) => ({ image, label, box, score })),
          ),
        ]),
    };
  },
};

const cocoFormat: TableFormat = {
  async read(path) {
    const before = existsSync(path) ? readCoco(parseJson(await readText(path), path), { source: path }) : [];
    return {
      names: new Set(before.map(({ image }) => image)),
      write(added) {
        const all: Prediction[] = [...before, ...added];
        const classes = new Set(all.flatMap(({ probabilities = {} }) => Object.keys(probabilities)));
        for (const { findings = [] } of all) for (const { label } of findings) classes.add(label);
        return `${JSON.stringify(toCoco(all, [...classes]))}\n`;
      },
    };
  },
};
