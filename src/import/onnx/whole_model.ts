/** Translates a model as it is, with inputs and outputs of any shape. Nothing is assumed about its purpose, and no localizer is looked for. */
import { InputError } from '../../errors.js';
import { bf16ToF32 } from '../../formats/half.js';
import type { ElementType } from '../../formats/weights/checkpoint.js';
import { createGraph, type Graph, type GraphBuilder } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { asDense, asValue, type Kit, mapsOf, type Value, type Weights } from '../kit.js';
import { isReal } from '../numbers.js';
import { type Constant, constantOf, countOf, type PlainModel } from '../plain.js';
import { reshaped, whole } from '../views.js';
import { isValue, type Operand, shapeOfOperand } from './call.js';
import { withPatterns } from './patterns.js';
import { numbersOf, type Translation, translate } from './translate.js';

/** An output of a model: numbers that follow from its constants, or a dense tensor of the graph. */
export interface ModelOutput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
  readonly constant?: Constant;
  readonly tensor?: Tensor;
}

export interface WholeModel {
  readonly graph: Graph;
  /** The graph's inputs, with the numbers that they are to be given. */
  readonly inputs: ReadonlyMap<Tensor, ArrayLike<number>>;
  readonly weights: Weights;
  readonly outputs: readonly ModelOutput[];
}

/** How many numbers a model may compute from its constants in addition to those in the file. */
const MORE_NUMBERS = 2 ** 22;

const KIT: Pick<Kit, 'ownImages'> = { ownImages: true };

/**
 * Translates a model for given inputs. Real numbers are computed on the GPU in float32. Whole numbers and truth values are settings
 * (shapes, axes, conditions), and whatever depends only on them is computed here, in their own types. If an operator needs weights as
 * constants, it takes the numbers of the input.
 * @param given the model's inputs in their order; a missing one is not given
 * @throws InputError that names the operator and the node that raybox cannot run (`isUnsupported`), or what is wrong with the model
 */
export function wholeModel(read: PlainModel, given: readonly (Constant | undefined)[]): WholeModel {
  const model = withPatterns(read);
  const g = createGraph();
  const inputs = new Map<Tensor, ArrayLike<number>>();
  const operands = new Map<string, Operand>();
  const numbers = new Map<Operand, Constant>();
  const types = new Map<string, ElementType>();
  model.inputs.forEach(({ name, type }, i) => {
    const stored = given[i];
    if (!stored) return;
    const constant = asDeclared(stored, type);
    if (constant.type !== type)
      throw new InputError(`the input ${name} has another type`, { expected: type, given: constant.type });
    if (!isReal(type) || constant.count === 0) operands.set(name, constant);
    else {
      const value = inputValue(g, name, constant);
      operands.set(name, value.value);
      types.set(name, constant.type);
      inputs.set(value.value.tensor, value.numbers);
      numbers.set(value.value, constant);
    }
  });
  const translation: Translation = {
    ...{ model, weights: new Map(), computed: new Map(), told: new Set(), ...KIT, numbers, types },
    budget: { left: 4 * numbersOf(model) + MORE_NUMBERS },
  };
  const wanted = model.outputs.map(({ name }) => name);
  const results = translate(translation, g, operands, wanted);
  const outputs = model.outputs.map(({ name }): ModelOutput => {
    const result = results.get(name);
    if (!result) throw new InputError(`no node computes the output ${name}`);
    const shape = shapeOfOperand(result);
    if (!isValue(result)) return { name, shape, type: result.type, constant: result };
    const kit: Kit = { g, weights: translation.weights, name: `${name}/output`, ...KIT };
    return { name, shape, type: types.get(name) ?? 'F32', tensor: asDense(kit, result) };
  });
  const graph = g.finish(outputs.flatMap(({ tensor }) => tensor ?? []));
  return { graph, inputs, weights: translation.weights, outputs };
}

/** Reads whole numbers as the bits of bfloat16 numbers if the model says so. ONNX's own tests store them in this way. */
export function asDeclared(constant: Constant, type: string): Constant {
  if (type !== 'BF16' || constant.type !== 'U16') return constant;
  return constantOf(constant.shape, bf16ToF32(Uint16Array.from(constant.values())), 'BF16');
}

/** An input of any rank as a map [n, h, w, c], with its numbers in that order. */
function inputValue(g: GraphBuilder, name: string, constant: Constant): { value: Value; numbers: ArrayLike<number> } {
  const { shape } = constant;
  const given = constant.values();
  if (shape.length === 4) {
    const [n, c, h, w] = shape;
    const tensor = g.input(name, [n, h, w, c]);
    const positions = h * w;
    const numbers = Float32Array.from(
      { length: given.length },
      (_, i) => given[(Math.floor(i / (positions * c)) * c + (i % c)) * positions + (Math.floor(i / c) % positions)],
    );
    return { value: asValue(tensor, mapsOf(KIT), 4), numbers };
  }
  // The last dimensions are columns and channels, and those before are rows.
  const c = shape.at(-1) ?? 1;
  const w = shape.at(-2) ?? 1;
  const h = countOf(shape.slice(0, -2));
  const tensor = g.input(name, [1, h, w, c]);
  const dims = reshaped([whole('h', h), whole('w', w), whole('c', c)], shape)!;
  return { value: { tensor, dims }, numbers: Float32Array.from(given) };
}
