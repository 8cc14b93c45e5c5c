/**
 * What raybox writes as ONNX, run by onnxruntime, against float64 references: every case of every operation, and networks of all families.
 *
 *     npm install --no-save onnxruntime-web
 *     node dist/bench/robustness/onnx/export.js [part of an operation's name, or `networks`]
 */

import { createOnnxBuilder, storedOrder } from '../../../src/export/builder.js';
import { ROWS } from '../../../src/export/graph.js';
import { writeModel } from '../../../src/export/write.js';
import { loadOptional } from '../../../src/formats/optional.js';
import { writeSafetensors } from '../../../src/formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../../../src/formats/weights/weights.js';
import { createGraph, type Node } from '../../../src/graph/ir/graph.js';
import type { Case, Operation } from '../../../src/graph/ir/operation.js';
import type { Tensor } from '../../../src/graph/ir/tensor.js';
import { exportOnnx } from '../../../src/index.js';
import { readModel } from '../../../src/localizer/weights/model.js';
import { architectureMetadata } from '../../../src/nets/architecture.js';
import type { Backbone } from '../../../src/nets/backbone.js';
import { coreOperations } from '../../../src/nets/written/core_operations.js';
import { graphOperations } from '../../../src/nets/written/graph_operations.js';
import { all } from '../../../src/ops/generated/cases.js';
import { all as operations } from '../../../src/ops/generated/forward.js';
import { buildCase, caseValues } from '../../../src/verify/check.js';
import { evaluateReference } from '../../../src/verify/reference.js';
import { seededNetwork, torchvision } from '../../../test/support/torch.js';

interface Session {
  run(feeds: object): Promise<Record<string, { data: Float32Array; dims: readonly number[] }>>;
}
/** What is used of onnxruntime-web, which is not among the dependencies. */
interface Runtime {
  InferenceSession: { create(bytes: Uint8Array, options?: object): Promise<Session> };
  Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object;
}
const name = process.env.ONNXRUNTIME ?? 'onnxruntime-web';
const runtime: Runtime = await loadOptional(name, 'the comparison', () => import(name));
const wanted = process.argv[2] ?? '';

/** Transposes values to another order of the dimensions, for the way between raybox's order and ONNX's. */
function inOrder(values: ArrayLike<number>, shape: readonly number[], order: readonly number[]): Float32Array {
  const sizes = order.map((d) => shape[d]);
  const steps = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  return Float32Array.from({ length: values.length }, (_, index) => {
    let [rest, from] = [index, 0];
    for (let d = sizes.length - 1; d >= 0; d--) {
      from += (rest % sizes[d]) * steps[order[d]];
      rest = Math.floor(rest / sizes[d]);
    }
    return values[from];
  });
}

const storedShape = (tensor: Tensor) => storedOrder(tensor).map((d) => tensor.shape[d]);

/** The largest difference, as a share of the largest number; 0 where both are not finite in the same way. */
function apart(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [most, size] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(Math.fround(expected[i]))) {
      if (!Object.is(actual[i], Math.fround(expected[i]))) return Number.POSITIVE_INFINITY;
      continue;
    }
    most = Math.max(most, Number.isNaN(actual[i]) ? Number.POSITIVE_INFINITY : Math.abs(actual[i] - expected[i]));
    size = Math.max(size, Math.abs(expected[i]));
  }
  return most / size;
}

async function ofCase(operation: Operation, one: Case): Promise<number> {
  const { graph, inputs, node } = buildCase(operation, one, 'f32');
  const values = new Map<Tensor, Float64Array>();
  one.inputs.forEach((input, i) => {
    if (input) values.set(inputs[i]!, caseValues(input, inputs[i]!, i + 1));
  });
  const [y] = node.outputs;
  const expected = evaluateReference(graph, values).get(y)!;
  const given = inputs.flatMap((tensor) => tensor ?? []);
  const { onnx, nodes, constants } = createOnnxBuilder(
    given.map((tensor) => tensor.name),
    () => operation.name,
    2 ** 27,
  );
  for (const tensor of given) onnx.store(tensor, tensor.name);
  ROWS.get(operation.name)!(onnx, node as Node);
  const output = onnx.add('Identity', [onnx.stored(y)]);
  const bytes = writeModel({
    nodes,
    tensors: [...constants].map(([constant, { shape, data }]) => ({ name: constant, shape, data })),
    inputs: Object.fromEntries(given.map((tensor) => [tensor.name, storedShape(tensor)])),
    outputs: { [output]: storedShape(y) },
    ...{ metadata: {}, description: '' },
  });
  const session = await runtime.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const feeds = Object.fromEntries(
    given.map((tensor) => [
      tensor.name,
      new runtime.Tensor(
        'float32',
        inOrder(values.get(tensor)!, tensor.shape, storedOrder(tensor)),
        storedShape(tensor),
      ),
    ]),
  );
  const results = await session.run(feeds);
  return apart(results[output].data, inOrder(expected, y.shape, storedOrder(y)));
}

/**
 * In one case of layer norm the mean is a thousand times the standard deviation, so onnxruntime loses digits when it subtracts the mean. It
 * loses more in WebAssembly, where it subtracts squares. Everything else is within 1e-5.
 */
const BOUNDS: Readonly<Record<string, number>> = { layer_norm: 2e-4 };

let [agree, differ] = [0, 0];
function tell(label: string, difference: number | Error, bound: number): void {
  if (typeof difference === 'number' && difference <= bound) {
    agree++;
    return;
  }
  differ++;
  console.log(
    `${label}: ${typeof difference === 'number' ? difference.toExponential(1) : difference.message.slice(0, 300)}`,
  );
}
const attempt = (work: Promise<number>) => work.catch((error: Error) => error);

const written = graphOperations(coreOperations);
for (const [key, operation] of Object.entries(operations) as unknown as [string, Operation][]) {
  const known = written.get(operation.name);
  if (!known || !operation.name.includes(wanted)) continue;
  const cases = (all as unknown as Record<string, Case[]>)[key];
  for (const [i, one] of cases.entries()) {
    // A described graph has no epilogues of convolutions, and no paddings that crop.
    const attributes = one.attributes as Record<string, unknown>;
    const isWritten = Object.entries(attributes).every(([field, value]) => known.attributes[field]?.(value));
    if (one.full || one.bench || !isWritten || one.inputs.filter(Boolean).length > known.inputs.most) continue;
    tell(
      `${operation.name} ${i} ${JSON.stringify(one.attributes)}`,
      await attempt(ofCase(operation, one)),
      BOUNDS[operation.name] ?? 1e-5,
    );
  }
}

async function ofNetwork(backbone: Backbone, prediction: string, side: number, dtype: 'f32' | 'f16'): Promise<number> {
  const head = { classes: 3, pooling: 'lse', r: 8, prediction } as const;
  const strings = formatWeightsMetadata({
    ...architectureMetadata({ backbone, head }),
    ...{ classes: ['A', 'B', 'C'], inputWidth: side, inputHeight: side, inputChannels: 3, channelOrder: 'rgb' },
    ...{ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], fit: 'stretch', heatmapScaling: 'minmax' },
    ...{ trainingData: 'none', license: 'MIT' },
  });
  const weights = writeSafetensors(await seededNetwork(backbone, head), strings, {
    dtype: dtype === 'f16' ? 'F16' : 'F32',
  });
  const { bytes } = await exportOnnx(weights, { dtype });
  const [model, again] = [await readModel(weights, {}), await readModel(bytes, {})];
  if (JSON.stringify(model.metadata) !== JSON.stringify(again.metadata) || again.warnings.length > 0)
    throw new Error('it is read back as something else');
  const g = createGraph();
  const image = g.input('image', [2, side, side, 3]);
  const outputs = model.network(g, image);
  const pixels = Float64Array.from({ length: 2 * side * side * 3 }, (_, i) => Math.fround(Math.sin(i * i)));
  const values = new Map<Tensor, Float64Array>([[image, pixels]]);
  for (const [parameter, tensor] of g.parameters)
    values.set(tensor, Float64Array.from(model.checkpoint.tensors.get(parameter)!.data));
  const expected = evaluateReference(g.finish(Object.values(outputs)), values);
  const session = await runtime.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const feeds = {
    image: new runtime.Tensor('float32', inOrder(pixels, image.shape, [0, 3, 1, 2]), [2, 3, side, side]),
  };
  const results = await session.run(feeds);
  const differences = (['logits', 'probabilities', 'heatmaps'] as const).map((output) =>
    apart(results[output].data, expected.get(outputs[output]!)!),
  );
  return Math.max(...differences);
}

if ('networks'.includes(wanted))
  for (const { backbone, prediction, size } of torchvision.heads)
    for (const dtype of ['f32', 'f16'] as const)
      tell(`${JSON.stringify(backbone)} ${dtype}`, await attempt(ofNetwork(backbone, prediction, size, dtype)), 1e-4);

console.log(`${agree} agree, ${differ} differ`);
if (differ > 0) process.exitCode = 1;
