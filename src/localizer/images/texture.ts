/** Copies the pixels of a GPUTexture into a buffer, without gaps. */
import { InputError } from '../../errors.js';
import { alignUp, createStorage } from '../../gpu/buffers.js';
import type { Gpu } from '../../gpu/device.js';
import type { GpuPixels } from './image_input.js';

const CHANNELS: Partial<Record<GPUTextureFormat, 1 | 4>> = { r8unorm: 1, rgba8unorm: 4, 'rgba8unorm-srgb': 4 };

/**
 * The caller has to destroy the buffer.
 * @throws InputError if the texture lacks COPY_SRC usage, or if its format or row length is not supported
 */
export function texturePixels(gpu: Gpu, texture: GPUTexture): GpuPixels {
  const { width, height, format } = texture;
  const channels = CHANNELS[format];
  if (!channels || texture.dimension !== '2d' || texture.sampleCount > 1) {
    throw new InputError('texture as an image', {
      expected: `a 2-D texture without multisampling, ${Object.keys(CHANNELS).join(', ')}`,
      given: `${texture.dimension}, ${format}, ${texture.sampleCount} sample(s)`,
    });
  }
  if (!(texture.usage & 0x1)) {
    throw new InputError('texture as an image', { expected: 'usage COPY_SRC', given: `usage ${texture.usage}` });
  }
  // WebGPU copies a texture in rows whose length is a multiple of 256 bytes, but the kernels read rows without gaps.
  const row = width * channels;
  const bytesPerRow = alignUp(row);
  if (row % 4 !== 0 && height > 1) {
    throw new InputError('texture as an image', {
      expected: 'rows whose bytes are a multiple of 4',
      given: `${row} bytes a row`,
    });
  }
  const padded = createStorage(gpu, 'texture rows', bytesPerRow * height);
  const packed = bytesPerRow === row ? padded : createStorage(gpu, 'texture pixels', row * height);
  const encoder = gpu.device.createCommandEncoder();
  encoder.copyTextureToBuffer({ texture }, { buffer: padded, bytesPerRow }, [width, height]);
  for (let y = 0; packed !== padded && y < height; y++) {
    encoder.copyBufferToBuffer(padded, y * bytesPerRow, packed, y * row, alignUp(row, 4));
  }
  gpu.device.queue.submit([encoder.finish()]);
  if (packed !== padded) padded.destroy();
  return { buffer: packed, width, height, channels, bits: 8 };
}
