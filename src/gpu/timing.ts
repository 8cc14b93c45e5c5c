/** Measures the GPU time of each dispatch. WebGPU writes timestamps at the ends of passes, so each dispatch gets a pass of its own. */
import { createReadback, mapped } from './buffers.js';
import type { Gpu } from './device.js';
import { encodeDispatch, type Recorded } from './run.js';

/** The most queries that WebGPU allows in one query set. */
const SET_SIZE = 4096;

/** Nanoseconds of each dispatch; undefined if the adapter has no timestamps. Dawn rounds them to 65 µs unless told otherwise. */
export async function timeDispatches(gpu: Gpu, steps: readonly Recorded[]): Promise<Float64Array | undefined> {
  if (!gpu.features.has('timestamp-query')) return undefined;
  const times = new Float64Array(steps.length);
  for (let first = 0; first < steps.length; first += SET_SIZE / 2) {
    times.set(await timePart(gpu, steps.slice(first, first + SET_SIZE / 2)), first);
  }
  return times;
}

async function timePart(gpu: Gpu, steps: readonly Recorded[]): Promise<Float64Array> {
  const { device } = gpu;
  const count = steps.length * 2;
  const querySet = device.createQuerySet({ type: 'timestamp', count });
  const resolved = device.createBuffer({ label: 'timestamps', size: count * 8, usage: 0x200 | 0x4 }); // QUERY_RESOLVE, COPY_SRC
  const staging = createReadback(gpu, 'timestamps read back', count * 8);
  try {
    const encoder = device.createCommandEncoder();
    steps.forEach((step, index) => {
      const timestampWrites = { querySet, beginningOfPassWriteIndex: index * 2, endOfPassWriteIndex: index * 2 + 1 };
      const pass = encoder.beginComputePass({ timestampWrites });
      encodeDispatch(pass, step);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, count * 8);
    device.queue.submit([encoder.finish()]);
    const stamps = new BigUint64Array(await mapped(gpu, staging, count * 8));
    return Float64Array.from(steps, (_, index) => Number(stamps[index * 2 + 1] - stamps[index * 2]));
  } finally {
    for (const thing of [querySet, resolved, staging]) thing.destroy();
  }
}
