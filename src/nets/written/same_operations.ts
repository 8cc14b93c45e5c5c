/** Checks that a network's function adds the same operations for every number of images. */
import { InputError } from '../../errors.js';
import { type GraphBuilder, type Node, nameOf } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { checkOutputs, type NetworkFunction, type NetworkOutputs } from '../outputs.js';

/** What a network's function added to a graph for a certain number of images. */
export interface Built {
  readonly graph: GraphBuilder;
  readonly image: Tensor;
  readonly outputs: NetworkOutputs;
}

/** An operation as a text that does not contain the number of images, and the constants that it reads. */
interface Step {
  readonly text: string;
  readonly constants: readonly Tensor[];
}

/**
 * @param known operations whose attributes are compared too. Other operations, which are the caller's own, may have the number of images
 *   among their attributes.
 * @throws InputError that names the first operation of `other` that differs
 */
export function refuseOtherOperations(first: Built, other: Built, known: Iterable<unknown>): void {
  const compared = new Set(known);
  const [some, others] = [stepsOf(first, compared), stepsOf(other, compared)];
  const length = Math.max(some.length, others.length);
  for (let i = 0; i < length; i++) {
    const [a, b] = [some[i], others[i]];
    if (a && b && a.text === b.text && a.constants.every((constant, at) => isSame(constant, b.constants[at]))) continue;
    const images = ({ image }: Built) => `${image.shape[0]} ${image.shape[0] === 1 ? 'image' : 'images'}`;
    const isConstant = a?.text === b?.text;
    throw new InputError(`the network for ${images(other)} differs from that for ${images(first)}`, {
      expected: `${a?.text ?? 'no further operation'}${isConstant ? '' : ` as operation ${i}`}`,
      given: isConstant ? 'the same with another constant' : (b?.text ?? 'no such operation'),
      hint: 'a function that builds a network must add the same operations for every number of images',
    });
  }
}

/**
 * The network's function with a check: whenever it builds another network than `first`, an error is thrown. It is called again for each
 * number of images, and nothing else would notice a difference.
 */
export function steadyNetwork(network: NetworkFunction, first: Built, known: readonly unknown[]): NetworkFunction {
  return (g, image) => {
    const outputs = checkOutputs(network(g, image), image.shape[0]);
    refuseOtherOperations(first, { graph: g, image, outputs }, known);
    return outputs;
  };
}

function stepsOf(
  { graph, image, outputs: { features, logits, probabilities, heatmaps } }: Built,
  known: ReadonlySet<unknown>,
): Step[] {
  const outputs = [features, logits, probabilities, ...(heatmaps ? [heatmaps] : [])];
  const { nodes } = graph.finish(outputs);
  const numbers = new Map<Tensor, number>([[image, 0]]);
  for (const node of nodes) for (const output of node.outputs) numbers.set(output, numbers.size);
  const constants: Tensor[] = [];
  const word = (tensor: Tensor | undefined) => {
    if (!tensor) return 'nothing';
    if (numbers.has(tensor)) return `value ${numbers.get(tensor)}`;
    if (tensor.kind === 'constant' && tensor.data) constants.push(tensor);
    return graph.parameters.get(tensor.name) === tensor ? `${tensor.name} [${tensor.shape.join(', ')}]` : tensor.kind;
  };
  const stepOf = (node: Node): Step => {
    constants.length = 0;
    const attributes = known.has(node.operation) ? JSON.stringify(node.attributes, sayInfinity) : '';
    const text = `${node.operation.name} ${nameOf(node)} of ${node.inputs.map(word).join(', ')}${attributes === '{}' || attributes === '' ? '' : ` with ${attributes}`}`;
    return { text, constants: [...constants] };
  };
  const places = outputs.map((tensor) => word(tensor)).join(', ');
  return [...nodes.map(stepOf), { text: `features, logits, probabilities and heatmaps from ${places}`, constants: [] }];
}

const sayInfinity = (_: string, value: unknown) =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

/** Whether two constants are equal. If their first sizes differ, they have a value for each image, and only their other sizes are compared. */
function isSame(a: Tensor, b: Tensor): boolean {
  if (a.shape.join() !== b.shape.join()) return a.shape.slice(1).join() === b.shape.slice(1).join();
  const [some, others] = [a.data!, b.data!];
  for (let i = 0; i < some.length; i++) if (!Object.is(some[i], others[i])) return false;
  return true;
}
