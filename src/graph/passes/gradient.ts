/**
 * Reverse-mode differentiation: a graph's backward pass is more nodes of the same graph. Taken before fusion, so that one plan
 * holds both and fuses them alike.
 */
import { InputError } from '../../errors.js';
import type { GraphBuilder, Node } from '../ir/graph.js';
import type { Gradient } from '../ir/operation.js';
import { describeForm, describeShape, elementCount, type Tensor } from '../ir/tensor.js';

/** What differentiation has to know of operations. */
export interface GradientRules {
  /** The gradient of an operation, by its name. */
  gradientOf(operation: string): Gradient | undefined;
  /** Adds a sum, for a tensor that several nodes read: its gradient is the sum of what comes from each. */
  sum(g: GraphBuilder, a: Tensor, b: Tensor, name: string): Tensor;
}

/**
 * Adds the gradients of `loss` by each tensor of `of`; those that `loss` does not depend on are missing from the answer.
 * @param loss one element, or with a seed any number.
 * @param seed the gradient of what is wanted by `loss`, of its shape. Default: 1.
 * @throws InputError naming an operation on the way that has no gradient.
 */
export function differentiate(
  g: GraphBuilder,
  loss: Tensor,
  of: readonly Tensor[],
  rules: GradientRules,
  seed: Tensor = one(g, loss),
): Map<Tensor, Tensor> {
  const nodes = [...g.nodes];
  const dependent = dependents(nodes, of);
  const found = new Map<Tensor, Tensor>([[loss, seed]]);
  for (const node of nodes.reverse()) {
    if (!node.inputs.some((tensor) => tensor && dependent.has(tensor))) continue;
    const outputs = node.outputs.map((tensor) => found.get(tensor));
    if (outputs.every((gradient) => !gradient)) continue;
    backward(g, node, outputs, rules).forEach((gradient, index) => {
      const tensor = node.inputs[index];
      if (!gradient || !tensor || !dependent.has(tensor)) return;
      refuseOtherShape(node, tensor, gradient);
      const other = found.get(tensor);
      found.set(tensor, other ? rules.sum(g, other, gradient, `${tensor.name}/gradient`) : gradient);
    });
  }
  return new Map(of.flatMap((tensor) => (found.has(tensor) ? [[tensor, found.get(tensor)!]] : [])));
}

function one(g: GraphBuilder, loss: Tensor): Tensor {
  if (elementCount(loss) !== 1 || loss.layout !== 'dense') {
    throw new InputError('a gradient is that of one number', {
      expected: 'dense [1], or a seed',
      given: `${loss.layout} ${describeShape(loss)}`,
    });
  }
  return g.constant('one', { shape: loss.shape, layout: 'dense', type: 'f32' }, [1]);
}

function dependents(nodes: readonly Node[], of: readonly Tensor[]): Set<Tensor> {
  const dependent = new Set<Tensor>(of);
  for (const node of nodes) {
    if (!node.inputs.some((tensor) => tensor && dependent.has(tensor))) continue;
    for (const tensor of node.outputs) dependent.add(tensor);
  }
  return dependent;
}

function backward(g: GraphBuilder, node: Node, outputs: readonly (Tensor | undefined)[], rules: GradientRules) {
  const gradient = rules.gradientOf(node.operation.name);
  if (gradient) return gradient(g, node, outputs);
  throw new InputError(`operation ${node.operation.name} has no gradient`, { hint: 'registerGradient() adds one' });
}

// A gradient lies in memory as its tensor does, so that what comes from several consumers can be added.
function refuseOtherShape(node: Node, tensor: Tensor, gradient: Tensor): void {
  if (describeForm(tensor) === describeForm(gradient)) return;
  throw new InputError(`the gradient of ${node.operation.name} by ${tensor.name} has another shape`, {
    expected: describeForm(tensor),
    given: describeForm(gradient),
  });
}
