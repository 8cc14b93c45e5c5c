/**
 * Times work on a GPU. A sample repeats a workload until it takes some tens of milliseconds and then waits once, so that the cost of a submit
 * and a wait hardly counts. The library benny takes the samples.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { add, configure, suite } from 'benny';
import type { Gpu } from '../src/gpu/device.js';

export interface Workload {
  readonly label: string;
  /** Submits the work `repeats` times, without waiting for it. */
  enqueue(repeats: number): Promise<void> | void;
}

export interface Timing {
  /** Milliseconds of one run of the workload. */
  readonly medianMs: number;
  /** Relative margin of error of the mean at a confidence level of 95 %, in percent, as benny computes it. */
  readonly marginPercent: number;
  readonly samples: number;
  /** Runs in a sample. */
  readonly repeats: number;
  /** On software adapters under Linux: the median of the processor time of one run, over all cores, without the main thread. */
  readonly cpuMs?: number;
}

export interface MeasureOptions {
  /** How long to take samples of a workload. It may take longer if samples are few and long. */
  readonly seconds: number;
  readonly minSamples?: number;
  /** Has only one run in each sample, to measure the latency of a run with its submit and its wait. */
  readonly single?: boolean;
}

/** The fixed cost of submitting and waiting is some 0.1 to 1 ms. */
export const SAMPLE_MS = 30;
const MAX_REPEATS = 1000;

/**
 * Times workloads one after the other. If a workload throws, the result has its error instead of a timing.
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

  // benny first calls all functions twice at once, to find out whether they are asynchronous. Those calls are queued, and serve as a last
  // warm-up.
  let line: Promise<unknown> = Promise.resolve();
  const summary = await suite(
    name,
    ...sound.map((workload) =>
      add(workload.label, () => {
        // A rejection would end the process, so the error is kept and reported afterwards.
        line = line
          .then(() => (failures.has(workload) ? 0 : timers.get(workload)!(repeats.get(workload)!)))
          .catch((error) => failures.set(workload, error));
        return line;
      }),
    ),
    // benny must not repeat the work itself to reach a minimal time, because the number of repeats is already chosen.
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
  /** Does the work several times, waits for it, and returns the milliseconds that it took. */
  (repeats: number): Promise<number>;
  /** Processor time of a run for each call. Empty if it cannot be measured. */
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
 * Processor time of all threads except the main one, which only waits. On a software adapter this is the cost of the kernels, and it hardly
 * changes if other programs use the machine.
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
    return undefined; // this is not Linux, or a thread has ended in the meantime
  }
}

/** Chooses the number of runs in a sample. The first run is not counted, because it includes compilation. */
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
