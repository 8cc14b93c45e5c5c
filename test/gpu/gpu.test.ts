/**
 * Proves that kernels run, that errors of shaders, devices and adapters are reported with their place and cause, and that shared devices
 * are left as they were.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { platform } from '#gpu';
import { GpuUnavailableError, KernelError } from '../../src/errors.js';
import { createStorage, readBuffer, upload } from '../../src/gpu/buffers.js';
import { openGpu } from '../../src/gpu/device.js';
import { lossOf, onGpu } from '../../src/gpu/loss.js';
import { type Recorded, run } from '../../src/gpu/run.js';
import { uncapturedErrors } from '../../src/gpu/uncaptured.js';
import { assemble, type Kernel, packParams } from '../../src/gpu/wgsl.js';

const gpu = await openGpu();

const doubling: Kernel = {
  name: 'doubling',
  source: `struct Params { count: u32, factor: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count) { y[id.x] = x[id.x] * params.factor; }
}`,
};

async function record(kernel: Kernel, count: number, label = kernel.name) {
  const x = createStorage(gpu, 'x', count * 4);
  const y = createStorage(gpu, 'y', count * 4);
  const params = gpu.device.createBuffer({ size: 16, usage: 0x48 });
  gpu.device.queue.writeBuffer(params, 0, packParams(kernel, { count, factor: 2 }));
  upload(
    gpu,
    x,
    Float32Array.from({ length: count }, (_, i) => i),
  );
  const pipeline = await gpu.pipelines.get(kernel, { LANES: 64 }, 'rw', label);
  const entries = [x, y, params].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const bindGroup = gpu.device.createBindGroup({ layout: gpu.pipelines.layout('rw'), entries });
  const step: Recorded = {
    pipeline,
    bindGroup,
    workgroups: [Math.ceil(count / 64), 1, 1],
    label,
    flops: count,
    bytes: count * 8,
  };
  return { step, y };
}

test('a kernel runs and its result comes back', async () => {
  const { step, y } = await record(doubling, 100);
  await run(gpu, [step]);
  const result = new Float32Array(await readBuffer(gpu, y, 0, 400));
  assert.equal([...result.slice(0, 5), result[99]], [0, 2, 4, 6, 8, 198]);
});

test('the same source compiles once, also while it is still compiling', async () => {
  const before = gpu.pipelines.size;
  const [a, b] = await Promise.all([1, 2].map(() => gpu.pipelines.get(doubling, { LANES: 32 }, 'rw', 'test')));
  assert.is(a, b);
  assert.is(gpu.pipelines.size, before + 1);
});

test('a compile error names the kernel, the op, the line and the column', async () => {
  const broken = { ...doubling, name: 'broken', source: doubling.source.replace('x[id.x] *', 'x[id.x] ^') };
  try {
    await gpu.pipelines.get(broken, { LANES: 64 }, 'rw', 'conv2d f32[1×2×3×4]');
    assert.unreachable();
  } catch (error) {
    assert.instance(error, KernelError);
    assert.match((error as Error).message, /kernel broken for conv2d f32\[1×2×3×4\] does not compile: line 8:\d+/);
    assert.match((error as Error).message, /x\[id\.x\] \^ params\.factor/);
  }
});

test('a GPU error is thrown at the next await, naming the dispatch', async () => {
  const { step } = await record(doubling, 100, 'too many workgroups');
  try {
    await run(gpu, [{ ...step, workgroups: [1 << 20, 1, 1] }]);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, KernelError);
    assert.match((error as Error).message, /the GPU refused too many workgroups: .*65535/is);
  }
});

test('an abort ends a run between two submits', async () => {
  const { step } = await record(doubling, 100);
  const slow = { ...step, flops: 1e12, bytes: 0 };
  const abort = new AbortController();
  const steps = Array.from({ length: 20 }, () => slow);
  let last = 0;
  const running = run(gpu, steps, {
    signal: abort.signal,
    onProgress: (done) => {
      last = done;
      abort.abort(new Error('enough'));
    },
  });
  const error = await running.then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.is(error?.message, 'enough');
  assert.ok(last > 0 && last < 0.5);
});

test('#if keeps one branch, also if nested; unknown names and missing ends are errors', () => {
  const kernel = { name: 'k', source: 'a\n#if A\nb\n#if !B\nc\n#else\nd\n#endif\n#else\ne\n#endif\nf' };
  const lines = (constants: Record<string, boolean>) => assemble(kernel, constants).split('\n').slice(2).join('');
  assert.is(lines({ A: true, B: false }), 'abcf');
  assert.is(lines({ A: true, B: true }), 'abdf');
  assert.is(lines({ A: false, B: true }), 'aef');
  assert.throws(() => assemble(kernel, { A: true }), /#if B is not in its prelude/);
  const counted = { name: 'k', source: 'a\n#if A < 4\nb\n#else\nc\n#endif' };
  assert.ok(assemble(counted, { A: 3 }).endsWith('a\nb'));
  assert.ok(assemble(counted, { A: 4 }).endsWith('a\nc'));
  assert.throws(() => assemble(counted, {}), /#if A is not in its prelude/);
});

test('all params must be given', () => {
  assert.throws(() => packParams(doubling, { count: 1 }), /expected count, factor; given count/);
  assert.is(new DataView(packParams(doubling, { count: -1, factor: 0.5 })).getUint32(0, true), 0xffffffff);
});

test("a caller's device is shared: it survives close() and keeps its handler", async () => {
  let handled = 0;
  const { device } = gpu;
  const handler = () => {
    handled++;
  };
  device.addEventListener('uncapturederror', handler);
  const second = await openGpu({ device });
  const own = uncapturedErrors(device);
  device.createBuffer({ size: 16, usage: 0 });
  await device.queue.onSubmittedWorkDone();
  assert.throws(() => second.check(), /the GPU reported an error/);
  assert.is(handled, 1);
  second.close();
  assert.throws(() => gpu.check(), /the GPU reported an error/); // raybox has heard of the error too
  assert.match(String(own.take()), /the GPU reported an error/); // and so has whoever listens beside it
  assert.is(own.take(), undefined);
  own.end();
  await (await record(doubling, 4)).y.destroy();
  device.removeEventListener('uncapturederror', handler);
  assert.throws(() => second.check(), /closed/);
});

test('a device with too low limits is refused', async () => {
  const poor = { limits: { maxStorageBuffersPerShaderStage: 4 }, createBuffer() {} } as unknown as GPUDevice;
  const error = await openGpu({ device: poor }).catch((reason: Error) => reason);
  assert.match((error as Error).message, /expected maxStorageBuffersPerShaderStage ≥ 8; given 4/);
});

test('an adapter without a name is a null adapter in Node, and may be a real one in a page', () => {
  const nameless = { vendor: '', architecture: '', device: '', description: '' } as GPUAdapterInfo;
  if (platform.name === 'node') assert.throws(() => platform.refuse!(nameless), /null adapter, which computes nothing/);
  else assert.not.throws(() => platform.refuse?.(nameless));
});

test('a lost device is reported by the next call', async () => {
  const own = await openGpu();
  own.device.destroy();
  const lost = await own.lost;
  assert.is(lost.name, 'DeviceLostError');
  assert.throws(() => own.check(), /the GPU device was lost/);
});

/** A device that only has the promise of its loss, which the test resolves. */
function losing() {
  let lose = (_: { message: string; reason: GPUDeviceLostReason }) => {};
  const lost = new Promise<{ message: string; reason: GPUDeviceLostReason }>((resolve) => {
    lose = resolve;
  });
  return { device: { lost } as unknown as GPUDevice, lose };
}

test('whatever error a lost device gives, also before its loss is known, a DeviceLostError is thrown', async () => {
  const abort = () => Promise.reject(new DOMException('', 'AbortError'));
  const caught = (work: Promise<unknown>) => work.catch((error: unknown) => error);
  const { device, lose } = losing();
  const early = [abort(), Promise.reject(new KernelError('no pipeline'))].map((work) => caught(onGpu(device, work)));
  await new Promise((resolve) => setTimeout(resolve));
  lose({ message: 'gone', reason: 'unknown' });
  const { lost } = lossOf(device);
  for (const error of await Promise.all(early)) assert.is(error, await lost);
  assert.is(await caught(onGpu(device, Promise.resolve(5))), await lost);
  assert.match((await lost).message, /the GPU device was lost: gone/);

  const healthy = losing().device;
  const refused = new KernelError('no pipeline');
  assert.is(await onGpu(healthy, Promise.resolve(5)), 5);
  assert.is(await caught(onGpu(healthy, Promise.reject(refused))), refused);

  const closed = losing();
  lossOf(closed.device).expect();
  closed.lose({ message: '', reason: 'destroyed' });
  assert.instance(await caught(onGpu(closed.device, abort())), GpuUnavailableError);
});

test.after(() => gpu.close());
test.run();
