/**
 * Runs recorded dispatches. They are split into submits of about equal cost, so that a run can be aborted, a page stays responsive, and
 * the driver's watchdog, which ends submits that take too long, does not fire. An error that an error scope catches is thrown at the next
 * await.
 */
import { InputError, KernelError } from '../errors.js';
import type { Gpu } from './device.js';

/** A dispatch with all that the GPU needs to run it. */
export interface Recorded {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
  readonly label: string;
  readonly flops: number;
  readonly bytes: number;
}

export interface RunOptions {
  signal?: AbortSignal | undefined;
  /** Called after each submit with the share of the run's expected cost that is done, 0…1. */
  onProgress?: ((done: number) => void) | undefined;
  /** Runs everything this many times in a single submit, so that a benchmark can measure the dispatches without the cost of submitting. */
  repeat?: number;
}

/** Expected time of one submit: how long an abort waits, and far less than the seconds after which a watchdog fires. */
const SUBMIT_MS = 100;

/** How much an adapter does in a millisecond. It starts as a guess and is corrected by the times that runs take. */
interface Pace {
  flops: number;
  bytes: number;
}

const paces = new WeakMap<Gpu, Pace>();

function paceOf(gpu: Gpu): Pace {
  let pace = paces.get(gpu);
  if (!pace) {
    pace = gpu.software ? { flops: 3e6, bytes: 3e6 } : { flops: 1e9, bytes: 2e8 };
    paces.set(gpu, pace);
  }
  return pace;
}

/** The time in milliseconds that some dispatches are expected to take. */
function expectedMs(gpu: Gpu, steps: readonly { flops: number; bytes: number }[]): number {
  const pace = paceOf(gpu);
  return steps.reduce((sum, { flops, bytes }) => sum + Math.max(flops / pace.flops, bytes / pace.bytes), 0);
}

/**
 * Submits all dispatches, in parts. Each part is submitted before the one ahead of it has finished, so that the GPU does not wait for the
 * CPU, but never more than two are under way. The last part is not waited for.
 */
export async function run(gpu: Gpu, steps: readonly Recorded[], options: RunOptions = {}): Promise<void> {
  gpu.check();
  const groups = options.repeat ? [Array(options.repeat).fill(steps).flat()] : groupByCost(gpu, steps);
  const total = expectedMs(gpu, steps);
  const pending: Promise<unknown>[] = [];
  const later = (answer: Promise<void>) => {
    answer.catch(() => {}); // it is awaited below, unless another one fails first
    pending.push(answer);
    return answer;
  };
  const send = (group: readonly Recorded[]) => {
    options.signal?.throwIfAborted();
    return later(submit(gpu, group));
  };
  let done = 0;
  let started = performance.now();
  try {
    let checked = send(groups[0]);
    for (const [index, group] of groups.entries()) {
      const expected = expectedMs(gpu, group);
      const next = groups.at(index + 1);
      let nextChecked = checked;
      if (next) {
        // This is called before the next submit, so that it does not wait for that one.
        const earlierWork = later(gpu.wait(gpu.device.queue.onSubmittedWorkDone()));
        nextChecked = send(next);
        await earlierWork;
        const now = performance.now();
        adjust(gpu, expected, now - started);
        started = now;
      }
      await checked;
      checked = nextChecked;
      done += expected;
      options.onProgress?.(Math.min(1, done / total));
    }
  } catch (error) {
    // The caller may destroy the device or end the thread after an error. That must not happen while calls to the GPU are pending.
    await Promise.allSettled(pending);
    throw error;
  }
  gpu.check();
}

// The correction is bounded, so that one slow submit (drivers may compile at the first dispatch) does not spoil the estimate.
function adjust(gpu: Gpu, expected: number, taken: number): void {
  if (expected < 5) return; // too short: the time would mostly be that of submitting
  const pace = paceOf(gpu);
  const factor = Math.min(4, Math.max(0.7, expected / taken)) ** 0.5;
  pace.flops *= factor;
  pace.bytes *= factor;
}

/** The number of submits that a run would be split into now. It falls once the adapter has proved to be fast. */
export const submitCount = (gpu: Gpu, steps: readonly Recorded[]) => groupByCost(gpu, steps).length;

function groupByCost(gpu: Gpu, steps: readonly Recorded[]): Recorded[][] {
  const groups: Recorded[][] = [[]];
  let cost = 0;
  for (const step of steps) {
    const own = expectedMs(gpu, [step]);
    if (cost > 0 && cost + own > SUBMIT_MS) {
      groups.push([]);
      cost = 0;
    }
    groups[groups.length - 1].push(step);
    cost += own;
  }
  return groups;
}

// There must be no await between push and pop: other users of a shared device push onto the same stack of error scopes.
function submit(gpu: Gpu, steps: readonly Recorded[]): Promise<void> {
  const { device } = gpu;
  device.pushErrorScope('internal');
  device.pushErrorScope('out-of-memory');
  device.pushErrorScope('validation');
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const step of steps) encodeDispatch(pass, step);
  pass.end();
  device.queue.submit([encoder.finish()]);
  const scopes = [device.popErrorScope(), device.popErrorScope(), device.popErrorScope()];
  const looked = Promise.all(scopes).then(([validation, memory, internal]) => {
    const labels = steps.map((step) => step.label);
    const where =
      labels.length > 3 ? `${labels.slice(0, 3).join(', ')} … (${labels.length} dispatches)` : labels.join(', ');
    if (memory) throw new InputError(`the GPU is out of memory at ${where}`, { hint: 'use a smaller image or batch' });
    const error = validation ?? internal;
    if (error) throw new KernelError(`the GPU refused ${where}: ${error.message}`);
  });
  return gpu.wait(looked);
}

export function encodeDispatch(pass: GPUComputePassEncoder, step: Recorded): void {
  pass.setPipeline(step.pipeline);
  pass.setBindGroup(0, step.bindGroup);
  pass.dispatchWorkgroups(...step.workgroups);
}

/** Makes drivers compile now what they would compile when a pipeline first runs. A dispatch without workgroups is enough. */
export function warm(gpu: Gpu, steps: readonly Recorded[]): void {
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  const seen = new Set<GPUComputePipeline>();
  for (const step of steps) {
    if (seen.has(step.pipeline)) continue;
    seen.add(step.pipeline);
    encodeDispatch(pass, { ...step, workgroups: [0, 0, 0] });
  }
  pass.end();
  gpu.device.queue.submit([encoder.finish()]);
}
