/** The types of a session, which is a network that is ready to run. `webgpu_session.ts` and `onnx/session.ts` implement them. */
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { Gpu } from '../../gpu/device.js';
import type { DispatchTime } from '../../graph/plan/types.js';
import type { DecodedBoxes } from '../../ops/boxes/component_boxes.js';
import type { Warning } from '../../warnings.js';
import type { Source } from '../images/image_input.js';
import type { Request } from '../request.js';
import type { Heatmap } from '../results.js';
import type { TuneOptions, Tuning } from '../tuning/types.js';
import type { GpuLocalization } from './on_gpu.js';
import type { Memory } from './plans.js';

/** What a network computes with. */
export type Precision = 'f32' | 'f16' | 'int8';

/** What a localizer computes with, and why. */
export interface Backend {
  readonly name: 'webgpu' | 'onnxruntime';
  /** Why this one: `asked for`, say, or which adapter there is. */
  readonly reason: string;
  /** What would make it faster, and how to get it. */
  readonly hint?: string;
}

/** The images of one run of the network. */
export interface Batch {
  readonly images: readonly (Source | GPUTexture)[];
  /** The index of each image, which its result repeats. */
  readonly indexes: readonly number[];
}

/** What was computed for one image. */
export interface Computed {
  /** Size of the image in pixels. */
  readonly width: number;
  readonly height: number;
  /** One for each class. */
  readonly logits: Float32Array;
  readonly probabilities: Float32Array;
  /** Rows and columns of the network's own heatmaps. */
  readonly cells: readonly [rows: number, columns: number];
  /** The regions of the heatmaps, if they were looked for. */
  readonly regions?: Regions | undefined;
  /** The heatmaps that were asked for, one for each class. */
  readonly heatmaps?: readonly Heatmap[] | undefined;
}

/** The regions of one image's heatmaps. For each heatmap and threshold there are all regions, or as many as the request needs. */
export type Regions = Pick<DecodedBoxes, 'boxes' | 'states' | 'truncated'>;

/** GPU time of the dispatches of one stage. */
export interface StageTimes {
  readonly stage: 'input' | 'network' | 'boxes';
  readonly dispatches: readonly DispatchTime[];
}

/** A batch that the GPU has all of. */
export interface Begun {
  /** One for each image. An image has none if its boxes need a larger table: it has to be run alone. */
  readonly results: Promise<readonly (Computed | undefined)[]>;
}

/** One network, ready to run. */
export interface Session {
  readonly backend: Backend;
  /** The device, if it runs on one. */
  readonly gpu?: Gpu;
  readonly metadata: WeightsMetadata;
  readonly precision: Precision;
  /** What is known of its kernels by measurement, if anything is. */
  readonly tuning?: Tuning | undefined;
  /** What was assumed about the weights. */
  readonly warnings: readonly Warning[];
  /** Computes what was asked for, for each image. */
  run(images: Batch['images'], request: Request, signal?: AbortSignal): Promise<Computed[]>;
  /** The same, but resolves as soon as the GPU has all of the work. A session without a GPU does not have this. */
  begin?(images: Batch['images'], request: Request, signal?: AbortSignal): Promise<Begun>;
  runOnGpu(image: Source | GPUTexture, request: Request, signal?: AbortSignal): Promise<GpuLocalization>;
  memory(): Memory;
  profile(request: Request): Promise<StageTimes[] | undefined>;
  close(): void;
}

/** How a session is made. */
export interface SessionOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Is told before weights are uploaded, each of which is then read only once. */
  readonly dropRead?: (() => void) | undefined;
  /** Whether to tune. It may also come from an environment variable, as `true` or `false`. */
  readonly tune?: boolean | TuneOptions | undefined;
}
