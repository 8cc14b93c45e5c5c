/** Proves that a page can run a dispatch and read a fixture. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFixture } from '../support/fixture.js';

let instance: GPU; // must stay referenced in Node

async function requestAdapter(): Promise<GPUAdapter | null> {
  if (typeof process === 'undefined') {
    instance = navigator.gpu;
  } else {
    const { create, globals } = await import('webgpu');
    Object.assign(globalThis, globals);
    instance = create([]);
  }
  return instance.requestAdapter();
}

test('a dispatch runs and its result is read back', async () => {
  const adapter = await requestAdapter();
  if (!adapter && typeof process !== 'undefined') return console.log('skipped: no Vulkan driver');
  assert.ok(adapter, 'there is an adapter');
  const device = await adapter.requestDevice();
  const numbers = Float32Array.from({ length: 1000 }, (_, i) => i / 7);
  const values = device.createBuffer({
    size: numbers.byteLength,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
  });
  const readback = device.createBuffer({
    size: numbers.byteLength,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(values, 0, numbers);
  const module = device.createShaderModule({
    code: `
      @group(0) @binding(0) var<storage, read_write> values: array<f32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < arrayLength(&values)) { values[id.x] = values[id.x] * 2.0 + 1.0; }
      }`,
  });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: values } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(Math.ceil(numbers.length / 64));
  pass.end();
  encoder.copyBufferToBuffer(values, 0, readback, 0, numbers.byteLength);
  device.queue.submit([encoder.finish()]);
  await readback.mapAsync(GPUMapMode.READ);
  assert.equal(
    new Float32Array(readback.getMappedRange().slice(0)),
    numbers.map((x) => Math.fround(Math.fround(x * 2) + 1)),
  );
  device.destroy();
});

test('a fixture is read, and a missing one is an error', async () => {
  const reference = JSON.parse(new TextDecoder().decode(await readFixture('torch-reference/alexnet/reference.json')));
  const { file, shape } = reference.input;
  const pixels = await readFixture(`torch-reference/alexnet/${file}`);
  assert.is(
    pixels.byteLength,
    shape.reduce((product: number, size: number) => product * size, 4),
  );
  const missing = await readFixture('no-such-file').catch((error: Error) => error);
  assert.instance(missing, Error);
});

test.run();
