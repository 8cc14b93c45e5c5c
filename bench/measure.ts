/**
 * How a GPU is timed. An iteration enqueues a workload as many times over as takes some tens of milliseconds, then waits, so that what a
 * submit and a wait cost is next to nothing; benny takes the samples.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { add, configure, suite } from 'benny';
import type { Gpu } from '../src/gpu/device.js';

export interface Workload {
  readonly label: string;
  /** Hands the GPU the work `repeats` times over, without waiting for it. */
  enqueue(repeats: number): Promise<void> | void;
}

export interface Timing {
  /** Milliseconds of one run of the workload. */
  readonly medianMs: number;
  /** Relative margin of error of the mean at 95 %, in percent, as benny gives it. */
  readonly marginPercent: number;
  readonly samples: number;
  /** Runs in a sample. */
  readonly repeats: number;
  /** Software adapters on Linux: processor time of one run, over all cores, the main thread's left out. Median. */
  readonly cpuMs?: number;
}

export interface MeasureOptions {
  /** Time to sample a workload for. Few long samples may exceed it. */
  readonly seconds: number;
  readonly minSamples?: number;
  /** Never more than one run a sample: the latency of a run, with its submit and its wait. */
  readonly single?: boolean;
}

/** The fixed cost of submitting and waiting is some 0.1 to 1 ms. */
export const SAMPLE_MS = 30;
const MAX_REPEATS = 1000;

/**
 * Times workloads one after the other. The answer has an error in place of a timing where a workload threw.
 */
export async function measure(
  gpu: Gpu,
  name: string,
  workloads: readonly Workload[],
  { seconds, minSamples = 5, single = false }: MeasureOptions,
): Promise<(Timing | Error)[]> {
  const failures = new Map<Workload, Error>();
  const repeats = new Map<Workload, number>();
  const timers = new Map(workloads.map((workload) => [workload, stopwatch(gpu, workload)]));
  for (const workload of workloads) {
    try {
      repeats.set(workload, single ? 1 : await calibrate(timers.get(workload)!));
    } catch (error) {
      failures.set(workload, error as Error);
    }
  }
  const sound = workloads.filter((workload) => !failures.has(workload));
  if (sound.length === 0) return workloads.map((workload) => failures.get(workload)!);

  // benny calls each function twice to see what it is, all at once: those calls wait in line and are the last warm-up.
  let line: Promise<unknown> = Promise.resolve();
  const summary = await suite(
    name,
    ...sound.map((workload) =>
      add(workload.label, () => {
        // A rejection would end the process, so that it is kept and told afterwards.
        line = line
          .then(() => (failures.has(workload) ? 0 : timers.get(workload)!(repeats.get(workload)!)))
          .catch((error) => failures.set(workload, error));
        return line;
      }),
    ),
    // Any time is enough for a sample: how often the work is done in one is settled already.
    configure({ cases: { minTime: 1e-9, maxTime: seconds, minSamples, delay: 0.001 } }),
  );
  return workloads.map((workload) => {
    const failure = failures.get(workload);
    if (failure) return failure;
    const { details, margin, samples } = summary.results[sound.indexOf(workload)];
    const times = repeats.get(workload)!;
    const cpu = timers.get(workload)!.cpuMs.slice(-samples);
    return {
      medianMs: (details.median * 1000) / times,
      marginPercent: margin,
      samples,
      repeats: times,
      ...(cpu.length > 0 ? { cpuMs: median(cpu) } : {}),
    };
  });
}

export interface Stopwatch {
  /** Does the work some times over, waits for it, and answers the milliseconds that took. */
  (repeats: number): Promise<number>;
  /** Processor time of a run, call by call. Empty where it cannot be told. */
  readonly cpuMs: readonly number[];
}

export function stopwatch(gpu: Gpu, workload: Workload): Stopwatch {
  const cpuMs: number[] = [];
  const time = async (repeats: number) => {
    const cpuBefore = gpu.software ? otherThreadsMs() : undefined;
    const started = performance.now();
    await workload.enqueue(repeats);
    await gpu.device.queue.onSubmittedWorkDone();
    gpu.check();
    const taken = performance.now() - started;
    const cpuAfter = cpuBefore === undefined ? undefined : otherThreadsMs();
    if (cpuBefore !== undefined && cpuAfter !== undefined) cpuMs.push((cpuAfter - cpuBefore) / repeats);
    return taken;
  };
  return Object.assign(time, { cpuMs });
}

/**
 * Processor time of all threads but the main one, which waits. On a software adapter that is what kernels cost, and it
 * hardly changes where others use the machine too.
 */
export function otherThreadsMs(): number | undefined {
  try {
    let nanoseconds = 0;
    for (const thread of readdirSync('/proc/self/task')) {
      if (Number(thread) === process.pid) continue;
      nanoseconds += Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
    return nanoseconds / 1e6;
  } catch {
    return undefined; // no Linux, or a thread that ended meanwhile
  }
}

/** How many runs make a sample. The first run compiles, so it tells nothing. */
async function calibrate(time: Stopwatch): Promise<number> {
  await time(1);
  let repeats = 1;
  for (let round = 0; round < 4; round++) {
    const taken = await time(repeats);
    if (taken > SAMPLE_MS / 2) break;
    repeats = Math.min(MAX_REPEATS, Math.ceil((repeats * SAMPLE_MS) / Math.max(taken, 0.1)));
  }
  return repeats;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
