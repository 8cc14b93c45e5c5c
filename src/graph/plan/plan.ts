/**
 * Makes a graph ready to run on one device: kernels are compiled, weights packed, memory allocated, and bind groups made. A run then only
 * has to submit the dispatches.
 */
import { DeviceLostError, InputError } from '../../errors.js';
import {
  ALIGNMENT,
  alignUp,
  allocate,
  createStorage,
  createUniform,
  mebibytes,
  readBuffer,
  upload,
} from '../../gpu/buffers.js';
import { debug, debugLevel } from '../../gpu/debug.js';
import type { Gpu } from '../../gpu/device.js';
import { type Recorded, run, submitCount, warm } from '../../gpu/run.js';
import { timePasses, timeRuns } from '../../gpu/timing.js';
import { packParams } from '../../gpu/wgsl.js';
import { type Graph, updatesOf } from '../ir/graph.js';
import { byteSize, decodeTensor, describeShape, encodeTensor, type Tensor } from '../ir/tensor.js';
import { fuse } from '../passes/fuse.js';
import { hasOwnBuffer, packArenas } from './arenas.js';
import { createConstantPool, createConstants, type Held } from './constants.js';
import { lower, type Step, traitsOf } from './lower.js';
import { accessPattern, type Places as BoundPlaces, recordStep } from './record.js';
import type { Plan, PlanOptions } from './types.js';

/**
 * Makes a graph ready on a device: fuses and lowers it, packs its weights, allocates its memory, compiles its kernels.
 * @throws InputError naming a tensor that exceeds the adapter's limits, or a weight that is missing.
 */
export async function createPlan(gpu: Gpu, source: Graph, options: PlanOptions = {}): Promise<Plan> {
  const graph = options.unfused ? source : fuse(source);
  const lowered = lower(graph, traitsOf(gpu), options.choose);
  const { constantSteps, steps } = lowered;
  // The kernels that pack weights are asked for first, so that packing need not wait until the others are compiled.
  const packing = compileAll(gpu, constantSteps);
  const compiling = compileAll(gpu, steps);
  const pipelines = Promise.all(compiling);
  // They are awaited below, unless uploading the weights fails first.
  for (const compiled of [pipelines, ...packing]) compiled.catch(() => {});
  const pool = options.pool ?? createConstantPool();
  const closePool = () => options.pool ?? pool.close();
  const owned: GPUBuffer[] = [];
  try {
    const constants = await createConstants(gpu, lowered, graph, pool, options);
    const places = await allocate(gpu, 'activations', () => layOut(gpu, graph, steps, constants, options, owned));
    const recorded = record(gpu, steps, await pipelines, places, owned);
    const own = { bytes: pool.bytes, close: closePool };
    return finish(gpu, graph, steps, recorded, places, own, owned, options.watchRuns);
  } catch (error) {
    for (const buffer of owned) buffer.destroy();
    closePool();
    // The caller may destroy the device or end the thread after an error. That must not happen while pipelines are being compiled.
    await Promise.allSettled([...packing, ...compiling]);
    throw error;
  }
}

function compileAll(gpu: Gpu, steps: readonly Step[]): Promise<GPUComputePipeline>[] {
  return steps.map(({ kernel, constants, bindings, node }) => {
    const where = `${node.operation.name} ${node.outputs.map(describeShape).join(', ')}`;
    return gpu.pipelines.get(kernel, constants, accessPattern(bindings), where);
  });
}

interface Places extends BoundPlaces {
  readonly arenaBytes: number;
  readonly tensorBytes: number;
}

function layOut(
  gpu: Gpu,
  graph: Graph,
  steps: readonly Step[],
  constants: Held,
  options: PlanOptions,
  owned: GPUBuffer[],
): Places {
  const guard = options.separate?.guard ?? 0;
  const own = new Map<Tensor, GPUBuffer>([...constants.buffers, ...(options.external ?? [])]);
  let tensorBytes = 0;
  const keep = (tensor: Tensor) => {
    if (own.has(tensor) || constants.textures.has(tensor)) return;
    const size = alignUp(byteSize(tensor)) + guard;
    const buffer = createStorage(gpu, tensor.name, size);
    tensorBytes += size;
    owned.push(buffer);
    own.set(tensor, buffer);
  };
  const bound = steps.flatMap((step) => step.bindings.flatMap(({ tensor }) => tensor ?? []));
  for (const tensor of new Set([...bound, ...graph.outputs])) {
    if (options.separate || hasOwnBuffer(graph, tensor)) keep(tensor);
  }
  const packing = packArenas(steps, (tensor) => !own.has(tensor) && !constants.textures.has(tensor), {
    guard,
    maxBytes: gpu.limits.maxBufferSize,
  });
  const arenas = packing.sizes.map((size, index) => createStorage(gpu, `arena ${index}`, size));
  const nothing = createStorage(gpu, 'zeros for absent inputs', 256);
  owned.push(...arenas, nothing);
  return {
    nothing,
    textureOf: (tensor) => constants.textures.get(tensor)!,
    tensorBytes,
    arenaBytes: packing.sizes.reduce((sum, size) => sum + size, 0),
    locate(tensor) {
      const size = byteSize(tensor);
      const buffer = own.get(tensor);
      if (buffer) return { buffer, offset: 0, size };
      const place = packing.places.get(tensor);
      if (!place) throw new InputError(`tensor ${tensor.name} is not part of this plan`);
      return { buffer: arenas[place.arena], offset: place.offset, size };
    },
  };
}

function record(
  gpu: Gpu,
  steps: readonly Step[],
  pipelines: readonly GPUComputePipeline[],
  places: Places,
  owned: GPUBuffer[],
): Recorded[] {
  const params = createUniform(gpu, 'params', Math.max(1, steps.length) * ALIGNMENT);
  owned.push(params);
  const bytes = new Uint8Array(steps.length * ALIGNMENT);
  for (const [index, step] of steps.entries())
    bytes.set(new Uint8Array(packParams(step.kernel, step.params)), index * ALIGNMENT);
  if (steps.length > 0) upload(gpu, params, bytes);
  return steps.map((step, index) =>
    recordStep(gpu, step, pipelines[index], places, { buffer: params, offset: index * ALIGNMENT }),
  );
}

function finish(
  gpu: Gpu,
  graph: Graph,
  steps: readonly Step[],
  recorded: readonly Recorded[],
  places: Places,
  constants: { bytes: number; close(): void },
  owned: readonly GPUBuffer[],
  watchRuns: PlanOptions['watchRuns'],
): Plan {
  const memory = { constants: constants.bytes, arenas: places.arenaBytes, tensors: places.tensorBytes };
  const flops = recorded.reduce((sum, step) => sum + step.flops, 0);
  debug(1, () => describePlan(gpu, recorded, flops, memory));
  let closed = false;
  // Timing runs all dispatches again. In a plan that updates states, that would be another step of training.
  const updatesStates = graph.nodes.some((node) => updatesOf(node).length > 0);
  const plan: Plan = {
    graph,
    steps,
    flops,
    memory,
    locate: places.locate,
    write: (tensor, values) => writeInput(gpu, places, tensor, values),
    async run(runOptions) {
      if (closed) throw new DeviceLostError('the plan was closed');
      const finishWatching = await watchRuns?.(gpu, plan);
      await run(gpu, recorded, runOptions);
      if (debugLevel() >= 2 && !updatesStates) await tellTimes(plan);
      await finishWatching?.();
    },
    async read(tensor) {
      gpu.check();
      const { buffer, offset, size } = places.locate(tensor);
      return decodeTensor(tensor, await readBuffer(gpu, buffer, offset, size));
    },
    warm: () => warm(gpu, recorded),
    async profile() {
      await run(gpu, recorded);
      const times = await timePasses(
        gpu,
        recorded.map((step) => [step]),
      );
      if (!times) return undefined;
      return recorded.map(({ label, flops: own, bytes }, index) => {
        return { label, kernel: steps[index].kernel.name, nanoseconds: times[index], flops: own, bytes };
      });
    },
    time: (repeats) => timeRuns(gpu, recorded, repeats),
    close() {
      if (closed) return;
      closed = true;
      for (const buffer of owned) buffer.destroy();
      constants.close();
    },
  };
  return plan;
}

function describePlan(gpu: Gpu, recorded: readonly Recorded[], flops: number, memory: Plan['memory']): string {
  const pipelines = new Set(recorded.map(({ pipeline }) => pipeline)).size;
  const counts = `${recorded.length} dispatches of ${pipelines} pipelines in ${submitCount(gpu, recorded)} submit(s)`;
  const sizes = Object.entries(memory).map(([what, bytes]) => `${what} ${mebibytes(bytes)}`);
  return `plan: ${counts}, ${(flops / 1e9).toFixed(3)} GFLOP, ${sizes.join(', ')}`;
}

function writeInput(gpu: Gpu, places: Places, tensor: Tensor, values: ArrayLike<number> | Uint8Array): void {
  const { buffer, offset, size } = places.locate(tensor);
  const bytes = values instanceof Uint8Array ? values : encodeTensor(tensor, values);
  if (bytes.byteLength > alignUp(size, 4)) {
    throw new InputError(`too many bytes for ${tensor.name}`, {
      expected: String(size),
      given: String(bytes.byteLength),
    });
  }
  upload(gpu, buffer, bytes, offset);
}

async function tellTimes(plan: Plan): Promise<void> {
  const times = await plan.profile();
  for (const { label, nanoseconds, flops, bytes } of times ?? []) {
    const rates = `${(flops / nanoseconds).toFixed(1)} GFLOP/s, ${(bytes / nanoseconds).toFixed(1)} GB/s`;
    debug(2, `${(nanoseconds / 1e6).toFixed(3)} ms  ${rates}  ${label}`);
  }
}
