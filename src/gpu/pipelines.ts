/**
 * Compute pipelines, compiled asynchronously and cached by their complete source. A pipeline that is asked for again, even while it is
 * still being compiled, is not compiled twice. A bind-group layout only depends on how each binding is accessed, so all variants of an
 * operation share one.
 */
import { KernelError } from '../errors.js';
import { debug } from './debug.js';
import { onGpu } from './loss.js';
import { assemble, type Constants, type Kernel } from './wgsl.js';

/**
 * How a kernel uses its bindings, one letter for each in order: `r` reads a buffer, `w` reads and writes one, `t` reads a texture. The params
 * uniform follows them.
 */
export type AccessPattern = string;

/** The format of textures that kernels read: four f32 elements to a texel. */
export const TEXEL_FORMAT = 'rgba32float';

/** What a bind-group layout says of a binding, by the letter of an access pattern. */
const BINDING_KINDS = {
  r: { buffer: { type: 'read-only-storage' } },
  w: { buffer: { type: 'storage' } },
  t: { storageTexture: { access: 'read-only', format: TEXEL_FORMAT } },
} as const satisfies Record<string, Omit<GPUBindGroupLayoutEntry, 'binding' | 'visibility'>>;
const UNIFORM = { buffer: { type: 'uniform' } } as const;

export interface Pipelines {
  /** Gives the pipeline of one variant of a kernel, compiled now or before. `where` names the operation and its shapes in errors. */
  get(kernel: Kernel, constants: Constants, access: AccessPattern, where: string): Promise<GPUComputePipeline>;
  layout(access: AccessPattern): GPUBindGroupLayout;
  /** How many different pipelines there are, those under compilation included. */
  readonly size: number;
}

const known = new WeakMap<GPUDevice, Pipelines>();

/** The pipelines of a device. All users of a device share one cache. */
export function pipelinesOf(device: GPUDevice): Pipelines {
  const pipelines = known.get(device) ?? createPipelines(device);
  known.set(device, pipelines);
  return pipelines;
}

function createPipelines(device: GPUDevice): Pipelines {
  const pipelines = new Map<string, Promise<GPUComputePipeline>>();
  const layouts = new Map<AccessPattern, GPUBindGroupLayout>();

  function layout(access: AccessPattern): GPUBindGroupLayout {
    let found = layouts.get(access);
    if (!found) {
      const visibility = 0x4; // GPUShaderStage.COMPUTE; the global does not exist on a caller's device in Node
      const kinds = [...access].map((letter) => BINDING_KINDS[letter as keyof typeof BINDING_KINDS]);
      const entries = [...kinds, UNIFORM].map((kind, binding) => ({ binding, visibility, ...kind }));
      found = device.createBindGroupLayout({ label: access, entries });
      layouts.set(access, found);
    }
    return found;
  }

  return {
    layout,
    get size() {
      return pipelines.size;
    },
    get(kernel, constants, access, where) {
      const code = assemble(kernel, constants);
      const key = `${access}\n${code}`;
      let pipeline = pipelines.get(key);
      if (!pipeline) {
        debug(4, `${kernel.name} for ${where}\n${code}`);
        pipeline = onGpu(device, compile(device, kernel.name, code, layout(access), where));
        // A failed compilation is not kept, because its error names the node that asked for it; another node gets an error of its own.
        pipeline.catch(() => pipelines.delete(key));
        pipelines.set(key, pipeline);
      }
      return pipeline;
    },
  };
}

async function compile(
  device: GPUDevice,
  name: string,
  code: string,
  layout: GPUBindGroupLayout,
  where: string,
): Promise<GPUComputePipeline> {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: name, code });
  const invalid = device.popErrorScope();
  const pipeline = device.createComputePipelineAsync({
    label: name,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: 'main' },
  });
  pipeline.catch(() => {}); // reported below, together with the compiler's messages
  const shaderError = await invalid;
  if (!shaderError) {
    try {
      return await pipeline;
    } catch (cause) {
      throw new KernelError(`kernel ${name} for ${where}: no pipeline: ${(cause as Error).message}`, { cause });
    }
  }
  const { messages } = await module.getCompilationInfo();
  const lines = code.split('\n');
  const told = messages
    .filter((message) => message.type === 'error')
    .map(
      (message) =>
        `line ${message.lineNum}:${message.linePos}: ${message.message}\n    ${lines[message.lineNum - 1] ?? ''}`,
    );
  throw new KernelError(`kernel ${name} for ${where} does not compile: ${told.join('\n') || shaderError.message}`);
}
