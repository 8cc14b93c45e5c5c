/** What a localizer computes with: the interface of its two implementations, and how one of them is chosen. */
import type { WeightsMetadata } from '../formats/weights.js';
import type { Gpu } from '../gpu/device.js';
import type { Warning } from '../warnings.js';
import type { Source } from './image_input.js';
import type { GpuLocalization } from './on_gpu.js';
import type { Memory } from './plans.js';
import type { Request } from './request.js';
import type { Localization } from './results.js';
import type { StageTimes } from './session.js';

/** What a localizer computes with, and why. */
export interface Backend {
  readonly name: 'webgpu' | 'onnxruntime';
  /** Why this one: `asked for`, say, or which adapter there is. */
  readonly reason: string;
}

/** The images of one run of the network. */
export interface Batch {
  readonly images: readonly (Source | GPUTexture)[];
  /** The index of each image, which its result repeats. */
  readonly indexes: readonly number[];
}

/** One network, ready to run. */
export interface Session {
  readonly backend: Backend;
  /** The device, if it runs on one. */
  readonly gpu?: Gpu;
  readonly metadata: WeightsMetadata;
  /** What was assumed about the weights. */
  readonly warnings: readonly Warning[];
  run(batch: Batch, request: Request, signal?: AbortSignal): Promise<Localization[]>;
  runOnGpu(image: Source | GPUTexture, request: Request, signal?: AbortSignal): Promise<GpuLocalization>;
  memory(): Memory;
  profile(request: Request): Promise<StageTimes[] | undefined>;
  close(): void;
}

/** How a session is made. */
export interface SessionOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
}
