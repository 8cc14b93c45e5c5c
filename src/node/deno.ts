/** The `Platform` of Deno: its own WebGPU (wgpu), with SwiftShader if there is no Vulkan driver, and Node's modules for files. */
import { createHash } from 'node:crypto';
import { GpuUnavailableError } from '../errors.js';
import type { Platform } from '../gpu/platform.js';
import { open } from './open.js';
import { onnxruntimeNode } from './runtime/onnxruntime.js';
import { otherThreadsMs } from './runtime/processor_time.js';
import { loadVulkan } from './runtime/shared_library.js';
import { useSwiftShader } from './runtime/swiftshader.js';

/** Deno has WebGPU in `navigator` as pages do. The types of Node do not know it. */
type DenoGlobals = Partial<Record<'navigator', { gpu?: GPU }>>;

const deno: DenoGlobals = globalThis;

// wgpu looks for Vulkan drivers only once, when the first adapter is requested. SwiftShader must have been loaded before that.
let prepared: Promise<void> | undefined;

async function prepare(adapter: string | undefined): Promise<void> {
  const isLinux = process.platform === 'linux';
  if (adapter === 'swiftshader' || (isLinux && !(await loadVulkan('libvulkan.so.1')))) await useSwiftShader();
}

export const platform: Platform = {
  name: 'deno',
  version: () => `Deno ${process.versions.deno}`,
  onnxruntime: onnxruntimeNode,
  open,

  hasher: createHash,

  tensors: async (...given) => (await import('./weights_file.js')).openWeights(...given),

  keep: async (folder) => (await import('./caches/kept_files.js')).openKeptFiles(folder),

  processorTime: otherThreadsMs,

  tuned: async (make) => (await import('./caches/kept_texts.js')).openKeptTexts(make),

  async gpu({ adapter, dawn = [], systemOnly }) {
    const gpu = deno.navigator?.gpu;
    if (!gpu) {
      throw new GpuUnavailableError('this Deno offers no WebGPU', {
        hint: 'use Deno 2.9 or later, or run it with --unstable-webgpu',
      });
    }
    if (dawn.length > 0) {
      throw new GpuUnavailableError('options for Dawn mean nothing to Deno, whose WebGPU is wgpu', {
        given: dawn.join(', '),
        hint: 'leave the option `dawn` out',
      });
    }
    if (adapter && adapter !== 'swiftshader') {
      throw new GpuUnavailableError('adapters cannot be chosen by name in Deno', {
        expected: 'no name, or swiftshader',
        given: adapter,
        hint: 'use powerPreference, or set VK_ICD_FILENAMES to the driver',
      });
    }
    if (systemOnly && process.platform === 'linux' && !(await loadVulkan('libvulkan.so.1')))
      throw new GpuUnavailableError('there is no Vulkan loader');
    prepared ??= prepare(adapter);
    await prepared;
    return gpu;
  },

  environment(name) {
    return process.env[name];
  },
};
