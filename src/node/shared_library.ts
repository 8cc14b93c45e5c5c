/** Shared libraries in this process, which each JavaScript runtime loads in its own way. */
import { constants } from 'node:os';

/** glibc's flag for a library that stays loaded when its handle is closed. */
const RTLD_NODELETE = 0x1000;

/** One function of every Vulkan loader: Bun and Deno open a library only together with something that it offers. */
const VULKAN = { vkGetInstanceProcAddr: { args: ['ptr', 'ptr'], returns: 'ptr' } };
const VULKAN_FOR_DENO = { vkGetInstanceProcAddr: { parameters: ['pointer', 'pointer'], result: 'pointer' } };

const C_ENVIRONMENT = {
  setenv: { args: ['ptr', 'ptr', 'i32'], returns: 'i32' },
  unsetenv: { args: ['ptr'], returns: 'i32' },
};

/** A name in a variable, since bundlers for other runtimes know no such module. */
const BUN_FFI: string = 'bun:ffi';

interface DenoFfi {
  dlopen(path: string, symbols: typeof VULKAN_FOR_DENO): unknown;
}

/** What was opened stays referenced, so that no runtime unloads it. */
const opened: unknown[] = [];

/**
 * Loads a Vulkan loader so that it stays loaded: the WebGPU implementation then finds it by its file name.
 * @param path a file, or a name that the system's search path is asked for
 * @returns false where there is no such library
 */
export async function loadVulkan(path: string): Promise<boolean> {
  const { Deno } = globalThis as { Deno?: DenoFfi };
  try {
    if (Deno) opened.push(Deno.dlopen(path, VULKAN_FOR_DENO));
    else if (process.versions.bun) {
      opened.push((await import(BUN_FFI)).dlopen(path, VULKAN));
    } else return loadInNode(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Sets an environment variable for native code too: what Bun's `process.env` takes, the C library never hears of.
 * @param value undefined removes the variable.
 */
export async function setNativeEnvironment(name: string, value: string | undefined): Promise<void> {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
  if (!process.versions.bun) return;
  const { symbols } = (await import(BUN_FFI)).dlopen('libc.so.6', C_ENVIRONMENT);
  if (value === undefined) symbols.unsetenv(Buffer.from(`${name}\0`));
  else symbols.setenv(Buffer.from(`${name}\0`), Buffer.from(`${value}\0`), 1);
}

// Node loads the library, finds that it is no Node module, and throws. What it says then tells a library that is there from one that is not.
function loadInNode(path: string): boolean {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return true;
  } catch (error) {
    return /self-register/.test(String(error));
  }
}
