/** SwiftShader, the software Vulkan device, for machines without a Vulkan driver. */
import { join } from 'node:path';
import { GpuUnavailableError } from '../errors.js';
import { loadVulkan, setNativeEnvironment } from './shared_library.js';
import { unpack } from './unpack.js';

/**
 * A feature of Dawn to be disabled where SwiftShader computes. With it SwiftShader is asked to zero workgroup memory, and compiles that into
 * a store for each element: a second for a kernel with 4 KiB. Without it Dawn writes a loop, which compiles in a tenth of the time.
 */
export const SLOW_ON_SWIFTSHADER = 'use_vulkan_zero_initialize_workgroup_memory_extension';

/**
 * Returns the folder that holds `libvulkan.so.1`, `libvk_swiftshader.so` and `vk_swiftshader_icd.json`, unpacked on
 * first use (0.3 s) from the optional npm package `@sparticuz/chromium`.
 *
 * @throws GpuUnavailableError when that package is missing or not made for this machine
 */
export function unpackSwiftShader(): Promise<string> {
  return unpack('swiftshader', ['swiftshader.tar.br'], 'SwiftShader, the software adapter,');
}

/**
 * Makes SwiftShader the Vulkan driver of this process. WebGPU finds the loader by its name, once it is loaded; where the system has a Vulkan loader, that one is used.
 *
 * @throws GpuUnavailableError when that package is missing or not made for this machine
 */
export async function useSwiftShader(): Promise<void> {
  const folder = await unpackSwiftShader();
  await setNativeEnvironment('VK_ICD_FILENAMES', join(folder, 'vk_swiftshader_icd.json'));
  await setNativeEnvironment('VK_DRIVER_FILES', undefined);
  if (!(await loadVulkan(join(folder, 'libvulkan.so.1')))) {
    throw new GpuUnavailableError('SwiftShader, the software adapter, cannot be loaded', { given: folder });
  }
}
