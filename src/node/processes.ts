/** Which process on which machine: what a lock or a temporary file says of its owner, and whether that one still runs. */
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Where process numbers mean something: a machine, since it was last started, and its container. */
export interface Machine {
  host: string;
  /** Changes each time the machine is started. Empty where the system does not tell. */
  boot: string;
  /** The container, whose process numbers are its own. Empty where the system does not tell. */
  container: string;
}

export interface ProcessIdentity extends Machine {
  pid: number;
  /** When it began, in the system's own unit. Tells it from a later process with the same number. Empty where the system does not tell. */
  began: string;
  /** Tells two uses by one process from each other. */
  token: string;
}

const attempt = (read: () => string) => {
  try {
    return read().trim();
  } catch {
    return ''; // not on this system
  }
};

/** Of this process, with a new token. */
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

/** Of a process here: its state as a letter, and when it began. Undefined where the system has no such table, or no such process. */
function statOf(pid: number): { state: string; began: string } | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (text === '') return undefined;
  // The second field is the program's name in brackets, which may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], began: fields[19] };
}

/** Whether a process of this machine runs, whoever owns it. One that has ended and is only kept for its parent does not. */
export function isRunning(pid: number): boolean {
  if (!(Number.isSafeInteger(pid) && pid > 0)) return false; // 0 and below would mean groups of processes
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return !['Z', 'X'].includes(statOf(pid)?.state ?? '');
}

/**
 * Whether a process still runs: `elsewhere`, `restarted` and `container` where its number means nothing here, because it belongs to
 * another machine, to the time before this one was last started, or to another container.
 */
export function lookUp(
  other: ProcessIdentity,
  here: Machine = ownIdentity(),
): 'running' | 'ended' | 'elsewhere' | 'restarted' | 'container' {
  if (other.host !== here.host) return 'elsewhere';
  if (other.boot !== here.boot) return 'restarted';
  if (other.container !== here.container) return 'container';
  if (!isRunning(other.pid)) return 'ended';
  // Where the system hides the beginning of other people's processes, the number alone has to do.
  const began = statOf(other.pid)?.began ?? '';
  return began === '' || other.began === '' || began === other.began ? 'running' : 'ended';
}
