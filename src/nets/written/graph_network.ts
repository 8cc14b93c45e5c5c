/**
 * Turns a network into data and back. `describeGraph` calls the network's function and writes down the graph that it adds; `graphNetwork`
 * returns a function that adds that graph again. Both run the same operations with the same parameters, so their results are equal to the bit.
 */
import { InputError } from '../../errors.js';
import { brief } from '../../formats/brief.js';
import {
  checkGraphDescription,
  type GraphDescription,
  type GraphNode,
  inBrief,
} from '../../formats/weights/graph_description.js';
import { createGraph, type GraphBuilder, type Node, nameOf } from '../../graph/ir/graph.js';
import { elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { checkFunction } from '../description/network_option.js';
import { checkOutputs, type NetworkFunction } from '../outputs.js';
import type { CoreOperations } from './core_operations.js';
import { graphOperations } from './graph_operations.js';
import type { GraphOperation } from './operation_row.js';
import { refuseOtherOperations } from './same_operations.js';

/** The shape of one image. */
export interface ImageShape {
  height: number;
  width: number;
  channels: number;
}

/** The most elements that a tensor in a file's graph may have. Whether a GPU can hold the tensors is checked later, when the plan is made. */
const LARGEST = 2 ** 30;

/**
 * Writes a network down as data.
 * @param input the shape of the image that the network is for. If the network resizes feature maps, their sizes are written down too.
 * @param core the operations of the core. They are an argument because a page loads this module on demand.
 * @throws InputError if the network has an operation that a file cannot hold, such as one of the caller's own
 */
export function describeGraph(network: NetworkFunction, input: ImageShape, core: CoreOperations): GraphDescription {
  checkFunction(network);
  checkInput(input);
  const known = graphOperations(core);
  const built = (images: number) => {
    const graph = createGraph();
    const image = graph.input('image', [images, input.height, input.width, input.channels]);
    return { graph, image, outputs: checkOutputs(network(graph, image), images) };
  };
  const { graph: g, image, outputs } = built(1);
  const { features, logits, probabilities, heatmaps } = outputs;
  const { nodes } = g.finish([features, logits, probabilities, ...(heatmaps ? [heatmaps] : [])]);
  const { reference, number, constants, parameters } = referencesOf(g, image, nodes);
  const written = nodes.map((node): GraphNode => {
    const attributes = jsonOf(node.attributes) as Record<string, unknown>;
    const row = known.get(node.operation.name);
    if (row?.operation !== node.operation)
      throw new InputError(`the operation ${node.operation.name} of ${nameOf(node)} cannot be written down`, {
        expected: [...known.keys()].join(', '),
        hint: 'give load the function of the network instead',
      });
    checkAttributes(row, node.attributes as Record<string, unknown>, nameOf(node));
    return {
      op: node.operation.name,
      inputs: node.inputs.map((tensor) => reference(tensor, node)),
      ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
      name: nameOf(node),
    };
  });
  // The description must be right for any number of images, so the network for two images must have the same operations.
  const operations = [...known.values()].map(({ operation }) => operation);
  refuseOtherOperations({ graph: g, image, outputs }, built(2), operations);
  const shapes = [...g.parameters].filter(([name]) => parameters.has(name));
  return checkGraphDescription({
    family: 'graph',
    version: 1,
    parameters: shapes.map(([name, { shape }]) => [name, [...shape]]),
    ...(constants.length > 0
      ? {
          constants: constants.map(({ shape, layout, data }) => ({
            shape: [...shape],
            layout,
            data: Array.from(data!),
          })),
        }
      : {}),
    nodes: written,
    outputs: {
      features: number(features),
      logits: number(logits),
      probabilities: number(probabilities),
      ...(heatmaps ? { heatmaps: number(heatmaps) } : {}),
    },
  });
}

/** How the inputs of nodes are written down. The constants and the names of parameters are collected while that is done. */
function referencesOf(g: GraphBuilder, image: Tensor, nodes: readonly Node[]) {
  const numbers = new Map<Tensor, number>([[image, 0]]);
  for (const node of nodes) for (const output of node.outputs) numbers.set(output, numbers.size);
  const constants: Tensor[] = [];
  const parameters = new Set<string>();
  const reference = (tensor: Tensor | undefined, node: Node): GraphNode['inputs'][number] => {
    if (!tensor) return null;
    const number = numbers.get(tensor);
    if (number !== undefined) return number;
    if (g.parameters.get(tensor.name) === tensor) {
      parameters.add(tensor.name);
      return tensor.name;
    }
    if (tensor.kind !== 'constant' || !tensor.data || tensor.type !== 'f32')
      throw new InputError(`${nameOf(node)} reads ${tensor.name}, which cannot be written down`, {
        expected: 'the image, outputs of other operations, parameters, and f32 constants',
        given: `${tensor.kind} ${tensor.type}`,
      });
    if (!constants.includes(tensor)) constants.push(tensor);
    return { constant: constants.indexOf(tensor) };
  };
  return { reference, number: (tensor: Tensor) => numbers.get(tensor) as number, constants, parameters };
}

function checkInput(input: unknown): void {
  const { height, width, channels } = (input ?? {}) as Partial<ImageShape>;
  if ([height, width, channels].every((size) => Number.isSafeInteger(size) && (size as number) >= 1)) return;
  throw new InputError('describeGraph needs the size of the image that the network is for', {
    expected: '{ height, width, channels } as second argument, whole numbers from 1 on',
    given: inBrief(input),
  });
}

/**
 * The network of a description, which may come from an untrusted file.
 * @throws InputError that names the node whose operation, inputs or attributes are wrong. Some faults are only found, and thrown, when the
 *   returned function is called.
 */
export function graphNetwork(value: object, core: CoreOperations): NetworkFunction {
  const description = checkGraphDescription(value);
  const known = graphOperations(core);
  return (g, image) => {
    const parameters = new Map(description.parameters.map(([name, shape]) => [name, g.parameter(name, shape)]));
    const constants = (description.constants ?? []).map(({ shape, layout, data }, i) =>
      g.constant(`constant ${i}`, { shape, layout, type: 'f32' }, data),
    );
    const values: Tensor[] = [image];
    const resolve = (input: GraphNode['inputs'][number], where: string): Tensor | undefined => {
      if (input === null) return undefined;
      const tensor =
        typeof input === 'number'
          ? values[input]
          : typeof input === 'string'
            ? parameters.get(input)
            : constants[input.constant];
      if (tensor) return tensor;
      throw new InputError(`graph: ${where} reads an input that does not exist`, {
        expected: `values below ${values.length}, parameters and constants that are listed`,
        given: typeof input === 'object' ? `constant ${input.constant}` : brief(input),
      });
    };
    for (const [index, node] of description.nodes.entries()) {
      const where = `node ${index} (${node.op})`;
      const inputs = node.inputs.map((input) => resolve(input, where));
      for (const tensor of applied(g, node, inputs, where, { known, core })) {
        if (elementCount(tensor) <= LARGEST) values.push(tensor);
        else
          throw new InputError(`graph: ${where} has too large an output`, {
            expected: `at most ${LARGEST} numbers`,
            given: tensor.shape.join('×'),
          });
      }
    }
    const { features, logits, probabilities, heatmaps } = description.outputs;
    const outputs = {
      features: values[features],
      logits: values[logits],
      probabilities: values[probabilities],
      ...(heatmaps === undefined ? {} : { heatmaps: values[heatmaps] }),
    };
    return checkOutputs(outputs, image.shape[0]);
  };
}

function applied(
  g: GraphBuilder,
  node: GraphNode,
  inputs: readonly (Tensor | undefined)[],
  where: string,
  { known, core }: { known: ReturnType<typeof graphOperations>; core: CoreOperations },
) {
  const row = known.get(node.op);
  if (!row)
    throw new InputError(`graph: ${where} is an operation that raybox does not have`, {
      expected: [...known.keys()].join(', '),
    });
  const { least, most } = row.inputs;
  const given = inputs.findLastIndex((tensor) => tensor !== undefined) + 1;
  if (given < least || inputs.length > most || inputs.slice(0, least).includes(undefined))
    throw new InputError(`graph: ${where} has a wrong number of inputs`, {
      expected: least === most ? String(least) : `${least} to ${most}`,
      given: `${given} of ${inputs.length}`,
    });
  const attributes = attributesOf(node.attributes ?? {}) as Record<string, unknown>;
  checkAttributes(row, attributes, where);
  const name = node.name ?? node.op;
  // If the graph is for training with the batch's statistics, a batch norm uses them, although it was written down with given ones.
  if (node.op === 'batch_norm') {
    const { epsilon, momentum } = attributes as { epsilon: number; momentum?: number };
    return [core.normalise(g, inputs as Tensor[], epsilon, name, momentum)];
  }
  const type = row.isTyped && g.type === 'f16' ? { type: g.type } : {};
  return g.applyAll(row.operation, inputs, { ...attributes, ...type }, name);
}

function checkAttributes({ attributes: checks }: GraphOperation, given: Record<string, unknown>, where: string): void {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(checks, name) || given[name] === undefined) continue;
    throw new InputError(`graph: ${where} has no attribute ${brief(name)} that a file can hold`, {
      expected: Object.keys(checks).join(', ') || 'none',
    });
  }
  for (const [name, check] of Object.entries(checks)) {
    if (check(given[name])) continue;
    throw new InputError(`graph: the attribute ${name} of ${where} is wrong`, { given: inBrief(given[name]) });
  }
}

/** JSON has no number for infinity, which may be the sharpness of a pooling or the bound of a clip, so it is written as text. */
const jsonOf = (value: unknown): unknown =>
  convert(value, (one) => (Math.abs(one as number) === Infinity ? String(one) : one));

const attributesOf = (value: unknown): unknown =>
  convert(value, (one) => (one === 'Infinity' || one === '-Infinity' ? Number(one) : one));

function convert(value: unknown, leaf: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => convert(one, leaf));
  if (typeof value !== 'object' || value === null) return leaf(value);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, convert(one, leaf)]])),
  );
}
