/** Node's side of `#gpu`: Dawn through the npm package `webgpu`, with SwiftShader where there is no Vulkan driver. */
import { createReadStream, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GpuUnavailableError, InputError } from '../errors.js';
import { openUrl, type Platform } from '../gpu/platform.js';
import { unpackSwiftShader } from './swiftshader.js';
import { easeWaiting } from './waiting.js';

// What `create()` returns must stay referenced by a module: once it is collected, the next call crashes the process.
const instances = new Map<string, GPU>();

const FINE_TIMESTAMPS = 'disable-dawn-features=timestamp_quantization';

export const platform: Platform = {
  name: 'node',
  easeWaiting,

  async gpu({ adapter, dawn = [] }) {
    const key = JSON.stringify([adapter, dawn]);
    const known = instances.get(key);
    if (known) return known;
    // Asked for, or without a Vulkan loader, which Dawn would only complain about on stderr.
    if (adapter === 'swiftshader' || (process.platform === 'linux' && !loadLibrary('libvulkan.so.1'))) {
      await loadSwiftShader();
    }
    const choice = adapter && adapter !== 'swiftshader' ? [`adapter=${adapter}`] : [];
    // Dawn rounds timestamps to 65 µs, against pages that spy on others: no concern here, and too coarse for a profile.
    const fine = dawn.some((option) => option.startsWith('disable-dawn-features')) ? [] : [FINE_TIMESTAMPS];
    let instance = await createInstance([...choice, ...fine, ...dawn]);
    if (!adapter && process.platform === 'linux' && !(await hasAdapter(instance))) {
      await loadSwiftShader();
      instance = await createInstance([...fine, ...dawn]);
    }
    instances.set(key, instance);
    return instance;
  },

  async open(source, signal) {
    const url = source instanceof URL ? source : /^[a-z][a-z0-9+.-]+:/i.test(source) ? new URL(source) : undefined;
    if (url && url.protocol !== 'file:') return openUrl(url, signal);
    const path = url ? fileURLToPath(url) : String(source);
    const unreadable = (given: string, cause?: unknown) =>
      new InputError(`cannot read ${path}`, { expected: 'a file', given, cause });
    let size: number;
    try {
      const stats = statSync(path);
      if (!stats.isFile()) throw unreadable(stats.isDirectory() ? 'a folder' : 'something else');
      size = stats.size;
    } catch (error) {
      throw error instanceof InputError ? error : unreadable(reason(error), error);
    }
    async function* pieces() {
      try {
        yield* createReadStream(path, { signal, highWaterMark: 1 << 20 });
      } catch (error) {
        signal?.throwIfAborted();
        throw unreadable(reason(error), error);
      }
    }
    return { size, pieces: pieces() };
  },

  environment(name) {
    return process.env[name];
  },
};

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'no permission',
};

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && REASONS[code]) ?? message;
}

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

async function hasAdapter(instance: GPU): Promise<boolean> {
  const adapter = await instance.requestAdapter();
  return adapter !== null && isReal(adapter.info);
}

function isReal(info: GPUAdapterInfo): boolean {
  return info.vendor !== '' || info.description !== '';
}

/**
 * Makes SwiftShader the Vulkan driver of this process. Dawn finds the loader by its name, once it is loaded; where the system has
 * a Vulkan loader, that one is used.
 */
async function loadSwiftShader(): Promise<void> {
  const folder = await unpackSwiftShader();
  process.env.VK_ICD_FILENAMES = join(folder, 'vk_swiftshader_icd.json');
  delete process.env.VK_DRIVER_FILES;
  if (!loadLibrary(join(folder, 'libvulkan.so.1'))) {
    throw new GpuUnavailableError('SwiftShader, the software adapter, cannot be loaded', { given: folder });
  }
}

const RTLD_NODELETE = 0x1000;

/** Loads a shared library that stays loaded. `dlopen` throws even then: it is no Node module and registers none. */
function loadLibrary(path: string): boolean {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return true;
  } catch (error) {
    return /self-register/.test(String(error));
  }
}
