/** What a localizer computes with: the interface of its two implementations, and how one of them is chosen. */
import { platform } from '#gpu';
import { InputError } from '../errors.js';
import type { WeightsMetadata } from '../formats/weights/weights.js';
import { describe, type Gpu, openGpu, openHardwareGpu } from '../gpu/device.js';
import type { Model } from '../nets/describe.js';
import type { Warning } from '../warnings.js';
import type { Computed } from './describe.js';
import type { Source } from './image_input.js';
import type { GpuLocalization } from './on_gpu.js';
import type { ChoiceOptions } from './onnx/choose.js';
import type { Memory } from './plans.js';
import type { Request } from './request.js';
import { createSession, type StageTimes } from './session.js';

/** What a localizer computes with, and why. */
export interface Backend {
  readonly name: 'webgpu' | 'onnxruntime';
  /** Why this one: `asked for`, say, or which adapter there is. */
  readonly reason: string;
  /** What would make it faster, and how to get it. */
  readonly hint?: string;
}

/** The choices of the option `backend`. */
export const BACKENDS = ['auto', 'webgpu', 'onnxruntime'] as const;

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
  /** Computes what was asked for, for each image. */
  run(images: Batch['images'], request: Request, signal?: AbortSignal): Promise<Computed[]>;
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

/** What `load` was given, or what the environment variable RAYBOX_BACKEND says instead. @throws InputError for another name */
export function backendOf(given: string | undefined): (typeof BACKENDS)[number] {
  const name = given ?? (platform.environment('RAYBOX_BACKEND') || 'auto');
  const backend = BACKENDS.find((one) => one === name);
  if (backend) return backend;
  throw new InputError(given === undefined ? 'RAYBOX_BACKEND' : 'backend', {
    expected: BACKENDS.join(', '),
    given: String(name),
  });
}

/**
 * Chooses with what the network runs, and makes it ready. `auto` is WebGPU where there is a GPU, or where an option is for WebGPU alone.
 * Otherwise it is onnxruntime, if that is installed and can run the network, or else WebGPU on a software adapter.
 */
export async function openSession(
  model: Model,
  backend: (typeof BACKENDS)[number],
  options: ChoiceOptions,
): Promise<Session> {
  const { device, adapter, powerPreference, dawn, precision, signal, onProgress } = options;
  const onGpu = (gpu: Gpu, chosen: Backend) =>
    createSession(gpu, model, { backend: chosen, precision, signal, onProgress });
  const openAny = async (chosen: Backend) => onGpu(await openGpu({ device, adapter, powerPreference, dawn }), chosen);
  const reason = backend === 'webgpu' ? 'asked for' : backend === 'auto' && needsWebGpu(options);
  if (reason) return openAny({ name: 'webgpu', reason });
  // Loaded on demand, because most users have a GPU.
  const choose = () => import('./onnx/choose.js');
  if (backend === 'onnxruntime') return (await choose()).openOnnxSession(model, options, platform);
  const gpu = await openHardwareGpu({ powerPreference }).catch((error: Error) => error);
  if (gpu instanceof Error)
    return (await choose()).openWithoutGpu(model, options, gpu.message.split('; ')[0], platform, openAny);
  return onGpu(gpu, { name: 'webgpu', reason: describe(gpu.info) });
}

/** Why only WebGPU can do what was asked for. */
function needsWebGpu({ device, adapter, dawn, precision }: ChoiceOptions): string | undefined {
  if (device) return 'a device was given';
  if (adapter ?? platform.environment('RAYBOX_ADAPTER')) return 'an adapter was named';
  if (dawn) return 'options for Dawn were given';
  return precision === 'f16' ? 'f16 was asked for' : undefined;
}
