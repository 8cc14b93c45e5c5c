/**
 * A network as a list of operations, in plain JSON: what a weights file says of a network that belongs to no family. `src/nets/graph_network.ts`
 * makes it from a graph and a graph from it. Nothing of a batch is in it, so it holds for any number of images.
 */
import { InputError } from '../errors.js';
import { brief } from './checkpoint.js';
import { anyOf, type Check, fields, isName, isObject, listOf, oneOf, optional } from './checks.js';

/** Values are numbered: 0 is the image, then the outputs of all nodes in their order. */
export interface GraphDescription {
  family: 'graph';
  version: 1;
  /** Name and shape of each parameter, in torch's layout. */
  parameters: [name: string, shape: number[]][];
  /** Numbers that belong to the network and are not learnt. */
  constants?: { shape: number[]; layout: 'nhwc4' | 'dense'; data: number[] }[];
  nodes: GraphNode[];
  outputs: { features: number; logits: number; probabilities: number; heatmaps: number };
}

/** One operation of a description. */
export interface GraphNode {
  /** The operation's name. */
  op: string;
  /** The number of a value, the name of a parameter, the place of a constant, or null for an input that is left out. */
  inputs: (number | string | { constant: number } | null)[];
  /** JSON has no infinite numbers: they are written as the texts `Infinity` and `-Infinity`. */
  attributes?: Record<string, unknown>;
  name?: string;
}

/** A file of some kilobytes must not describe more than a computer can hold. */
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

const isNode = fields({
  op: isName,
  inputs: listOf(anyOf(isIndex, isName, oneOf(null), fields({ constant: isIndex })), 1, 256),
  attributes: optional((value) => isObject(value) && isAttribute(value)),
  name: optional(isName),
});

const CHECKS: Record<Exclude<keyof GraphDescription, 'family'>, [check: Check, expected: string]> = {
  version: [oneOf(1), '1; a newer raybox may read others'],
  parameters: [listOf(isParameter, 0, MOST.parameters), `at most ${MOST.parameters} pairs of a name and a shape`],
  constants: [
    optional(listOf(isConstant, 0, MOST.constants)),
    `at most ${MOST.constants} of a shape, a layout and numbers`,
  ],
  nodes: [listOf(isNode, 1, MOST.nodes), `1 to ${MOST.nodes} of op, inputs, attributes and name`],
  outputs: [
    fields({ features: isIndex, logits: isIndex, probabilities: isIndex, heatmaps: isIndex }),
    'the numbers of features, logits, probabilities and heatmaps',
  ],
};

/**
 * Checks a description's form. Whether its operations exist and fit together shows when the graph is built.
 * @throws InputError that names the field or the node at fault
 */
export function checkGraphDescription(value: Record<string, unknown>): GraphDescription {
  for (const key of Object.keys(value)) {
    if (key === 'family' || Object.hasOwn(CHECKS, key)) continue;
    throw new InputError(`graph: there is no field ${brief(key)}`, { expected: Object.keys(CHECKS).join(', ') });
  }
  for (const [field, [check, expected]] of Object.entries(CHECKS)) {
    if (check(value[field])) continue;
    const list = value[field];
    const inList = field === 'nodes' && Array.isArray(list) ? list.findIndex((node) => !isNode(node)) : -1;
    throw new InputError(`graph: ${inList < 0 ? field : `node ${inList}`} is wrong`, {
      expected,
      given: brief(inList < 0 ? list : (list as unknown[])[inList]),
    });
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
