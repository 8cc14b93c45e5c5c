/** SwiftShader, the software Vulkan device, for machines without a Vulkan driver. */
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
