/** One test in ONNX's own format: a model, and sets of inputs with the outputs that are expected for them. */
import { InputError } from '../../errors.js';
import { bf16ToF32, f32ToBf16 } from '../../formats/half.js';
import type { Gpu } from '../../gpu/device.js';
import { isReal } from '../../import/numbers.js';
import { NO_TENSOR, readModel } from '../../import/onnx/read.js';
import { readTensor } from '../../import/onnx/tensor.js';
import { isUnsupported } from '../../import/onnx/translate.js';
import { asDeclared, type WholeModel, wholeModel } from '../../import/onnx/whole_model.js';
import type { Constant } from '../../import/plain.js';
import {
  BF16_TOLERANCE,
  differs,
  type ExpectedRun,
  firstWrongNode,
  ONNX_TOLERANCE,
  runGraph,
} from '../../verify/expected.js';

/** A test in ONNX's own format: a model, with outputs that are right for given inputs. */
export interface OnnxTest {
  readonly model: Uint8Array;
  /** Files beside the model that hold some of its tensors. */
  external(location: string): Promise<Uint8Array>;
  readonly sets: readonly { readonly inputs: readonly Uint8Array[]; readonly outputs: readonly Uint8Array[] }[];
}

/** What became of a test. */
export interface OnnxTestResult {
  /** A test is `not ours` if it needs something that raybox does not have. */
  readonly status: 'passed' | 'failed' | 'not ours';
  /** Whether something ran on the GPU; else every output follows from constants and settings. */
  readonly onGpu: boolean;
  /** What differs, or what raybox lacks. */
  readonly why?: string;
  /** The first operation of the graph that the GPU computes otherwise than its reference. */
  readonly node?: string;
  readonly operators: readonly string[];
}

/** Runs all sets of a test. A broken file does not throw; its test counts as failed. */
export async function runOnnxTest(gpu: Gpu, { model: bytes, external, sets }: OnnxTest): Promise<OnnxTestResult> {
  let operators: string[] = [];
  let onGpu = false;
  try {
    const files = new Map<string, Uint8Array>();
    const model = readModel(bytes, files);
    operators = [...new Set(model.nodes.map(({ operator }) => operator))];
    const other = [...model.inputs, ...model.outputs].find(({ type }) => type === NO_TENSOR);
    if (other) return { status: 'not ours', onGpu, operators, why: `${other.name} is no tensor` };
    for (const location of model.externalFiles) files.set(location, await external(location));
    if (sets.length === 0) throw new InputError('the test has no test_data_set_0');
    for (const { inputs, outputs } of sets) {
      const given = inputs.map((one) => readTensor(one, new Map()));
      const expected = outputs.map((one, i) => asDeclared(readTensor(one, new Map()), model.outputs[i]?.type ?? ''));
      if (expected.length !== model.outputs.length)
        throw new InputError('the test has another number of outputs', {
          expected: `${model.outputs.length}`,
          given: `${expected.length}`,
        });
      const built = wholeModel(model, given);
      onGpu ||= built.graph.nodes.length > 0;
      const wrong = await compared(gpu, built, expected);
      if (wrong) return { status: 'failed', onGpu, operators, ...wrong };
    }
    return { status: 'passed', onGpu, operators };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const status = isUnsupported(error) || LIMITS.test(error.message) ? 'not ours' : 'failed';
    return { status, onGpu, operators, why: error.message };
  }
}

/** Messages about models that raybox does not support at all, so that their tests are `not ours` and have not failed. */
const LIMITS =
  /has a type that raybox does not read|opset \d+ is too old|no operators of ONNX itself|defines operators of its own|has sparse weights/;

async function compared(gpu: Gpu, built: WholeModel, expected: readonly Constant[]) {
  const { graph, inputs, weights } = built;
  const run: ExpectedRun = { graph, inputs, weights: (name) => weights.get(name)!.data };
  const computed = graph.nodes.length > 0 ? await runGraph(gpu, run) : [];
  for (const [i, { name, shape, type, constant, tensor }] of built.outputs.entries()) {
    const { shape: wanted, type: wantedType } = expected[i];
    if (type !== wantedType) return { why: `${name} has the type ${type} instead of ${wantedType}` };
    if (shape.join() !== wanted.join()) return { why: `${name} is ${sizes(shape)} instead of ${sizes(wanted)}` };
    const numbers = constant ? constant.values() : computed[graph.outputs.indexOf(tensor!)];
    // The adapter computes in float32, more exactly than bfloat16, in which the test has its outputs.
    const actual = type === 'BF16' ? bf16ToF32(f32ToBf16(Float32Array.from(numbers))) : numbers;
    const tolerance = toleranceOf(type);
    const difference = differs(actual, expected[i].values(), tolerance);
    if (!difference) continue;
    const node = tensor && (await firstWrongNode(gpu, run));
    return { why: `${name}: ${difference}`, ...(node ? { node } : {}) };
  }
  return undefined;
}

/** Whole numbers and truth values have to be equal. */
const toleranceOf = (type: string) =>
  type === 'BF16' ? BF16_TOLERANCE : isReal(type) ? ONNX_TOLERANCE : { relative: 0, absolute: 0 };

const sizes = (shape: readonly number[]) => shape.join('×') || 'one number';
