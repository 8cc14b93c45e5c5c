/**
 * Constants on the GPU: weights are uploaded one after the other, packed by the operations' own kernels, and the unpacked copy is
 * freed as soon as nothing needs it, so that the peak stays near what is kept.
 */
import { InputError } from '../errors.js';
import { alignUp, createStorage, createUniform, upload } from '../gpu/buffers.js';
import type { Gpu } from '../gpu/device.js';
import { run } from '../gpu/run.js';
import { packParams } from '../gpu/wgsl.js';
import type { Graph } from './graph.js';
import type { Step } from './lower.js';
import type { PlanOptions } from './plan.js';
import { accessPattern, recordStep } from './record.js';
import { byteSize, encodeTensor, type Tensor } from './tensor.js';

/** Gives a named parameter's values in dense order. */
export type WeightSource = (name: string, shape: readonly number[]) => ArrayLike<number> | Promise<ArrayLike<number>>;

export interface Constants {
  readonly buffers: ReadonlyMap<Tensor, GPUBuffer>;
  readonly bytes: number;
  close(): void;
}

/** Bytes of weights that may be on their way before the GPU is waited for. */
const IN_FLIGHT = 64 << 20;

export async function createConstants(
  gpu: Gpu,
  constantSteps: readonly Step[],
  steps: readonly Step[],
  graph: Graph,
  options: PlanOptions,
): Promise<Constants> {
  const buffers = new Map<Tensor, GPUBuffer>();
  const nothing = createStorage(gpu, 'zeros for absent inputs', 256);
  const close = () => {
    for (const buffer of [...buffers.values(), nothing]) buffer.destroy();
  };
  const kept = new Set<Tensor>(graph.outputs);
  for (const step of steps) for (const { tensor } of step.bindings) if (tensor) kept.add(tensor);
  const lastUse = new Map<Tensor, number>();
  constantSteps.forEach((step, index) => {
    for (const { tensor } of step.bindings) if (tensor) lastUse.set(tensor, index);
  });

  const provide = async (tensor: Tensor) => {
    if (buffers.has(tensor) || options.external?.has(tensor)) return 0;
    const buffer = createStorage(gpu, tensor.name, alignUp(byteSize(tensor)));
    buffers.set(tensor, buffer);
    if (tensor.kind !== 'constant') return 0; // a kernel fills it
    const values = tensor.data ?? (await weightsOf(tensor, options.weights));
    upload(gpu, buffer, encodeTensor(tensor, values));
    return byteSize(tensor);
  };

  try {
    let uploaded = 0;
    for (const [index, step] of constantSteps.entries()) {
      options.signal?.throwIfAborted();
      for (const { tensor } of step.bindings) if (tensor) uploaded += await provide(tensor);
      await runStep(gpu, step, { locate: (tensor) => locate(tensor, buffers, options), nothing });
      for (const { tensor } of step.bindings) {
        if (!tensor || kept.has(tensor) || lastUse.get(tensor) !== index) continue;
        // `destroy` waits for what is submitted, so the copy may go at once.
        buffers.get(tensor)?.destroy();
        buffers.delete(tensor);
      }
      if (uploaded > IN_FLIGHT) {
        await gpu.device.queue.onSubmittedWorkDone();
        uploaded = 0;
      }
      options.onProgress?.((index + 1) / (constantSteps.length + 1));
    }
    for (const step of steps) {
      for (const { tensor } of step.bindings) if (tensor?.kind === 'constant') await provide(tensor);
    }
    for (const tensor of graph.outputs) if (tensor.kind === 'constant') await provide(tensor);
    gpu.check();
    options.onProgress?.(1);
  } catch (error) {
    close();
    throw error;
  }
  let bytes = 0;
  for (const buffer of buffers.values()) bytes += buffer.size;
  return { buffers, bytes, close };
}

async function weightsOf(tensor: Tensor, source: WeightSource | undefined): Promise<ArrayLike<number>> {
  if (!source)
    throw new InputError(`no value for parameter ${tensor.name}`, { hint: 'give `weights` when making the plan' });
  return source(tensor.name, tensor.shape);
}

function locate(tensor: Tensor, buffers: ReadonlyMap<Tensor, GPUBuffer>, options: PlanOptions) {
  const buffer = buffers.get(tensor) ?? options.external?.get(tensor);
  if (!buffer) throw new InputError(`constant ${tensor.name} has no buffer`);
  return { buffer, offset: 0, size: byteSize(tensor) };
}

async function runStep(gpu: Gpu, step: Step, places: Parameters<typeof recordStep>[3]): Promise<void> {
  const { kernel, constants, bindings, node } = step;
  const pipeline = await gpu.pipelines.get(kernel, constants, accessPattern(bindings), node.outputs[0].name);
  const params = createUniform(gpu, 'params', 256);
  upload(gpu, params, new Uint8Array(packParams(kernel, step.params)));
  await run(gpu, [recordStep(gpu, step, pipeline, places, { buffer: params, offset: 0 })]);
  params.destroy();
}
