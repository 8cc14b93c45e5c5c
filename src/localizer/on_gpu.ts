/** Results that stay on the GPU, for those who go on there. */
import { createStorage } from '../gpu/buffers.js';
import type { Gpu } from '../gpu/device.js';
import type { Location } from '../graph/plan/record.js';
import type { Warning } from '../warnings.js';

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
  /** What was assumed of the weights, then what looks wrong about the image. */
  readonly warnings: readonly Warning[];
  /** [1, classes], f32. */
  readonly logits: GpuTensor;
  readonly probabilities: GpuTensor;
  /** [1, classes, h, w], f32: the network's own maps. */
  readonly heatmaps: GpuTensor;
  /**
   * [classes, heat thresholds, maxBoxes, 6], u32: left, top, right, bottom (half-open, pixels of the original image), area, bits of
   * the peak's f32. Of each class and threshold the first `counts` rows are boxes.
   */
  readonly boxes?: GpuTensor;
  /** [classes, heat thresholds + 1], u32: regions found, which may be more than maxBoxes; last the state: 0 worked at, 1 closed by its gate, 2 flat, 3 not finite. */
  readonly counts?: GpuTensor;
  /** [1, classes, height, width], f32, 0…255, where scaled heatmaps were asked for. */
  readonly scaled?: GpuTensor;
  /** Frees all buffers. */
  destroy(): void;
}

/** What is to be copied, by name. */
export type Parts = Readonly<Record<string, { place: Location; shape: readonly number[]; type: string }>>;

/** Copies results out of the plans, whose buffers the next call overwrites. */
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
