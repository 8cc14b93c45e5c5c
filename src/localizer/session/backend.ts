/** What a localizer computes with: the interface of its two implementations, and how one of them is chosen. */
import { platform } from '#gpu';
import { InputError } from '../../errors.js';
import { describe, type Gpu, openGpu, openHardwareGpu } from '../../gpu/device.js';
import type { Model } from '../../nets/model.js';
import type { ChoiceOptions } from '../onnx/choose.js';
import type { Backend, Session } from './session.js';
import { createSession } from './webgpu_session.js';

/** The choices of the option `backend`. */
export const BACKENDS = ['auto', 'webgpu', 'onnxruntime'] as const;

/** The backend that `load` was given, or else that of the environment variable RAYBOX_BACKEND. @throws InputError for an unknown name */
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
 * Chooses what the network runs on, and opens a session there. `auto` is WebGPU where there is a GPU, or where an option is for WebGPU alone.
 * Otherwise it is onnxruntime, if that is installed and can run the network, or else WebGPU on a software adapter.
 */
export async function openSession(
  model: Model,
  backend: (typeof BACKENDS)[number],
  options: ChoiceOptions,
): Promise<Session> {
  const { device, adapter, powerPreference, dawn, precision, tune, signal, onProgress, dropRead } = options;
  const onGpu = (gpu: Gpu, chosen: Backend) =>
    createSession(gpu, model, { backend: chosen, precision, tune, signal, onProgress, dropRead });
  const openAny = async (chosen: Backend) => onGpu(await openGpu({ device, adapter, powerPreference, dawn }), chosen);
  const reason = backend === 'webgpu' ? 'asked for' : backend === 'auto' && needsWebGpu(options);
  if (reason) return openAny({ name: 'webgpu', reason });
  // Loaded on demand, because most users have a GPU.
  const choose = () => import('../onnx/choose.js');
  if (backend === 'onnxruntime') return (await choose()).openOnnxSession(model, options, platform);
  const gpu = await openHardwareGpu({ powerPreference }).catch((error: Error) => error);
  if (gpu instanceof Error)
    return (await choose()).openWithoutGpu(model, options, gpu.message.split('; ')[0], platform, openAny);
  return onGpu(gpu, { name: 'webgpu', reason: describe(gpu.info) });
}

/** Why only WebGPU can do what was asked for. */
function needsWebGpu({ device, adapter, dawn, tune, precision }: ChoiceOptions): string | undefined {
  if (device) return 'a device was given';
  if (adapter ?? platform.environment('RAYBOX_ADAPTER')) return 'an adapter was named';
  if (dawn) return 'options for Dawn were given';
  if (tune) return 'tuning was asked for';
  return (precision ?? 'f32') === 'f32' ? undefined : `${precision} was asked for`;
}
