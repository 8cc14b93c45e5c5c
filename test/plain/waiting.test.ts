/** The CPU time that waiting for a software adapter takes, and that `setImmediate` works as usual for other callers. */
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';

const before = globalThis.setImmediate;
const gpu = await openGpu({ adapter: 'swiftshader' });
test.after(() => gpu.close());

/** How often the adapter's binding polls while `work` runs, and how long it runs. */
async function looks(work: () => Promise<unknown>): Promise<{ count: number; ms: number }> {
  const eased = globalThis.setImmediate;
  let count = 0;
  const counting = (callback: (...args: unknown[]) => void, ...args: unknown[]) => {
    if (callback.name === '') count++;
    return eased(callback, ...args);
  };
  globalThis.setImmediate = counting as typeof eased;
  const started = performance.now();
  try {
    await work();
  } finally {
    globalThis.setImmediate = eased;
  }
  return { count, ms: performance.now() - started };
}

test('the process uses little CPU time while it waits for the adapter', async () => {
  const { device } = gpu;
  const code = `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      var x = f32(id.x);
      for (var i = 0u; i < 20000u; i++) { x = x * 0.999 + 1.0; }
      y[id.x] = x;
    }`;
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }) },
  });
  const buffer = device.createBuffer({ size: 64 * 256 * 4, usage: GPUBufferUsage.STORAGE });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  });
  const { count, ms } = await looks(() => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    for (let i = 0; i < 4; i++) pass.dispatchWorkgroups(256);
    pass.end();
    device.queue.submit([encoder.finish()]);
    return device.queue.onSubmittedWorkDone();
  });
  buffer.destroy();
  assert.ok(count > 0, 'it looks');
  // Without pauses it polls many times in a millisecond.
  assert.ok(count < 2 * ms + 200, `${count} times in ${ms.toFixed(0)} ms`);
});

test('setImmediate works as usual for all other callers', async () => {
  assert.is.not(globalThis.setImmediate, before);
  assert.is(await promisify(globalThis.setImmediate)(5), 5);
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    setImmediate((word: string) => order.push(word), 'first');
    setImmediate(() => resolve());
    setImmediate(order.push.bind(order), 'bound');
    clearImmediate(setImmediate(() => order.push('cleared')));
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(order, ['first', 'bound']);
});

test.run();
