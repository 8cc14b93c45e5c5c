/**
 * Reports out of files: plain text, CSV, OpenI XML, and folders or tar archives of them, one report at a time. Nothing
 * is held longer than one report (or one row, one archive entry), and each of these has a bound.
 */
import { createReadStream } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { basename, extname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { InputError } from '../errors.js';
import { csvReader, findColumns, normalizeHeader } from '../formats/csv.js';
import { readOpenI } from '../reports/openi.js';

/** The longest report that is read. Radiology reports have a few kilobytes. */
export const maxReportBytes = 1 << 20;
/** The longest XML file: a report and the descriptions of its images. */
const maxXmlBytes = 4 << 20;

export interface ReportText {
  id: string;
  text: string;
  /** Where it stands, for messages: a file, a row, an archive entry. */
  source: string;
}

/** Something that could not be read. The others are read all the same. */
export interface Problem {
  source: string;
  message: string;
}

export interface ReadReportsOptions {
  /** CSV: the column with the report, or several that are joined (`findings,impression`). Found by name by default. */
  textColumns?: readonly string[];
  /** CSV: the column with the report's identifier. Found by name by default. */
  idColumn?: string;
  /** How text and CSV files are encoded: a label of the WHATWG encoding standard. Default: UTF-8. */
  encoding?: string;
  onProblem(problem: Problem): void;
  /** Bytes read from disk since the last call, for progress. */
  onBytes?(count: number): void;
  signal?: AbortSignal;
}

const idNames = [
  'image index',
  'report id',
  'report_id',
  'study_id',
  'study id',
  'accession',
  'image_id',
  'filename',
  'file',
  'uid',
  'id',
  'name',
  'image',
];
const textNames = ['report text', 'report_text', 'full report', 'report', 'text', 'note_text', 'narrative'];
const sectionNames = ['findings', 'impression'];

const readable = /\.(txt|text|csv|xml|tgz|tar|tar\.gz|csv\.gz|txt\.gz|xml\.gz)$/i;

/**
 * All files under `paths`, folders walked in name order. Files named outright are taken whatever they are called.
 * @throws InputError where a path does not exist.
 */
export async function* reportFiles(
  paths: readonly string[],
): AsyncGenerator<{ path: string; root: string; size: number }> {
  for (const path of paths) {
    const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      throw new InputError(`${path}: cannot be read`, {
        given: cause.code ?? String(cause),
        hint: cause.code === 'ENOENT' ? 'There is no such file or folder.' : undefined,
      });
    });
    if (info.isDirectory()) yield* filesUnder(path, path);
    else yield { path, root: '', size: info.size };
  }
}

async function* filesUnder(folder: string, root: string): AsyncGenerator<{ path: string; root: string; size: number }> {
  const entries = [];
  for await (const entry of await opendir(folder)) entries.push(entry);
  entries.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(path, root);
    else if (entry.isFile() && readable.test(entry.name)) yield { path, root, size: (await stat(path)).size };
  }
}

/** Every report in a file. What cannot be read goes to `onProblem`, and reading goes on where that makes sense. */
export async function* readReports(
  path: string,
  root: string,
  options: ReadReportsOptions,
): AsyncGenerator<ReportText> {
  const { onProblem, signal } = options;
  const name = path.toLowerCase();
  try {
    if (/\.(tgz|tar|tar\.gz)$/.test(name)) yield* readArchive(path, options);
    else if (/\.csv(\.gz)?$/.test(name)) yield* readTable(path, options);
    else {
      const xml = /\.xml(\.gz)?$/.test(name);
      const bytes = await collect(openFile(path, options), xml ? maxXmlBytes : maxReportBytes, path);
      yield asReport(bytes, xml, path, stem(root ? relative(root, path) : basename(path)), options);
    }
  } catch (error) {
    if (signal?.aborted || !isInputProblem(error)) throw error;
    onProblem({ source: path, message: messageOf(error, path) });
  }
}

/** Errors of the data, in contrast to errors of ours: the file system and zlib number theirs, tar-stream does not. */
function isInputProblem(error: unknown): boolean {
  if (error instanceof InputError) return true;
  return error instanceof Error && ('errno' in error || /unexpected end|tar header/i.test(error.message));
}

function messageOf(error: unknown, source: string): string {
  const { message, code } = error as Error & { code?: string };
  if (error instanceof InputError) return message;
  if (code === 'Z_BUF_ERROR' || /unexpected end/i.test(message))
    return `${source}: ends too early: the file is cut off`;
  if (code?.startsWith('Z_')) return `${source}: the compressed data is damaged; given ${message}`;
  return `${source}: cannot be read; given ${message}`;
}

const stem = (file: string): string => {
  const plain = file.replace(/\.gz$/i, '');
  return plain.slice(0, plain.length - extname(plain).length);
};

function asReport(
  bytes: Uint8Array,
  xml: boolean,
  source: string,
  id: string,
  options: ReadReportsOptions,
): ReportText {
  const text = decode(bytes, source, options.encoding);
  if (!xml) return { id, text, source };
  const report = readOpenI(text, source);
  return { id: report.id || id, text: report.text, source };
}

function decoder(encoding = 'utf-8'): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch (cause) {
    throw new InputError('encoding: unknown', {
      expected: 'a label like utf-8, latin1 or utf-16le',
      given: encoding,
      cause,
    });
  }
}

const encodingHint = 'If the file is in another encoding, name it: --encoding latin1.';

function decode(bytes: Uint8Array, source: string, encoding?: string): string {
  try {
    return decoder(encoding).decode(bytes);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${source}: is not ${(encoding ?? 'utf-8').toUpperCase()}`, { hint: encodingHint });
  }
}

/** The file's bytes, decompressed where its name says so. Bytes are counted as they leave the disk. */
function openFile(path: string, { onBytes, signal }: ReadReportsOptions): Readable {
  const file = createReadStream(path, { highWaterMark: 1 << 18, signal });
  if (onBytes) file.on('data', (chunk) => onBytes(chunk.length));
  if (!/\.(tgz|gz)$/i.test(path)) return file;
  const gunzip = createGunzip();
  file.on('error', (error) => gunzip.destroy(error));
  gunzip.on('close', () => file.destroy());
  return file.pipe(gunzip);
}

async function collect(stream: AsyncIterable<Uint8Array>, limit: number, source: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) {
      throw new InputError(`${source}: too long for one report`, {
        expected: `at most ${limit / 2 ** 20} MiB`,
        hint: 'A text or XML file is one report. For many reports use a folder, an archive or a CSV with a row each.',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* readArchive(path: string, options: ReadReportsOptions): AsyncGenerator<ReportText> {
  const unpack = extract();
  const file = openFile(path, options);
  file.on('error', (error) => unpack.destroy(error));
  file.pipe(unpack);
  let entries = 0;
  try {
    for await (const entry of unpack) {
      const { name, type } = entry.header;
      const source = `${path}:${name}`;
      const xml = /\.xml$/i.test(name);
      const wanted = type === 'file' && (xml || /\.(txt|text)$/i.test(name));
      entries += 1;
      let report: ReportText | undefined;
      try {
        if (wanted)
          report = asReport(
            await collectEntry(entry, xml ? maxXmlBytes : maxReportBytes, source),
            xml,
            source,
            stem(name),
            options,
          );
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        options.onProblem({ source, message: error.message });
      }
      entry.resume();
      if (report) yield report;
    }
  } finally {
    file.unpipe(unpack);
    file.destroy();
  }
  if (entries === 0) throw new InputError(`${path}: no archive`, { expected: 'a tar archive with .xml or .txt files' });
}

/** Like `collect`, but an entry that is too long is passed over, so that the ones behind it can be read. */
async function collectEntry(entry: AsyncIterable<unknown>, limit: number, source: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of entry as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (size > limit) {
    throw new InputError(`${source}: too long for one report`, {
      expected: `at most ${limit / 2 ** 20} MiB`,
      given: `${size} bytes`,
    });
  }
  return Buffer.concat(chunks);
}

async function* readTable(path: string, options: ReadReportsOptions): AsyncGenerator<ReportText> {
  let ready: ReportText[] = [];
  let columns: { id: number; texts: { at: number; heading: string }[] } | undefined;
  const reader = csvReader(
    (fields, row) => {
      if (!columns) {
        columns = tableColumns(fields, path, options);
        return;
      }
      const source = `${path}: row ${row}`;
      const id = fields[columns.id]?.trim() ?? '';
      if (id === '') {
        options.onProblem({ source, message: `${source}: has no identifier` });
        return;
      }
      const text = columns.texts
        .map(({ at, heading }) => ({ heading, part: fields[at]?.trim() ?? '' }))
        .filter(({ part }) => part !== '')
        .map(({ heading, part }) => (heading ? `${heading}: ${part}\n\n` : part))
        .join('');
      ready.push({ id, text, source });
    },
    { source: path, maxRowLength: maxReportBytes },
  );
  const utf = decoder(options.encoding);
  const decodePart = (chunk?: Uint8Array): string => {
    try {
      return chunk ? utf.decode(chunk, { stream: true }) : utf.decode();
    } catch {
      throw new InputError(`${path}: is not ${(options.encoding ?? 'utf-8').toUpperCase()}`, { hint: encodingHint });
    }
  };
  const handOut = function* (): Generator<ReportText> {
    const rows = ready;
    ready = [];
    yield* rows;
  };
  try {
    for await (const chunk of openFile(path, options)) {
      reader.write(decodePart(chunk as Uint8Array));
      yield* handOut();
    }
    reader.write(decodePart());
    reader.end();
  } catch (error) {
    // The rows before the bad place are good.
    yield* handOut();
    throw error;
  }
  yield* handOut();
  if (!columns) throw new InputError(`${path}: is empty`, { expected: 'a header and a row per report' });
}

function tableColumns(header: readonly string[], path: string, options: ReadReportsOptions) {
  const source = path;
  const { id } = findColumns(header, { id: options.idColumn ? [options.idColumn] : idNames }, { source });
  const names = header.map(normalizeHeader);
  if (options.textColumns?.length) {
    const many = options.textColumns.length > 1;
    const texts = options.textColumns.map((name) => ({
      at: findColumns(header, { text: [name] }, { source }).text,
      heading: many || sectionNames.includes(normalizeHeader(name)) ? name : '',
    }));
    return { id, texts };
  }
  const parts = sectionNames.filter((name) => names.includes(name));
  if (parts.length > 0) return { id, texts: parts.map((name) => ({ at: names.indexOf(name), heading: name })) };
  return { id, texts: [{ at: findColumns(header, { text: textNames }, { source }).text, heading: '' }] };
}
