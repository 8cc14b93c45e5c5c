/**
 * Opens a device: raybox's own, or the caller's. Asks by name for the limits and features that kernels use, refuses
 * adapters that compute nothing, and catches what no error scope caught.
 */
import { platform } from '#gpu';
import { type DeviceLostError, GpuUnavailableError, KernelError } from '../errors.js';
import { checkOptions, optionNames } from '../options.js';
import { debug } from './debug.js';
import { lossOf, onGpu } from './loss.js';
import type { Pipelines } from './pipelines.js';
import { pipelinesOf } from './pipelines.js';

/** Limits that raybox asks for as high as the adapter has them: the defaults bind 128 MiB and 16 KiB of workgroup memory. */
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
] as const;

const WANTED_FEATURES = ['shader-f16', 'subgroups', 'timestamp-query'] as const;

/** A kernel binds at most this many buffers: the limit that every WebGPU device grants is 8. */
export const MAX_STORAGE_BUFFERS = 8;

/** Which adapter and device to work on. */
export interface GpuOptions {
  /** The caller's device. It is shared: raybox keeps to its limits and never destroys it. */
  device?: GPUDevice;
  /** Part of an adapter's name, or `swiftshader`. Default: the environment's RAYBOX_ADAPTER, else the system's choice. */
  adapter?: string;
  powerPreference?: GPUPowerPreference;
  /** Options for Dawn in Node, such as `enable-dawn-features=…`. See the README for those that NVIDIA's f16 needs. */
  dawn?: readonly string[];
}

const GPU_OPTIONS = optionNames<GpuOptions>({ device: true, adapter: true, powerPreference: true, dawn: true });

/** A device and what raybox keeps beside it. */
export interface Gpu {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly limits: GPUSupportedLimits;
  readonly features: ReadonlySet<string>;
  /** A CPU pretending to be a GPU: no workgroup memory worth the name, and other kernels are fast there. */
  readonly software: boolean;
  readonly pipelines: Pipelines;
  /** Resolves once the device is lost for another reason than `close()`. */
  readonly lost: Promise<DeviceLostError>;
  /** Throws what has gone wrong since the last call: a lost device, or an error that no scope caught. */
  check(): void;
  /** Waits for something that the GPU does, see `onGpu`: every await on it goes through here. */
  wait<T>(work: Promise<T>): Promise<T>;
  close(): void;
}

/**
 * Opens a device.
 * @throws GpuUnavailableError where there is no adapter, it is none that computes, or it grants too little; InputError for
 *   an option that there is not.
 */
export async function openGpu(options: GpuOptions = {}): Promise<Gpu> {
  checkOptions('openGpu', options, GPU_OPTIONS);
  if (options.device) return wrap(options.device, options.device.adapterInfo, false);
  const name = options.adapter ?? platform.environment('RAYBOX_ADAPTER');
  const entry = await platform.gpu({
    ...(name ? { adapter: name } : {}),
    ...(options.dawn ? { dawn: options.dawn } : {}),
  });
  const powerPreference = options.powerPreference ?? 'high-performance';
  // Dawn throws for a name that fits no adapter, and lists those that there are.
  const adapter = await entry.requestAdapter({ powerPreference }).catch((cause: Error) => {
    throw new GpuUnavailableError(name ? `no adapter named ${name}` : 'no WebGPU adapter', {
      given: cause.message,
      cause,
    });
  });
  if (!adapter) {
    throw new GpuUnavailableError(name ? `no adapter named ${name}` : 'no WebGPU adapter', {
      hint:
        platform.name !== 'web'
          ? 'install a Vulkan driver, or npm install @sparticuz/chromium for a software adapter'
          : 'check that the browser has hardware acceleration switched on',
    });
  }
  platform.refuse?.(adapter.info);
  const requiredLimits: Record<string, number> = {};
  for (const limit of WANTED_LIMITS) requiredLimits[limit] = adapter.limits[limit];
  const requiredFeatures = WANTED_FEATURES.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[];
  const wanted = { requiredLimits, requiredFeatures, label: 'raybox' };
  const device = await adapter.requestDevice(wanted).catch((cause) => {
    throw new GpuUnavailableError(`no device: ${cause.message}`, { cause });
  });
  return wrap(device, adapter.info, true);
}

/** Every adapter of this machine that WebGPU hands out, for `raybox info`. */
export async function listAdapters(): Promise<GPUAdapter[]> {
  const found = new Map<string, GPUAdapter>();
  const entry = await platform.gpu({});
  for (const powerPreference of ['high-performance', 'low-power'] as const) {
    const adapter = await entry.requestAdapter({ powerPreference });
    if (adapter) found.set(describe(adapter.info), adapter);
  }
  return [...found.values()];
}

/** One line about an adapter. */
export function describe(info: GPUAdapterInfo): string {
  return [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ');
}

function wrap(device: GPUDevice, info: GPUAdapterInfo, owned: boolean): Gpu {
  if (device.limits.maxStorageBuffersPerShaderStage < MAX_STORAGE_BUFFERS) {
    throw new GpuUnavailableError('the device grants too few storage buffers', {
      expected: `maxStorageBuffersPerShaderStage ≥ ${MAX_STORAGE_BUFFERS}`,
      given: String(device.limits.maxStorageBuffersPerShaderStage),
    });
  }
  const loss = lossOf(device);
  let failure: KernelError | undefined;
  let closed = false;
  // A listener beside the caller's own handler, which goes on being called.
  const onError = (event: GPUUncapturedErrorEvent) => {
    failure ??= new KernelError(`the GPU reported an error: ${event.error.message}`);
  };
  device.addEventListener('uncapturederror', onError);
  const lost = new Promise<DeviceLostError>((resolve) => {
    loss.lost.then((error) => {
      if (!closed) resolve(error);
    });
  });
  const software = info.isFallbackAdapter === true;
  if (software) platform.easeWaiting?.();
  debug(1, () => `adapter: ${describe(info)}; ${[...device.features].join(', ') || 'no features'}`);
  return {
    device,
    info,
    limits: device.limits,
    features: new Set(device.features),
    software,
    pipelines: pipelinesOf(device),
    lost,
    check() {
      if (closed) throw new GpuUnavailableError('the device was closed');
      const error = loss.error ?? failure;
      failure = undefined;
      if (error) throw error;
    },
    wait: (work) => onGpu(device, work),
    close() {
      if (closed) return;
      closed = true;
      device.removeEventListener('uncapturederror', onError);
      if (!owned) return;
      loss.expect();
      device.destroy();
    },
  };
}
