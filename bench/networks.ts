/** Times whole networks with the localization head, from a normalised image on the GPU to probabilities and heatmaps. */

import type { Gpu } from '../src/gpu/device.js';
import { createGraph } from '../src/graph/ir/graph.js';
import { elementCount, product, type Tensor } from '../src/graph/ir/tensor.js';
import { createConstantPool } from '../src/graph/plan/constants.js';
import type { ChooseVariant } from '../src/graph/plan/lower.js';
import { createPlan } from '../src/graph/plan/plan.js';
import type { ConstantPool, Plan, WeightSource } from '../src/graph/plan/types.js';
import type { KernelChoice } from '../src/graph/tuning/choose.js';
import type { Architecture } from '../src/nets/architecture.js';
import { buildNetwork, standardBackbone } from '../src/nets/index.js';
import { fnv1a, seededRandom } from '../src/random.js';
import { evaluateReference } from '../src/verify/reference.js';
import { type MeasureOptions, measure, type Timing, type Workload } from './measure.js';
import { profileOf, workOf } from './operations.js';
import { type Row, rates } from './results.js';
import type { Roofs } from './roofs.js';
import { sharesOf } from './shares.js';
import { tuneGraph } from './tuned.js';

export const NETWORKS = ['resnet50', 'resnet18', 'densenet121', 'vgg16', 'googlenet', 'alexnet', 'squeezenet1_1'];

/** Side of the image for the comparison with float64: small enough for the CPU, and large enough for the poolings of AlexNet. */
const SMALL = 64;

/** As in Wang et al.: 8 diseases, and 2048 transition channels for ResNet-50, 1024 for GoogLeNet. */
export function architectureOf(network: string): Architecture & { head: object } {
  return {
    backbone: standardBackbone(network),
    head: {
      classes: 8,
      transition: { channels: network === 'resnet50' ? 2048 : 1024, kernel: 1, activation: 'relu' },
      pooling: 'lse',
      r: 10,
    },
  };
}

/** The text with which the patterns of the command line are compared. */
export const networkLabel = (network: string, size: number, batch: number, type: string) =>
  `${network} ${size}×${size} ${type} batch ${batch}`;

export interface NetworkBench {
  readonly network: string;
  readonly size: number;
  readonly type: 'f32' | 'f16';
  readonly batches: readonly number[];
  /** Times the network also with the kernels that tuning chooses: seconds after which no further kernel is measured. Default: not. */
  readonly tune?: number | undefined;
}

/** A network of a batch size whose plan is timed. */
interface Timed {
  readonly gpu: Gpu;
  readonly built: ReturnType<typeof build>;
  /** What all rows about it have in common. */
  readonly start: Pick<Row, 'suite' | 'engine' | 'label'> & { readonly type: 'f32' | 'f16' };
  readonly roofs: Roofs | undefined;
  readonly options: MeasureOptions;
}

/** Opens a device of its own, so that the first run compiles everything, and checks the network before it times it. */
export async function benchNetwork(
  open: () => Promise<Gpu>,
  { network, size, type, batches, tune }: NetworkBench,
  roofs: Roofs | undefined,
  options: MeasureOptions,
): Promise<Row[]> {
  const gpu = await open();
  const pool = createConstantPool();
  const plans: Plan[] = [];
  try {
    const rows: Row[] = [];
    for (const batch of batches) {
      const label = `${network} ${size}×${size} batch ${batch}`;
      const start = { suite: 'networks' as const, engine: 'raybox', label, type };
      const timed: Timed = { gpu, built: build(network, size, batch, type), start, roofs, options };
      let variant = 'run';
      try {
        const { first, plan, outputs } = await prepare(gpu, pool, timed.built);
        plans.push(plan);
        const firstMs = plans.length === 1 ? first : undefined; // later plans find kernels and weights already there
        if (plans.length === 1) await compareWithReference(gpu, pool, network, type);
        rows.push({ ...start, variant, ...(await timePlan(timed, plan)), firstMs });
        if (tune === undefined) continue;
        variant = 'tuned';
        rows.push({ ...start, variant, ...(await timeTuned(timed, outputs, tune)) });
      } catch (error) {
        rows.push({ ...start, variant, failure: (error as Error).message });
      }
    }
    return rows;
  } finally {
    for (const plan of plans) plan.close();
    pool.close();
    gpu.close();
  }
}

/** Times a plan. @throws Error if it fails */
async function timePlan({ gpu, start, roofs, options }: Timed, plan: Plan): Promise<Partial<Row>> {
  const [timing] = await measure(gpu, [workloadOf(start.label, plan)], { minSamples: 3, ...options });
  if (timing instanceof Error) throw timing;
  return rowOf(plan, timing, start.type, roofs);
}

/**
 * Times the network with the kernels that tuning chooses.
 * @param expected what the kernels of the rules have computed
 * @param seconds after which no further kernel is measured
 * @throws Error if tuned kernels compute something else
 */
async function timeTuned(timed: Timed, expected: readonly Values[], seconds: number): Promise<Partial<Row>> {
  const { gpu, built, start } = timed;
  const { choose, made } = await tuneGraph(gpu, built.graph, seconds);
  // Tuned kernels may need weights that are packed in another way, so they have a pool of their own.
  const pool = createConstantPool();
  let plan: Plan | undefined;
  try {
    const tuned = await prepare(gpu, pool, built, choose);
    plan = tuned.plan;
    refuseOthers(tuned.outputs, expected, start.type);
    const row = await timePlan(timed, plan);
    const choices = made().filter(({ variant, preferred }) => variant !== preferred);
    return { ...row, choices: choices.map(choiceOf) };
  } finally {
    plan?.close();
    pool.close();
  }
}

// The network is run as a user runs it, in several submits. Several runs are queued one after the other.
function workloadOf(label: string, plan: Plan): Workload {
  return {
    label,
    async enqueue(repeats) {
      for (let i = 0; i < repeats; i++) await plan.run();
    },
  };
}

const pipelineOf = ({ kernel, constants }: Plan['steps'][number]) => `${kernel.name} ${JSON.stringify(constants)}`;

/** What is known of a plan that was timed. */
async function rowOf(plan: Plan, timing: Timing, type: 'f32' | 'f16', roofs: Roofs | undefined): Promise<Partial<Row>> {
  const profile = await profileOf(plan, 3);
  return {
    ...timing,
    ...rates(workOf(plan.steps), timing, type, roofs),
    ...(profile ? { gpuMs: profile.gpuMs, kernels: sharesOf(profile.times, type, roofs) } : {}),
    pipelines: new Set(plan.steps.map(pipelineOf)).size,
    dispatches: plan.steps.length,
    memoryBytes: plan.memory.constants + plan.memory.arenas + plan.memory.tensors,
  };
}

const choiceOf = ({ work, variant, preferred, nanoseconds }: KernelChoice) => ({
  ...{ work, variant, preferred },
  ...(nanoseconds ? { nanoseconds } : {}),
});

/** Compares outputs of tuned kernels with those of the rules' kernels. @throws Error if they differ by more than twice the bound of each */
function refuseOthers(outputs: readonly Values[], expected: readonly Values[], type: 'f32' | 'f16'): void {
  for (const [index, values] of expected.entries()) {
    const range = index === 0 ? 1 : largest(values);
    const worst = largest(Array.from(values, (value, at) => value - outputs[index][at])) / range;
    if (!(worst <= 2 * BOUNDS[type][index]))
      throw new Error(`wrong result with tuned kernels: output ${index} is off by ${worst.toExponential(2)}`);
  }
}

type Values = ArrayLike<number>;

const largest = (values: Values) => Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

async function prepare(
  gpu: Gpu,
  pool: ConstantPool,
  { graph, image }: ReturnType<typeof build>,
  choose?: ChooseVariant,
) {
  const started = performance.now();
  const plan = await createPlan(gpu, graph, { pool, weights: seededWeights(), ...(choose ? { choose } : {}) });
  try {
    plan.write(image, seededImage(image));
    await plan.run();
    const before = await readAll(plan);
    const first = performance.now() - started;
    for (const [index, values] of before.entries()) {
      const at = values.findIndex((value) => !Number.isFinite(value));
      if (at >= 0) throw new Error(`wrong result: ${graph.outputs[index].name}[${at}] is ${values[at]}`);
    }
    await plan.run();
    const after = await readAll(plan);
    const differs = before.findIndex((values, index) =>
      values.some((value, at) => !Object.is(value, after[index][at])),
    );
    if (differs >= 0) throw new Error(`two runs differ in ${graph.outputs[differs].name}`);
    return { plan, first, outputs: before };
  } catch (error) {
    plan.close();
    throw error;
  }
}

const readAll = (plan: Plan) => Promise.all(plan.graph.outputs.map((tensor) => plan.read(tensor)));

/** The largest differences for a whole network: absolute for probabilities, and relative to the range for heatmaps. */
const BOUNDS = { f32: [1e-5, 1e-4], f16: [5e-3, 1e-2] } as const;

/** Compares the network with float64, with the same weights and a small image. */
async function compareWithReference(gpu: Gpu, pool: ConstantPool, network: string, type: 'f32' | 'f16') {
  const { graph, image, parameters } = build(network, SMALL, 1, type);
  const weights = seededWeights();
  const values = new Map<Tensor, Float64Array>([[image, Float64Array.from(seededImage(image))]]);
  for (const tensor of parameters.values()) {
    values.set(tensor, Float64Array.from(await weights(tensor.name, tensor.shape)));
  }
  const truth = evaluateReference(graph, values);
  const plan = await createPlan(gpu, graph, { pool, weights });
  try {
    plan.write(image, values.get(image)!);
    await plan.run();
    for (const [index, tensor] of graph.outputs.entries()) {
      const expected = truth.get(tensor)!;
      const actual = await plan.read(tensor);
      const range = index === 0 ? 1 : expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const worst = expected.reduce((most, value, at) => Math.max(most, Math.abs(value - actual[at])), 0) / range;
      if (!(worst <= BOUNDS[type][index])) {
        throw new Error(`wrong result at ${SMALL}×${SMALL}: ${tensor.name} is off by ${worst.toExponential(2)}`);
      }
    }
  } finally {
    plan.close();
  }
}

function build(network: string, size: number, batch: number, type: 'f32' | 'f16') {
  const g = createGraph({ type });
  const image = g.input('image', [batch, size, size, 3]);
  const { probabilities, heatmaps } = buildNetwork(g, architectureOf(network), image);
  return { graph: g.finish([probabilities, heatmaps]), image, parameters: g.parameters };
}

// Values are rounded to f16, so that the reference computes with the same numbers as the GPU.
function seededImage(image: Tensor): Float32Array {
  const random = seededRandom(1);
  return Float32Array.from({ length: elementCount(image) }, () => Math.round((random() * 4 - 2) * 256) / 256);
}

/**
 * Random weights with which activations stay near 1 in all of the networks. Convolutions have the variance of He et al., and norms are
 * neutral. The last norm of each residual block has only half the gain, because the sums would otherwise double the variance in each block.
 */
export function seededWeights(): WeightSource {
  return (name, shape) => {
    const values = new Float32Array(product(shape));
    if (/(running_var|norm\S*\.weight|bn\S*\.weight)$/.test(name) || (shape.length === 1 && name.endsWith('.weight'))) {
      return values.fill(/layer\d+\.\d+\.bn[23]\.weight$/.test(name) ? 0.5 : 1);
    }
    if (shape.length === 1) return values; // biases and running means
    const random = seededRandom(fnv1a(name));
    const inputs = product(shape.slice(1));
    const width = Math.sqrt((shape.length === 2 ? 1 : 2) / inputs) * Math.sqrt(12);
    for (let i = 0; i < values.length; i++) values[i] = (random() - 0.5) * width;
    return values;
  };
}
