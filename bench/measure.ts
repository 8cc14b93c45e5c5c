/**
 * Times work on a GPU, in Node and in a page. A sample repeats a workload until it takes some tens of milliseconds and then waits once, so that
 * the cost of a submit and a wait hardly counts. In Node the library benny takes the samples (`benny_sampler.ts`).
 */
import type { Gpu } from '../src/gpu/device.js';

export interface Workload {
  readonly label: string;
  /** Submits the work `repeats` times, without waiting for it. */
  enqueue(repeats: number): Promise<void> | void;
}

export interface Timing {
  /** Milliseconds of one run of the workload. */
  readonly medianMs: number;
  /** Half of the samples lie between these. */
  readonly quartilesMs: readonly [number, number];
  readonly samples: number;
  /** Runs in a sample. */
  readonly repeats: number;
  /** On software adapters under Linux: the median of the processor time of one run, over all cores, without the main thread. */
  readonly cpuMs?: number;
  readonly cpuQuartilesMs?: readonly [number, number];
}

export interface MeasureOptions {
  /** How long to take samples of a workload. It may take longer if samples are few and long. */
  readonly seconds: number;
  readonly minSamples?: number;
  /** Has only one run in each sample, to measure the latency of a run with its submit and its wait. */
  readonly single?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The fixed cost of submitting and waiting is some 0.1 to 1 ms. */
export const SAMPLE_MS = 30;
const MAX_REPEATS = 1000;

/**
 * Times workloads one after the other. If a workload throws, the result has its error instead of a timing.
 */
export async function measure(
  gpu: Gpu,
  workloads: readonly Workload[],
  options: MeasureOptions,
): Promise<(Timing | Error)[]> {
  const timings: (Timing | Error)[] = [];
  for (const workload of workloads)
    timings.push(await sample(stopwatch(gpu, workload), options).catch((error: Error) => error));
  return timings;
}

async function sample(time: Stopwatch, options: MeasureOptions): Promise<Timing> {
  const { seconds, minSamples = 5, single = false, signal } = options;
  const repeats = single ? 1 : await calibrate(time);
  await time(repeats);
  const times: number[] = [];
  const takeOne = async () => {
    signal?.throwIfAborted();
    times.push((await time(repeats)) / repeats);
  };
  await takeSamples(takeOne, { seconds, minSamples });
  const cpu = time.cpuMs.slice(-times.length);
  return {
    medianMs: median(times),
    quartilesMs: [quantile(times, 0.25), quantile(times, 0.75)],
    samples: times.length,
    repeats,
    ...(cpu.length > 0 ? { cpuMs: median(cpu), cpuQuartilesMs: [quantile(cpu, 0.25), quantile(cpu, 0.75)] } : {}),
  };
}

/** Calls the work again and again, one call after the other: for so many seconds, and so many times at least. What it throws, the sampler throws. */
export type Sampler = (work: () => Promise<void>, least: { seconds: number; minSamples: number }) => Promise<void>;

let takeSamples: Sampler = async (work, { seconds, minSamples }) => {
  const ends = performance.now() + seconds * 1000;
  for (let taken = 0; taken < minSamples || performance.now() < ends; taken++) await work();
};

/** Replaces the plain loop that takes the samples in a page. */
export function useSampler(sampler: Sampler): void {
  takeSamples = sampler;
}

/** Processor milliseconds that the threads which compute have used so far; undefined where nothing tells. */
let threadsMs = (): number | undefined => undefined;

/** Sets the clock of processor time. Only Node on Linux has one (`processor_time.ts`). */
export function useProcessorClock(clock: () => number | undefined): void {
  threadsMs = clock;
}

/** The clock of processor time, if there is one. */
export const processorClock = () => threadsMs;

export interface Stopwatch {
  /** Does the work several times, waits for it, and returns the milliseconds that it took. */
  (repeats: number): Promise<number>;
  /** Processor time of a run for each call. Empty if it cannot be measured. */
  readonly cpuMs: readonly number[];
}

export function stopwatch(gpu: Gpu, workload: Workload): Stopwatch {
  const cpuMs: number[] = [];
  const time = async (repeats: number) => {
    const cpuBefore = gpu.software ? threadsMs() : undefined;
    const started = performance.now();
    await workload.enqueue(repeats);
    await gpu.device.queue.onSubmittedWorkDone();
    gpu.check();
    const taken = performance.now() - started;
    const cpuAfter = cpuBefore === undefined ? undefined : threadsMs();
    if (cpuBefore !== undefined && cpuAfter !== undefined) cpuMs.push((cpuAfter - cpuBefore) / repeats);
    return taken;
  };
  return Object.assign(time, { cpuMs });
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

export const median = (values: readonly number[]) => quantile(values, 0.5);

/** The value below which a share of the values lies, between two values by a straight line. NaN for no values. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}
