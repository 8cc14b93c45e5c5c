/** Opens a session where WebGPU was not asked for and no GPU was found. Loaded on demand, because most users have a GPU. */
import { GpuUnavailableError, InputError } from '../../errors.js';
import type { GpuOptions } from '../../gpu/device.js';
import type { Model } from '../../nets/model.js';
import type { Backend, Precision, Session, SessionOptions } from '../session/session.js';
import { type Host, installHint, loadRuntime, type OnnxRuntimeOption } from './runtime.js';
import { createOnnxSession } from './session.js';

/** What `load` was given. */
export interface ChoiceOptions extends GpuOptions, SessionOptions {
  readonly precision?: Precision;
  readonly onnxruntime?: OnnxRuntimeOption;
}

/** @throws InputError for options that need a GPU, for a package that is not installed, and for a network that ONNX cannot express */
export async function openOnnxSession(model: Model, options: ChoiceOptions, host: Host): Promise<Session> {
  const { precision, onnxruntime, signal, onProgress } = options;
  const names = ['device', 'adapter', 'powerPreference', 'dawn', 'tune'] as const;
  const ofGpu = names.find((name) => options[name] !== undefined && options[name] !== false);
  if (ofGpu || (precision ?? 'f32') !== 'f32')
    throw new InputError(`backend 'onnxruntime' computes in f32 on the CPU`, {
      given: ofGpu ? `the option ${ofGpu}` : `precision '${precision}'`,
      hint: "leave it out, or use backend 'webgpu'",
    });
  const runtime = await loadRuntime(host, onnxruntime);
  const backend = { name: 'onnxruntime', reason: 'asked for' } as const;
  return createOnnxSession(runtime, model, { backend, signal, onProgress }).catch((cause: Error) => {
    // Other errors are about the weights themselves, which no other backend takes either.
    if (!(cause instanceof InputError) || !cause.message.startsWith('onnx: ')) throw cause;
    throw new InputError(`onnxruntime cannot run this network as it was asked for: ${cause.message}`, {
      hint: "to run it anyway, choose backend 'webgpu' (--backend webgpu), or leave the choice out",
      cause,
    });
  });
}

/** A function that opens a session on WebGPU. It is passed in for the same reason as `Host`. */
type OpenWebGpu = (backend: Backend) => Promise<Session>;

/**
 * Opens a session in onnxruntime, or on a software adapter where that is not installed, or if it cannot run the network.
 * @param reason why there is no GPU
 * @throws GpuUnavailableError if there is neither
 */
export async function openWithoutGpu(
  model: Model,
  options: ChoiceOptions,
  reason: string,
  host: Host,
  openWebGpu: OpenWebGpu,
): Promise<Session> {
  const { onnxruntime, signal, onProgress } = options;
  const backend = (more: string, hint?: string) => ({
    ...{ name: 'webgpu' as const, reason: `${reason}; ${more}` },
    ...(hint === undefined ? {} : { hint }),
  });
  const runtime = await loadRuntime(host, onnxruntime).catch((error: Error) => error);
  if (runtime instanceof Error) {
    // If the caller gave a module that does not work, falling back to WebGPU would hide that.
    if (onnxruntime !== undefined) throw runtime;
    const { name } = host.onnxruntime;
    const hint = `the network runs in software on the CPU (${reason}), where ${name} would be faster, often several times, with the same results: ${installHint(host)}`;
    return openSoftware(openWebGpu, host, backend(`${name} is not installed`, hint));
  }
  try {
    return await createOnnxSession(runtime, model, { backend: { name: 'onnxruntime', reason }, signal, onProgress });
  } catch (error) {
    signal?.throwIfAborted();
    return openSoftware(openWebGpu, host, backend((error as Error).message));
  }
}

async function openSoftware(openWebGpu: OpenWebGpu, host: Host, backend: Backend): Promise<Session> {
  return openWebGpu(backend).catch((cause: Error) => {
    if (!(cause instanceof GpuUnavailableError) || backend.hint === undefined) throw cause;
    throw new GpuUnavailableError(cause.message, { hint: `or, to compute without a GPU, ${installHint(host)}`, cause });
  });
}
