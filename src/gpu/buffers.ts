/** Makes GPU buffers with sizes that WebGPU accepts, writes to them in pieces, and reads them back. */
import { InputError } from '../errors.js';
import type { Gpu } from './device.js';

/**
 * Every device accepts a buffer offset in a bind group if it is a multiple of this. The limits `minStorageBufferOffsetAlignment` and
 * `minUniformBufferOffsetAlignment` are 256 by default, and a device can only have smaller ones.
 */
export const ALIGNMENT = 256;

/**
 * Bytes of one `writeBuffer`. Large enough that the number of calls does not matter; small enough that the copy which Dawn makes of each
 * piece takes little memory beside large weights.
 */
const UPLOAD_PIECE = 4 << 20;

const USAGE = { mapRead: 0x1, copySource: 0x4, copyTarget: 0x8, uniform: 0x40, storage: 0x80 } as const;

export const alignUp = (size: number, step: number = ALIGNMENT) => Math.ceil(size / step) * step;

/**
 * A storage buffer filled with zeros, which can be copied from and to.
 * @throws InputError naming the buffer if it is larger than the adapter allows.
 */
export function createStorage(gpu: Gpu, label: string, size: number): GPUBuffer {
  return create(gpu, label, size, USAGE.storage | USAGE.copySource | USAGE.copyTarget);
}

export function createUniform(gpu: Gpu, label: string, size: number): GPUBuffer {
  return create(gpu, label, size, USAGE.uniform | USAGE.copyTarget);
}

export function createReadback(gpu: Gpu, label: string, size: number): GPUBuffer {
  return create(gpu, label, size, USAGE.mapRead | USAGE.copyTarget);
}

function create(gpu: Gpu, label: string, size: number, usage: number): GPUBuffer {
  if (size > gpu.limits.maxBufferSize) {
    throw new InputError(`${label} does not fit on this adapter`, {
      expected: `at most ${mebibytes(gpu.limits.maxBufferSize)} (maxBufferSize)`,
      given: mebibytes(size),
      hint: 'use a smaller image or batch',
    });
  }
  return gpu.device.createBuffer({ label, size: Math.max(16, alignUp(size, 4)), usage });
}

/** Thrown if the GPU has not enough memory. */
export class OutOfMemoryError extends InputError {}

/**
 * Calls `make`, which makes buffers, and waits until the GPU has said whether there is memory for them. Without the wait a full GPU
 * would report its error much later, at something else that uses the buffers.
 * @param what what the memory is for, for the error.
 * @throws OutOfMemoryError if there is not enough memory.
 */
export async function allocate<T>(gpu: Gpu, what: string, make: () => T): Promise<T> {
  gpu.device.pushErrorScope('out-of-memory');
  let full: Promise<GPUError | null>;
  let made: T;
  try {
    made = make();
  } finally {
    // There must be no await between push and pop: other users of a shared device push onto the same stack of error scopes.
    full = gpu.device.popErrorScope();
  }
  const refuse = (error: GPUError | null) => {
    if (!error) return;
    throw new OutOfMemoryError(`the GPU has no memory left for ${what}`, { hint: 'use a smaller image or batch' });
  };
  await gpu.wait(full.then(refuse));
  gpu.check();
  return made;
}

/** Writes bytes in pieces. A view on shared memory is copied first, because `writeBuffer` in Node refuses it. */
export function upload(gpu: Gpu, buffer: GPUBuffer, data: ArrayBufferView, offset = 0): void {
  let bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  const shared = typeof SharedArrayBuffer !== 'undefined' && data.buffer instanceof SharedArrayBuffer;
  if (shared || bytes.byteLength % 4 !== 0) {
    const copy = new Uint8Array(alignUp(bytes.byteLength, 4));
    copy.set(bytes);
    bytes = copy;
  }
  for (let at = 0; at < bytes.byteLength; at += UPLOAD_PIECE) {
    gpu.device.queue.writeBuffer(buffer, offset + at, bytes, at, Math.min(UPLOAD_PIECE, bytes.byteLength - at));
  }
}

/** Maps a read-back buffer, copies its first `size` bytes, and unmaps it. Waits without keeping a CPU core busy. */
export function mapped(gpu: Gpu, buffer: GPUBuffer, size: number): Promise<ArrayBuffer> {
  const length = alignUp(Math.max(size, 4), 4);
  const read = async () => {
    await buffer.mapAsync(0x1, 0, length);
    const copy = buffer.getMappedRange(0, length).slice(0, size);
    buffer.unmap();
    return copy;
  };
  return gpu.wait(read());
}

/** A part of a buffer, in bytes. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Reads a range of a buffer back. The read takes place after all work that was submitted before. */
export async function readBuffer(gpu: Gpu, buffer: GPUBuffer, offset: number, size: number): Promise<ArrayBuffer> {
  const [content] = await readRanges(gpu, [{ buffer, offset, size }]);
  return content;
}

/** Reads several ranges back with one copy and one wait, because waiting for the GPU costs far more than moving the bytes. */
export async function readRanges(gpu: Gpu, ranges: readonly BufferRange[]): Promise<ArrayBuffer[]> {
  const staging = copyForReading(gpu, `read back ${ranges[0]?.buffer.label}`, ranges);
  try {
    return await readCopied(gpu, staging, ranges);
  } finally {
    staging.destroy();
  }
}

/** Copies ranges one after the other into a new buffer that can be mapped. The copy takes place after all work that was submitted before. */
export function copyForReading(gpu: Gpu, label: string, ranges: readonly BufferRange[]): GPUBuffer {
  const total = ranges.reduce((sum, { size }) => sum + alignUp(size, 4), 0);
  const staging = createReadback(gpu, label, total);
  const encoder = gpu.device.createCommandEncoder();
  let at = 0;
  for (const { buffer, offset, size } of ranges) {
    encoder.copyBufferToBuffer(buffer, offset, staging, at, alignUp(size, 4));
    at += alignUp(size, 4);
  }
  gpu.device.queue.submit([encoder.finish()]);
  return staging;
}

/** Waits for the GPU and returns the bytes of each range that `copyForReading` has copied. */
export async function readCopied(
  gpu: Gpu,
  staging: GPUBuffer,
  ranges: readonly { readonly size: number }[],
): Promise<ArrayBuffer[]> {
  const content = await mapped(gpu, staging, staging.size);
  let from = 0;
  return ranges.map(({ size }) => {
    const part = content.slice(from, from + size);
    from += alignUp(size, 4);
    return part;
  });
}

export function mebibytes(bytes: number): string {
  return `${(bytes / (1 << 20)).toFixed(bytes < 10 << 20 ? 2 : 0)} MiB`;
}
