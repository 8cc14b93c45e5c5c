/**
 * A network as a file format says it, with nothing of the format's bytes left: nodes, constants, inputs and outputs by name. Each format
 * is read to this form first, and translated to raybox's operations after that.
 */
import type { ElementType } from '../formats/weights/checkpoint.js';

/** Numbers that the file has, or that follow from numbers that it has. Shapes are in row-major order. */
export interface Constant {
  readonly shape: readonly number[];
  /** The type of the numbers. Truth values are 0 and 1. */
  readonly type: ElementType;
  /** How many numbers there are. */
  readonly count: number;
  /** The numbers, decoded when they are asked for: in the array that `arrayOf` has for the type. Whole ones beyond 2^53 are rounded. */
  values(): Float32Array | Float64Array;
}

export type Attribute = number | string | readonly number[] | readonly string[] | Constant | OtherAttribute;

/** An attribute of a kind that no supported operator has, such as a subgraph. */
export interface OtherAttribute {
  readonly other: string;
}

export interface PlainNode {
  readonly operator: string;
  /** Names of values; an input that is left out is the empty text. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** For messages: what the file calls the node, or else what it puts out. */
  readonly name: string;
  /** The version of the operator set that says what the node does. */
  readonly version: number;
  /** Where the file has a layer of another kind, which became this node: its kind and name, for messages. */
  readonly origin?: string;
}

export interface PlainInput {
  readonly name: string;
  /** A size that the file leaves open is undefined. The shape is missing if the file says nothing of it. */
  readonly shape?: readonly (number | undefined)[];
  /** The type of the elements, in the words of the format. */
  readonly type: string;
}

export interface PlainModel {
  /** The name of the format, with which messages begin. */
  readonly format: string;
  readonly nodes: readonly PlainNode[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Without the constants, which some formats list too. */
  readonly inputs: readonly PlainInput[];
  readonly outputs: readonly PlainInput[];
  /** What the file says about itself, by name. */
  readonly metadata: Readonly<Record<string, string>>;
}

export const isConstant = (attribute: Attribute | undefined): attribute is Constant =>
  typeof attribute === 'object' && 'values' in attribute && typeof attribute.values === 'function';

export const countOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** A constant of numbers that are at hand: float32, or 64-bit whole numbers, unless the type is said. */
export function constantOf(
  shape: readonly number[],
  data: Float32Array | Float64Array,
  type: ElementType = data instanceof Float32Array ? 'F32' : 'I64',
): Constant {
  return { shape, type, count: data.length, values: () => data };
}
