/**
 * Checks runs if `VALIDATE=1`: after a run, each node's outputs are computed again in float64, from the inputs that the GPU had computed. So
 * a wrong kernel is named itself, and not the later ones that work on its wrong results.
 */
import { InputError, KernelError } from '../errors.js';
import { readBuffer } from '../gpu/buffers.js';
import type { Gpu } from '../gpu/device.js';
import { type Node, rootOf, updatesOf } from '../graph/ir/graph.js';
import {
  byteSize,
  bytesPerElement,
  decodeTensor,
  describeShape,
  groupCount,
  pixelCount,
  type Tensor,
} from '../graph/ir/tensor.js';

import type { Plan } from '../graph/plan/types.js';
import { seededRandom } from '../random.js';
import { evaluateReference, normalisedError } from './reference.js';

/**
 * The largest normalised mean square error, for u32 the largest share of elements that differ. The bounds are looser than those of the
 * kernels' cases, because real activations can have more cancellation than the normally distributed numbers of the cases.
 */
const BOUNDS = { f32: 1e-9, f16: 1e-5, u32: 0.01 } as const;

// Labels and boxes change abruptly when a value crosses a threshold. So single ones may differ between f32 and float64, and a peak may
// differ in its last bits.
function disagreement(type: Tensor['type'], actual: Float64Array, expected: Float64Array): number {
  if (type !== 'u32') return normalisedError(actual, expected);
  const differing = actual.filter((value, i) => Math.abs(value - expected[i]) > Math.max(2, 1e-3 * expected[i]));
  return differing.length / actual.length;
}

/**
 * Has to be called before a run, to keep the states that the run will overwrite.
 * @returns a function to call after the run. It throws a KernelError naming the first node of the plan whose result differs from its
 *   reference.
 */
export async function startValidation(gpu: Gpu, plan: Plan): Promise<() => Promise<void>> {
  const before = new Map<Tensor, Float64Array>();
  for (const tensor of plan.graph.nodes.flatMap(updatesOf)) before.set(tensor, await readLogical(gpu, plan, tensor));
  return () => validate(gpu, plan, before);
}

async function validate(gpu: Gpu, plan: Plan, before: ReadonlyMap<Tensor, Float64Array>): Promise<void> {
  let checked = 0;
  for (const node of plan.graph.nodes) {
    const known = new Map<Tensor, Float64Array>();
    const outputs: Float64Array[] = [];
    const results = [...node.outputs, ...updatesOf(node)];
    try {
      for (const tensor of node.inputs) {
        if (tensor) known.set(tensor, before.get(tensor) ?? (await readLogical(gpu, plan, tensor)));
      }
      for (const tensor of results) outputs.push(await readLogical(gpu, plan, tensor));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      continue; // the node was computed when the plan was made, and its inputs have been freed since
    }
    const truth = evaluateReference({ nodes: [node], outputs: node.outputs, slices: new Map() }, known);
    for (const [index, tensor] of results.entries()) {
      const error = disagreement(tensor.type, outputs[index], truth.get(tensor)!);
      if (error <= BOUNDS[tensor.type] || error <= roundingNoise(node, known, tensor, truth)) continue;
      const shapes = node.inputs.map((input) => (input ? describeShape(input) : 'none')).join(', ');
      throw new KernelError(`${node.operation.name} computed ${tensor.name} wrongly`, {
        expected: `${tensor.type === 'u32' ? 'a share of differing elements' : 'an NMSE'} of at most ${BOUNDS[tensor.type]} against float64`,
        given: `${error.toExponential(2)} for ${describeShape(tensor)} from ${shapes}, ${JSON.stringify(node.attributes)}`,
        hint: `raybox verify --op ${node.operation.name} checks its kernels one by one`,
      });
    }
    checked++;
  }
  // The user has asked for a check, so the message comes without DEBUG too.
  console.error(`raybox: validated ${checked} of ${plan.graph.nodes.length} nodes`);
}

/**
 * The error that rounding alone can explain: how much a node's result changes if the last bits of its inputs change. Sums whose terms cancel
 * have few correct digits. An example is the gradient of a scale, when the next batch norm removes that scale again.
 */
function roundingNoise(
  node: Node,
  known: ReadonlyMap<Tensor, Float64Array>,
  tensor: Tensor,
  truth: ReadonlyMap<Tensor, Float64Array>,
): number {
  if (tensor.type === 'u32') return 0;
  const random = seededRandom(1);
  const moved = new Map<Tensor, Float64Array>();
  for (const [input, values] of known) {
    const bit = input.type === 'u32' ? 0 : input.type === 'f16' ? 2 ** -11 : 2 ** -24;
    moved.set(
      input,
      values.map((value) => value * (1 + (random() < 0.5 ? -bit : bit))),
    );
  }
  const result = evaluateReference({ nodes: [node], outputs: node.outputs, slices: new Map() }, moved);
  // One random change is only a sample of what rounding can do, so errors of ten times its size pass (100 times, as squares).
  return 100 * normalisedError(result.get(tensor)!, truth.get(tensor)!);
}

async function readLogical(gpu: Gpu, plan: Plan, tensor: Tensor): Promise<Float64Array> {
  const { of, offset } = rootOf(plan.graph.slices, tensor);
  const place = plan.locate(of);
  const bytes = new Uint8Array(await readBuffer(gpu, place.buffer, place.offset, byteSize(of)));
  return Float64Array.from(decodeTensor(tensor, of === tensor ? bytes.buffer : cutSlice(bytes, of, tensor, offset)));
}

function cutSlice(bytes: Uint8Array, root: Tensor, slice: Tensor, offset: number): ArrayBuffer {
  const group = 4 * bytesPerElement(root.type);
  const [pitch, width] = [groupCount(root) * group, groupCount(slice) * group];
  const cut = new Uint8Array(byteSize(slice));
  for (let pixel = 0; pixel < pixelCount(slice); pixel++) {
    const from = pixel * pitch + offset * group;
    cut.set(bytes.subarray(from, from + width), pixel * width);
  }
  return cut.buffer;
}
