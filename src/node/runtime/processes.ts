/** Identifies a process on a machine, as the owner of a lock, and finds out whether such a process still runs. */
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** The scope in which a process number is unique: a machine since its last start, and a container on it. */
export interface Machine {
  host: string;
  /** An identifier that changes each time the machine is started. Empty if the system has none. */
  boot: string;
  /** An identifier of the container, which has process numbers of its own. Empty if the system has none. */
  container: string;
}

export interface ProcessIdentity extends Machine {
  pid: number;
  /** Start time in the system's own unit, to distinguish it from a later process with the same number. Empty if the system does not say. */
  began: string;
  /** A random text, to distinguish two locks of the same process. */
  token: string;
}

const attempt = (read: () => string) => {
  try {
    return read().trim();
  } catch {
    return ''; // this system has no such file
  }
};

/** The identity of this process, with a new token. */
export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    began: statOf(process.pid)?.began ?? '',
    host: hostname(),
    boot: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    container: attempt(() => readlinkSync('/proc/self/ns/pid')),
    token: randomBytes(6).toString('hex'),
  };
}

/** State (a letter) and start time of a process of this machine; undefined if there is no such process, or no `/proc` on this system. */
function statOf(pid: number): { state: string; began: string } | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (text === '') return undefined;
  // The second field is the program's name in brackets. It may contain spaces and brackets, so the last bracket is searched for.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], began: fields[19] };
}

/** Whether a process of this machine runs, also one of another user. A process that has ended but is not reaped yet does not count. */
export function isRunning(pid: number): boolean {
  if (!(Number.isSafeInteger(pid) && pid > 0)) return false; // numbers below 1 would mean groups of processes
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return !['Z', 'X'].includes(statOf(pid)?.state ?? '');
}

/**
 * Finds out whether a process still runs. This cannot be known if its number is from another machine (`elsewhere`), from before the last
 * start of this machine (`restarted`), or from another container (`container`).
 */
export function lookUp(
  other: ProcessIdentity,
  here: Machine = ownIdentity(),
): 'running' | 'ended' | 'elsewhere' | 'restarted' | 'container' {
  if (other.host !== here.host) return 'elsewhere';
  if (other.boot !== here.boot) return 'restarted';
  if (other.container !== here.container) return 'container';
  if (!isRunning(other.pid)) return 'ended';
  // If the system does not show when the process began, the number alone has to suffice.
  const began = statOf(other.pid)?.began ?? '';
  return began === '' || other.began === '' || began === other.began ? 'running' : 'ended';
}
