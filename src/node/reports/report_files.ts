/**
 * Reads reports from files one by one: plain text, CSV, OpenI XML, and folders or tar archives of them. Only one report (one row, or one
 * entry of an archive) is in memory at a time, and its size is bounded.
 */
import { opendir, stat } from 'node:fs/promises';
import { basename, extname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { InputError } from '../../errors.js';
import { readOpenI } from '../../reports/openi.js';
import { type LostMember, soundMembers } from '../runtime/tar_members.js';
import { extract } from '../vendor/tar_stream.js';
import { collect, maxReportBytes, openFile, textDecoder } from './report_bytes.js';
import { readTable } from './report_table.js';
import type { ReadReportsOptions, ReportText } from './report_text.js';

/** The longest XML file that is read. It has a report and the descriptions of its images. */
const maxXmlBytes = 4 << 20;

/** A file with reports. */
export interface ReportFile {
  path: string;
  /** The folder in which it was found; '' if it was named itself. */
  root: string;
  /** In bytes. */
  size: number;
}

const readable = /\.(txt|text|csv|xml|tgz|tar|tar\.gz|csv\.gz|txt\.gz|xml\.gz)$/i;

/**
 * Lists all files of `paths`. Folders are searched in the order of names, for files with a known ending. A file that is named itself is
 * taken with any ending.
 * @throws InputError if a path does not exist.
 */
export async function* reportFiles(paths: readonly string[]): AsyncGenerator<ReportFile> {
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

async function* filesUnder(folder: string, root: string): AsyncGenerator<ReportFile> {
  const entries = [];
  for await (const entry of await opendir(folder)) entries.push(entry);
  entries.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(path, root);
    else if (entry.isFile() && readable.test(entry.name)) yield { path, root, size: (await stat(path)).size };
  }
}

/** Reads every report of a file. `onProblem` is called for what cannot be read, and reading continues if possible. */
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

/**
 * Whether an error is caused by the data rather than by a mistake in this program. Errors of the file system and of zlib have an `errno`;
 * those of tar-stream can only be recognised by their messages.
 */
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
  const decoder = textDecoder(source, options.encoding);
  const text = decoder.write(bytes) + decoder.end();
  if (!xml) return { id, text, source };
  const report = readOpenI(text, source);
  return { id: report.id || id, text: report.text, source };
}

/** Whether a tar member is a plain file. So are members of an unknown type, as POSIX.1-2017 (pax) requires. */
const isFile = (type: string | null | undefined) => !type || type === 'file' || type === 'contiguous-file';

async function* readArchive(path: string, options: ReadReportsOptions): AsyncGenerator<ReportText> {
  const unpack = extract();
  const file = openFile(path, options);
  let lost = 0;
  const onLost = ({ name, at, reason }: LostMember): void => {
    lost += 1;
    const source = `${path}:${name || `the member at byte ${at}`}`;
    options.onProblem({ source, message: `${source}: ${reason}` });
  };
  const sound = Readable.from(soundMembers(file, onLost), { objectMode: false });
  sound.on('error', (error) => unpack.destroy(error));
  sound.pipe(unpack);
  let entries = 0;
  try {
    for await (const entry of unpack) {
      const { name, type } = entry.header;
      const source = `${path}:${name}`;
      const xml = /\.xml$/i.test(name);
      const named = xml || /\.(txt|text)$/i.test(name);
      const wanted = named && isFile(type);
      entries += 1;
      if (named && /link/.test(type ?? '')) {
        options.onProblem({ source, message: `${source}: is a link, which is not followed; pack the file itself` });
      }
      let report: ReportText | undefined;
      try {
        if (wanted) {
          const bytes = await collect(entry, xml ? maxXmlBytes : maxReportBytes, source, true);
          report = asReport(bytes, xml, source, stem(name), options);
        }
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        options.onProblem({ source, message: error.message });
      }
      entry.resume();
      if (report) yield report;
    }
  } finally {
    sound.unpipe(unpack);
    sound.destroy();
    file.destroy();
  }
  if (entries === 0 && lost === 0)
    throw new InputError(`${path}: no archive`, { expected: 'a tar archive with .xml or .txt files' });
}
