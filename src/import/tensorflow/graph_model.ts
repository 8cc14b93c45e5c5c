/** Graph models of TensorFlow.js: a graph of TensorFlow's own operations, as tensorflowjs_converter freezes and writes it. */
import { firstFew, InputError } from '../../errors.js';
import { brief } from '../../formats/brief.js';
import { isObject } from '../../formats/checks.js';
import type { Constant, PlainInput, PlainModel } from '../plain.js';
import { createBuilder, inOrder } from './builder.js';
import { type GraphNode, nodeOf, readNodes, shapeIn, stepOf, typeOf, valueName } from './graph_nodes.js';
import { OPERATIONS } from './graph_operations.js';

/** Operations of networks that compute boxes, or that have a memory or decisions. Classifiers of images do not have them. */
const OTHER_NETWORKS =
  /^(NonMaxSuppression|CombinedNonMax|CropAndResize|TensorList|TensorArray|StatelessWhile|StatelessIf|While|If|Switch|Merge|Enter|Exit|NextIteration|LoopCond|TopK|Where|HashTable|LookupTable)/;

/**
 * The network of a graph model, with ONNX's operators.
 * @throws InputError that names the operation and the node that raybox cannot run
 */
export function readGraphModel(
  topology: Record<string, unknown>,
  signature: unknown,
  weights: ReadonlyMap<string, Constant>,
): PlainModel {
  const library = isObject(topology.library) ? topology.library : {};
  if (Array.isArray(library.function) && library.function.length > 0)
    throw new InputError('tensorflow: the graph has functions', {
      given: `${library.function.length}`,
      hint: 'they come from loops and conditions, which raybox does not run: convert a frozen classifier',
    });
  const nodes = readNodes(topology.node);
  const builder = createBuilder();
  const inputs = [...nodes.values()].filter(({ operation }) => operation === 'Placeholder').map(inputOf);
  const outputs = outputsOf(nodes, signature);
  const wanted = outputs.map(({ name }) => nodeOf(name));
  const items = new Map(
    [...nodes].map(([name, node]) => [name, { id: name, needs: node.inputs.map(nodeOf), node }] as const),
  );
  for (const { node } of inOrder(items, wanted)) {
    if (node.operation === 'Placeholder') continue;
    const step = stepOf(node);
    const missing = node.inputs.find((name) => !nodes.has(nodeOf(name)));
    if (missing !== undefined) throw new InputError(`${step.origin} reads ${brief(missing)}, which no node computes`);
    if (node.operation === 'Const') {
      const weight = weights.get(node.name);
      if (!weight)
        throw new InputError(`${step.origin}: it has no weights`, {
          hint: 'weightsManifest does not list it: was model.json changed after it was converted?',
        });
      builder.constants.set(node.name, weight);
      continue;
    }
    const translate = Object.hasOwn(OPERATIONS, node.operation) ? OPERATIONS[node.operation] : undefined;
    if (!translate) throw unknown(node);
    translate({ builder, step, node });
  }
  return { format: 'tensorflow', nodes: builder.nodes, constants: builder.constants, inputs, outputs, metadata: {} };
}

function unknown(node: GraphNode): InputError {
  const isOther = OTHER_NETWORKS.test(node.operation);
  const why = isOther
    ? 'networks that classify an image do not have this operation'
    : 'raybox does not have this operation';
  return new InputError(`${stepOf(node).origin}: ${why}`, {
    hint: isOther
      ? 'raybox localizes with networks whose output is a number for each class'
      : 'convert the model without what it does not need, or write it as ONNX with tf2onnx',
  });
}

function inputOf(node: GraphNode): PlainInput {
  const type = typeOf(node, 'dtype') ?? 'DT_FLOAT';
  const shape = shapeIn(node, 'shape');
  // An input of whole numbers expects pixels from 0 to 255.
  const types: Record<string, string> = { DT_FLOAT: 'F32', DT_HALF: 'F16', DT_UINT8: 'U8', DT_INT32: 'U8' };
  return { name: node.name, type: types[type] ?? type, ...(shape ? { shape } : {}) };
}

/** The outputs in the signature; without a signature, the values that no node reads. */
function outputsOf(nodes: ReadonlyMap<string, GraphNode>, signature: unknown): PlainInput[] {
  const listed = isObject(signature) && isObject(signature.outputs) ? Object.values(signature.outputs) : [];
  const names = listed.map((one) => (isObject(one) && typeof one.name === 'string' ? valueName(one.name) : undefined));
  if (names.length > 0) {
    const wrong = names.find((name) => name === undefined || !nodes.has(nodeOf(name)));
    if (names.length > 1_024 || names.includes(undefined) || wrong !== undefined)
      throw new InputError('tensorflow: the signature names an output that the graph does not have', {
        given: brief(wrong),
      });
    return listed.map((one, i) => {
      const shape = signatureShape(one);
      return { name: names[i]!, type: 'F32', ...(shape ? { shape } : {}) };
    });
  }
  const read = new Set([...nodes.values()].flatMap(({ inputs }) => inputs.map(nodeOf)));
  const ends = [...nodes.values()].filter(({ name, operation }) => !read.has(name) && !HARMLESS.includes(operation));
  if (ends.length === 0 || ends.length > 1_024)
    throw new InputError('tensorflow: the graph has no output', {
      given:
        firstFew(
          [...nodes.keys()].map((name) => name.slice(0, 60)),
          4,
        ) || 'no nodes',
    });
  return ends.map(({ name }) => ({ name, type: 'F32' }));
}

const HARMLESS = ['Const', 'NoOp', 'Placeholder'];

function signatureShape(entry: unknown): (number | undefined)[] | undefined {
  const dims = isObject(entry) && isObject(entry.tensorShape) ? entry.tensorShape.dim : undefined;
  if (!Array.isArray(dims) || dims.length > 32) return undefined;
  return dims.map((dim) => {
    const size = Number(isObject(dim) ? dim.size : undefined);
    return Number.isSafeInteger(size) && size >= 1 ? size : undefined;
  });
}
