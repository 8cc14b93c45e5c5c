/**
 * Constants on the GPU. Weights are uploaded one after the other and packed by kernels. Each unpacked copy is freed as soon as nothing
 * needs it, so that loading takes little more memory than the packed constants. Plans of one network share the packed constants.
 */
import { InputError } from '../../errors.js';
import { alignUp, allocate, createStorage, createUniform, upload } from '../../gpu/buffers.js';
import type { Gpu } from '../../gpu/device.js';
import { run } from '../../gpu/run.js';
import { copyToTexture, createTexture, textureBytes } from '../../gpu/textures.js';
import { packParams } from '../../gpu/wgsl.js';
import { type Graph, nameOf } from '../ir/graph.js';
import { byteSize, bytesPerElement, describeShape, elementCount, encodeTensor, type Tensor } from '../ir/tensor.js';
import type { Lowered, Step } from './lower.js';
import { accessPattern, recordStep } from './record.js';
import type { ConstantPool, PlanOptions, WeightSource } from './types.js';

/** A pool without constants yet. The first plan of a network fills it. */
export function createConstantPool(): ConstantPool {
  const buffers = new Map<string, GPUBuffer>();
  const textures = new Map<string, GPUTexture>();
  return {
    buffers,
    textures,
    get bytes() {
      const inBuffers = [...buffers.values()].reduce((sum, buffer) => sum + buffer.size, 0);
      return [...textures.values()].reduce((sum, texture) => sum + textureBytes(texture), inBuffers);
    },
    close() {
      for (const made of [...buffers.values(), ...textures.values()]) made.destroy();
      buffers.clear();
      textures.clear();
    },
  };
}

/**
 * Bytes of weights to upload before waiting for the GPU. It bounds the memory of copies that the GPU has not taken yet, and of unpacked weights
 * that it has not freed.
 */
const IN_FLIGHT = 2 << 20;

/** The buffers and textures of a plan's constants. */
export interface Held {
  readonly buffers: ReadonlyMap<Tensor, GPUBuffer>;
  readonly textures: ReadonlyMap<Tensor, GPUTexture>;
}

/** Adds the constants that a plan's dispatches read to `pool`, unless they are there already, and returns where each tensor lies. */
export async function createConstants(
  gpu: Gpu,
  lowered: Lowered,
  graph: Graph,
  pool: ConstantPool,
  options: PlanOptions,
): Promise<Held> {
  const { constantSteps, keyOf } = lowered;
  const kept = keptConstants(lowered, graph, options);
  // A texture cannot be read back, so where all tensors can be read its buffer is kept too.
  const needsBuffer = (tensor: Tensor) => !tensor.isTexture || options.separate !== undefined;
  const isThere = (tensor: Tensor) =>
    (!tensor.isTexture || pool.textures.has(keyOf(tensor))) &&
    (!needsBuffer(tensor) || pool.buffers.has(keyOf(tensor)));
  const missing = [...kept].filter((tensor) => !isThere(tensor));
  const todo = stepsFor(constantSteps, new Set(missing));

  const buffers = new Map<Tensor, GPUBuffer>();
  const textures = new Map<Tensor, GPUTexture>();
  const release = (tensor: Tensor) => {
    // WebGPU frees what was destroyed after the submitted work that uses it, so there is no need to wait here.
    for (const made of [buffers, textures]) {
      made.get(tensor)?.destroy();
      made.delete(tensor);
    }
  };
  const nothing = createStorage(gpu, 'zeros for absent inputs', 256);
  const places = {
    nothing,
    locate: (tensor: Tensor) => locate(tensor, buffers, options),
    textureOf: (tensor: Tensor) => textures.get(tensor)!,
  };
  const pace = paceOf(gpu);
  const provide = async (tensor: Tensor) => {
    if (buffers.has(tensor) || textures.has(tensor) || options.external?.has(tensor)) return;
    const buffer = await allocate(gpu, `weights: ${tensor.name}`, () => {
      const made = createStorage(gpu, tensor.name, alignUp(byteSize(tensor)));
      buffers.set(tensor, made);
      return made;
    });
    if (tensor.kind !== 'constant') return; // a kernel fills it
    await fill(gpu, buffer, tensor, options.weights, pace);
  };

  const moveToTexture = async (tensor: Tensor) => {
    const bytes = byteSize(tensor);
    const texture = await allocate(gpu, `weights: ${tensor.name}`, () => createTexture(gpu, tensor.name, bytes));
    textures.set(tensor, texture);
    copyToTexture(gpu, buffers.get(tensor)!, texture, bytes);
    if (needsBuffer(tensor)) return;
    buffers.get(tensor)!.destroy();
    buffers.delete(tensor);
  };

  try {
    const lastUse = lastUses(todo);
    const lastWrite = lastUses(todo, 'write');
    for (const [index, step] of todo.entries()) {
      options.signal?.throwIfAborted();
      for (const { tensor } of step.bindings) if (tensor) await provide(tensor);
      await runStep(gpu, step, places);
      for (const { tensor } of step.bindings) {
        if (!tensor) continue;
        if (tensor.isTexture && lastWrite.get(tensor) === index) await moveToTexture(tensor);
        if (!kept.has(tensor) && lastUse.get(tensor) === index) release(tensor);
      }
      options.onProgress?.((index + 1) / (todo.length + 1));
    }
    for (const tensor of missing) await provide(tensor);
    gpu.check();
  } catch (error) {
    for (const made of [...buffers.values(), ...textures.values()]) made.destroy();
    throw error;
  } finally {
    nothing.destroy();
  }
  for (const [tensor, buffer] of buffers) pool.buffers.set(keyOf(tensor), buffer);
  for (const [tensor, texture] of textures) pool.textures.set(keyOf(tensor), texture);
  options.onProgress?.(1);
  const from = <Made>(made: ReadonlyMap<string, Made>) =>
    new Map([...kept].flatMap((tensor) => (made.has(keyOf(tensor)) ? [[tensor, made.get(keyOf(tensor))!]] : [])));
  return { buffers: from(pool.buffers), textures: from(pool.textures) };
}

/** The constants that the plan's dispatches read, or that are its outputs. */
function keptConstants({ constantSteps, steps }: Lowered, graph: Graph, options: PlanOptions): Set<Tensor> {
  const made = new Set(constantSteps.flatMap(({ node }) => node.outputs));
  const isConstant = (tensor: Tensor) => tensor.kind === 'constant' || made.has(tensor);
  const bound = tensorsOf(steps);
  // With `separate`, every tensor can be read after a run. That includes the unpacked weights, so they are kept too.
  const packed = options.separate ? tensorsOf(constantSteps) : [];
  const wanted = [...bound, ...graph.outputs, ...packed];
  return new Set(wanted.filter((tensor) => isConstant(tensor) && !options.external?.has(tensor)));
}

const tensorsOf = (steps: readonly Step[]) =>
  steps.flatMap((step) => step.bindings.flatMap(({ tensor }) => tensor ?? []));

/** The index of the last step that binds each tensor, or that writes it. */
function lastUses(steps: readonly Step[], only?: 'write'): Map<Tensor, number> {
  const last = new Map<Tensor, number>();
  for (const [index, step] of steps.entries())
    for (const { tensor, access } of step.bindings) if (tensor && (!only || access === only)) last.set(tensor, index);
  return last;
}

/** The steps that the wanted tensors depend on. */
function stepsFor(constantSteps: readonly Step[], wanted: Set<Tensor>): Step[] {
  const needed: Step[] = [];
  for (const step of [...constantSteps].reverse()) {
    if (!step.bindings.some(({ tensor, access }) => access === 'write' && tensor && wanted.has(tensor))) continue;
    for (const { tensor } of step.bindings) if (tensor) wanted.add(tensor);
    needed.push(step);
  }
  return needed.reverse();
}

/** Called with the bytes of each upload. Waits for the GPU when too many are on their way. */
type Pace = (bytes: number) => Promise<void>;

function paceOf(gpu: Gpu): Pace {
  let uploaded = 0;
  return async (bytes) => {
    uploaded += bytes;
    if (uploaded < IN_FLIGHT) return;
    uploaded = 0;
    await gpu.wait(gpu.device.queue.onSubmittedWorkDone());
  };
}

/** Writes a constant's values to its buffer, piece by piece if they come in pieces. */
async function fill(
  gpu: Gpu,
  buffer: GPUBuffer,
  tensor: Tensor,
  source: WeightSource | undefined,
  pace: Pace,
): Promise<void> {
  const { data, name, shape, type } = tensor;
  if (!data && !source)
    throw new InputError(`no value for parameter ${name}`, { hint: 'give `weights` when making the plan' });
  if (data || !source?.pieces || tensor.layout !== 'dense') {
    upload(gpu, buffer, encodeTensor(tensor, data ?? (await source!(name, shape))));
    return pace(byteSize(tensor));
  }
  const wanted = elementCount(tensor);
  let count = 0;
  for await (const piece of source.pieces(name, shape)) {
    if (count + piece.length > wanted) throw wrongCount(tensor, `${count + piece.length} or more`);
    upload(gpu, buffer, encodeTensor({ ...tensor, shape: [piece.length] }, piece), count * bytesPerElement(type));
    count += piece.length;
    await pace(piece.byteLength);
  }
  if (count < wanted) throw wrongCount(tensor, String(count));
}

const wrongCount = (tensor: Tensor, given: string) =>
  new InputError(`wrong number of values for parameter ${tensor.name}`, {
    expected: `${elementCount(tensor)} for ${describeShape(tensor)}`,
    given,
  });

function locate(tensor: Tensor, buffers: ReadonlyMap<Tensor, GPUBuffer>, options: PlanOptions) {
  const buffer = buffers.get(tensor) ?? options.external?.get(tensor);
  if (!buffer) throw new InputError(`constant ${tensor.name} has no buffer`);
  return { buffer, offset: 0, size: byteSize(tensor) };
}

async function runStep(gpu: Gpu, step: Step, places: Parameters<typeof recordStep>[3]): Promise<void> {
  const { kernel, constants, bindings, node } = step;
  const pipeline = await gpu.pipelines.get(kernel, constants, accessPattern(bindings), nameOf(node));
  const params = createUniform(gpu, 'params', 256);
  try {
    upload(gpu, params, new Uint8Array(packParams(kernel, step.params)));
    await run(gpu, [recordStep(gpu, step, pipeline, places, { buffer: params, offset: 0 })]);
  } finally {
    params.destroy();
  }
}
