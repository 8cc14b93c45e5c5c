/** Provides SwiftShader, a Vulkan device in software, for machines without a Vulkan driver. */
import { join } from 'node:path';
import { GpuUnavailableError } from '../../errors.js';
import { loadVulkan, setNativeEnvironment } from './shared_library.js';
import { unpack } from './unpack.js';

/**
 * A feature of Dawn that has to be disabled for SwiftShader. With it, SwiftShader itself fills workgroup memory with zeros, by a separate store
 * for each element; a kernel with 4 KiB then takes a second to compile. Without it, Dawn adds a loop, which compiles in a tenth of the time.
 */
export const SLOW_ON_SWIFTSHADER = 'use_vulkan_zero_initialize_workgroup_memory_extension';

/**
 * Returns the folder with `libvulkan.so.1`, `libvk_swiftshader.so` and `vk_swiftshader_icd.json`. They are unpacked on first use (0.3 s) from
 * the optional npm package `@sparticuz/chromium`.
 *
 * @throws GpuUnavailableError if that package is missing or not made for this machine.
 */
export function unpackSwiftShader(): Promise<string> {
  return unpack('swiftshader', ['swiftshader.tar.br'], 'SwiftShader, the software adapter,');
}

/**
 * Makes SwiftShader the Vulkan driver of this process. The WebGPU implementation finds the Vulkan loader by its name once it is loaded. If
 * the system has a Vulkan loader, that one is used with SwiftShader as its driver.
 *
 * @throws GpuUnavailableError if the package is missing or not made for this machine.
 */
export async function useSwiftShader(): Promise<void> {
  const folder = await unpackSwiftShader();
  await setNativeEnvironment('VK_ICD_FILENAMES', join(folder, 'vk_swiftshader_icd.json'));
  await setNativeEnvironment('VK_DRIVER_FILES', undefined);
  if (!(await loadVulkan(join(folder, 'libvulkan.so.1')))) {
    throw new GpuUnavailableError('SwiftShader, the software adapter, cannot be loaded', { given: folder });
  }
}
