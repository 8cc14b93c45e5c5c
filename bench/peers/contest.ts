/**
 * Compares engines on one task: each in a process of its own, the results first, then samples in turns, so that whatever else the machine does
 * falls on all of them alike.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { median } from '../measure.js';
import { MARK, type Memory, type Prepared, type Timed } from './engine.js';

/** How to start an engine. */
export interface Entrant {
  /** The engine's name in options and tables, such as `onnxruntime-node webgpu`. */
  readonly name: string;
  readonly command: readonly string[];
  /** The entrant whose time is divided by, and whose results must be met. Default: `raybox`. */
  readonly beside?: string;
}

/** What is known of an engine after a contest. */
export interface Standing {
  readonly engine: string;
  readonly version?: string;
  readonly device?: string | undefined;
  /** The largest differences of the outputs from raybox's, each relative to the range of the output. */
  readonly differences?: readonly number[];
  readonly firstMs?: number;
  readonly medianMs?: number;
  readonly cpuMs?: number;
  readonly samples?: number;
  /** For each turn, this engine's time divided by raybox's, by the wall clock and by processor time. */
  readonly ratios?: readonly number[];
  readonly cpuRatios?: readonly number[];
  readonly memory?: Memory;
  /** Why it was not timed: its results differ, or it failed. */
  readonly failure?: string;
  /** Why it was left out: it is not installed, or cannot do this task. */
  readonly leftOut?: string;
}

export interface ContestOptions {
  readonly folder: string;
  readonly seconds: number;
  /** The largest difference of outputs, relative to the range of each. */
  readonly bound: number;
  readonly env?: NodeJS.ProcessEnv;
  /** An engine that does not answer for this long is ended. */
  readonly patienceMs?: number;
}

interface Racer {
  readonly entrant: Entrant;
  readonly child: Child;
  readonly prepared: Prepared;
  readonly differences: readonly number[];
  /** Runs in a sample. */
  readonly repeats: number;
  /** Milliseconds of a run in each turn, by the wall clock and of the processor. */
  readonly ms: number[];
  readonly cpuMs: number[];
}

const PATIENCE_MS = 900_000;
/** A sample takes about this long, so that reading the clock and sending a command do not count. */
const SAMPLE_MS = 100;
const LEAST_TURNS = 5;

/** Runs the contest. The first entrant must be raybox, since the others are compared with it. */
export async function contest(entrants: readonly Entrant[], options: ContestOptions): Promise<Standing[]> {
  const racers: Racer[] = [];
  const out: Standing[] = [];
  try {
    for (const entrant of entrants) {
      const peer = racers.find(({ entrant: { name } }) => name === (entrant.beside ?? entrants[0].name));
      const racer = await enter(entrant, options, peer ?? racers[0]);
      if ('entrant' in racer) racers.push(racer);
      else out.push(racer);
      if (racers.length === 0) return out; // there is nothing to compare the others with
    }
    const ends = performance.now() + options.seconds * 1000;
    for (let turn = 0; turn < LEAST_TURNS || performance.now() < ends; turn++) {
      for (const racer of turn % 2 ? [...racers].reverse() : [...racers]) {
        const failure = await sample(racer);
        if (failure === undefined) continue;
        racers.splice(racers.indexOf(racer), 1);
        out.push({ engine: racer.entrant.name, version: racer.prepared.name, failure });
      }
    }
    const standings: Standing[] = [];
    for (const racer of racers) standings.push(await standing(racer, racers));
    return [...standings, ...out];
  } finally {
    await Promise.all(racers.map(({ child }) => child.close()));
  }
}

/** Starts an engine and compares its outputs with those of another. Returns the engine ready to race, or why it does not. */
async function enter(entrant: Entrant, options: ContestOptions, peer?: Racer): Promise<Racer | Standing> {
  const child = startChild(entrant, options);
  const out = async (why: Partial<Standing>): Promise<Standing> => {
    await child.close();
    return { engine: entrant.name, ...why };
  };
  const prepared = await child.ask<Prepared>('first').catch((error: Refusal) => error);
  if (prepared instanceof Error) {
    const { message } = prepared;
    return out(prepared.isMissing ? { leftOut: message } : { failure: message });
  }
  const differences = peer ? differencesOf(prepared.outputs, peer.prepared.outputs) : [];
  const known = { version: prepared.name, device: prepared.device, firstMs: prepared.firstMs, differences };
  if (!differences.every((one) => one <= options.bound)) {
    const worst = Math.max(...differences).toExponential(1);
    return out({ ...known, failure: `its results differ from raybox’s by ${worst} of their range` });
  }
  const second = await child.ask<Timed>('time', 1).catch((error: Refusal) => error);
  if (second instanceof Error) return out({ ...known, failure: second.message });
  const repeats = Math.max(1, Math.round(SAMPLE_MS / second.ms[0]));
  return { entrant, child, prepared, differences, repeats, ms: [], cpuMs: [] };
}

/** Adds a turn. Returns why it failed, if it did. */
async function sample({ child, repeats, ms, cpuMs }: Racer): Promise<string | undefined> {
  const timed = await child.ask<Timed>('time', repeats).catch((error: Refusal) => error);
  if (timed instanceof Error) return timed.message;
  ms.push(timed.ms.reduce((sum, one) => sum + one, 0) / repeats);
  cpuMs.push(timed.cpuMs / repeats);
  return undefined;
}

async function standing(racer: Racer, racers: readonly Racer[]): Promise<Standing> {
  const { entrant, child, prepared, differences, ms, cpuMs } = racer;
  const beside = racers.find(({ entrant: { name } }) => name === (entrant.beside ?? racers[0].entrant.name));
  const per = (mine: readonly number[], theirs: readonly number[]) => mine.map((one, turn) => one / theirs[turn]);
  const isOther = beside !== undefined && beside !== racer;
  return {
    ...{
      engine: entrant.name,
      version: prepared.name,
      device: prepared.device,
      firstMs: prepared.firstMs,
      differences,
    },
    ...{ medianMs: median(ms), cpuMs: median(cpuMs), samples: ms.length },
    ...(isOther ? { ratios: per(ms, beside.ms), cpuRatios: per(cpuMs, beside.cpuMs) } : {}),
    memory: await child.ask<Memory>('memory'),
  };
}

/** For each output, the largest difference relative to its range. Infinite if there is anything that is no number, or another length. */
export function differencesOf(actual: Prepared['outputs'], expected: Prepared['outputs']): number[] {
  return expected.map((values, index) => {
    const others = actual[index] ?? [];
    if (others.length !== values.length) return Number.POSITIVE_INFINITY;
    const range = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    const worst = values.reduce((most, value, at) => {
      const off = Math.abs(value - others[at]);
      return off <= most ? most : Number.isNaN(off) ? Number.POSITIVE_INFINITY : off;
    }, 0);
    return worst / range;
  });
}

class Refusal extends Error {
  isMissing = false;
}

interface Child {
  ask<T>(command: string, count?: number): Promise<T>;
  close(): Promise<void>;
}

/** Starts the process of an engine, and sends it one command at a time. */
function startChild(
  { name, command: [program, ...args] }: Entrant,
  { folder, env, patienceMs }: ContestOptions,
): Child {
  const child: ChildProcess = spawn(program, [...args, folder], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr!.on('data', (piece) => {
    complaint = `${complaint}${piece}`.slice(-2000);
  });
  let take: ((answer: object) => void) | undefined;
  createInterface({ input: child.stdout! }).on('line', (line) => {
    if (line.startsWith(MARK)) take?.(JSON.parse(line.slice(MARK.length)));
  });
  const ended = new Promise<object>((resolve) => {
    const said = () => complaint.trim().split('\n').at(-1) || 'without a message';
    child.once('close', (code, signal) => resolve({ error: `${name} ended (${signal ?? code}): ${said()}` }));
    child.once('error', (error) => resolve({ error: error.message, isMissing: true }));
  });
  child.stdin!.on('error', () => {}); // it has ended, which the next answer says
  const ask = async <T>(command: string, count?: number): Promise<T> => {
    const answered = new Promise<object>((resolve) => {
      take = resolve;
    });
    const late = setTimeout(() => child.kill('SIGKILL'), patienceMs ?? PATIENCE_MS);
    child.stdin!.write(`${JSON.stringify({ command, count })}\n`);
    const answer = (await Promise.race([answered, ended])) as { error?: string; isMissing?: boolean };
    clearTimeout(late);
    if (answer.error === undefined) return answer as T;
    throw Object.assign(new Refusal(answer.error), { isMissing: answer.isMissing === true });
  };
  return {
    ask,
    async close() {
      await ask('close').catch(() => {});
      child.stdin!.end();
      await ended;
    },
  };
}
