/** Textures that hold constants for kernels, four f32 elements to a texel, in the order in which a buffer would hold them. */
import { InputError } from '../errors.js';
import { mebibytes } from './buffers.js';
import type { Gpu } from './device.js';
import { TEXEL_FORMAT } from './pipelines.js';

/** Texels in a row of a texture. Kernels get it as `TEXELS` of their prelude: element `i` of an array of vec4s is at (i % TEXELS, i / TEXELS). */
export const TEXELS_PER_ROW = 1024;

const TEXEL_BYTES = 16;
const ROW_BYTES = TEXELS_PER_ROW * TEXEL_BYTES;
const USAGE = { copyTarget: 0x2, storage: 0x8 } as const; // GPUTextureUsage does not exist on a caller's device in Node

/** The most bytes that a texture of this kind can hold on a device. */
export const textureCapacity = (limits: GPUSupportedLimits) => limits.maxTextureDimension2D * ROW_BYTES;

/**
 * A texture for this many bytes.
 * @throws InputError naming it if it is larger than the adapter allows.
 */
export function createTexture(gpu: Gpu, label: string, bytes: number): GPUTexture {
  const most = textureCapacity(gpu.limits);
  if (bytes > most) {
    throw new InputError(`${label} does not fit into a texture`, {
      expected: `at most ${mebibytes(most)}`,
      given: mebibytes(bytes),
    });
  }
  const size = [TEXELS_PER_ROW, Math.ceil(bytes / ROW_BYTES)];
  return gpu.device.createTexture({ label, size, format: TEXEL_FORMAT, usage: USAGE.storage | USAGE.copyTarget });
}

/** Bytes that a texture takes on the GPU. */
export const textureBytes = ({ height }: GPUTexture) => height * ROW_BYTES;

/** Copies the first bytes of a buffer into a texture. */
export function copyToTexture(gpu: Gpu, buffer: GPUBuffer, texture: GPUTexture, bytes: number): void {
  const rows = Math.floor(bytes / ROW_BYTES);
  const rest = (bytes - rows * ROW_BYTES) / TEXEL_BYTES;
  const encoder = gpu.device.createCommandEncoder();
  if (rows > 0) encoder.copyBufferToTexture({ buffer, bytesPerRow: ROW_BYTES }, { texture }, [TEXELS_PER_ROW, rows]);
  if (rest > 0) {
    const from = { buffer, offset: rows * ROW_BYTES, bytesPerRow: ROW_BYTES };
    encoder.copyBufferToTexture(from, { texture, origin: [0, rows] }, [rest, 1]);
  }
  gpu.device.queue.submit([encoder.finish()]);
}
