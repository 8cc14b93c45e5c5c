/**
 * WebGPU's types for the published declaration files. A user's compiler may know them from TypeScript's own DOM types, from
 * `@webgpu/types`, or not at all; each name below is the compiler's own type if it has one, and `object` otherwise. So users do not have to
 * install types, and nobody gets two sets that clash. `.ci/declarations.js` imports this file into each declaration file that needs it.
 */
type Global<Name extends string> = typeof globalThis extends { [name in Name]: { prototype: infer Type } }
  ? Type
  : object;

export type GPU = Global<'GPU'>;
export type GPUAdapter = Global<'GPUAdapter'>;
export type GPUAdapterInfo = Global<'GPUAdapterInfo'>;
export type GPUBindGroup = Global<'GPUBindGroup'>;
export type GPUBindGroupLayout = Global<'GPUBindGroupLayout'>;
export type GPUBuffer = Global<'GPUBuffer'>;
export type GPUComputePassEncoder = Global<'GPUComputePassEncoder'>;
export type GPUComputePipeline = Global<'GPUComputePipeline'>;
export type GPUDevice = Global<'GPUDevice'>;
export type GPUSupportedLimits = Global<'GPUSupportedLimits'>;
export type GPUTexture = Global<'GPUTexture'>;
export type GPUPowerPreference = 'low-power' | 'high-performance';
