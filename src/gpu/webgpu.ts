/**
 * WebGPU's types for the emitted declarations, taken from whatever the user's compiler knows: TypeScript's own DOM types,
 * `@webgpu/types`, or neither. `.ci/declarations.js` imports them into each declaration file that needs one, so that no user has to
 * install types, and none gets two sets that clash.
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
