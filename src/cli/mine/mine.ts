/** `raybox mine`: reads radiology reports from files and writes a table of their labels. */
import { resolve } from 'node:path';
import { counted, InputError } from '../../errors.js';
import { csvLine } from '../../formats/csv.js';
import { imageNameOfPath } from '../../formats/data_sets/image_list.js';
import { type Lock, lockFile } from '../../node/lock.js';
import { type ReportFile, readReports, reportFiles } from '../../node/reports/report_files.js';
import type { Problem, ReportText } from '../../node/reports/report_text.js';
import { type GrowingFile, openBeside } from '../../node/text_files.js';
import { type Command, Option } from '../../node/vendor/commander.js';
import { fnv1a } from '../../random.js';
import { interruptible, nameList, type Progress, print, say, startProgress } from '../terminal.js';
import { type MinedReport, type MineTable, mineTable, type TableOptions } from './table.js';

/** The options of `raybox mine`. */
export interface MineFilesOptions extends Omit<TableOptions, 'explain'> {
  /** Path of the table. It is written under a temporary name and then renamed, so there is either a complete table or none. */
  out: string;
  /** Path of a file of JSON lines with the evidence for each label; `-` is stdout. Default: evidence is not written. */
  explain?: string;
  /** What becomes of a report in which no sentence counts: it is Normal, because nothing was found in it (default), or it is left out. */
  empty?: 'normal' | 'skip';
  textColumns?: readonly string[];
  idColumn?: string;
  encoding?: string;
  /** Called with the number of bytes that have been read, and that of all files. */
  onProgress?(done: number, total: number): void;
  onProblem?(problem: Problem): void;
  signal?: AbortSignal;
}

/** What was mined: numbers of reports. */
export interface MineSummary {
  reports: number;
  /** Reports in which no sentence counts. They are empty, or have no other sections than, for example, the indication. */
  empty: number;
  normal: number;
  /** The number of reports with each finding. */
  counts: Record<string, number>;
  /** The number of reports and files that could not be read. All others are in the table. */
  problems: number;
  /** Rows whose identifier an earlier row has: how many, and the first. Undefined if there are none. */
  repeated?: { count: number; first: string };
}

/**
 * Mines all reports under `paths` and writes the table `options.out`. For a file that cannot be read `onProblem` is called, and the other
 * files are still read. Of each report only a hash of its identifier is kept in memory.
 * @throws InputError if a path does not exist, or if no report was found
 */
export async function mine(paths: readonly string[], options: MineFilesOptions): Promise<MineSummary> {
  const table = mineTable({ ...options, explain: options.explain !== undefined });
  const files = await inputFiles(paths, options);
  const counts = Object.fromEntries(table.names.map((name) => [name, 0]));
  const summary: MineSummary = { reports: 0, empty: 0, normal: 0, counts, problems: 0 };
  const firstProblems: string[] = [];
  const isRepeated = repetitions();
  const onProblem = (problem: Problem) => {
    summary.problems += 1;
    if (firstProblems.length < 3) firstProblems.push(problem.message);
    options.onProblem?.(problem);
  };
  const outputs = openOutputs();
  try {
    const rows = await outputs.begin(options.out);
    const explained = options.explain && options.explain !== '-' ? await outputs.begin(options.explain) : undefined;
    await rows.write(`${csvLine(table.header)}\n`);
    for await (const report of reportsIn(files, { ...options, onProblem })) {
      const mined = mineOne(report, table, summary, { ...options, onProblem });
      if (!mined) continue;
      await rows.write(`${csvLine(mined.cells)}\n`);
      if (isRepeated(report.id)) {
        summary.repeated ??= { count: 0, first: report.id };
        summary.repeated.count += 1;
      }
      if (options.explain === undefined) continue;
      const line = `${JSON.stringify({ id: report.id, ...mined.result })}\n`;
      if (explained) await explained.write(line);
      else await print(line);
    }
    if (summary.reports === 0 && summary.empty === 0) {
      throw new InputError('mine: no report found', {
        expected: '.txt, .csv, .xml, .tgz or .tar files with reports',
        given: firstProblems.join(' | ') || paths.join(', '),
      });
    }
    await outputs.keep();
    return summary;
  } catch (error) {
    await outputs.discard();
    throw error;
  } finally {
    await outputs.release();
  }
}

/** Tells which identifiers have been asked for before. Keeps a hash of 53 bits of each, so that two of a million are alike in one of 18,000 tables. */
function repetitions(): (id: string) => boolean {
  const seen = new Set<number>();
  return (id) => {
    // Behind the same words both hashes would collide together, so the second one begins with other words.
    const hash = fnv1a(id) * 2 ** 21 + (fnv1a(`again ${id}`) & (2 ** 21 - 1));
    const before = seen.size;
    return seen.add(hash).size === before;
  };
}

/** The files to read. If a folder is mined again, the table that an earlier run has written into it is not read. */
async function inputFiles(paths: readonly string[], { out, explain = '-' }: MineFilesOptions): Promise<ReportFile[]> {
  const files: ReportFile[] = [];
  const outputs = [out, explain].map((path) => resolve(path));
  for await (const file of reportFiles(paths)) {
    if (file.root === '' || !outputs.includes(resolve(file.path))) files.push(file);
  }
  return files;
}

/** Reads the reports of all files, one after the other. */
async function* reportsIn(files: readonly ReportFile[], options: MineFilesOptions): AsyncGenerator<ReportText> {
  const { textColumns, idColumn, encoding, signal, onProblem = () => {} } = options;
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let bytes = 0;
  const onBytes = (count: number) => {
    bytes += count;
    options.onProgress?.(bytes, total);
  };
  for (const { path, root } of files) {
    for await (const report of readReports(path, root, {
      textColumns,
      idColumn,
      encoding,
      signal,
      onProblem,
      onBytes,
    })) {
      signal?.throwIfAborted();
      yield report;
    }
  }
}

/** Mines and counts a report. Returns undefined if it gets no row in the table. */
function mineOne(
  report: ReportText,
  table: MineTable,
  summary: MineSummary,
  { suffix = '', empty = 'normal', onProblem }: MineFilesOptions,
): MinedReport | undefined {
  const { id, source } = report;
  if (!isImageName(`${id}${suffix}`)) {
    const message = `${source}: its identifier is not an image name: ${JSON.stringify(id.slice(0, 60))}`;
    onProblem?.({ source, message });
    return undefined;
  }
  const mined = table.mine(report);
  summary.empty += Number(mined.empty);
  if (mined.empty && empty === 'skip') return undefined;
  summary.reports += 1;
  summary.normal += Number(mined.normal);
  for (const name of mined.found) summary.counts[name] = (summary.counts[name] ?? 0) + 1;
  return mined;
}

/** Opens files under temporary names and locks them. They get their own names only when all of them are complete. */
function openOutputs() {
  const files: GrowingFile[] = [];
  const locks: Lock[] = [];
  return {
    async begin(path: string): Promise<GrowingFile> {
      locks.push(await lockFile(path));
      const file = await openBeside(path);
      files.push(file);
      return file;
    },
    async keep() {
      for (const file of files) await file.keep();
    },
    async discard() {
      for (const file of files) await file.discard();
    },
    async release() {
      for (const lock of locks) await lock.release();
    },
  };
}

/** Whether a name can stand in the table. With some names, such as a path out of the folder, the table could not be read. */
function isImageName(text: string): boolean {
  try {
    return imageNameOfPath(text) !== '';
  } catch {
    return false;
  }
}

interface CommandOptions extends Omit<MineFilesOptions, 'textColumns' | 'onProgress' | 'onProblem' | 'signal'> {
  textColumn?: string[];
}

/** Adds `raybox mine`. The exit code is 1 if something could not be read. */
export function addMineCommand(program: Command): void {
  program
    .command('mine')
    .description('radiology reports → disease labels, each with its reason')
    .argument('<paths...>', 'reports: .txt (one each), .csv, OpenI .xml, .tgz or .tar of these, or folders')
    .requiredOption('--out <file>', 'the table, as CSV')
    .addOption(
      new Option(
        '--format <name>',
        'rows as in Data_Entry_2017.csv (default), or a column for each disease, as chexpert always has',
      ).choices(['data-entry', 'wide']),
    )
    .addOption(
      new Option(
        '--classes <which>',
        "the classes of ChestX-ray14 or ChestX-ray8, or the columns of CheXpert's labeller",
      )
        .choices(['fourteen', 'eight', 'chexpert'])
        .default('fourteen'),
    )
    .addOption(
      new Option('--uncertain <policy>', 'uncertain mentions count as not present, as present, or as the cue word says')
        .choices(['drop', 'keep', 'cue'])
        .default('cue'),
    )
    .addOption(
      new Option('--empty <what>', 'reports in which no sentence counts are Normal, or are left out')
        .choices(['normal', 'skip'])
        .default('normal'),
    )
    .option('--explain <file>', 'also write the evidence of each label as JSON lines (- for stdout)')
    .option('--suffix <text>', "is appended to each report's identifier to name its image, for example .png")
    .option('--text-column <names>', 'CSV column with the report; several are joined: findings,impression', nameList)
    .option('--id-column <name>', "CSV column with the report's identifier")
    .option('--encoding <label>', 'encoding of text and CSV files', 'utf-8')
    .action(async (paths: string[], { textColumn: textColumns, ...options }: CommandOptions) => {
      let progress: Progress | undefined;
      const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;
      const summary = await interruptible((signal) =>
        mine(paths, {
          ...options,
          signal,
          textColumns,
          onProgress(done, total) {
            progress ??= startProgress('mining', megabytes(total), 'MB');
            progress.update(megabytes(done));
          },
          onProblem: ({ message }) => (progress?.note ?? say)(`raybox mine: ${message}`),
        }),
      ).finally(() => progress?.stop());
      say(describe(summary, options.out));
      if (summary.problems > 0) process.exitCode = 1;
    });
}

function describe(summary: MineSummary, out: string): string {
  const found = Object.entries(summary.counts).flatMap(([name, count]) => (count > 0 ? [`${name} ${count}`] : []));
  const lines = [
    `${out}: ${counted(summary.reports, 'report')}, ${summary.normal} normal`,
    found.length > 0 ? `  ${found.join(', ')}` : '',
  ];
  if (summary.empty > 0) lines.push(`  ${summary.empty} without a sentence that counts (see --empty)`);
  if (summary.repeated) {
    const { count, first } = summary.repeated;
    lines.push(`  warning: ${counted(count, 'row')} with an identifier that an earlier row has, the first: ${first}`);
  }
  if (summary.problems > 0) lines.push(`  ${summary.problems} could not be read`);
  return lines.filter(Boolean).join('\n');
}
