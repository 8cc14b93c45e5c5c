/**
 * Every operation on tensors that are stored inside others: its inputs are slices of wider maps, and its result is a part of a concatenation.
 * A kernel that ignores this would read or write at the wrong places, and only the numbers would show it.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph, createTensor } from '../../src/graph/ir/graph.js';
import type { Case, Operation } from '../../src/graph/ir/operation.js';
import { channelCount, elementCount, pixelCount, segmentsOf, type Tensor } from '../../src/graph/ir/tensor.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { all } from '../../src/ops/generated/cases.js';
import { all as operations } from '../../src/ops/generated/forward.js';
import { concat } from '../../src/ops/layers/concat.js';
import { slice } from '../../src/ops/layers/slice.js';
import { boundOf, buildCase, caseValues, normalisedError } from '../../src/verify/check.js';
import { evaluateReference } from '../../src/verify/reference.js';

const gpu = await openGpu();
test.after(() => gpu.close());

/** Channels before and behind a tensor's own. */
const BESIDE = [3, 5] as const;
const FILL = 7.5;

/** A tensor like x, cut from a wider input, and what that input holds if the tensor shall have these values. */
function cut(g: ReturnType<typeof createGraph>, x: Tensor, values: Float64Array) {
  const channels = channelCount(x);
  const [before, behind] = BESIDE;
  const width = before + channels + behind;
  const shape = [...x.shape.slice(0, -1), width];
  const { layout, type } = x;
  const wide = createTensor('wide', 'input', { shape, layout, type, segments: [before, ...segmentsOf(x), behind] });
  const content = new Float64Array(elementCount(wide)).fill(FILL);
  for (let pixel = 0; pixel < pixelCount(x); pixel++)
    content.set(values.subarray(pixel * channels, (pixel + 1) * channels), pixel * width + before);
  return { wide, content, own: slice(g, wide, { offset: 1, segments: segmentsOf(x) }) };
}

async function errorOf(operation: Operation, one: Case): Promise<{ error: number; bound: number } | undefined> {
  const plain = buildCase(operation, one, 'f32');
  const g = createGraph();
  const values = new Map<Tensor, Float64Array>();
  const inputs = plain.inputs.map((tensor, index) => {
    if (!tensor) return undefined;
    const own = caseValues(one.inputs[index]!, tensor, 1000 + index);
    if (tensor.layout !== 'nhwc4' || tensor.kind !== 'input' || tensor.type !== 'f32') {
      values.set(tensor, own);
      return tensor;
    }
    const part = cut(g, tensor, own);
    values.set(part.wide, part.content);
    return part.own;
  });
  const [first, ...rest] = g.applyAll(operation, inputs, one.attributes);
  let joined = first;
  if (first.layout === 'nhwc4' && first.type === 'f32') {
    const beside = BESIDE.map((channels) => {
      const { layout, type, shape } = first;
      const tensor = createTensor('beside', 'input', { shape: [...shape.slice(0, -1), channels], layout, type });
      values.set(tensor, new Float64Array(elementCount(tensor)).fill(FILL));
      return tensor;
    });
    joined = concat(g, [beside[0], first, beside[1]]);
  }
  const outputs = [joined, ...rest];
  const graph = g.finish(outputs);
  const plan = await createPlan(gpu, graph);
  for (const [tensor, content] of values)
    if (plan.steps.some(({ bindings }) => bindings.some((b) => b.tensor === tensor))) plan.write(tensor, content);
  await plan.run();
  const truth = evaluateReference(graph, values);
  let error = 0;
  for (const tensor of outputs) error = Math.max(error, normalisedError(await plan.read(tensor), truth.get(tensor)!));
  plan.close();
  return { error, bound: boundOf(one, [...plain.inputs, ...outputs]) };
}

test('operations read and write tensors that are parts of others', async () => {
  const wrong: string[] = [];
  let count = 0;
  for (const [key, cases] of Object.entries(all) as unknown as [string, Case[]][]) {
    const operation = (operations as unknown as Record<string, Operation>)[key];
    if (operation.updates) continue;
    // Several images and groups of channels, and numbers that differ from what is there if a kernel writes nothing.
    const small = cases.filter(({ full, bench }) => !full && !bench);
    const isTelling = ({ inputs: [x] }: Case) => x && !x.fill && x.shape[0] > 1 && x.shape.at(-1)! > 4;
    const one = small.find(isTelling) ?? small.at(-1);
    if (!one) continue;
    try {
      const found = await errorOf(operation, one);
      count++;
      if (found && !(found.error <= Math.max(found.bound, 1e-11))) wrong.push(`${operation.name} ${found.error}`);
    } catch (error) {
      wrong.push(`${operation.name}: ${(error as Error).message}`);
    }
  }
  assert.equal(wrong, []);
  assert.ok(count > 50, `${count} operations`);
});

test.run();
