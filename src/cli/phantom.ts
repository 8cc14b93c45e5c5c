/** `raybox phantom`: a data set of phantoms in the layout of ChestX-ray8, drawn in worker threads. */
import { appendFile, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { InputError } from '../errors.js';
import { parseJson } from '../formats/json.js';
import { BOX_FILE, TEST_FILE, TRAIN_VALIDATION_FILE } from '../node/dataset.js';
import { lockBeside } from '../node/lock.js';
import { writeRefusal } from '../node/text_files.js';
import { Presets, SingleBar } from '../node/vendor/cli_progress.js';
import { type Command, InvalidArgumentError, Option } from '../node/vendor/commander.js';
import { drawPhantom, type PhantomOptions, PRESETS, type Preset } from '../phantom/index.js';
import { boxFile, labelFile, type PhantomRow, testRows } from './phantom_tables.js';

export interface WritePhantomsOptions extends Omit<PhantomOptions, 'index' | 'diseases'> {
  count: number;
  /** Folder to be made; it must not hold anything yet. */
  out: string;
  /** Which images get their boxes into the box file. Default `test`: whoever trains leaves boxed images out. */
  boxes?: 'test' | 'all';
  /** Worker threads. Default: one per processor, 16 at most. */
  threads?: number;
  onProgress?(done: number, total: number): void;
  signal?: AbortSignal;
}

export interface PhantomSummary {
  images: number;
  patients: number;
  test: number;
  boxes: number;
  counts: Record<string, number>;
  /** Images that an interrupted run had left. */
  resumed: number;
}

const MAX_COUNT = 1_000_000;
/** Changes whenever the same seed gives other pixels, so that no data set is half old and half new. */
const DRAWING = 2;
const BATCH = 4;

/**
 * Draws `count` phantoms into `out`: `images/`, `reports/`, label file, box file and list files as ChestX-ray8 has them,
 * and `phantoms.json` with the options. Everything is written to `out` + `.part` and renamed at the end; a run that was
 * interrupted goes on from there when the same options are given.
 *
 * @throws InputError where an option is out of range, `out` holds something, or `.part` was begun with other options
 */
export async function writePhantoms(options: WritePhantomsOptions): Promise<PhantomSummary> {
  const { count, out, boxes = 'test', threads, onProgress, signal, ...drawing } = options;
  if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT) {
    throw new InputError('phantom: count is wrong', {
      expected: `a whole number from 1 to ${MAX_COUNT}`,
      given: `${count}`,
    });
  }
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1)) {
    throw new InputError('phantom: threads is wrong', { expected: 'a whole number from 1', given: `${threads}` });
  }
  const target = resolve(out);
  const part = `${target}.part`;
  // Refuses what makes no sense before anything is written.
  drawPhantom({ ...drawing, index: 0, size: drawing.size });
  await requireFree(target, out);
  const lock = await lockBeside(out);
  try {
    return await drawInto(part, target, { count, out, boxes, threads, onProgress, signal }, drawing);
  } catch (error) {
    const { syscall, path = `${out}.part` } = error as NodeJS.ErrnoException;
    throw syscall ? writeRefusal(path, error, 'the same command goes on with what is drawn') : error;
  } finally {
    await lock.release();
  }
}

type Drawing = Omit<PhantomOptions, 'index'>;

/** Draws what is missing in `part`, writes the tables, and renames it. */
async function drawInto(
  part: string,
  target: string,
  { count, out, boxes, threads, onProgress, signal }: Omit<WritePhantomsOptions, keyof Drawing>,
  drawing: Drawing,
): Promise<PhantomSummary> {
  await requireFree(target, out);
  const settings = describeSettings({ drawing: DRAWING, count, boxes, ...drawing });
  const rows = await begin(part, settings);
  const resumed = rows.size;

  const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !rows.has(index));
  onProgress?.(resumed, count);
  await drawAll(missing, { drawing, part, threads, signal }, async (drawn) => {
    await appendFile(join(part, ROWS), drawn.map((row) => `${JSON.stringify(row)}\n`).join(''));
    for (const row of drawn) rows.set(row.index, row);
    onProgress?.(rows.size, count);
  });

  const sorted = [...rows.values()].sort((a, b) => a.index - b.index);
  const isTest = testRows(sorted, drawing.seed);
  const boxed = sorted.filter((row) => boxes === 'all' || isTest(row));
  const list = (wanted: boolean) => sorted.filter((row) => isTest(row) === wanted).map(({ image }) => `${image}\n`);
  await writeFile(join(part, 'Data_Entry_2017.csv'), labelFile(sorted, drawing.size));
  await writeFile(join(part, BOX_FILE), boxFile(boxed));
  await writeFile(join(part, TRAIN_VALIDATION_FILE), list(false).join(''));
  await writeFile(join(part, TEST_FILE), list(true).join(''));
  await rmdir(target).catch(() => {});
  await rename(part, target);
  // Not before: what is drawn would have to be drawn again, were this process killed in between.
  await rm(join(target, ROWS));

  const counts: Record<string, number> = {};
  for (const { labels } of sorted) for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return {
    images: count,
    patients: new Set(sorted.map(({ patient }) => patient)).size,
    test: list(true).length,
    boxes: boxed.reduce((sum, row) => sum + row.boxes.length, 0),
    counts,
    resumed,
  };
}

const ROWS = 'rows.jsonl';

/** The same text whatever order the options were given in. */
function describeSettings(settings: Record<string, unknown>): string {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  return `${JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))), null, 2)}\n`;
}

async function requireFree(target: string, shown: string): Promise<void> {
  const entries: string[] = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new InputError(`phantom: ${shown} cannot be used`, { given: error.message, cause: error });
  });
  if (entries.length === 0) return;
  // The run that drew them was killed before it could remove its own list.
  if (entries.includes(ROWS) && entries.includes('phantoms.json')) await rm(join(target, ROWS));
  throw new InputError(`phantom: ${shown} is not empty`, {
    given: `${entries.length === 1 ? '1 entry' : `${entries.length} entries, the first`} ${entries[0]}`,
    hint: 'name a new folder: nothing is ever overwritten',
  });
}

/** Makes the folder, or takes up what an interrupted run with the same settings left in it. */
async function begin(part: string, settings: string): Promise<Map<number, PhantomRow>> {
  const settingsFile = join(part, 'phantoms.json');
  const before = await readFile(settingsFile, 'utf8').catch(() => undefined);
  if (before !== undefined && before !== settings) {
    throw new InputError(`phantom: ${part} was begun with other options`, {
      hint: 'give the options it was begun with, to go on, or delete it',
    });
  }
  try {
    await mkdir(dirname(part), { recursive: true });
    if (before === undefined) {
      await mkdir(part).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
    await mkdir(join(part, 'images'), { recursive: true });
    await mkdir(join(part, 'reports'), { recursive: true });
    await writeFile(settingsFile, settings);
  } catch (error) {
    throw new InputError(`phantom: ${part} cannot be written`, { given: (error as Error).message, cause: error });
  }
  const rows = new Map<number, PhantomRow>();
  const text = await readFile(join(part, ROWS), 'utf8').catch(() => '');
  // What follows the last line end is a line that the interruption cut off.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const line of whole.split('\n').filter(Boolean)) {
    const row = parseJson(line, `${join(part, ROWS)}: a line`) as PhantomRow | null;
    if (!Number.isSafeInteger(row?.index))
      throw new InputError(`phantom: ${join(part, ROWS)} is damaged`, {
        expected: 'a phantom a line, with its index',
        given: line.slice(0, 80),
        hint: `delete ${part}, and begin again`,
      });
    rows.set(row!.index, row!);
  }
  await writeFile(join(part, ROWS), whole);
  return rows;
}

interface Work {
  drawing: Drawing;
  part: string;
  threads: number | undefined;
  signal: AbortSignal | undefined;
}

/** Hands batches of indices to worker threads. One that fails, or an abort, ends them all. */
async function drawAll(
  indices: number[],
  { drawing, part, threads, signal }: Work,
  onDrawn: (rows: PhantomRow[]) => Promise<void>,
): Promise<void> {
  const batches = Array.from({ length: Math.ceil(indices.length / BATCH) }, (_, k) =>
    indices.slice(k * BATCH, (k + 1) * BATCH),
  );
  const queue = batches.values();
  const workers: Worker[] = [];
  let writing = Promise.resolve();
  const serve = () =>
    new Promise<void>((done, fail) => {
      const worker = new Worker(new URL('./phantom_worker.js', import.meta.url), {
        workerData: { drawing, part },
        // Flags like --input-type are for how this process was started, not for a thread.
        execArgv: [],
      });
      workers.push(worker);
      const next = () => {
        signal?.throwIfAborted();
        const batch = queue.next();
        if (batch.done) done();
        else worker.postMessage(batch.value);
      };
      const attempt = (step: () => void) => {
        try {
          step();
        } catch (error) {
          fail(error);
        }
      };
      worker.on('message', (rows: PhantomRow[]) => {
        // One append at a time; the worker need not wait for it.
        writing = writing.then(() => onDrawn(rows));
        writing.catch(fail);
        attempt(next);
      });
      worker.on('error', fail);
      worker.on('exit', (code) => fail(new Error(`a drawing thread ended with code ${code}`)));
      attempt(next);
    });
  const wanted = Math.min(threads ?? Math.min(availableParallelism(), 16), batches.length);
  try {
    await Promise.all(Array.from({ length: wanted }, serve));
    await writing;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function numberOption(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

function severityOption(text: string): [number, number] {
  const values = text.split(',').map(numberOption);
  if (values.length !== 2) throw new InvalidArgumentError('It must be two numbers: LOW,HIGH.');
  return [values[0], values[1]];
}

type CommandOptions = Omit<WritePhantomsOptions, 'onProgress' | 'signal'>;

/** Adds `raybox phantom` to the command line. */
export function addPhantomCommand(program: Command): void {
  program
    .command('phantom')
    .description('draw a data set of synthetic chest X-rays: images, labels, boxes, lists and reports')
    .requiredOption('--count <n>', 'number of images', numberOption)
    .requiredOption('--out <dir>', 'folder to be made')
    .option('--size <pixels>', 'width and height, 64 to 2048', numberOption, 512)
    .option('--seed <n>', 'one seed is one endless data set', numberOption, 0)
    .addOption(
      new Option('--preset <name>', 'clear and balanced, or like the real thing')
        .choices(Object.keys(PRESETS) as Preset[])
        .default('demo'),
    )
    .addOption(new Option('--prevalence <which>', 'share of each disease').choices(['real', 'balanced']))
    .option('--severity <low,high>', 'from 0, barely visible, to 1, obvious', severityOption)
    .option('--co-occurrence <share>', 'how strongly diseases come together, 0 to 1', numberOption)
    .option('--label-noise <share>', 'share of the positives whose label is dropped; as many are added', numberOption)
    .option('--confounder <share>', 'pneumothoraces that come with a chest tube, 0 to 1', numberOption)
    .option('--distractors <factor>', 'tubes, lines and devices: times the usual number', numberOption)
    .option('--look-alikes <factor>', 'granulomas, nipples, scars and the like: times the usual number', numberOption)
    .option('--noise <levels>', 'noise in grey levels', numberOption)
    .option('--variation <share>', 'spread of exposure, position and build, 0 to 1', numberOption)
    .addOption(new Option('--boxes <which>', 'images whose boxes are written').choices(['test', 'all']).default('test'))
    .option('--threads <n>', 'worker threads', numberOption)
    .action(async (options: CommandOptions) => {
      const bar = new SingleBar(
        {
          stream: process.stderr,
          format: 'drawing [{bar}] {percentage}% | {value}/{total} images | ETA {eta_formatted}',
          hideCursor: true,
        },
        Presets.shades_classic,
      );
      const interactive = process.stderr.isTTY === true;
      let started = false;
      const summary = await writePhantoms({
        ...options,
        onProgress(done, total) {
          if (!interactive) return;
          if (!started) bar.start(total, done);
          started = true;
          bar.update(done);
        },
      }).finally(() => bar.stop());
      const counts = Object.entries(summary.counts).sort(([a], [b]) => (a < b ? -1 : 1));
      const lines = [
        `${options.out}: ${summary.images} images of ${summary.patients} patients, ${summary.test} of them for testing`,
        `  ${counts.map(([label, n]) => `${label} ${n}`).join(', ') || 'no disease'}; ${summary.boxes} boxes`,
      ];
      if (summary.resumed > 0) lines.push(`  ${summary.resumed} images were there from an interrupted run`);
      process.stderr.write(`${lines.join('\n')}\n`);
    });
}
