/** How many bytes of code a page loads to run a network by each engine, gzipped, without the weights, which are the same for all. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packageFolder, root } from './installed.js';

const ort = (name: string) => join(packageFolder('onnxruntime-web'), 'dist', name);
const files = (...paths: string[]) => paths.map((path) => readFileSync(path));

const CODE: Readonly<Record<string, () => Promise<Uint8Array[]> | Uint8Array[]>> = {
  raybox: () => files(join(root, 'dist/raybox.js')),
  'onnxruntime-web webgpu': () => files(ort('ort.webgpu.bundle.min.mjs'), ort('ort-wasm-simd-threaded.asyncify.wasm')),
  'onnxruntime-web wasm': () => files(ort('ort.wasm.bundle.min.mjs'), ort('ort-wasm-simd-threaded.wasm')),
  'tensorflow.js webgpu': bundleTensorFlow,
};

/** TensorFlow.js's core and its WebGPU back end, as a bundler puts them into a page. */
async function bundleTensorFlow(): Promise<Uint8Array[]> {
  const core = '@tensorflow/tfjs-core';
  const backend = '@tensorflow/tfjs-backend-webgpu';
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    stdin: {
      contents: `export * from '${core}'; import '${backend}';`,
      resolveDir: join(packageFolder(core), '../..'),
    },
    ...{ bundle: true, write: false, minify: true, format: 'esm', platform: 'browser', target: 'es2022' },
    logLevel: 'silent',
  });
  return outputFiles.map(({ contents }) => contents);
}

/** Bytes by engine, of those that are installed and run in pages. */
export async function downloadsOf(engines: readonly string[]): Promise<Record<string, number>> {
  const bytes: Record<string, number> = {};
  for (const engine of engines) {
    try {
      const code = (await CODE[engine]?.()) ?? [];
      const sum = code.reduce((total, one) => total + gzipSync(one).length, 0);
      if (sum > 0) bytes[engine] = sum;
    } catch {
      // It is not installed, or the bundler is not there.
    }
  }
  return bytes;
}
