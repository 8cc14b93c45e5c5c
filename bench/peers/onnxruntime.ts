/** onnxruntime in Node: onnxruntime-node on WebGPU and on the CPU, and onnxruntime-web's WebAssembly. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { StartEngine } from './engine.js';
import { importPeer, versionOf } from './installed.js';
import { type OnnxRuntime, onSession, refuseHalves } from './onnx_session.js';
import { readNumbers } from './task.js';

const start =
  (packageName: string, provider: string): StartEngine =>
  async (folder, task) => {
    refuseHalves(task);
    const runtime = await importPeer<OnnxRuntime & { default?: OnnxRuntime }>(packageName);
    const { env, InferenceSession, Tensor } = runtime.default ?? runtime;
    if (provider === 'wasm') env.wasm.numThreads = availableParallelism();
    return onSession({ env, InferenceSession, Tensor }, `${packageName} ${versionOf(packageName)} ${provider}`, {
      model: readFileSync(join(folder, 'model.onnx')),
      image: readNumbers(join(folder, 'image.bin')),
      shape: task.image,
      options: { executionProviders: [provider], logSeverityLevel: 3 },
    });
  };

export const startOnnxRuntimeGpu = start('onnxruntime-node', 'webgpu');
export const startOnnxRuntimeCpu = start('onnxruntime-node', 'cpu');
export const startOnnxRuntimeWasm = start('onnxruntime-web', 'wasm');
