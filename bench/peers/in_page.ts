/** The side of the engines that run in a browser: raybox, and onnxruntime-web on WebGPU. `chromium.ts` calls it from outside. */
import { openGpu } from '../../src/gpu/device.js';
import { channelsLast } from './channels.js';
import type { Engine } from './engine.js';
import { type OnnxRuntime, onSession } from './onnx_session.js';
import { rayboxOn } from './raybox_engine.js';
import type { Task } from './task.js';

const bytesOf = async (name: string) => new Uint8Array(await (await fetch(name)).arrayBuffer());
const numbersOf = async (name: string) => new Float32Array((await bytesOf(name)).buffer);

async function startRaybox(task: Task, version: string): Promise<Engine> {
  const weights = await numbersOf('weights.bin');
  const named = () =>
    new Map(
      task.tensors.map(({ name, shape, offset }) => {
        const count = shape.reduce((product, size) => product * size, 1);
        return [name, weights.subarray(offset / 4, offset / 4 + count)];
      }),
    );
  const image = channelsLast(await numbersOf('image.bin'), task.image);
  return rayboxOn(await openGpu(), { task, image, weights: named, name: `raybox ${version} chromium` });
}

async function startOnnxRuntime(task: Task, version: string): Promise<Engine> {
  const url = '/ort.js'; // a variable, so that no bundler looks for it
  const runtime = (await import(url)) as OnnxRuntime;
  Object.assign(runtime.env.wasm, { wasmBinary: (await bytesOf('/ort.wasm')).buffer });
  return onSession(runtime, `onnxruntime-web ${version} webgpu`, {
    model: await bytesOf('model.onnx'),
    image: await numbersOf('image.bin'),
    shape: task.image,
    options: { executionProviders: ['webgpu'] },
  });
}

let engine: Engine;

/** What `chromium.ts` calls. */
const calls = {
  async start(kind: 'raybox' | 'onnxruntime-web', version: string) {
    const task = (await (await fetch('task.json')).json()) as Task;
    engine = await (kind === 'raybox' ? startRaybox : startOnnxRuntime)(task, version);
    return { name: engine.name, device: engine.device };
  },
  async first() {
    return (await engine.first()).map((values) => Array.from(values));
  },
  async time(count: number) {
    const ms: number[] = [];
    for (let i = 0; i < count; i++) {
      const started = performance.now();
      await engine.run();
      ms.push(performance.now() - started);
    }
    return ms;
  },
};

export type Calls = typeof calls;

Object.assign(globalThis, { bench: calls });
