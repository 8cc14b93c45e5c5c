/**
 * A network as its file describes it, independent of the file format: nodes, constants, inputs and outputs by name. Each format is first read
 * into this form, and then translated to raybox's operations.
 */
import type { ElementType } from '../formats/weights/checkpoint.js';

/** Numbers that are in the file, or that are computed from such numbers. They are in row-major order. */
export interface Constant {
  readonly shape: readonly number[];
  /** The type of the numbers. Truth values are 0 and 1. */
  readonly type: ElementType;
  /** How many numbers there are. */
  readonly count: number;
  /** The numbers, decoded when they are asked for: in the array that `arrayOf` has for the type. Whole ones beyond 2^53 are rounded. */
  values(): Float32Array | Float64Array;
}

export type Attribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | Constant
  | GraphAttribute
  | OtherAttribute;

/** A graph within a node, such as a branch. Its nodes also read values of the graphs around it. */
export interface GraphAttribute {
  readonly graph: PlainGraph;
}

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
  /** For messages: the name of the node in the file, or that of its first output. */
  readonly name: string;
  /** The version of the operator set that defines what the node does. */
  readonly version: number;
  /** For messages, if the node was made from a layer of another kind: the kind and the name of that layer. */
  readonly origin?: string;
}

export interface PlainInput {
  readonly name: string;
  /** A size that the file leaves open is undefined. Without a shape in the file, this is undefined. */
  readonly shape?: readonly (number | undefined)[];
  /** The name of the element type in the format. */
  readonly type: string;
}

export interface PlainGraph {
  readonly nodes: readonly PlainNode[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Without the constants, which some formats list too. */
  readonly inputs: readonly PlainInput[];
  readonly outputs: readonly PlainInput[];
}

export interface PlainModel extends PlainGraph {
  /** The name of the format, with which messages begin. */
  readonly format: string;
  /** What the file says about itself, by name. */
  readonly metadata: Readonly<Record<string, string>>;
}

export const isConstant = (attribute: Attribute | undefined): attribute is Constant =>
  typeof attribute === 'object' && 'values' in attribute && typeof attribute.values === 'function';

/** The graphs within a node. */
export const graphsIn = ({ attributes }: PlainNode): readonly PlainGraph[] =>
  Object.values(attributes).flatMap((one) => (typeof one === 'object' && 'graph' in one ? [one.graph] : []));

export const countOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** A constant of given numbers. Default type: float32 for a Float32Array, 64-bit whole numbers for a Float64Array. */
export function constantOf(
  shape: readonly number[],
  data: Float32Array | Float64Array,
  type: ElementType = data instanceof Float32Array ? 'F32' : 'I64',
): Constant {
  return { shape, type, count: data.length, values: () => data };
}
