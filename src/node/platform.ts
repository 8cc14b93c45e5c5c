/** The `Platform` of Node: Dawn through the npm package `webgpu`, with SwiftShader if there is no Vulkan driver. */
import { createHash } from 'node:crypto';
import { isMainThread } from 'node:worker_threads';
import { GpuUnavailableError } from '../errors.js';
import type { Platform } from '../gpu/platform.js';
import { open } from './open.js';
import { onnxruntimeNode } from './runtime/onnxruntime.js';
import { otherThreadsMs } from './runtime/processor_time.js';
import { loadVulkan } from './runtime/shared_library.js';
import { SLOW_ON_SWIFTSHADER, useSwiftShader } from './runtime/swiftshader.js';
import { easeWaiting } from './runtime/waiting.js';

// The objects that `create()` returns must stay referenced. If one is garbage-collected, the next call crashes the process.
const instances = new Map<string, GPU>();

// Dawn rounds timestamps to 65 µs, so that pages cannot spy on others by them. Outside of browsers that is not needed, and it is too coarse
// for profiling. So this feature is disabled.
const FINE_TIMESTAMPS = 'timestamp_quantization';

export const platform: Platform = {
  name: 'node',
  version: () => `Node ${process.version}`,
  easeWaiting,

  async gpu({ adapter, dawn = [], systemOnly }) {
    const key = JSON.stringify([adapter, dawn]);
    const known = instances.get(key);
    if (known) return known;
    const withOptions = (choice: string[], ...disabled: string[]) => {
      // Dawn takes only one list of features to disable. If the caller gives one, it is used instead of this one.
      const isOwn = dawn.some((option) => option.startsWith('disable-dawn-features'));
      return createInstance([...choice, ...(isOwn ? [] : [`disable-dawn-features=${disabled.join()}`]), ...dawn]);
    };
    const onSwiftShader = async () => {
      await useSwiftShader();
      const swiftShader = await withOptions([], FINE_TIMESTAMPS, SLOW_ON_SWIFTSHADER);
      if (!isMainThread) await refuseOthers(swiftShader);
      return swiftShader;
    };
    const isLinux = process.platform === 'linux';
    let instance: GPU;
    // Without a Vulkan loader Dawn would only print a message to stderr.
    const hasLoader = adapter === 'swiftshader' || !isLinux || (await loadVulkan('libvulkan.so.1'));
    if (!hasLoader && adapter)
      throw new GpuUnavailableError(`there is no adapter '${adapter}', as there is no Vulkan loader`, {
        expected: 'the library libvulkan.so.1 and a driver',
        hint: "install them, or ask for 'swiftshader' (RAYBOX_ADAPTER=swiftshader)",
      });
    if (!hasLoader && systemOnly) throw new GpuUnavailableError('there is no Vulkan loader');
    if (adapter === 'swiftshader' || !hasLoader) instance = await onSwiftShader();
    else {
      instance = await withOptions(adapter ? [`adapter=${adapter}`] : [], FINE_TIMESTAMPS);
      if (!adapter && isLinux && !(await hasAdapter(instance))) {
        if (systemOnly) throw new GpuUnavailableError('there is no GPU with a Vulkan driver');
        instance = await onSwiftShader();
      }
    }
    instances.set(key, instance);
    return instance;
  },

  onnxruntime: onnxruntimeNode,

  open,

  hasher: createHash,

  tensors: async (...given) => (await import('./weights_file.js')).openWeights(...given),

  keep: async (folder) => (await import('./caches/kept_files.js')).openKeptFiles(folder),

  processorTime: otherThreadsMs,

  tuned: async (make) => (await import('./caches/kept_texts.js')).openKeptTexts(make),

  refuse(info) {
    if (isReal(info)) return;
    throw new GpuUnavailableError('the only adapter is a null adapter, which computes nothing', {
      hint: 'install a Vulkan driver, or set RAYBOX_ADAPTER=swiftshader',
    });
  },

  environment(name) {
    return process.env[name];
  },
};

async function createInstance(options: string[]): Promise<GPU> {
  let dawn: typeof import('webgpu');
  try {
    dawn = await import('webgpu');
  } catch (cause) {
    throw new GpuUnavailableError('the npm package webgpu, which brings WebGPU to Node, cannot be loaded', {
      hint: 'npm install webgpu',
      cause,
    });
  }
  Object.assign(globalThis, dawn.globals);
  return dawn.create(options);
}

/**
 * Refuses adapters other than SwiftShader in a worker thread. SwiftShader is chosen by an environment variable, but a worker has only a copy
 * of the environment, unless it was started with that of the main thread. Native code does not see the copy, so that the Vulkan loader finds
 * another driver or none.
 */
async function refuseOthers(instance: GPU): Promise<void> {
  const info = (await instance.requestAdapter())?.info;
  if (/swiftshader/i.test(`${info?.architecture} ${info?.description}`)) return;
  throw new GpuUnavailableError('SwiftShader, the software adapter, is out of reach for this worker', {
    given: info ? `the adapter ${info.description || info.vendor}` : 'no adapter',
    hint: 'start the worker with { env: SHARE_ENV } (node:worker_threads), or open a device in the main thread before',
  });
}

async function hasAdapter(instance: GPU): Promise<boolean> {
  const adapter = await instance.requestAdapter();
  return adapter !== null && isReal(adapter.info);
}

// Dawn's null backend accepts every call but computes nothing. It has neither vendor nor description.
function isReal(info: GPUAdapterInfo): boolean {
  return info.vendor !== '' || info.description !== '';
}
