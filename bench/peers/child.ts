/** The process of one engine: finds the engine by its name, and serves it to `contest.ts`. */
import { type StartEngine, serveEngine } from './engine.js';
import { MissingEngine } from './missing.js';
import { readTask } from './task.js';

const inPage = () =>
  import('./chromium.js').catch((cause) => {
    throw new MissingEngine('engines in a page need the whole repository', { cause });
  });

const ENGINES: Record<string, () => Promise<StartEngine>> = {
  raybox: async () => (await import('./raybox.js')).startRaybox,
  'raybox tuned': async () => (await import('./raybox.js')).startTunedRaybox,
  'onnxruntime-node webgpu': async () => (await import('./onnxruntime.js')).startOnnxRuntimeGpu,
  'onnxruntime-node cpu': async () => (await import('./onnxruntime.js')).startOnnxRuntimeCpu,
  'onnxruntime-web wasm': async () => (await import('./onnxruntime.js')).startOnnxRuntimeWasm,
  'tensorflow.js webgpu': async () => (await import('./tensorflow_network.js')).startTensorFlow,
  'raybox chromium': async () => (await inPage()).startRayboxInChromium,
  'onnxruntime-web webgpu': async () => (await inPage()).startOnnxRuntimeInChromium,
};

export const nodeEngines = Object.keys(ENGINES);

const TRAINING: Record<string, () => Promise<StartEngine>> = {
  raybox: async () => (await import('./training.js')).startRayboxTraining,
  'tensorflow.js webgpu': async () => (await import('./training.js')).startTensorFlowTraining,
};

/** Serves an engine until stdin ends. */
export const serveNamed = (name: string, folder: string) =>
  serveEngine(async (from, task) => {
    const load = (readTask(folder).work === 'train' ? TRAINING : ENGINES)[name];
    if (!load) throw new MissingEngine('it does not train');
    return (await load())(from, task);
  }, folder);
