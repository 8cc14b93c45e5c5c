/** Measures GPU time. WebGPU writes timestamps at the ends of passes, so what is to be measured by itself gets a pass of its own. */
import { createReadback, mapped } from './buffers.js';
import type { Gpu } from './device.js';
import { encodeDispatch, type Recorded, run } from './run.js';

/** The most queries that WebGPU allows in one query set. */
const SET_SIZE = 4096;

/**
 * Nanoseconds of each pass, which is a list of dispatches; undefined if the adapter has no timestamps. Dawn rounds them to 65 µs unless told
 * otherwise.
 */
export async function timePasses(
  gpu: Gpu,
  passes: readonly (readonly Recorded[])[],
): Promise<Float64Array | undefined> {
  if (!gpu.features.has('timestamp-query')) return undefined;
  const times = new Float64Array(passes.length);
  for (let first = 0; first < passes.length; first += SET_SIZE / 2) {
    times.set(await timePart(gpu, passes.slice(first, first + SET_SIZE / 2)), first);
  }
  return times;
}

/** Nanoseconds of one run of some dispatches, from several runs in one submit: by timestamps, or else by the wall clock. */
export async function timeRuns(gpu: Gpu, steps: readonly Recorded[], repeat: number): Promise<number> {
  const [stamped] = (await timePasses(gpu, [Array(repeat).fill(steps).flat()])) ?? [];
  if (stamped !== undefined) return stamped / repeat;
  const started = performance.now();
  await run(gpu, steps, { repeat });
  await gpu.wait(gpu.device.queue.onSubmittedWorkDone());
  return ((performance.now() - started) * 1e6) / repeat;
}

async function timePart(gpu: Gpu, passes: readonly (readonly Recorded[])[]): Promise<Float64Array> {
  const { device } = gpu;
  const count = passes.length * 2;
  const querySet = device.createQuerySet({ type: 'timestamp', count });
  const resolved = device.createBuffer({ label: 'timestamps', size: count * 8, usage: 0x200 | 0x4 }); // QUERY_RESOLVE, COPY_SRC
  const staging = createReadback(gpu, 'timestamps read back', count * 8);
  try {
    const encoder = device.createCommandEncoder();
    passes.forEach((steps, index) => {
      const timestampWrites = { querySet, beginningOfPassWriteIndex: index * 2, endOfPassWriteIndex: index * 2 + 1 };
      const pass = encoder.beginComputePass({ timestampWrites });
      for (const step of steps) encodeDispatch(pass, step);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, count * 8);
    device.queue.submit([encoder.finish()]);
    const stamps = new BigUint64Array(await mapped(gpu, staging, count * 8));
    return Float64Array.from(passes, (_, index) => Number(stamps[index * 2 + 1] - stamps[index * 2]));
  } finally {
    for (const thing of [querySet, resolved, staging]) thing.destroy();
  }
}
