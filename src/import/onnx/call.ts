/** One node of an ONNX graph as an operator's translation sees it: its inputs and attributes, checked. */
import { InputError } from '../../errors.js';
import type { ElementType } from '../../formats/weights/checkpoint.js';
import type { Budget } from '../arrays.js';
import { type Kit, Unsupported, type Value } from '../kit.js';
import type { Named } from '../layers.js';
import { type Constant, isConstant, type PlainNode } from '../plain.js';
import { shapeOf } from '../views.js';

/** An input of a node: a constant, or a value that the network computes. */
export type Operand = Constant | Value;

export const isValue = (operand: Operand): operand is Value => 'tensor' in operand;
export const shapeOfOperand = (operand: Operand): readonly number[] =>
  isValue(operand) ? shapeOf(operand.dims) : operand.shape;

export interface Call {
  readonly node: PlainNode;
  readonly version: number;
  readonly kit: Kit;
  readonly budget: Budget;
  /** The operands in the order of the inputs; undefined for an input that is left out. */
  readonly operands: readonly (Operand | undefined)[];
  /** The types of the operands in the model. On the GPU all values are float32. */
  readonly types: readonly (ElementType | undefined)[];
  /** Values whose numbers are known too, and can be used as constants. */
  readonly numbers?: ReadonlyMap<Operand, Constant>;
  /** The number of outputs up to the last one that is read. */
  readonly outputs: number;
  /** Records a fact that the user has to be told. */
  tell(about: string): void;
}

/** A row of the table of operators. */
export interface Operator {
  /** Names of the attributes that are read. All others are refused, except those that change nothing. */
  readonly attributes?: readonly string[];
  /** The type of its result. Default: that of its first input. */
  readonly result?: ElementType | ((call: Call) => ElementType | undefined);
  /** Whether its result is exact for whole numbers and truth values that are stored as float32. */
  readonly takesWhole?: boolean;
  /** Returns the node's outputs in order. Outputs that are not read may be missing. */
  translate(call: Call): Operand | readonly Operand[];
}

/** An input that may be a constant or a value. */
export function operand({ operands }: Call, index: number): Operand {
  const found = operands[index];
  if (found) return found;
  throw new InputError(`its input ${index} is missing`);
}

export function value({ operands }: Call, index: number): Value {
  const operand = operands[index];
  if (operand && isValue(operand)) return operand;
  throw new Unsupported(
    operand ? `its input ${index} is a constant, which only a computed value may be` : `its input ${index} is missing`,
  );
}

/** A constant, with its name in the file. */
export function constant(call: Call, index: number): Named {
  const found = optionalConstant(call, index);
  if (found) return found;
  throw new Unsupported(`its input ${index} is missing`);
}

export function optionalConstant({ operands, node, numbers }: Call, index: number): Named | undefined {
  const operand = operands[index];
  if (!operand) return undefined;
  const known = numbers?.get(operand);
  if (known) return { name: node.inputs[index], constant: known };
  if (isValue(operand))
    throw new Unsupported(
      `its input ${index} (${node.inputs[index]}) is computed by the network`,
      'weights, shapes and settings have to be constants',
    );
  return { name: node.inputs[index], constant: operand };
}

/** The numbers of an input that is a short list, such as axes. */
export const listInput = (call: Call, index: number): number[] | undefined => {
  const found = optionalConstant(call, index)?.constant;
  if (found && found.count > 4096) throw new Unsupported(`its input ${index} has ${found.count} numbers`);
  return found && Array.from(found.values());
};

export const numberInput = (call: Call, index: number): number | undefined => {
  const list = listInput(call, index);
  if (list && list.length !== 1) throw new Unsupported(`its input ${index} is not one number`);
  return list?.[0];
};

const wrong = (name: string, what: string) => new InputError(`the attribute ${name} is not ${what}`);

export function numberOf({ node }: Call, name: string, otherwise: number): number {
  const given = own(node, name);
  if (given === undefined) return otherwise;
  if (typeof given !== 'number') throw wrong(name, 'a number');
  return given;
}

export function textOf({ node }: Call, name: string, otherwise: string): string {
  const given = own(node, name);
  if (given === undefined) return otherwise;
  if (typeof given !== 'string') throw wrong(name, 'a text');
  return given;
}

export function listOf({ node }: Call, name: string): number[] | undefined {
  const given = own(node, name);
  if (given === undefined) return undefined;
  if (!Array.isArray(given) || given.some((one) => typeof one !== 'number')) throw wrong(name, 'a list of numbers');
  return [...(given as number[])];
}

export function tensorOf({ node }: Call, name: string): Constant | undefined {
  const given = own(node, name);
  if (given !== undefined && !isConstant(given)) throw wrong(name, 'a tensor');
  return given;
}

export const own = ({ attributes }: PlainNode, name: string) =>
  Object.hasOwn(attributes, name) ? attributes[name] : undefined;

/** An axis, counted from the first; a negative one is given counted from the last. */
export function axisOf(axis: number, rank: number): number {
  const own = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(own) && own >= 0 && own < rank) return own;
  throw new InputError('an axis lies outside', { expected: `${-rank} to ${rank - 1}`, given: String(axis) });
}

/** The same for several axes. @throws InputError if one is named twice */
export function axesOf(axes: readonly number[], rank: number): number[] {
  const own = axes.map((axis) => axisOf(axis, rank));
  if (new Set(own).size !== own.length) throw new InputError('an axis is named twice', { given: axes.join(', ') });
  return own;
}

/** A list that is an attribute before the version `since`, and an input from then on. */
export const listOrInput = (call: Call, name: string, input: number, since: number) =>
  call.version < since ? listOf(call, name) : listInput(call, input);

/** Tries the first translation, and the second one if the first does not support the operands. */
export function attempt(first: () => Value, second: () => Value): Value {
  try {
    return first();
  } catch (error) {
    if (error instanceof Unsupported) return second();
    throw error;
  }
}

/** The operand at an index, which has to be a map: images, channels, rows and columns. */
export function map(call: Call, index = 0): Value {
  const x = value(call, index);
  if (x.dims.length === 4) return x;
  throw new Unsupported(
    `it works on ${Math.max(0, x.dims.length - 2)} dimensions beside images and channels`,
    'raybox runs networks for images, which have two',
  );
}
