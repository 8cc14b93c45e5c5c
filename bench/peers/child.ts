/** The process of one engine: `node child.js ENGINE FOLDER`, started by `contest.ts`. */
import { type StartEngine, serveEngine } from './engine.js';
import { MissingEngine } from './missing.js';
import { readTask } from './task.js';

const ENGINES: Record<string, () => Promise<StartEngine>> = {
  raybox: async () => (await import('./raybox.js')).startRaybox,
  'onnxruntime-node webgpu': async () => (await import('./onnxruntime.js')).startOnnxRuntimeGpu,
  'onnxruntime-node cpu': async () => (await import('./onnxruntime.js')).startOnnxRuntimeCpu,
  'onnxruntime-web wasm': async () => (await import('./onnxruntime.js')).startOnnxRuntimeWasm,
  'tensorflow.js webgpu': async () => (await import('./tensorflow_network.js')).startTensorFlow,
  'raybox chromium': async () => (await import('./chromium.js')).startRayboxInChromium,
  'onnxruntime-web webgpu': async () => (await import('./chromium.js')).startOnnxRuntimeInChromium,
};

export const nodeEngines = Object.keys(ENGINES);

const TRAINING: Record<string, () => Promise<StartEngine>> = {
  raybox: async () => (await import('./training.js')).startRayboxTraining,
  'tensorflow.js webgpu': async () => (await import('./training.js')).startTensorFlowTraining,
};

/** Serves an engine until stdin ends. */
export async function serveNamed(name: string, folder: string): Promise<void> {
  const engines = readTask(folder).work === 'train' ? TRAINING : ENGINES;
  const cannot: StartEngine = async () => {
    throw new MissingEngine('it does not train');
  };
  await serveEngine((await engines[name]?.()) ?? cannot, folder);
}
