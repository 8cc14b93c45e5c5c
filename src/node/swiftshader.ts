/** SwiftShader, the software Vulkan device, for machines without a Vulkan driver. */
import { join } from 'node:path';
import { GpuUnavailableError } from '../errors.js';
import { loadVulkan, setNativeEnvironment } from './shared_library.js';
import { unpack } from './unpack.js';

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
