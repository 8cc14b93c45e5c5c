/**
 * The side of an engine, in a process of its own, so that each has its memory, its threads and its device for itself. Commands come as lines
 * of JSON on stdin, and answers go as lines with a mark to stdout, where libraries may print too.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { readTask, type Task } from './task.js';

/** Begins every line that is an answer. */
export const MARK = '@answer ';

/** What came of the first run. */
export interface Prepared {
  /** The engine with its version. */
  readonly name: string;
  /** What it computes on, if it tells. */
  readonly device?: string | undefined;
  /** Logits and heatmaps of the first run, or the losses of the first steps of training. */
  readonly outputs: readonly (readonly number[])[];
  /** Milliseconds from the bytes of the model in memory to the first outputs, with everything compiled that has to be. */
  readonly firstMs: number;
}

export interface Timed {
  /** Milliseconds of each run. */
  readonly ms: readonly number[];
  /** Processor milliseconds of all runs together, over all threads of the process. */
  readonly cpuMs: number;
}

export interface Memory {
  /** The most bytes of main memory that the process ever had, and those before there was a model. */
  readonly peakBytes?: number | undefined;
  readonly bareBytes?: number | undefined;
  /** Bytes on the GPU, if the engine tells. */
  readonly gpuBytes?: number | undefined;
}

/** An engine that has its device, but no model yet. */
export interface Engine {
  readonly name: string;
  readonly device?: string | undefined;
  /** Reads the model, runs it, and returns logits and heatmaps, or losses. The files are in memory (or in the file cache) already. */
  first(): Promise<readonly ArrayLike<number>[]>;
  /** Runs once, from the image in memory to the outputs in memory. */
  run(): Promise<unknown>;
  /** Milliseconds of each of `count` runs, and processor time so far, where this process cannot measure them. */
  time?(count: number): Promise<number[]>;
  cpuMs?(): number;
  /** Bytes of main memory before there was a model, if they are not those of this process. */
  readonly bareBytes?: number;
  memory?(): Promise<Memory> | Memory;
  close?(): Promise<void> | void;
}

export type StartEngine = (folder: string, task: Task) => Promise<Engine>;

/** Bytes of main memory that this process has (`VmRSS`), or the most that it ever had (`VmHWM`). Only Linux tells. */
export function mainMemory(field: 'VmRSS' | 'VmHWM', pid: number | 'self' = 'self'): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) * 1024 || undefined;
  } catch {
    return undefined;
  }
}

/** Starts the engine on the task of a folder and answers commands until stdin ends. */
export async function serveEngine(start: StartEngine, folder: string): Promise<void> {
  const answer = (content: object) => process.stdout.write(`\n${MARK}${JSON.stringify(content)}\n`);
  let engine: Engine | undefined;
  let bareBytes: number | undefined;
  const cpuMsOf = (one: Engine) => {
    const { user, system } = process.cpuUsage();
    return one.cpuMs?.() ?? (user + system) / 1000;
  };
  const timeRuns = async (count: number) => {
    const ms: number[] = [];
    for (let i = 0; i < count; i++) {
      const started = performance.now();
      await engine!.run();
      ms.push(performance.now() - started);
    }
    return ms;
  };
  const commands: Record<string, (count: number) => Promise<object>> = {
    async first(): Promise<Prepared> {
      engine = await start(folder, readTask(folder));
      bareBytes = engine.bareBytes ?? mainMemory('VmRSS');
      const started = performance.now();
      const outputs = await engine.first();
      const firstMs = performance.now() - started;
      const { name, device } = engine;
      return { name, device, outputs: outputs.map((values) => Array.from(values)), firstMs };
    },
    async time(count): Promise<Timed> {
      const before = cpuMsOf(engine!);
      const ms = await (engine!.time ?? timeRuns)(count);
      return { ms, cpuMs: cpuMsOf(engine!) - before };
    },
    async memory(): Promise<Memory> {
      return { peakBytes: mainMemory('VmHWM'), bareBytes, ...(await engine!.memory?.()) };
    },
    async close() {
      await engine?.close?.();
      return {};
    },
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, count = 1 } = JSON.parse(line) as { command: string; count?: number };
    try {
      answer(await commands[command](count));
    } catch (error) {
      answer({ error: (error as Error).message.split('\n')[0], isMissing: isMissing(error) });
    }
    if (command === 'close') process.exit(0);
  }
}

const isMissing = (error: unknown) => (error as Error)?.name === 'MissingEngine';
