/**
 * Locks on outputs, so that only one process at a time writes a file or folder. A lock is a small file beside the output file, or inside the
 * output folder, that says which process holds it. It is removed when that process ends. The lock of a killed process is taken over.
 */
import { readFileSync, rmSync } from 'node:fs';
import { link, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../errors.js';
import { lookUp, ownIdentity, type ProcessIdentity } from './runtime/processes.js';
import { makeFolder, sweepParts, writeRefusal } from './text_files.js';

/** The name of the lock inside a folder. */
export const FOLDER_LOCK = '.raybox.lock';

/** A lock that this process holds. */
export interface Lock {
  /** Releases the lock. It may be called more than once. */
  release(): Promise<void>;
}

/** The content of a lock file. */
interface Holder extends ProcessIdentity {
  since: string;
  command: string;
}

/**
 * Locks a file before it is written, makes its folder, and removes half-written files that killed processes have left beside it.
 * @param patience for how many milliseconds to wait for another process that holds the lock
 * @throws InputError if another process holds the lock, if no lock can be made there, or if the path is a folder.
 */
export async function lockFile(path: string, patience = 0): Promise<Lock> {
  if ((await stat(path).catch(() => undefined))?.isDirectory()) {
    throw new InputError(`${path} cannot be written: it is a folder`, { hint: 'name a file' });
  }
  return lockBeside(path, patience);
}

/** As `lockFile`, for any kind of output: for example a folder that is made elsewhere and renamed to this path at the end. */
export async function lockBeside(path: string, patience = 0): Promise<Lock> {
  const parent = dirname(resolve(path));
  await makeFolder(parent, path);
  // The real path is locked, so that two names of the same file share a lock.
  const real = await realpath(path).catch(async () => join(await realpath(parent), basename(path)));
  const lock = await acquire(`${real}.lock`, path, patience);
  const name = basename(real);
  await sweepParts(dirname(real), (part) => part === name || part.startsWith(`${name}.lock.`));
  return lock;
}

/** Names of files that raybox writes into folders. */
const WRITTEN = /\.(png|jsonl?|csv|html|txt|tsv|md|safetensors)$/;

/**
 * Makes and locks a folder before files are written into it, and removes half-written files that killed processes have left there.
 * @throws InputError as `lockFile`.
 */
export async function lockFolder(path: string): Promise<Lock> {
  await makeFolder(path);
  const lock = await acquire(join(path, FOLDER_LOCK), path);
  await sweepParts(path, (part) => WRITTEN.test(part) || part.startsWith(`${FOLDER_LOCK}.`));
  return lock;
}

/** Holds the lock of a file, after waiting for it as `lockFile` does, while `work` writes it. */
export async function withFile<T>(path: string, work: () => Promise<T>, patience = 0): Promise<T> {
  return whileHeld(await lockFile(path, patience), work);
}

/** Holds the lock of a folder while `work` writes into it. */
export async function withFolder<T>(path: string, work: () => Promise<T>): Promise<T> {
  return whileHeld(await lockFolder(path), work);
}

async function whileHeld<T>(lock: Lock, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Locks of this process by path. They are removed when it exits. */
const held = new Map<string, Holder>();
let watching = false;

async function acquire(path: string, output: string, patience = 0): Promise<Lock> {
  const { argv } = process;
  const command = [basename(argv[1] ?? 'node'), ...argv.slice(2)].join(' ').slice(0, 200);
  const own: Holder = { ...ownIdentity(), since: new Date().toISOString(), command };
  const other = await take(path, own, patience).catch((cause) => {
    throw cause instanceof InputError ? cause : writeRefusal(output, cause);
  });
  if (other) throw inUse(output, path, other);
  await removeGuards(path);
  held.set(path, own);
  if (!watching) process.on('exit', () => held.forEach(removeNow));
  watching = true;
  return {
    async release() {
      if (held.get(path) !== own) return;
      held.delete(path);
      removeNow(own, path);
    },
  };
}

/**
 * Removes a lock of this process. The token is compared first, because somebody may have deleted the lock by hand, and another process may
 * have taken it since.
 */
function removeNow(own: Holder, path: string): void {
  try {
    if (JSON.parse(readFileSync(path, 'utf8')).token === own.token) rmSync(path);
  } catch {
    // The lock has been deleted already, perhaps together with its folder.
  }
}

/** Removes the guards (see `take`) of processes that were killed while they took over a lock. */
async function removeGuards(path: string): Promise<void> {
  const name = `${basename(path)}.`;
  for (const entry of await readdir(dirname(path))) {
    if (!entry.startsWith(name) || !/^[0-9a-f]{12}$/.test(entry.slice(name.length))) continue;
    const guard = join(dirname(path), entry);
    const holder = await readHolder(guard);
    if (typeof holder === 'object' && lookUp(holder) === 'ended') await rm(guard, { force: true });
  }
}

/** How long to wait for another process that has not written the lock completely yet, or is taking over that of an ended one. */
const TAKING_MS = 2000;

/**
 * Takes a lock, or returns the holder if another process has it.
 *
 * If the holder has ended, its lock is replaced. Two processes may try this at the same time, and the later one must not replace the new
 * lock of the earlier one. So a process first takes a second lock, the guard, whose name has the token of the ended holder.
 */
async function take(path: string, own: Holder, patience = 0): Promise<Holder | undefined> {
  const since = Date.now();
  for (;;) {
    if (await create(path, own)) return undefined;
    const other = await readHolder(path);
    if (other === 'gone') continue;
    const isHeld = other !== 'unreadable' && lookUp(other, own) !== 'ended';
    if (other !== 'unreadable' && !isHeld) {
      const guard = `${path}.${other.token}`;
      if ((await take(guard, own)) === undefined) {
        try {
          const now = await readHolder(path);
          if (typeof now === 'object' && now.token === other.token) {
            await rename(await writeBeside(path, own), path);
            return undefined;
          }
        } finally {
          await rm(guard, { force: true });
        }
      }
    }
    if (Date.now() - since >= (isHeld ? patience : TAKING_MS)) {
      if (other === 'unreadable') throw unreadable(path);
      return other;
    }
    await sleep(20);
  }
}

async function writeBeside(path: string, own: Holder): Promise<string> {
  const beside = `${path}.${own.token}.${process.pid}.part`;
  await writeFile(beside, `${JSON.stringify(own)}\n`).catch(async (error) => {
    await rm(beside, { force: true });
    throw error;
  });
  return beside;
}

/**
 * Creates the lock file with its whole content in one step, by a hard link if the file system has them.
 * @returns false if there is such a file already.
 */
async function create(path: string, own: Holder): Promise<boolean> {
  const beside = await writeBeside(path, own);
  try {
    await link(beside, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code ?? '')) throw error;
    return await writeFile(path, `${JSON.stringify(own)}\n`, { flag: 'wx' }).then(
      () => true,
      async (failure) => {
        if (failure.code === 'EEXIST') return false;
        await rm(path, { force: true }); // on a full disk an empty file has been created
        throw failure;
      },
    );
  } finally {
    await rm(beside, { force: true });
  }
}

async function readHolder(path: string): Promise<Holder | 'gone' | 'unreadable'> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8')) as Holder;
    return typeof holder?.token === 'string' && /^[0-9a-f]{12}$/.test(holder.token) ? holder : 'unreadable';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : 'unreadable';
  }
}

const unreadable = (path: string) =>
  new InputError(`the lock ${path} cannot be read`, {
    hint: 'if no raybox is at work on this output, delete the lock',
  });

function inUse(output: string, path: string, other: Holder): InputError {
  const remove = `if it does not, delete ${path}`;
  const hints = {
    running: 'wait until it has ended, or name another output',
    ended: 'try again',
    elsewhere: `that is another machine, and whether the process still runs cannot be seen from here: ${remove}`,
    restarted: `this machine has been started again since then, so that the process can only run on another of the same name: ${remove}`,
    container: `that is another container, and whether the process still runs cannot be seen from here: ${remove}`,
  };
  return new InputError(`${output} is being written by another process`, {
    given: `process ${other.pid} on ${other.host}, since ${other.since} (${other.command})`,
    hint: hints[lookUp(other)],
  });
}
