/**
 * The folder of a training run: `config.json`, `log.jsonl`, list files of the split, `pixels.tsv`, `checkpoints/`, `best.safetensors` with
 * its card `best.md`, and `curves.html`. All files except the log and the pixels are written under a temporary name and then renamed. Only
 * one process at a time can work in the folder.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { parseJson } from '../../formats/json.js';
import { FOLDER_LOCK, type Lock, lockFolder } from '../../node/lock.js';
import { folderEntries, readText, writeRefusal, writeWhole } from '../../node/text_files.js';
import { readTrainingCheckpoint, type TrainingCheckpoint, writeCheckpoint } from '../../train/checkpoint.js';

const CONFIG = 'config.json';
const LOG = 'log.jsonl';
const CHECKPOINTS = 'checkpoints';
/** The file with the weights of the best epoch. */
export const BEST = 'best.safetensors';

/** The most lines of a log that may be unreadable. Each time a run is killed, it leaves at most one. A file with more of them is not a log. */
const BROKEN_LINES = 1000;

/** The number of checkpoints that are kept. Older ones are deleted. */
const KEPT_CHECKPOINTS = 3;

/** A line of the log: what happened, and when. */
export interface LogEntry {
  event: 'start' | 'resume' | 'update' | 'epoch' | 'checkpoint' | 'warning' | 'end';
  /** The epoch, counted from 1. */
  epoch?: number;
  /** The number of updates of the epoch so far. */
  step?: number;
  [more: string]: unknown;
}

/** The folder of a training run that is under way. */
export interface RunFolder<Config> {
  readonly path: string;
  readonly config: Config;
  /** The newest checkpoint that can be read; undefined if there is none. */
  readonly resume: TrainingCheckpoint | undefined;
  /** The path of that checkpoint. */
  readonly resumedFrom: string | undefined;
  /** The entries of the log up to that checkpoint. */
  readonly entries: readonly LogEntry[];
  log(entry: LogEntry): void;
  /** Replaces the configuration. */
  configure(config: Config): Promise<void>;
  /** Writes a checkpoint. Returns its path. */
  checkpoint(checkpoint: TrainingCheckpoint): Promise<string>;
  write(name: string, content: string | Uint8Array): Promise<void>;
  /** Releases the folder, so that other processes can work in it. */
  close(): Promise<void>;
}

/**
 * Whether a run that was killed while it began may have left this file. Such a folder counts as empty, because nothing was computed yet.
 */
const isRemains = (name: string) =>
  name.startsWith(FOLDER_LOCK) || (name.startsWith(`${CONFIG}.`) && name.endsWith('.part'));

/** @throws InputError if the folder is not empty, because a run never overwrites another */
export async function refuseUsedFolder(path: string): Promise<void> {
  const used = (await folderEntries(path, `--out ${path}`)).filter((name) => !isRemains(name));
  if (used.length > 0) {
    throw new InputError(`--out ${path} is not empty`, {
      given: `${used.length === 1 ? '1 entry' : `${used.length} entries, the first`} ${used[0]}`,
      hint: used.includes(CONFIG) ? '--resume goes on with the run in it' : 'name a new folder',
    });
  }
}

/** @throws InputError as `refuseUsedFolder` does, if the folder cannot be made, and if another process has just made it */
export async function createRunFolder<Config>(path: string, config: Config): Promise<RunFolder<Config>> {
  await refuseUsedFolder(path);
  const lock = await lockFolder(path);
  try {
    await refuseUsedFolder(path);
    const folder = runFolder(path, config, undefined, undefined, [], lock);
    await folder.configure(config);
    await mkdir(join(path, CHECKPOINTS), { recursive: true });
    return folder;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * Opens the folder of a run to continue it. Entries of the log that are later than the checkpoint are removed, because that part of the run
 * is repeated.
 * @param onProblem is called for a checkpoint that cannot be read or is damaged, in whose place an older one is used, and for one without a
 *   checksum
 * @throws InputError if there are checkpoints and none of them can be read, or if another process works in the folder
 */
export async function openRunFolder<Config>(
  path: string,
  onProblem: (message: string) => void,
): Promise<RunFolder<Config>> {
  if (!existsSync(join(path, CONFIG))) {
    throw new InputError(`--out ${path} holds no run to resume`, { expected: `a folder with ${CONFIG}` });
  }
  const lock = await lockFolder(path);
  try {
    return await openLocked(path, onProblem, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLocked<Config>(
  path: string,
  onProblem: (message: string) => void,
  lock: Lock,
): Promise<RunFolder<Config>> {
  const config = parseJson(await readText(join(path, CONFIG)), join(path, CONFIG)) as Config;
  await mkdir(join(path, CHECKPOINTS), { recursive: true });
  await removeParts(join(path, CHECKPOINTS));
  const names = await checkpointNames(path);
  let resume: TrainingCheckpoint | undefined;
  let resumedFrom: string | undefined;
  for (const name of names) {
    const file = join(path, CHECKPOINTS, name);
    try {
      resume = await readTrainingCheckpoint(await readFile(file));
      resumedFrom = file;
      if (resume.unchecked) onProblem(`${file} is from an older raybox and has no checksum: damage would go unnoticed`);
      break;
    } catch (error) {
      onProblem(`${file}: ${(error as Error).message}`);
    }
  }
  if (names.length > 0 && !resume) {
    throw new InputError(`none of the checkpoints of ${path} can be read`, {
      given: `${names.length} in ${join(path, CHECKPOINTS)}`,
      hint: 'a newer raybox may read them; move them away to begin the run again',
    });
  }
  const entries = withEpochs(await readLog(join(path, LOG), resume), resume);
  await writeWhole(join(path, LOG), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  return runFolder(path, config, resume, resumedFrom, entries, lock);
}

function runFolder<Config>(
  path: string,
  config: Config,
  resume: TrainingCheckpoint | undefined,
  resumedFrom: string | undefined,
  entries: readonly LogEntry[],
  lock: Lock,
): RunFolder<Config> {
  const write = (name: string, content: string | Uint8Array) => writeWhole(join(path, name), content);
  return {
    path,
    config,
    resume,
    resumedFrom,
    entries,
    write,
    close: lock.release,
    configure: (changed) => write(CONFIG, `${JSON.stringify(changed, null, 2)}\n`),
    log(entry) {
      try {
        appendFileSync(join(path, LOG), `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);
      } catch (error) {
        throw writeRefusal(join(path, LOG), error, GO_ON);
      }
    },
    async checkpoint(checkpoint) {
      const name = nameOf(checkpoint.state);
      const bytes = await writeCheckpoint(checkpoint);
      await write(join(CHECKPOINTS, name), bytes).catch(async (error: Error) => {
        const [last] = (await checkpointNames(path)).filter((other) => other !== name);
        throw writeRefusal(
          join(path, CHECKPOINTS, name),
          error.cause ?? error,
          last ? `${last} is kept; ${GO_ON}` : GO_ON,
        );
      });
      // A checkpoint that could not be read may have a later name than the one that has just been written.
      const others = (await checkpointNames(path)).filter((other) => other !== name);
      for (const old of others.slice(KEPT_CHECKPOINTS - 1)) await rm(join(path, CHECKPOINTS, old), { force: true });
      return join(path, CHECKPOINTS, name);
    },
  };
}

const GO_ON = '--resume goes on from the newest checkpoint';

const nameOf = ({ epoch, step }: { epoch: number; step: number }) =>
  `epoch-${String(epoch).padStart(4, '0')}-step-${String(step).padStart(6, '0')}.safetensors`;

/** The names of the checkpoints, the newest first. */
async function checkpointNames(path: string): Promise<string[]> {
  const names = await readdir(join(path, CHECKPOINTS));
  const place = (name: string) => /^epoch-(\d+)-step-(\d+)\.safetensors$/.exec(name)?.slice(1).map(Number);
  const known = names.flatMap((name) => {
    const at = place(name);
    return at ? [{ name, at }] : [];
  });
  known.sort((a, b) => b.at[0] - a.at[0] || b.at[1] - a.at[1]);
  return known.map(({ name }) => name);
}

/** Removes half-written files that a killed run has left. */
async function removeParts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.endsWith('.part')) await rm(join(folder, name), { force: true });
}

/** Adds epochs that are in the checkpoint but not in the log, because the run was killed after it had written the checkpoint. */
function withEpochs(entries: LogEntry[], resume: TrainingCheckpoint | undefined): LogEntry[] {
  for (const record of resume?.state.history ?? []) {
    if (entries.some(({ event, epoch }) => event === 'epoch' && epoch === record.epoch)) continue;
    const last = entries.findLastIndex(({ epoch = 0 }) => epoch <= record.epoch && epoch > 0);
    entries.splice(last + 1, 0, { event: 'epoch', ...record });
  }
  return entries;
}

async function readLog(path: string, resume: TrainingCheckpoint | undefined): Promise<LogEntry[]> {
  const text = existsSync(path) ? await readText(path, 2 ** 31) : '';
  const { epoch: done, step: steps } = resume?.state ?? { epoch: 0, step: 0 };
  let broken = 0;
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    let entry: LogEntry;
    try {
      entry = parseJson(line, path) as LogEntry;
    } catch (error) {
      broken++; // a run that was killed may have left an incomplete line
      if (broken <= BROKEN_LINES) return [];
      throw new InputError(`${path} is not a log of a training run`, {
        expected: `a line of JSON for each event, and at most ${BROKEN_LINES} broken ones`,
        given: (error as Error).message,
        hint: 'move it away: the run goes on from its checkpoint without it, and its curves begin there',
      });
    }
    if (typeof entry !== 'object' || entry === null) return []; // a run only writes objects
    const { event, epoch = 1, step = 0 } = entry;
    if (event === 'update' || event === 'checkpoint') {
      return epoch - 1 < done || (epoch - 1 === done && step <= steps) ? [entry] : [];
    }
    return event === 'epoch' && epoch > done ? [] : [entry];
  });
}
