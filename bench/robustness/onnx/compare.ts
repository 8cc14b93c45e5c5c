/**
 * Compares imported ONNX models with what PyTorch computes, and with onnxruntime where it is installed. `make.py` beside this file writes
 * the models.
 *
 *     node dist/bench/robustness/onnx/compare.js FOLDER [NAME …]
 *
 * For each model: how far logits and heatmaps are apart, relative to the range of the expected ones, and whether the plan is that of the
 * network of raybox's own with the same name. Heatmaps are class activation maps or, where the classifier is not linear, those from gradients
 * by each method. Those are computed twice: from raybox's own features, and from PyTorch's. Only the first differ where rounding makes another
 * of two nearly equal numbers the maximum of a pooling.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../../src/errors.js';
import { HEATMAP_METHODS, type HeatmapMethod } from '../../../src/formats/weights/heatmap_methods.js';
import { openGpu } from '../../../src/gpu/device.js';
import { createGraph } from '../../../src/graph/ir/graph.js';
import type { Traits } from '../../../src/graph/ir/operation.js';
import { fuse } from '../../../src/graph/passes/fuse.js';
import { lower } from '../../../src/graph/plan/lower.js';
import { createPlan } from '../../../src/graph/plan/plan.js';
import { loadRuntime, type OnnxRuntime } from '../../../src/localizer/onnx/runtime.js';
import { readModel } from '../../../src/localizer/weights/model.js';
import { gradientMaps } from '../../../src/nets/head/gradient_maps.js';
import { backboneNames, type NetworkFunction, networkOf, parameterSource } from '../../../src/nets/index.js';
import { platform } from '../../../src/node/platform.js';

const [folder, ...wanted] = process.argv.slice(2);
if (!folder) throw new InputError('name a folder that make.py wrote');
const floats = (file: string) => new Float32Array(Uint8Array.from(readFileSync(join(folder, file))).buffer);

/** The largest difference, as a share of the range of what is expected. */
function furthest(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.NaN;
  let [worst, least, most] = [0, Infinity, -Infinity];
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs(actual[i] - expected[i]));
    [least, most] = [Math.min(least, expected[i]), Math.max(most, expected[i])];
  }
  return worst / (most - least);
}

/** Scales each map to 0 … 1. If a norm follows the pooling, maps are known only up to a factor, and no box depends on it. */
function scaledMaps(maps: ArrayLike<number>, classes: number): Float64Array {
  const size = maps.length / classes;
  const result = Float64Array.from(maps);
  for (let c = 0; c < classes; c++) {
    const own = result.subarray(c * size, (c + 1) * size);
    const [least, most] = [Math.min(...own), Math.max(...own)];
    own.forEach((value, i) => {
      own[i] = most > least ? (value - least) / (most - least) : 0;
    });
  }
  return result;
}

/** A GPU without tight limits, so that plans are those of the networks. */
const TRAITS: Traits = {
  ...{ software: false, f16: true, subgroupSize: 0, maxInvocations: 256 },
  ...{ maxWorkgroupBytes: 32 << 10, maxBindingBytes: 2 ** 31 },
};

/** Every dispatch of a network, fused: its kernel, constants and params. */
function dispatches(network: NetworkFunction, size: number): string[] {
  const g = createGraph();
  const { features, probabilities, heatmaps = features } = network(g, g.input('image', [1, size, size, 3]));
  const { steps } = lower(fuse(g.finish([probabilities, heatmaps])), TRAITS);
  return steps.map(({ kernel, constants, params }) => JSON.stringify([kernel.name, constants, params]));
}

/** How a model's plan compares with that of raybox's own network of this name; nothing if there is none with such a head. */
function planOf(name: string, network: NetworkFunction, size: number, classes: number): string {
  const own = dispatches(network, size);
  if (!backboneNames.includes(name)) return `${own.length} dispatches`;
  const other = dispatches(networkOf({ backbone: name, head: { classes, pooling: 'average' } }), size);
  const alike = own.length === other.length && own.every((one, i) => one === other[i]);
  return `${own.length} dispatches, ${alike ? 'the same as' : `${other.length} in`} raybox's own`;
}

const gpu = await openGpu();

/** Without the package the models are compared with PyTorch alone. */
const runtime = await loadRuntime(platform).catch((error: Error) => console.error(error.message));

/** The first output that onnxruntime computes of a model. */
async function runtimeOutput(
  { InferenceSession, Tensor }: OnnxRuntime,
  file: string,
  pixels: Float32Array,
  size: number,
): Promise<Float32Array> {
  const session = await InferenceSession.create(readFileSync(join(folder, file)), { logSeverityLevel: 3 });
  const { output } = await session.run({ input: new Tensor('float32', pixels, [1, 3, size, size]) }, ['output']);
  await session.release();
  return output.data as Float32Array;
}

/** The heatmaps of all classes by one method, from features. */
async function mapsFrom(
  { network, checkpoint }: Awaited<ReturnType<typeof readModel>>,
  { size, classes }: { size: number; classes: number },
  method: Exclude<HeatmapMethod, 'cam'>,
  features: Float32Array,
): Promise<Float64Array> {
  const maps = gradientMaps(network, [size, size, 3], 1, method);
  const plan = await createPlan(gpu, maps.graph, { weights: parameterSource(checkpoint, maps.parameters) });
  plan.write(maps.features, features);
  const found: number[] = [];
  for (let label = 0; label < classes; label++) {
    plan.write(
      maps.seeds,
      Float32Array.from({ length: classes }, (_, at) => Number(at === label)),
    );
    await plan.run();
    found.push(...(await plan.read(maps.maps)));
  }
  plan.close();
  return scaledMaps(found, classes);
}

/** How far the maps from gradients are from PyTorch's, by method: those from raybox's features, and those from PyTorch's. */
async function fromGradients(
  model: Awaited<ReturnType<typeof readModel>>,
  name: string,
  shape: { size: number; classes: number },
  features: Float32Array,
): Promise<string> {
  const differences: string[] = [];
  for (const method of HEATMAP_METHODS) {
    if (method === 'cam' || !existsSync(join(folder, `${name}.${method}.f32`))) continue;
    const expected = scaledMaps(floats(`${name}.${method}.f32`), shape.classes);
    const apart = async (from: Float32Array) =>
      furthest(await mapsFrom(model, shape, method, from), expected).toExponential(1);
    const own = await apart(features);
    differences.push(`${method} ${own} (${await apart(floats(`${name}.features.f32`))} from PyTorch's features)`);
  }
  return differences.join(', ');
}

for (const file of readdirSync(folder).filter((name) => name.endsWith('.onnx'))) {
  const [name] = file.split(/-\d+\.onnx$/);
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const { size, classes, maps } = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  try {
    const model = await readModel(join(folder, file), {});
    const g = createGraph();
    const image = g.input('image', [1, size, size, 3]);
    const { features, logits, heatmaps = features } = model.network(g, image);
    const weights = parameterSource(model.checkpoint, g.parameters);
    const plan = await createPlan(gpu, g.finish([logits, heatmaps]), { weights });
    const pixels = floats(`${name}.input.f32`);
    const positions = size * size;
    plan.write(
      image,
      Float32Array.from(pixels, (_, i) => pixels[(i % 3) * positions + Math.floor(i / 3)]),
    );
    await plan.run();
    const scores = await plan.read(logits);
    const score = furthest(scores, floats(`${name}.output.f32`));
    const beside = runtime && furthest(scores, await runtimeOutput(runtime, file, pixels, size));
    const ofRuntime = beside === undefined ? '' : ` (${beside.toExponential(1)} from onnxruntime's)`;
    const own = Array.from(await plan.read(heatmaps));
    const map = maps
      ? `maps ${furthest(scaledMaps(own, classes), scaledMaps(floats(`${name}.maps.f32`), classes)).toExponential(1)}`
      : await fromGradients(model, name, { size, classes }, Float32Array.from(own));
    console.log(
      `${file}: logits ${score.toExponential(1)}${ofRuntime}, ${map}, ${planOf(name, model.network, size, classes)}`,
    );
    plan.close();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.log(`${file}: ${error.message}`);
  }
}
gpu.close();
