/**
 * Opens a device of raybox's own, or wraps the caller's. It asks the adapter for the limits and features that kernels use, refuses
 * adapters that accept calls but compute nothing, and listens for errors that no error scope has caught.
 */
import { platform } from '#gpu';
import { type DeviceLostError, GpuUnavailableError } from '../errors.js';
import { checkOptions, optionKinds } from '../options.js';
import { debug } from './debug.js';
import { lossOf, onGpu } from './loss.js';
import type { Pipelines } from './pipelines.js';
import { pipelinesOf } from './pipelines.js';
import { uncapturedErrors } from './uncaptured.js';

/**
 * Limits that are requested at the adapter's maximum. Without a request a device gets WebGPU's defaults, which are too low for large
 * tensors (128 MiB for a binding) and for fast kernels (16 KiB of workgroup memory).
 */
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
] as const;

/** Adapters only offer subgroup matrices if Dawn's `allow_unsafe_apis` is on. */
export const MATRIX_FEATURE = 'chromium-experimental-subgroup-matrix';
/** Lets a kernel say how many lanes its subgroups have. */
export const SUBGROUP_SIZE_FEATURE = 'subgroup-size-control';
/** WGSL's products of packed 8-bit integers. */
export const PACKED_DOT = 'packed_4x8_integer_dot_product';
/** WGSL's storage textures that kernels read. */
export const READ_TEXTURES = 'readonly_and_readwrite_storage_textures';
/** The features of WGSL that kernels use. Which of them there are is not known of a caller's device outside of pages. */
const LANGUAGE_FEATURES = [PACKED_DOT, READ_TEXTURES] as const;
const WANTED_FEATURES = ['shader-f16', 'subgroups', 'timestamp-query', SUBGROUP_SIZE_FEATURE, MATRIX_FEATURE] as const;

/** The most storage buffers that a kernel may bind. WebGPU's default limit is 8, so every device of ours has at least this many. */
export const MAX_STORAGE_BUFFERS = 8;

/** Which adapter and device to use. */
export interface GpuOptions {
  /** A device of the caller's, to be shared. raybox keeps within its limits and never destroys it. */
  device?: GPUDevice;
  /** Part of an adapter's name, or `swiftshader`. Default: the environment variable RAYBOX_ADAPTER, or else the system's choice. */
  adapter?: string;
  powerPreference?: GPUPowerPreference;
  /** Options for Dawn in Node, such as `enable-dawn-features=…`. The README names those that f16 on NVIDIA GPUs needs. */
  dawn?: readonly string[];
}

/** The kinds of `openGpu`'s options. */
export const OPEN_OPTIONS = optionKinds<GpuOptions>({
  device: 'a GPUDevice',
  adapter: 'a text',
  powerPreference: ['low-power', 'high-performance'],
  dawn: 'a list of texts',
});

/** A device, with what raybox knows of it and keeps for it. */
export interface Gpu {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly limits: GPUSupportedLimits;
  /** Features of the device, and those of WGSL that kernels use. */
  readonly features: ReadonlySet<string>;
  /** Whether the adapter computes on the CPU. Its workgroup memory is no faster than other memory, so other kernels are fast there. */
  readonly software: boolean;
  readonly pipelines: Pipelines;
  /** Resolves if the device is lost for any other reason than `close()`. */
  readonly lost: Promise<DeviceLostError>;
  /** Throws if the device has been lost, or if it has reported an error since the last call that no error scope caught. */
  check(): void;
  /** Waits for work of the GPU. Every await of such work must go through here, so that it ends when the device is lost (see `onGpu`). */
  wait<T>(work: Promise<T>): Promise<T>;
  close(): void;
}

/**
 * Opens a device.
 * @throws GpuUnavailableError if there is no adapter, if the adapter computes nothing, or if its limits are too low; InputError for an
 *   unknown option.
 */
export async function openGpu(options: GpuOptions = {}): Promise<Gpu> {
  checkOptions('openGpu', options, OPEN_OPTIONS);
  if (options.device) {
    // In Node the device need not come from the package that the platform would load.
    const entry = platform.name === 'web' ? await platform.gpu({}) : undefined;
    return wrap(options.device, options.device.adapterInfo, false, entry);
  }
  return openAdapter(await requestAdapter(options, false));
}

/**
 * Opens a device of an adapter that does not compute on the CPU.
 * @throws GpuUnavailableError if the system has none; its message says what it has instead.
 */
export async function openHardwareGpu(options: Pick<GpuOptions, 'powerPreference'>): Promise<Gpu> {
  const found = await requestAdapter(options, true);
  const { adapter } = found;
  if (!isSoftware(adapter.info)) return openAdapter(found);
  throw new GpuUnavailableError(`the only adapter, ${describe(adapter.info)}, computes on the CPU`);
}

const isSoftware = (info: GPUAdapterInfo) => info.isFallbackAdapter === true;

/** An adapter, and the entry to WebGPU that it comes from. */
interface Found {
  readonly adapter: GPUAdapter;
  readonly entry: GPU;
}

async function requestAdapter(options: GpuOptions, systemOnly: boolean): Promise<Found> {
  const name = options.adapter ?? platform.environment('RAYBOX_ADAPTER');
  const entry = await platform.gpu({
    ...(name ? { adapter: name } : {}),
    ...(options.dawn ? { dawn: options.dawn } : {}),
    ...(systemOnly ? { systemOnly } : {}),
  });
  const powerPreference = options.powerPreference ?? 'high-performance';
  // Dawn throws for a name that fits no adapter, with a list of those there are. Other platforms give null.
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
  return { adapter, entry };
}

async function openAdapter({ adapter, entry }: Found): Promise<Gpu> {
  const requiredLimits: Record<string, number> = {};
  for (const limit of WANTED_LIMITS) requiredLimits[limit] = adapter.limits[limit];
  const requiredFeatures = WANTED_FEATURES.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[];
  const wanted = { requiredLimits, requiredFeatures, label: 'raybox' };
  const device = await adapter.requestDevice(wanted).catch((cause) => {
    throw new GpuUnavailableError(`no device: ${cause.message}`, { cause });
  });
  return wrap(device, adapter.info, true, entry);
}

/** The adapters that WebGPU gives for each power preference, without duplicates, for `raybox info`. */
export async function listAdapters(): Promise<GPUAdapter[]> {
  const found = new Map<string, GPUAdapter>();
  const entry = await platform.gpu({});
  for (const powerPreference of ['high-performance', 'low-power'] as const) {
    const adapter = await entry.requestAdapter({ powerPreference });
    if (adapter) found.set(describe(adapter.info), adapter);
  }
  return [...found.values()];
}

/** An adapter's vendor, architecture, device and description in one line. */
export function describe(info: GPUAdapterInfo): string {
  return [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ');
}

function wrap(device: GPUDevice, info: GPUAdapterInfo, owned: boolean, entry: GPU | undefined): Gpu {
  if (device.limits.maxStorageBuffersPerShaderStage < MAX_STORAGE_BUFFERS) {
    throw new GpuUnavailableError('the device grants too few storage buffers', {
      expected: `maxStorageBuffersPerShaderStage ≥ ${MAX_STORAGE_BUFFERS}`,
      given: String(device.limits.maxStorageBuffersPerShaderStage),
    });
  }
  const loss = lossOf(device);
  const errors = uncapturedErrors(device);
  let closed = false;
  const lost = new Promise<DeviceLostError>((resolve) => {
    loss.lost.then((error) => {
      if (!closed) resolve(error);
    });
  });
  const software = isSoftware(info);
  if (software) platform.easeWaiting?.();
  debug(1, () => `adapter: ${describe(info)}; ${[...device.features].join(', ') || 'no features'}`);
  return {
    device,
    info,
    limits: device.limits,
    features: new Set([
      ...device.features,
      ...LANGUAGE_FEATURES.filter((feature) => entry?.wgslLanguageFeatures?.has(feature)),
    ]),
    software,
    pipelines: pipelinesOf(device),
    lost,
    check() {
      if (closed) throw new GpuUnavailableError('the device was closed');
      const failure = errors.take();
      const error = loss.error ?? failure;
      if (error) throw error;
    },
    wait: (work) => onGpu(device, work),
    close() {
      if (closed) return;
      closed = true;
      errors.end();
      if (!owned) return;
      loss.expect();
      device.destroy();
    },
  };
}
