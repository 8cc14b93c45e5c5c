/**
 * The profile folder of a browser. It makes sure that neither the folder nor the browser is left behind, even if this process is killed: the
 * next run finds the folder and ends the browser that works in it.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning } from '../runtime/processes.js';

const PREFIX = 'raybox-browser-';
const PID_FILE = 'browser.pid';

export interface Profile {
  folder: string;
  /** Says which process works in the folder; it must be the leader of its process group. It is killed when this process exits. */
  usedBy(pid: number | undefined): void;
  kill(): void;
  remove(): void;
}

/** Makes a profile that is removed when this process exits. Ends the browsers of killed processes, and removes their profiles. */
export function makeProfile(): Profile {
  removeLeftOvers();
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const exit = (signal: NodeJS.Signals) => process.exit(128 + constants.signals[signal]);
  for (const signal of signals) process.once(signal, exit);
  let browser: number | undefined;
  const profile: Profile = {
    folder,
    usedBy(pid) {
      browser = pid;
      if (pid !== undefined) writeFileSync(join(folder, PID_FILE), String(pid));
    },
    kill() {
      if (browser !== undefined) killGroup(browser);
    },
    remove() {
      process.off('exit', onExit);
      for (const signal of signals) process.off(signal, exit);
      browser = undefined;
      removeFolder(folder);
    },
  };
  const onExit = () => {
    profile.kill();
    removeBehind(folder);
  };
  process.once('exit', onExit);
  return profile;
}

function removeLeftOvers(): void {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))) {
    if (isRunning(Number.parseInt(name.slice(PREFIX.length), 10))) continue;
    const folder = join(tmpdir(), name);
    let remove = removeFolder;
    try {
      const pid = Number(readFileSync(join(folder, PID_FILE), 'utf8'));
      // The number may belong to another process by now, so the process is only killed if its command line names this folder.
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) {
        killGroup(pid);
        remove = removeBehind;
      }
    } catch {
      // There is no such file: the browser has ended, or was never started.
    }
    remove(folder);
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(process.platform === 'win32' ? leader : -leader, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/**
 * Removes the folder of a browser that has just been killed. The browser may still write files before it ends, so the folder is removed
 * again until it stays away for 0.2 s, at most 1.5 s. If it comes back later, the next run removes it.
 */
function removeBehind(folder: string): void {
  for (let round = 0, quiet = 0; round < 60 && quiet < 8; round++) {
    removeFolder(folder);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
    quiet = existsSync(folder) ? 0 : quiet + 1;
  }
}

function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  } catch {
    // It belongs to another user, or is still in use.
  }
}
