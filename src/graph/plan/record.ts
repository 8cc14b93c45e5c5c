/** Binds a lowered dispatch to buffers, which makes it ready for the GPU. */
import { alignUp } from '../../gpu/buffers.js';
import type { Gpu } from '../../gpu/device.js';
import type { Recorded } from '../../gpu/run.js';
import { paramsSize } from '../../gpu/wgsl.js';
import { nameOf } from '../ir/graph.js';
import { byteSize, type Tensor } from '../ir/tensor.js';
import type { Step } from './lower.js';

/** Where a tensor lies: a buffer, and bytes in it. */
export interface Location {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Where tensors lie that dispatches bind. */
export interface Places {
  locate(tensor: Tensor): Location;
  /** The texture of a constant that lies in one. */
  textureOf(tensor: Tensor): GPUTexture;
  /** What is bound in place of absent inputs. */
  readonly nothing: GPUBuffer;
}

/** How a dispatch accesses its bindings, as `Pipelines.get` takes it. */
export function accessPattern(bindings: Step['bindings']): string {
  return bindings.map(({ tensor, access }) => (access === 'write' ? 'w' : tensor?.isTexture ? 't' : 'r')).join('');
}

/** Builds the bind group of one dispatch. */
export function recordStep(
  gpu: Gpu,
  step: Step,
  pipeline: GPUComputePipeline,
  places: Places,
  params: { buffer: GPUBuffer; offset: number },
): Recorded {
  let traffic = 0;
  const entries: GPUBindGroupEntry[] = step.bindings.map(({ tensor, access, start = 0, size }, binding) => {
    if (!tensor) return { binding, resource: { buffer: places.nothing } };
    if (tensor.isTexture && access === 'read') {
      traffic += byteSize(tensor);
      return { binding, resource: places.textureOf(tensor).createView() };
    }
    const place = places.locate(tensor);
    const length = size ?? place.size - start;
    traffic += length;
    // Kernels read vec4s, so the size is rounded up to 16 bytes. That stays in bounds, because every allocation is a multiple of 256 bytes.
    return { binding, resource: { buffer: place.buffer, offset: place.offset + start, size: alignUp(length, 16) } };
  });
  entries.push({
    binding: step.bindings.length,
    resource: { ...params, size: paramsSize(step.kernel) },
  });
  return {
    pipeline,
    bindGroup: gpu.device.createBindGroup({ layout: gpu.pipelines.layout(accessPattern(step.bindings)), entries }),
    workgroups: step.workgroups,
    label: `${nameOf(step.node)} (${step.kernel.name})`,
    flops: step.flops,
    bytes: traffic,
  };
}
