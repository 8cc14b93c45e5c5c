/** A plan as its users see it, and the options with which it is made. */
import type { Gpu } from '../../gpu/device.js';
import type { RunOptions } from '../../gpu/run.js';
import type { Graph } from '../ir/graph.js';
import type { Tensor } from '../ir/tensor.js';
import type { ChooseVariant, Step } from './lower.js';
import type { Location } from './record.js';

/** Gives the values of a named parameter in dense order. */
export interface WeightSource {
  (name: string, shape: readonly number[]): ArrayLike<number> | Promise<ArrayLike<number>>;
  /**
   * The same values piece by piece, so that a parameter need not be in memory as a whole. A piece is only valid until the next one is asked for.
   * All pieces but the last have an even number of values.
   */
  pieces?(name: string, shape: readonly number[]): Iterable<Float32Array> | AsyncIterable<Float32Array>;
}

/** The packed constants of a network. Plans share them; the code that has made the pool closes it. */
export interface ConstantPool {
  /** Buffers by `Lowered.keyOf`: the weights and operations that a constant is computed from. */
  readonly buffers: Map<string, GPUBuffer>;
  /** The same of constants that lie in textures. */
  readonly textures: Map<string, GPUTexture>;
  readonly bytes: number;
  close(): void;
}

/** Where weights come from, what a plan shares with other plans, and how it is made. */
export interface PlanOptions {
  /** Values of a named parameter in dense order. */
  weights?: WeightSource;
  /** Where packed constants are kept, to be shared with other plans. The caller closes it. Default: a pool of the plan's own. */
  pool?: ConstantPool;
  /** Skips fusion. Also for a graph that has been fused already. */
  unfused?: boolean;
  choose?: ChooseVariant | undefined;
  /** Buffers of the caller's for inputs, outputs or states, so that plans can share them. */
  external?: ReadonlyMap<Tensor, GPUBuffer>;
  /** Gives every tensor memory of its own with `guard` free bytes after it, so that all tensors can be read after a run. */
  separate?: { guard: number };
  /**
   * Called before each run. The function that it returns is called after the run. If the plan is `separate`, both can read every tensor.
   * If one of them throws, so does the run.
   */
  watchRuns?: (gpu: Gpu, plan: Plan) => Promise<() => Promise<void>>;
  signal?: AbortSignal | undefined;
  /** Called with the share of the weights that are on the GPU, 0…1. */
  onProgress?: ((done: number) => void) | undefined;
}

/** How long one dispatch of a plan took. */
export interface DispatchTime {
  readonly label: string;
  readonly kernel: string;
  readonly nanoseconds: number;
  readonly flops: number;
  readonly bytes: number;
}

/** A graph that is ready to run on a device. */
export interface Plan {
  readonly graph: Graph;
  readonly steps: readonly Step[];
  readonly flops: number;
  /** Bytes on the GPU. */
  readonly memory: { constants: number; arenas: number; tensors: number };
  locate(tensor: Tensor): Location;
  /** Writes an input: numbers in dense order, or the bytes as they lie on the GPU, padding included. */
  write(tensor: Tensor, values: ArrayLike<number> | Uint8Array): void;
  run(options?: RunOptions): Promise<void>;
  /** The values of an output in dense order. In a plan with `separate`, of any tensor. */
  read(tensor: Tensor): Promise<Float32Array | Uint32Array>;
  /** Makes the driver compile now what it would compile in the first run. */
  warm(): void;
  /** GPU time of each dispatch, after a run for warming up; undefined if the adapter has no timestamps. Both runs update the states. */
  profile(): Promise<DispatchTime[] | undefined>;
  /** Nanoseconds of a run, as the mean of this many in one submit: GPU time, or wall time if the adapter has no timestamps. */
  time(repeats: number): Promise<number>;
  close(): void;
}
