/**
 * Splits a network at the border between its first layers, which are frozen, and the rest. What the frozen layers compute for an image never
 * changes, so that it can be computed once and kept.
 */
import { InputError } from '../errors.js';
import { createGraph, createTensor, type GraphBuilder, type Node, prune, updatesOf } from '../graph/ir/graph.js';
import { byteSize, type Tensor } from '../graph/ir/tensor.js';
import type { NetworkFunction } from '../nets/outputs.js';
import { type Part, partOf } from './optimizers.js';

/**
 * A network in two parts. Its tensors belong to a graph of their own; `addNodes` adds the nodes of a part to another. A node that only reads frozen
 * parameters may be in both.
 */
export interface SplitNetwork {
  readonly image: Tensor;
  readonly logits: Tensor;
  /** All parameters by name. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** What the frozen layers pass on to the rest. Each has the images of a batch as its first dimension. */
  readonly border: readonly Tensor[];
  readonly frozen: readonly Node[];
  readonly rest: readonly Node[];
}

/** Whether a parameter is a running statistic of a batch norm, which is no weight that gradients change. */
export const isStatistic = (name: string) => /\.running_(mean|var)$/.test(name);

/**
 * Splits a network.
 * @param image the shape of a batch of images: [batch, height, width, channels].
 * @param like a graph that says what batch norms do.
 * @throws InputError if the first layers are not frozen, or if their batch norms use the statistics of each batch
 */
export function splitNetwork(
  network: NetworkFunction,
  shape: readonly number[],
  parts: readonly Part[],
  like: Pick<GraphBuilder, 'batchStatistics' | 'keepsStatistics'>,
): SplitNetwork {
  const { batchStatistics, keepsStatistics } = like;
  const g = createGraph({
    parameters: 'state',
    ...(batchStatistics ? { batchStatistics } : {}),
    ...(keepsStatistics ? { keepsStatistics } : {}),
  });
  const image = g.input('images', shape);
  const { logits } = network(g, image);
  const { nodes } = prune({ nodes: g.nodes, outputs: [logits], slices: new Map() });
  const changing = new Set(
    [...g.parameters].filter(([name]) => isTrained(name, parts)).map(([, parameter]) => parameter),
  );
  const seesImage = new Set([image]);
  const [frozen, rest]: [Node[], Node[]] = [[], []];
  for (const node of nodes) {
    const inputs = node.inputs.filter((tensor) => tensor !== undefined);
    const changes = updatesOf(node).length > 0 || inputs.some((tensor) => changing.has(tensor));
    (changes ? rest : frozen).push(node);
    for (const tensor of node.outputs) {
      if (changes) changing.add(tensor);
      if (inputs.some((input) => seesImage.has(input))) seesImage.add(tensor);
    }
  }
  // What is computed from frozen parameters alone is no activation of an image. The rest computes it by itself where it reads it.
  const read = new Set(rest.flatMap(({ inputs }) => inputs));
  for (const node of frozen.toReversed()) {
    const isOfImage = node.outputs.some((tensor) => seesImage.has(tensor));
    if (isOfImage || !node.outputs.some((tensor) => read.has(tensor))) continue;
    rest.unshift(node);
    for (const tensor of node.inputs) read.add(tensor);
  }
  const border = [...seesImage].filter((tensor) => read.has(tensor) && !changing.has(tensor));
  refuse({ border, rest, image, parameters: g.parameters, parts });
  return { image, logits, parameters: g.parameters, border, frozen, rest };
}

const isTrained = (name: string, parts: readonly Part[]) => !isStatistic(name) && !partOf(parts, name).frozen;

interface Found extends Pick<SplitNetwork, 'border' | 'rest' | 'image' | 'parameters'> {
  parts: readonly Part[];
}

function refuse({ border, rest, image, parameters, parts }: Found): void {
  const nameOf = new Map([...parameters].map(([name, tensor]) => [tensor, name]));
  const named = (node: Node) => node.inputs.flatMap((tensor) => (tensor && nameOf.get(tensor)) ?? []);
  // A frozen layer whose batch norm follows the batch gives an image other activations in each batch.
  const frozenNorm = rest.find((node) => {
    const before = updatesOf(node).length > 0 && node.inputs[0] && border.includes(node.inputs[0]);
    const [statistic] = named(node);
    return before && statistic !== undefined && partOf(parts, statistic.replace(/[^.]*$/, 'weight')).frozen;
  });
  if (frozenNorm) {
    throw new InputError(
      `activations of frozen layers cannot be kept: the batch norm of ${named(frozenNorm)[0].replace(/\.[^.]*$/, '')}, whose layer is frozen, uses the statistics of each batch`,
      { expected: 'batch norms of frozen layers with the statistics of the weights', hint: '--batch-norm unfrozen' },
    );
  }
  if (!border.includes(image)) return;
  const first = rest.find((node) => node.inputs.includes(image));
  throw new InputError('activations of frozen layers cannot be kept: the first layer is trained', {
    given: first ? named(first).join(', ') : 'no frozen layer',
    hint: 'freeze the first layers, or train without keeping activations',
  });
}

/**
 * Adds nodes of a split network to a graph.
 * @param known the tensors of the graph that stand for tensors of the split network. Those of the nodes' results are added.
 */
export function addNodes(
  g: GraphBuilder,
  nodes: readonly Node[],
  { parameters }: SplitNetwork,
  known: Map<Tensor, Tensor>,
): void {
  for (const [name, tensor] of parameters) known.set(tensor, g.parameter(name, tensor.shape));
  for (const { operation, inputs, outputs, attributes } of nodes) {
    const given = inputs.map((tensor) => tensor && (known.get(tensor) ?? tensor));
    const made = g.applyAll(operation, given, attributes, outputs[0]?.name);
    for (const [index, tensor] of outputs.entries()) known.set(tensor, made[index]);
  }
}

/** Adds the rest of the network, with inputs in place of what the frozen layers compute. They lie in memory as that does. */
export function addRest(g: GraphBuilder, split: SplitNetwork): { inputs: readonly Tensor[]; logits: Tensor } {
  const inputs = split.border.map((tensor) => createTensor(tensor.name, 'input', tensor));
  const known = new Map(split.border.map((tensor, index) => [tensor, inputs[index]]));
  addNodes(g, split.rest, split, known);
  return { inputs, logits: known.get(split.logits) as Tensor };
}

/** Bytes that the activations of one image take in f32, as they lie on the GPU. */
export const bytesOfImage = ({ border }: Pick<SplitNetwork, 'border'>): number =>
  border.reduce((sum, tensor) => sum + byteSize(tensor) / tensor.shape[0], 0);
