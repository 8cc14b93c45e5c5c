/** Measures the limits of an adapter (its roofs): arithmetic in registers, copies in memory, uploads and read-backs. */

import { createStorage, createUniform, readBuffer, upload } from '../src/gpu/buffers.js';
import type { Gpu } from '../src/gpu/device.js';
import { type Recorded, run } from '../src/gpu/run.js';
import { type Constants, type Kernel, packParams } from '../src/gpu/wgsl.js';
import { spread } from '../src/graph/ir/operation.js';
import { roof_copy, roof_multiply_add } from './generated/kernels.js';
import { stopwatch, type Workload } from './measure.js';

/** GFLOP/s and GB/s (10⁹). */
export interface Roofs {
  /** A multiply-add loop in registers: the best of 4 and 8 chains, with `fma()` and without. */
  readonly arithmetic: { readonly f32: number; readonly f16?: number };
  /** A copy by a kernel. Bytes read and bytes written both count. */
  readonly copy: number;
  /** `writeBuffer`, until the GPU has all bytes. */
  readonly upload: number;
  /** A copy into a mappable buffer, mapping it, and copying it out. */
  readonly readback: number;
}

const THREADS = 64;
/** Operations of a thread in one round of roof_multiply_add. */
const ROUND_OPERATIONS = { narrow: 128, wide: 256 } as const;

/** @param effort 1 for a real measurement. Less means smaller buffers and shorter loops, for tests. */
export async function measureRoofs(gpu: Gpu, effort = 1): Promise<Roofs> {
  const f32 = await arithmetic(gpu, 'f32', effort);
  const f16 = gpu.features.has('shader-f16') ? await arithmetic(gpu, 'f16', effort) : undefined;
  return {
    arithmetic: { f32, ...(f16 === undefined ? {} : { f16 }) },
    copy: await copy(gpu, effort),
    ...(await transfers(gpu, effort)),
  };
}

async function arithmetic(gpu: Gpu, elem: 'f32' | 'f16', effort: number): Promise<number> {
  const workgroups = gpu.software ? 64 : 8192;
  const y = createStorage(gpu, 'roof of arithmetic', workgroups * THREADS * 16);
  let best = 0;
  try {
    for (const WIDE of [false, true]) {
      for (const FMA of [false, true]) {
        const rounds = Math.ceil((gpu.software ? 200 : 400) * effort);
        // v · m + c converges to 2, so that values neither overflow nor become denormal.
        const params = { rounds, m: 0.5, c: 1 };
        const step = await record(gpu, roof_multiply_add, { elem, WIDE, FMA }, [['w', y]], params, [workgroups, 1, 1]);
        const seconds = await secondsOf(gpu, step, effort);
        const operations = workgroups * THREADS * rounds * ROUND_OPERATIONS[WIDE ? 'wide' : 'narrow'];
        best = Math.max(best, operations / seconds / 1e9);
      }
    }
  } finally {
    y.destroy();
  }
  return best;
}

async function copy(gpu: Gpu, effort: number): Promise<number> {
  // The buffer is much larger than any cache, but within the adapter's binding limit.
  const wanted = (gpu.software ? 128 : 1024) * effort * 2 ** 20;
  const size = Math.floor(Math.min(wanted, gpu.limits.maxStorageBufferBindingSize) / 256) * 256;
  const x = createStorage(gpu, 'roof of copies, from', size);
  const y = createStorage(gpu, 'roof of copies, to', size);
  try {
    const bindings = [['r', x] as const, ['w', y] as const];
    const step = await record(
      gpu,
      roof_copy,
      {},
      bindings,
      { count: size / 16 },
      spread(Math.ceil(size / 16 / THREADS)),
    );
    return (2 * size) / (await secondsOf(gpu, step, effort)) / 1e9;
  } finally {
    x.destroy();
    y.destroy();
  }
}

async function transfers(gpu: Gpu, effort: number): Promise<{ upload: number; readback: number }> {
  const size = Math.ceil(64 * effort) * 2 ** 20;
  const buffer = createStorage(gpu, 'transfers', size);
  const bytes = new Uint8Array(size).fill(1);
  try {
    const up = stopwatch(gpu, { label: 'upload', enqueue: () => upload(gpu, buffer, bytes) });
    const down = async () => {
      const started = performance.now();
      await readBuffer(gpu, buffer, 0, size);
      return performance.now() - started;
    };
    return { upload: size / (await fastest(() => up(1))) / 1e6, readback: size / (await fastest(down)) / 1e6 };
  } finally {
    buffer.destroy();
  }
}

async function secondsOf(gpu: Gpu, step: Recorded, effort: number): Promise<number> {
  const workload: Workload = { label: step.label, enqueue: (repeat) => run(gpu, [step], { repeat }) };
  const time = stopwatch(gpu, workload);
  await time(1);
  const repeats = Math.min(100, Math.ceil((effort * 60) / Math.max(0.1, await time(1))));
  return (await fastest(() => time(repeats))) / repeats / 1000;
}

// A roof is the best of several runs, not the typical one.
async function fastest(time: () => Promise<number>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 6; i++) least = Math.min(least, await time());
  return least;
}

async function record(
  gpu: Gpu,
  kernel: Kernel,
  constants: Constants,
  bindings: readonly (readonly ['r' | 'w', GPUBuffer])[],
  params: Record<string, number>,
  workgroups: [number, number, number],
): Promise<Recorded> {
  const access = bindings.map(([letter]) => letter).join('');
  const uniform = createUniform(gpu, kernel.name, 256);
  upload(gpu, uniform, new Uint8Array(packParams(kernel, params)));
  const pipeline = await gpu.pipelines.get(kernel, constants, access, 'a roof');
  const entries = [...bindings.map(([, buffer]) => buffer), uniform].map((buffer, binding) => {
    return { binding, resource: { buffer } };
  });
  const bindGroup = gpu.device.createBindGroup({ layout: gpu.pipelines.layout(access), entries });
  return { pipeline, bindGroup, workgroups, label: kernel.name, flops: 0, bytes: 0 };
}
