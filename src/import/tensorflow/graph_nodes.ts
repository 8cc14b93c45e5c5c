/** Reads nodes and attributes of a TensorFlow graph from TensorFlow.js' JSON, which is not trusted. */
import { InputError } from '../../errors.js';
import { brief } from '../../formats/brief.js';
import { isObject } from '../../formats/checks.js';
import { own } from '../../formats/json.js';
import type { Step } from './builder.js';

export interface GraphNode {
  readonly name: string;
  readonly operation: string;
  /** Names of values, without control inputs, which only say that another node runs earlier. */
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

const MOST = { nodes: 32_768, inputs: 1_024, name: 4_000 };

/** The name of a value: the name of its node, followed by a number unless it is the node's first output. */
export function valueName(reference: string): string {
  return reference.replace(/:0$/, '');
}

/** The name of the node that computes a value. */
export const nodeOf = (value: string) => value.replace(/:\d+$/, '');

/** @throws InputError if it is not a list of nodes */
export function readNodes(list: unknown): Map<string, GraphNode> {
  if (!Array.isArray(list) || list.length > MOST.nodes)
    throw new InputError('tensorflow: the graph is damaged', {
      expected: `a list of at most ${MOST.nodes} nodes`,
      given: Array.isArray(list) ? `${list.length} nodes` : brief(list),
    });
  const nodes = new Map<string, GraphNode>();
  for (const entry of list) {
    const { name, op, input = [], attr = {} } = isObject(entry) ? entry : {};
    const isNode =
      typeof name === 'string' && name !== '' && name.length <= MOST.name && typeof op === 'string' && isObject(attr);
    const isInputs =
      Array.isArray(input) && input.length <= MOST.inputs && input.every((one) => typeof one === 'string');
    if (!isNode || !isInputs)
      throw new InputError('tensorflow: a node of the graph is damaged', {
        expected: 'name, op, a list of inputs and attributes',
        given: `name ${brief(name)}, op ${brief(op)}`,
      });
    if (nodes.has(name)) throw new InputError(`tensorflow: two nodes are called ${brief(name)}`);
    const inputs = (input as string[]).filter((one) => !one.startsWith('^')).map(valueName);
    nodes.set(name, { name, operation: op, inputs, attributes: attr });
  }
  return nodes;
}

export const stepOf = ({ operation, name }: Pick<GraphNode, 'operation' | 'name'>): Step => ({
  origin: `tensorflow: ${operation.slice(0, 60)} '${name.slice(-120)}'`,
  name,
});

const wrong = ({ operation, name }: GraphNode, attribute: string, expected: string, given: unknown) =>
  new InputError(`${stepOf({ operation, name }).origin}: its attribute ${attribute} is damaged`, {
    expected,
    given: JSON.stringify(given)?.slice(0, 120) ?? 'none',
  });

/** One field of an attribute, which is a record with a field for its kind. */
function field(node: GraphNode, name: string, kind: string): unknown {
  const attribute = own(node.attributes, name);
  if (attribute === undefined) return undefined;
  if (!isObject(attribute)) throw wrong(node, name, `{ ${kind}: … }`, attribute);
  return attribute[kind];
}

/** Whole numbers are written as texts, because they may have 64 bits. */
function wholeNumber(node: GraphNode, name: string, given: unknown): number {
  const number = typeof given === 'string' && /^-?\d{1,15}$/.test(given) ? Number(given) : given;
  if (Number.isSafeInteger(number)) return number as number;
  throw wrong(node, name, 'a whole number', given);
}

export function integer(node: GraphNode, name: string): number | undefined {
  const given = field(node, name, 'i');
  return given === undefined ? undefined : wholeNumber(node, name, given);
}

export function float(node: GraphNode, name: string): number | undefined {
  const given = field(node, name, 'f');
  if (given === undefined || Number.isFinite(given)) return given as number | undefined;
  throw wrong(node, name, 'a number', given);
}

export function truth(node: GraphNode, name: string): boolean {
  const given = field(node, name, 'b') ?? false;
  if (typeof given === 'boolean') return given;
  throw wrong(node, name, 'true or false', given);
}

/** Texts are written as base64, or as lists of their bytes. */
function decoded(node: GraphNode, name: string, given: unknown): string {
  if (typeof given === 'string' && given.length <= 4_000) {
    try {
      return atob(given);
    } catch {
      return given;
    }
  }
  if (Array.isArray(given) && given.length <= 4_000 && given.every((byte) => Number.isInteger(byte)))
    return String.fromCharCode(...(given as number[]));
  throw wrong(node, name, 'a text', given);
}

export function text(node: GraphNode, name: string): string | undefined {
  const given = field(node, name, 's');
  return given === undefined ? undefined : decoded(node, name, given);
}

function list(node: GraphNode, name: string, kind: 'i' | 's'): unknown[] | undefined {
  const given = field(node, name, 'list');
  if (given === undefined) return undefined;
  const items = isObject(given) ? (given[kind] ?? []) : given;
  if (Array.isArray(items) && items.length <= 64) return items;
  throw wrong(node, name, 'a list', given);
}

export const integerList = (node: GraphNode, name: string): number[] | undefined =>
  list(node, name, 'i')?.map((one) => wholeNumber(node, name, one));
export const textList = (node: GraphNode, name: string): string[] | undefined =>
  list(node, name, 's')?.map((one) => decoded(node, name, one));

/** The type of a tensor: `DT_FLOAT`. */
export function typeOf(node: GraphNode, name: string): string | undefined {
  const given = field(node, name, 'type');
  if (given === undefined || typeof given === 'string') return given;
  if (Number.isInteger(given)) return TYPE_NUMBERS[given as number] ?? `type ${given}`;
  throw wrong(node, name, 'a type', given);
}

const TYPE_NUMBERS: Readonly<Record<number, string>> = {
  ...{ 1: 'DT_FLOAT', 2: 'DT_DOUBLE', 3: 'DT_INT32', 4: 'DT_UINT8', 9: 'DT_INT64', 10: 'DT_BOOL', 19: 'DT_HALF' },
};

/** A shape, with undefined for each open size; undefined if even the rank is open. */
export function shapeIn(node: GraphNode, name: string): (number | undefined)[] | undefined {
  const given = field(node, name, 'shape');
  if (!isObject(given) || given.unknownRank === true) return undefined;
  const dims = given.dim ?? [];
  if (!Array.isArray(dims) || dims.length > 32) throw wrong(node, name, 'a shape', given);
  return dims.map((one: unknown) => {
    const size = isObject(one) && one.size !== undefined ? wholeNumber(node, name, one.size) : -1;
    return size >= 1 ? size : undefined;
  });
}
