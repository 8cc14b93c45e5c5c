/** Products of matrices. Usually one of them is the weights of a dense layer. */
import { transpose } from '../arrays.js';
import { scaleAndShift } from '../elementwise.js';
import { combine, product } from '../general.js';
import { Unsupported, type Value } from '../kit.js';
import * as layers from '../layers.js';
import { type Constant, constantOf } from '../plain.js';
import { transposed } from '../views.js';
import {
  attempt,
  type Call,
  constant,
  isValue,
  numberOf,
  type Operand,
  operand,
  optionalConstant,
  shapeOfOperand,
} from './call.js';

/** A transposed matrix. For a value only the recorded order of dimensions changes. */
function turned(operand: Operand): Operand {
  if (shapeOfOperand(operand).length !== 2) throw new Unsupported('it transposes an input that is not a matrix');
  return isValue(operand) ? { ...operand, dims: transposed(operand.dims, [1, 0]) } : transpose(operand, [1, 0]);
}

/** α · a · b + β · c. */
export function gemm(call: Call): Operand {
  const { kit } = call;
  const isTurned = ['transA', 'transB'].map((name) => numberOf(call, name, 0) !== 0);
  const [factor, biasFactor] = [numberOf(call, 'alpha', 1), numberOf(call, 'beta', 1)];
  const first = operand(call, 0);
  const a = isTurned[0] ? turned(first) : first;
  if (shapeOfOperand(a).length !== 2)
    throw new Unsupported(`its first factor has ${shapeOfOperand(a).length} dimensions`);
  const second = operand(call, 1);
  const [b, c] = [call.numbers?.get(second) ?? second, numbersOrValue(call, 2)];
  const outputs = shapeOfOperand(b)[isTurned[1] ? 0 : 1];
  const isBias = c && !isValue(c) && (c.count === 1 || (c.shape.at(-1) === outputs && c.count === outputs));
  if (isValue(a) && !isValue(b) && (!c || isBias)) {
    const options = { weight: constant(call, 1), transposed: !isTurned[1], bias: optionalConstant(call, 2) };
    return layers.dense(kit, a, { ...options, factor, biasFactor });
  }
  const product = matrices(call, a, isTurned[1] ? turned(b) : b);
  const scaled = factor === 1 ? product : scaleAndShift(kit, product, factor, 0);
  if (!c) return scaled;
  const summand = isValue(c) ? (biasFactor === 1 ? c : scaleAndShift(kit, c, biasFactor, 0)) : times(c, biasFactor);
  return combine(kit, scaled, isValue(summand) ? summand : { name: call.node.inputs[2], constant: summand }, 'add');
}

const times = (source: Constant, factor: number): Constant =>
  constantOf(
    source.shape,
    Float32Array.from(source.values(), (number) => number * factor),
  );

/** An input as a constant if its numbers are known, otherwise as a value. */
function numbersOrValue(call: Call, index: number): Operand | undefined {
  const given = call.operands[index];
  return given && (call.numbers?.get(given) ?? given);
}

/** The product of two matrices or vectors, or of stacks of them. At least one of them is computed. */
function matrices(call: Call, a: Operand, b: Operand): Value {
  const { kit, node } = call;
  const [left, right] = [a, b].map((one, i) => (isValue(one) ? one : { name: node.inputs[i], constant: one }));
  const general = () => product(kit, left, right);
  if (isValue(a)) return isValue(b) ? general() : attempt(() => byWeights(call, a, b), general);
  if (!isValue(b)) throw new Unsupported('it multiplies constants');
  // A constant times a value is computed from the transposed matrices in the other order: A · B = (Bᵀ · Aᵀ)ᵀ.
  const weight = { name: node.inputs[0], constant: a };
  const isMatrix = a.shape.length === 2 && b.dims.length === 2;
  return isMatrix ? (turned(layers.dense(kit, turned(b) as Value, { weight, transposed: false })) as Value) : general();
}

/** A dense layer. A vector of weights counts as a matrix with one column, which the result does not have. */
function byWeights({ kit, node }: Call, x: Value, given: Constant): Value {
  const isVector = given.shape.length === 1;
  const constant = isVector ? { ...given, shape: [...given.shape, 1], values: given.values } : given;
  const y = layers.dense(kit, x, { weight: { name: node.inputs[1], constant }, transposed: true });
  return isVector ? { ...y, dims: y.dims.slice(0, -1) } : y;
}

export const matMul = (call: Call): Value => matrices(call, operand(call, 0), operand(call, 1));
