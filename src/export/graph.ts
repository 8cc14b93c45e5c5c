/** Writes a network as an ONNX graph: each operation by its row in the tables, and the outputs under their names. */
import { InputError } from '../errors.js';
import { createGraph, type Node, nameOf } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import type { NetworkFunction } from '../nets/outputs.js';
import { describeGraph, graphNetwork } from '../nets/written/graphs.js';
import { createOnnxBuilder, type OnnxGraph, type OnnxNode } from './builder.js';
import { generalRows } from './general.js';
import { layerRows, type Row } from './layers.js';

/** How each operation is written, by its name. */
export const ROWS: ReadonlyMap<string, Row> = new Map(Object.entries({ ...layerRows, ...generalRows }));

/** The names of the graph's input and outputs. */
export const INPUT = 'image';
/** The outputs of an exported model, in their order. */
export const OUTPUTS = ['logits', 'probabilities', 'heatmaps'] as const;

/** The limit of the numbers of all constants: 512 MiB of float32. */
const MOST_NUMBERS = 2 ** 27;

/** The name of the float32 value of a parameter that is stored as float16. */
export const castName = (parameter: string) => `${parameter}/f32`;

/** A network as a graph of ONNX, with the sizes of its input and outputs. */
export interface ExportedGraph extends OnnxGraph {
  readonly input: readonly (number | 'n')[];
  readonly outputs: Readonly<Record<(typeof OUTPUTS)[number], readonly (number | 'n')[]>>;
  /** The values that nodes put out, each with the name of the network's tensor that has its numbers; undefined if none has them in this order. */
  readonly activations: ReadonlyMap<string, string | undefined>;
}

/**
 * @param image the shape of the images that the network is for
 * @param mostNumbers the limit of the numbers of all constants together
 * @throws InputError that names the operation that ONNX cannot express, or that a network in a file cannot have
 */
export function exportedGraph(
  network: NetworkFunction,
  image: { height: number; width: number; channels: number },
  mostNumbers = MOST_NUMBERS,
): ExportedGraph {
  // `describeGraph` checks that the description is right for any number of images. So one image is enough from here on.
  const written = graphNetwork(describeGraph(network, image));
  const g = createGraph();
  const x = g.input(INPUT, [1, image.height, image.width, image.channels]);
  const { heatmaps, ...others } = written(g, x);
  if (!heatmaps)
    throw new InputError(
      'onnx: the network has no heatmaps of its own: they come from gradients, which are not written',
      {
        expected: 'a network whose classifier is linear, and so has class activation maps',
      },
    );
  const outputs = { ...others, heatmaps };
  const { nodes } = g.finish(OUTPUTS.map((name) => outputs[name]));
  let step = '';
  const parameters = [...g.parameters.keys()];
  const taken = parameters.find((name) => [INPUT, ...OUTPUTS].includes(name as typeof INPUT));
  if (taken !== undefined)
    throw new InputError(`onnx: a parameter is called ${taken}, which is the name of an input or output of the graph`);
  const page = createOnnxBuilder(
    [INPUT, ...OUTPUTS, ...parameters, ...parameters.map(castName)],
    () => step,
    mostNumbers,
  );
  page.onnx.store(x, INPUT);
  for (const node of nodes) {
    step = nameOf(node);
    rowOf(node)(page.onnx, node);
  }
  step = 'outputs';
  const { onnx, constants } = page;
  const renamed = new Map<string, string>();
  for (const name of OUTPUTS) {
    const value = onnx.logical(outputs[name]);
    // A value has only one name. If it is the image, a constant or another output already, an Identity gives it a second name.
    const isFree = !renamed.has(value) && value !== INPUT && !constants.has(value);
    renamed.set(isFree ? value : onnx.add('Identity', [value]), name);
  }
  const called = (value: string) => renamed.get(value) ?? value;
  const sizes = ({ shape }: Tensor) => ['n' as const, ...shape.slice(1)];
  const named = page.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(called),
    outputs: node.outputs.map(called),
  }));
  return {
    nodes: named,
    constants,
    activations: activationsOf(named, page.values, called),
    parameters: page.parameters,
    input: ['n', image.channels, image.height, image.width],
    outputs: {
      logits: sizes(outputs.logits),
      probabilities: sizes(outputs.probabilities),
      heatmaps: sizes(outputs.heatmaps),
    },
  };
}

function activationsOf(
  nodes: readonly OnnxNode[],
  values: ReadonlyMap<Tensor, string>,
  called: (value: string) => string,
): ExportedGraph['activations'] {
  const names = new Map<string, string | undefined>(
    nodes.flatMap(({ outputs }) => outputs.map((name) => [name, undefined])),
  );
  for (const [tensor, value] of values) {
    const name = called(value);
    // Other tensors than maps and lists have no fixed order of dimensions, by which a recording could be compared.
    const isPlain = tensor.shape.length === 2 || (tensor.shape.length === 4 && tensor.layout === 'nhwc4');
    if (isPlain && names.has(name) && names.get(name) === undefined) names.set(name, tensor.name);
  }
  return names;
}

function rowOf(node: Node) {
  const row = ROWS.get(node.operation.name);
  if (row) return row;
  throw new InputError(`onnx: the operation ${node.operation.name} of ${nameOf(node)} cannot be written`, {
    expected: [...ROWS.keys()].join(', '),
  });
}
