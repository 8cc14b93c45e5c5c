/**
 * Kill trials: a command is killed with SIGKILL at a random moment, and perhaps again after it was restarted. Then it runs to its end. Its
 * folder must have the same files with the same bytes as that of a run that was never killed, and no others.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, type FSWatcher, mkdirSync, readdirSync, readFileSync, rmSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Random, seededRandom } from '../../src/random.js';

const cli = fileURLToPath(new URL('../../src/cli/cli.js', import.meta.url));

/** A command to kill. */
export interface Subject {
  name: string;
  /** Arguments of `raybox`. The command begins in an empty folder, or continues with what is in it. */
  command(folder: string): string[];
  /** The part of a file's content to compare. Default: all of it. Undefined if the file does not count. */
  content?(name: string, bytes: Buffer, folder: string): string | undefined;
}

export interface TrialCounts {
  name: string;
  /** Processes that were killed before they had ended by themselves. */
  kills: number;
  /** Those of them that had written nothing yet. */
  early: number;
  /** Those of them that were killed at a change in their folder. */
  atChange: number;
  /** Runs that were continued to their end and compared. */
  compared: number;
  /** Descriptions of what was wrong, one line each. */
  failures: string[];
}

interface Ended {
  code: number | null;
  /** The signal that ended it; null if it ended by itself. */
  signal: string | null;
  said: string;
}

function start(args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (piece) => {
    said += piece;
  });
  return { child, ended: once(child, 'close').then(([code, signal]) => ({ code, signal, said })) };
}

const filesIn = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[]).filter((name) => statSync(join(folder, name)).isFile()).sort();

function snapshot(folder: string, { content }: Subject): Map<string, string> {
  return new Map(
    filesIn(folder).flatMap((name) => {
      const bytes = readFileSync(join(folder, name));
      const kept = content ? content(name, bytes, folder) : bytes.toString('base64');
      return kept === undefined ? [] : [[name, kept] as const];
    }),
  );
}

/** The first difference between two folders; undefined if there is none. */
function difference(got: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): string | undefined {
  for (const name of wanted.keys()) if (!got.has(name)) return `${name} is missing`;
  for (const [name, content] of got) {
    if (!wanted.has(name)) return `${name} should not be there`;
    if (wanted.get(name) !== content) return `${name} is another`;
  }
  return undefined;
}

/** Kills a run at a random moment. Returns when, or undefined if it had ended before. */
async function killAtRandom(
  args: readonly string[],
  folder: string,
  random: Random,
  { milliseconds, changes }: { milliseconds: number; changes: number },
): Promise<'time' | 'change' | undefined> {
  const { child, ended } = start(args);
  const kill = () => child.kill('SIGKILL');
  let [watcher, timer]: [FSWatcher | undefined, NodeJS.Timeout | undefined] = [undefined, undefined];
  // Half of the kills wait for a change in the folder, because random moments would seldom fall into the renaming or removal of a file.
  const kind = random() < 0.5 ? 'time' : 'change';
  if (kind === 'time') timer = setTimeout(kill, random() * milliseconds);
  else {
    let left = Math.floor(random() * changes);
    const after = random() < 0.5 ? 0 : random() * 4;
    watcher = watch(folder, () => {
      if (left-- !== 0) return;
      if (after === 0) kill();
      else timer = setTimeout(kill, after);
    });
  }
  await ended;
  clearTimeout(timer);
  watcher?.close();
  return child.signalCode === 'SIGKILL' ? kind : undefined;
}

/**
 * Kills a subject `count` times.
 * @param folder where the trials work; an empty one
 * @param onTrial told of each trial that is done
 */
export async function killTrials(
  subject: Subject,
  {
    folder,
    count,
    seed,
    onTrial,
  }: { folder: string; count: number; seed: number; onTrial?: (counts: TrialCounts) => void },
): Promise<TrialCounts> {
  const random = seededRandom(seed);
  const counts: TrialCounts = { name: subject.name, kills: 0, early: 0, atChange: 0, compared: 0, failures: [] };
  const at = join(folder, 'run');
  const fresh = () => {
    rmSync(at, { recursive: true, force: true });
    mkdirSync(at, { recursive: true });
  };
  // The folder is always the same, because some files contain its name.
  fresh();
  let changes = 0;
  const counter = watch(at, () => changes++);
  const begun = performance.now();
  const whole = await start(subject.command(at)).ended;
  const milliseconds = performance.now() - begun;
  counter.close();
  if (whole.code !== 0) throw new Error(`${subject.name}: the run that is not killed fails: ${whole.said}`);
  const wanted = snapshot(at, subject);
  const moments = { milliseconds: milliseconds * 1.05, changes };

  while (counts.kills < count) {
    fresh();
    do {
      const killed = await killAtRandom(subject.command(at), at, random, moments);
      if (killed === undefined) break;
      counts.kills += 1;
      counts.atChange += Number(killed === 'change');
      counts.early += Number(filesIn(at).length === 0);
    } while (random() < 1 / 3 && counts.kills < count);
    const left = filesIn(at).join(', ');
    const { code, signal, said } = await start(subject.command(at)).ended;
    const end = signal ? `ended by ${signal}` : `exit code ${code}`;
    const wrong = code === 0 ? difference(snapshot(at, subject), wanted) : `${end}: ${said.trim()}`;
    counts.compared += 1;
    if (wrong !== undefined)
      counts.failures.push(`after kill ${counts.kills}, which left ${left || 'nothing'}: ${wrong}`);
    onTrial?.(counts);
  }
  return counts;
}

/** A training run begins in an empty folder, and is resumed if its configuration exists. */
export const isBegun = (folder: string) => existsSync(join(folder, 'config.json'));
