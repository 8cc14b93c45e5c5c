/**
 * Reads a model that raybox wrote (`src/export`). Its metadata describes the network, and its initializers are the network's parameters under
 * their own names. The metadata is trusted only if the graph is the one that raybox writes for this network, because somebody may have changed
 * the nodes since.
 */
import { InputError } from '../../errors.js';
import type { OnnxAttribute, OnnxConstant, OnnxNode } from '../../export/builder.js';
import { type ExportedGraph, exportedGraph, INPUT, OUTPUTS } from '../../export/graph.js';
import { shapeOf, withCasts } from '../../export/onnx.js';
import { OPSET } from '../../export/write.js';
import type { Checkpoint, TensorData } from '../../formats/weights/checkpoint.js';
import { isGraph } from '../../formats/weights/graph_description.js';
import { isRayboxWeights, parseWeightsMetadata } from '../../formats/weights/weights.js';
import { architectureOf } from '../../nets/architecture.js';
import { withHeatmapBorder } from '../../nets/head/heatmap_border.js';
import { networkFrom } from '../../nets/written/graphs.js';
import type { Warning } from '../../warnings.js';
import type { Attribute, Constant, PlainModel, PlainNode } from '../plain.js';

/** Whether raybox wrote the model, which its metadata says. */
export const isOwn = ({ metadata }: PlainModel) => isRayboxWeights(metadata);

/** The weights of such a model as raybox's own weights; undefined if its nodes are not those that raybox writes for its network. */
export function ownWeights(model: PlainModel): Checkpoint | undefined {
  const known = writtenFor(model);
  if (!known) return undefined;
  const hasHalves = model.nodes[0]?.operator === 'Cast' && known.parameters.has(model.nodes[0].inputs[0]);
  if (!isSame(model, known, hasHalves ? withCasts(known) : known.nodes)) return undefined;
  const tensors = [...known.parameters].map(([name, shape]): [string, TensorData] => {
    const values = model.constants.get(name)!.values();
    return [name, { shape: [...shape], data: values instanceof Float32Array ? values : Float32Array.from(values) }];
  });
  return { tensors: new Map(tensors), metadata: { ...model.metadata }, activations: known.activations };
}

/** The graph that raybox writes for the network in the metadata; undefined if that network cannot be built, since anybody may write metadata. */
function writtenFor(model: PlainModel): ExportedGraph | undefined {
  try {
    const metadata = parseWeightsMetadata(model.metadata);
    const { architecture } = metadata;
    const network = networkFrom(isGraph(architecture) ? architecture : architectureOf(metadata));
    const most = [...model.constants.values()].reduce((sum, { count }) => sum + count, 0);
    return exportedGraph(withHeatmapBorder(network, metadata), shapeOf(metadata), most);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

function isSame(model: PlainModel, { constants, parameters }: ExportedGraph, nodes: readonly OnnxNode[]): boolean {
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name).join('\n');
  return (
    names(model.inputs) === INPUT &&
    names(model.outputs) === OUTPUTS.join('\n') &&
    model.nodes.length === nodes.length &&
    model.constants.size === constants.size + parameters.size &&
    nodes.every((node, index) => isSameNode(model.nodes[index], node)) &&
    [...parameters].every(([name, shape]) => model.constants.get(name)?.shape.join() === shape.join()) &&
    [...constants].every(([name, constant]) => isSameConstant(model.constants.get(name), constant))
  );
}

function isSameNode(node: PlainNode, expected: OnnxNode): boolean {
  const attributes = Object.entries(expected.attributes);
  return (
    node.operator === expected.operator &&
    node.version === OPSET &&
    node.inputs.join('\n') === expected.inputs.join('\n') &&
    node.outputs.join('\n') === expected.outputs.join('\n') &&
    Object.keys(node.attributes).length === attributes.length &&
    attributes.every(([name, value]) => Object.hasOwn(node.attributes, name) && isEqual(node.attributes[name], value))
  );
}

function isEqual(found: Attribute, expected: OnnxAttribute): boolean {
  if (typeof expected !== 'object') return found === expected;
  if ('real' in expected) return found === Math.fround(expected.real);
  return Array.isArray(found) && found.length === expected.length && expected.every((one, i) => one === found[i]);
}

function isSameConstant(found: Constant | undefined, { shape, data }: OnnxConstant): boolean {
  const type = data instanceof Float32Array ? 'F32' : 'I64';
  if (!found || found.shape.join() !== shape.join() || found.type !== type) return false;
  const values = found.values();
  for (let i = 0; i < values.length; i++) if (!Object.is(values[i], Number(data[i]))) return false;
  return values.length === data.length;
}

/** For a model of raybox whose nodes were changed since. */
export const CHANGED: Warning = {
  code: 'assumed-network',
  message:
    'raybox wrote this ONNX model, but its nodes have been changed since (by another program or version). The network was read from the nodes as they are; classes, thresholds and input were read as those of any ONNX model.',
};
