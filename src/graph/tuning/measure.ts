/**
 * Times the kernels that can run a work, on the device that will run it. Only kernels whose results agree with those of the preferred one
 * are candidates, so that a choice never changes results by more than rounding.
 */
import { DeviceLostError } from '../../errors.js';
import type { Graph, Node } from '../ir/graph.js';
import type { Plan, PlanOptions } from '../plan/types.js';
import type { Measured } from './choose.js';
import { type Isolated, isolate, valuesFor, type Work } from './works.js';

/** The least time of one sample: long compared with how finely the clock ticks, and with the cost of a submit if there are no timestamps. */
const SAMPLE_MS = { timestamps: 5, wallClock: 30 } as const;
const MAX_REPEATS = 500;
/** The most wall time of one sample, also on a machine that is busy with other programs. */
const LONGEST_MS = 500;
/** Samples of each kernel: at least the first number, and up to the second one within the time. */
const SAMPLES = [3, 8] as const;
const WORK_MS = 500;
/** A kernel that takes this many times as long as another one in its first sample is not timed again. */
const HOPELESS = 2;
/** Another kernel than the preferred one has to be this much faster, or it may just have been luck. */
const GAIN = 0.95;
/** The largest normalised mean square error of a kernel, by element type, as `verify` has it; in f32, variants may have others. */
const BOUNDS = { f32: 1e-11, f16: 1e-6 } as const;

/** What measures. Functions of the core are handed in, because bundlers would otherwise move them out of the core's file, which makes it larger. */
export interface Bench {
  /** `createPlan` on the device that is measured. */
  createPlan(graph: Graph, options: PlanOptions): Promise<Plan>;
  /** Whether the device has timestamps. */
  readonly timestamps: boolean;
  /** On software adapters: milliseconds of processor time so far. Unlike times, it hardly depends on what else the machine does. */
  readonly processorTime?: (() => number | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Trial {
  readonly variant: string;
  readonly plan: Plan;
  readonly repeats: number;
  /** Nanoseconds of one run: the least of all samples, since other programs only ever make a sample longer. */
  least: number;
}

/**
 * Times all variants of a work.
 * @returns undefined if the preferred variant cannot be run by itself, for example because memory is short.
 * @throws the signal's reason if it is aborted; DeviceLostError.
 */
export async function measureWork(bench: Bench, work: Work): Promise<Measured | undefined> {
  const trials: Trial[] = [];
  try {
    const alone = isolate(work);
    let truth: readonly ArrayLike<number>[] | undefined;
    for (const variant of work.variants) {
      bench.signal?.throwIfAborted();
      const begun = await begin(bench, alone, variant, work.variants[0], truth);
      if (begun) {
        trials.push(begun.trial);
        truth ??= begun.results;
      } else if (!truth) return undefined;
    }
    const best = Math.min(...trials.map(({ least }) => least));
    const promising = trials.filter(({ least }) => least <= HOPELESS * best);
    const started = performance.now();
    // The variants take turns, so that what else the machine does falls on all of them.
    for (let sample = 0; promising.length > 1 && sample < SAMPLES[1]; sample++) {
      if (sample >= SAMPLES[0] && performance.now() - started > WORK_MS) break;
      for (const trial of promising) {
        bench.signal?.throwIfAborted();
        trial.least = Math.min(trial.least, await timeRuns(bench, trial.plan, trial.repeats));
      }
    }
    return decide(trials);
  } finally {
    for (const { plan } of trials) plan.close();
  }
}

function decide(trials: readonly Trial[]): Measured {
  const fastest = trials.reduce((a, b) => (b.least < a.least ? b : a));
  const preferred = trials[0];
  const variant = fastest.least < GAIN * preferred.least ? fastest.variant : preferred.variant;
  const times = trials.map((trial) => [trial.variant, Math.round(trial.least)]);
  return { variant, nanoseconds: Object.fromEntries(times) };
}

/** Makes a plan with one variant, compares its results with `truth`, and times it once; undefined if it cannot be used. */
async function begin(
  bench: Bench,
  { graph, node, inputs }: Isolated,
  variant: string,
  preferred: string,
  truth: readonly ArrayLike<number>[] | undefined,
): Promise<{ trial: Trial; results: ArrayLike<number>[] } | undefined> {
  let plan: Plan | undefined;
  try {
    const choose = (one: object, variants: readonly string[]) => (one === node ? variant : variants[0]);
    plan = await bench.createPlan(graph, { unfused: true, choose });
    for (const tensor of inputs) plan.write(tensor, valuesFor(tensor));
    await plan.time(1); // drivers compile in the first run
    const started = performance.now();
    const once = await timeRuns(bench, plan, 1);
    const most = LONGEST_MS / Math.max(1, performance.now() - started);
    const results: ArrayLike<number>[] = [];
    for (const tensor of graph.outputs) results.push(await plan.read(tensor));
    const apart = truth ? Math.max(...results.map((values, index) => distance(values, truth[index]))) : 0;
    if (!(apart <= boundOf(node, variant, preferred))) throw new Error(`its results are ${apart} apart`);
    const wanted = 1e6 * (bench.timestamps ? SAMPLE_MS.timestamps : SAMPLE_MS.wallClock);
    const repeats = Math.ceil(Math.min(MAX_REPEATS, most, wanted / Math.max(once, 1000)));
    const least = repeats > 1 ? await timeRuns(bench, plan, repeats) : once;
    return { trial: { variant, plan, repeats, least }, results };
  } catch (error) {
    plan?.close();
    if (error instanceof DeviceLostError) throw error;
    bench.signal?.throwIfAborted();
    return undefined;
  }
}

/** Nanoseconds of one run, or those of processor time. */
async function timeRuns({ processorTime }: Bench, plan: Plan, repeats: number): Promise<number> {
  const before = processorTime?.();
  const nanoseconds = await plan.time(repeats);
  const after = processorTime?.();
  // If a thread has ended in the meantime, its time is missing, and the sum may even have become smaller.
  const used = before === undefined || after === undefined ? 0 : after - before;
  return used > 0 ? (used * 1e6) / repeats : nanoseconds;
}

/** How far the results of two variants may be apart, if each of them is within its bound. */
function boundOf({ operation, outputs }: Node, ...variants: readonly string[]): number {
  const [{ type }] = outputs;
  const bounds = variants.map((variant) =>
    type === 'f16' ? BOUNDS.f16 : (operation.variantBounds?.[variant] ?? BOUNDS.f32),
  );
  return bounds.reduce((sum, bound) => sum + Math.sqrt(bound), 0) ** 2;
}

/** The normalised mean square error of `values`. */
function distance(values: ArrayLike<number>, truth: ArrayLike<number>): number {
  let error = 0;
  let norm = 0;
  for (let i = 0; i < truth.length; i++) {
    error += (values[i] - truth[i]) ** 2;
    norm += truth[i] ** 2;
  }
  return error === 0 ? 0 : error / norm;
}
