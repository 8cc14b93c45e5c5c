/** Loads shared libraries into this process. Each JavaScript runtime has its own way for that. */
import { constants } from 'node:os';

/** A flag of glibc's dlopen: the library stays loaded when its handle is closed. */
const RTLD_NODELETE = 0x1000;

/** A function that every Vulkan loader has. Bun and Deno only open a library together with a function from it. */
const VULKAN = { vkGetInstanceProcAddr: { args: ['ptr', 'ptr'], returns: 'ptr' } };
const VULKAN_FOR_DENO = { vkGetInstanceProcAddr: { parameters: ['pointer', 'pointer'], result: 'pointer' } };

const C_ENVIRONMENT = {
  setenv: { args: ['ptr', 'ptr', 'i32'], returns: 'i32' },
  unsetenv: { args: ['ptr'], returns: 'i32' },
};

/** The name is in a variable, so that bundlers for other runtimes do not try to resolve the module. */
const BUN_FFI: string = 'bun:ffi';

interface DenoFfi {
  dlopen(path: string, symbols: typeof VULKAN_FOR_DENO): unknown;
}

/** Opened libraries stay referenced here, so that no runtime unloads them. */
const opened: unknown[] = [];

/**
 * Loads a Vulkan loader, which stays loaded. The WebGPU implementation then finds it by its file name.
 * @param path a file, or a name to look up in the system's search path.
 * @returns false if there is no such library.
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
 * Sets an environment variable so that native code sees it too. In Bun, setting `process.env` does not change the environment of the C
 * library.
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

// Node loads the library and then throws, because it is not a Node module. The message shows whether the library was loaded.
function loadInNode(path: string): boolean {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return true;
  } catch (error) {
    return /self-register/.test(String(error));
  }
}
