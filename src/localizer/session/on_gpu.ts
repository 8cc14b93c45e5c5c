/** Results that stay on the GPU, for callers who continue to compute there. */
import { createStorage } from '../../gpu/buffers.js';
import type { Gpu } from '../../gpu/device.js';
import type { Location } from '../../graph/plan/record.js';
import type { Warning } from '../../warnings.js';

/** One result in a buffer of its own, with usage STORAGE, COPY_SRC and COPY_DST. */
export interface GpuTensor {
  readonly buffer: GPUBuffer;
  /** Row-major, without gaps. */
  readonly shape: readonly number[];
  readonly type: 'f32' | 'u32';
}

/** The results of one image as buffers on the GPU, which the caller destroys. */
export interface GpuLocalization {
  readonly index: number;
  /** Size of the original image in pixels. */
  readonly width: number;
  readonly height: number;
  /** What was assumed about the weights, then what looks wrong about the image. */
  readonly warnings: readonly Warning[];
  /** [1, classes], f32. */
  readonly logits: GpuTensor;
  readonly probabilities: GpuTensor;
  /** [1, classes, h, w], f32: the network's own maps. */
  readonly heatmaps: GpuTensor;
  /**
   * [classes, heat thresholds, maxBoxes, 6], u32. The six numbers are left, top, right, bottom (half-open, in pixels of the original
   * image), the area, and the peak as the bits of an f32. For each class and threshold the first `counts` rows are boxes (at most maxBoxes).
   */
  readonly boxes?: GpuTensor;
  /**
   * [classes, heat thresholds + 1], u32. For each heat threshold the number of regions, which may be more than maxBoxes. The last column is
   * the state of the class's heatmap: 0 boxes were extracted, 1 the probability is below the threshold, 2 all values are the same, 3 not all
   * values are finite.
   */
  readonly counts?: GpuTensor;
  /** [1, classes, height, width], f32, 0…255; only with the option `heatmaps: 'scaled'`. */
  readonly scaled?: GpuTensor;
  /** Frees all buffers. */
  destroy(): void;
}

/** Where the results to be copied are, by name, with their shapes and element types. */
export type Parts = Readonly<Record<string, { place: Location; shape: readonly number[]; type: string }>>;

/** Copies results into buffers of their own, because the next call overwrites those of the plans. */
export function copyOut(
  gpu: Gpu,
  image: Pick<GpuLocalization, 'index' | 'width' | 'height' | 'warnings'>,
  parts: Parts,
): GpuLocalization {
  const encoder = gpu.device.createCommandEncoder();
  const entries = Object.entries(parts).map(([name, { place, shape, type }]) => {
    const buffer = createStorage(gpu, name, place.size);
    encoder.copyBufferToBuffer(place.buffer, place.offset, buffer, 0, place.size);
    return [name, { buffer, shape, type }] as const;
  });
  gpu.device.queue.submit([encoder.finish()]);
  const destroy = () => {
    for (const [, { buffer }] of entries) buffer.destroy();
  };
  return { ...image, ...Object.fromEntries(entries), destroy } as unknown as GpuLocalization;
}
