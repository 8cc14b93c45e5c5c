/**
 * A network as a list of operations, in plain JSON. A weights file contains it for a network that belongs to no family.
 * `src/nets/written/graph_network.ts` converts a graph to it and back. It does not depend on the number of images of a batch.
 */
import { InputError } from '../../errors.js';
import { brief } from '../brief.js';
import { anyOf, type Check, fields, isName, isObject, listOf, oneOf, optional } from '../checks.js';

/** Values are referred to by number: 0 is the image, and the outputs of the nodes follow in their order. */
export interface GraphDescription {
  family: 'graph';
  version: 1;
  /** Name and shape of each parameter, in PyTorch's layout. */
  parameters: [name: string, shape: number[]][];
  /** Tensors of the network that are not trained. */
  constants?: { shape: number[]; layout: 'nhwc4' | 'dense'; data: number[] }[];
  nodes: GraphNode[];
  /** `heatmaps` is left out if the network has none of its own, so that they come from gradients. */
  outputs: { features: number; logits: number; probabilities: number; heatmaps?: number };
}

/** Whether a network is described as a graph. The description itself is checked when the network is built. */
export const isGraph = (value: unknown): value is GraphDescription => isObject(value) && value.family === 'graph';

/** One operation of a description. */
export interface GraphNode {
  /** The operation's name. */
  op: string;
  /** For each input the number of a value, the name of a parameter, the index of a constant, or null if it is left out. */
  inputs: (number | string | { constant: number } | null)[];
  /** Infinite numbers are written as the texts `Infinity` and `-Infinity`, because JSON has none. */
  attributes?: Record<string, unknown>;
  name?: string;
}

/** Limits of a description, so that a file of a few kilobytes cannot describe more than fits into memory. */
const MOST = { nodes: 16_384, parameters: 16_384, constants: 1_024, numbers: 65_536, elements: 2 ** 31 };

const isIndex: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isShape: Check = (value) =>
  listOf((size) => Number.isSafeInteger(size) && (size as number) >= 1, 1, 6)(value) &&
  (value as number[]).reduce((product, size) => product * size, 1) <= MOST.elements;

const isParameter: Check = (value) =>
  Array.isArray(value) && value.length === 2 && isName(value[0]) && value[0] !== '' && isShape(value[1]);

const isConstant = fields({
  shape: isShape,
  layout: oneOf('nhwc4', 'dense'),
  data: listOf((value) => Number.isFinite(value), 1, MOST.numbers),
});

const isAttribute = (value: unknown, depth = 0): boolean =>
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  (typeof value === 'string' && value.length <= 64) ||
  (depth < 3 && Array.isArray(value) && value.length <= 4096 && value.every((one) => isAttribute(one, depth + 1))) ||
  (depth < 3 && isObject(value) && Object.values(value).every((one) => isAttribute(one, depth + 1)));

const NODE: Record<keyof GraphNode, [check: Check, expected: string]> = {
  op: [isName, 'the name of an operation'],
  inputs: [
    listOf(anyOf(isIndex, isName, oneOf(null), fields({ constant: isIndex })), 1, 256),
    '1 to 256 numbers of values, names of parameters, { constant } or null',
  ],
  attributes: [optional((value) => isObject(value) && isAttribute(value)), 'an object of plain values'],
  name: [optional(isName), 'a text of at most 200 characters'],
};

const isNode: Check = (value) =>
  isObject(value) &&
  Object.keys(value).every((key) => Object.hasOwn(NODE, key)) &&
  Object.entries(NODE).every(([field, [check]]) => check(value[field]));

const CHECKS: Record<Exclude<keyof GraphDescription, 'family'>, [check: Check, expected: string]> = {
  version: [oneOf(1), '1; a newer raybox may read others'],
  parameters: [listOf(isParameter, 0, MOST.parameters), `at most ${MOST.parameters} pairs of a name and a shape`],
  constants: [
    optional(listOf(isConstant, 0, MOST.constants)),
    `at most ${MOST.constants} of a shape, a layout and numbers`,
  ],
  nodes: [listOf(isNode, 1, MOST.nodes), `1 to ${MOST.nodes} of op, inputs, attributes and name`],
  outputs: [
    fields({ features: isIndex, logits: isIndex, probabilities: isIndex, heatmaps: optional(isIndex) }),
    'the numbers of features, logits, probabilities and heatmaps',
  ],
};

/** For fields that are lists the check of one element, so that an error can name the element that is wrong. */
const PARTS: Partial<Record<string, [check: Check, one: string]>> = {
  parameters: [isParameter, 'parameter'],
  constants: [isConstant, 'constant'],
  nodes: [isNode, 'node'],
};

/**
 * Checks the form of a description. Whether its operations exist and fit together is checked when the graph is built.
 * @throws InputError that names the field, or the node and its field, that is wrong
 */
export function checkGraphDescription(value: object): GraphDescription {
  if (!isObject(value) || value.family !== 'graph')
    throw new InputError('graph: this is not a description of a network', {
      expected: "an object that describeGraph made, { family: 'graph', version, parameters, nodes, outputs }",
      given: inBrief(value),
    });
  for (const key of Object.keys(value)) {
    if (key === 'family' || Object.hasOwn(CHECKS, key)) continue;
    throw new InputError(`graph: there is no field ${brief(key)}`, {
      expected: Object.keys(CHECKS).join(', '),
      given: `${key}: ${inBrief(value[key])}`,
    });
  }
  for (const [field, [check, expected]] of Object.entries(CHECKS)) {
    if (!check(value[field])) throw faultOf(field, value[field], expected);
  }
  const graph = value as unknown as GraphDescription;
  const names = new Set(graph.parameters.map(([name]) => name));
  if (names.size < graph.parameters.length) throw new InputError('graph: two parameters have one name');
  for (const { shape, data } of graph.constants ?? []) {
    const size = shape.reduce((product, one) => product * one, 1);
    if (size !== data.length)
      throw new InputError("graph: a constant's numbers do not fit its shape", {
        expected: `${size}`,
        given: `${data.length}`,
      });
  }
  return graph;
}

/** The error for a wrong field. If the field is a list, it names the first wrong element and what is wrong with it. */
function faultOf(field: string, value: unknown, expected: string): InputError {
  const [isPart, one] = PARTS[field] ?? [];
  const place = isPart && Array.isArray(value) ? value.findIndex((part) => !isPart(part)) : -1;
  if (place < 0) {
    const given = isPart && Array.isArray(value) ? `${value.length} of them` : inBrief(value);
    return new InputError(`graph: ${field} is wrong`, { expected, given });
  }
  const part: unknown = (value as unknown[])[place];
  const where = `graph: ${one} ${place}`;
  if (field !== 'nodes' || !isObject(part))
    return new InputError(`${where} is wrong`, { expected, given: inBrief(part) });
  const called = typeof part.op === 'string' ? `${where} (${part.op.slice(0, 40)})` : where;
  const unknown = Object.keys(part).find((key) => !Object.hasOwn(NODE, key));
  if (unknown !== undefined)
    return new InputError(`${called} has no field ${brief(unknown)}`, {
      expected: Object.keys(NODE).join(', '),
      given: inBrief(part[unknown]),
    });
  const [wrong, [, right]] = Object.entries(NODE).find(([name, [check]]) => !check(part[name]))!;
  return new InputError(`${called}: its ${wrong} is wrong`, { expected: right, given: inBrief(part[wrong]) });
}

/** The most characters of a value that a message shows. */
const SHOWN = 160;

/** A value, similar to JSON, shortened for a message. Depth and length are limited, because a value may be huge or contain itself. */
export function inBrief(value: unknown): string {
  const text = sketch(value, 4);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function sketch(value: unknown, depth: number): string {
  if (typeof value === 'string') return `'${value.slice(0, SHOWN)}'`;
  if (typeof value === 'function') return `a function ${value.name}`.trim();
  if (typeof value !== 'object' || value === null) return String(value);
  const isList = Array.isArray(value);
  const entries = isList ? [...value.slice(0, 8).entries()] : Object.entries(value).slice(0, 8);
  const size = isList ? value.length : Object.keys(value).length;
  if (depth === 0 && size > 0) return isList ? '[…]' : '{…}';
  const parts = entries.map(
    ([key, part]) => `${isList ? '' : `${String(key).slice(0, 40)}: `}${sketch(part, depth - 1)}`,
  );
  const all = [...parts, ...(size > parts.length ? ['…'] : [])].join(', ');
  return isList ? `[${all}]` : `{ ${all} }`.replace('{  }', '{}');
}
