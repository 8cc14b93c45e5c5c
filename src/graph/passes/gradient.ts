/**
 * Reverse-mode differentiation. The backward pass is added to the graph as more nodes. This happens before fusion, so that nodes of
 * both passes are fused.
 */
import { InputError } from '../../errors.js';
import type { GraphBuilder, Node } from '../ir/graph.js';
import type { AnyGradient, Operation } from '../ir/operation.js';
import { describeForm, describeShape, elementCount, type Tensor } from '../ir/tensor.js';

/** What differentiation has to know about operations. It is an argument, because the folder `graph` does not know any operation by name. */
export interface GradientRules {
  gradientOf(operation: Operation): AnyGradient | undefined;
  /** Adds the sum of two tensors to the graph. If several nodes read a tensor, its gradient is the sum of what comes from each of them. */
  sum(g: GraphBuilder, a: Tensor, b: Tensor, name: string): Tensor;
}

/**
 * Adds the gradients of `loss` with respect to each tensor of `of`. Tensors that `loss` does not depend on are missing from the result.
 * @param loss a tensor of one element, or of any shape if a seed is given.
 * @param seed the gradient to begin with, in the shape of `loss`: that of the wanted number with respect to `loss`. Default: 1.
 * @throws InputError naming an operation that has no gradient.
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
    throw new InputError('only a single number can be differentiated', {
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
  const gradient = rules.gradientOf(node.operation);
  if (gradient) return gradient(g, node, outputs);
  throw new InputError(`operation ${node.operation.name} has no gradient`, { hint: 'registerGradient() adds one' });
}

// A gradient has to lie in memory as its tensor does, so that the gradients from several nodes can be added.
function refuseOtherShape(node: Node, tensor: Tensor, gradient: Tensor): void {
  if (describeForm(tensor) === describeForm(gradient)) return;
  throw new InputError(`the gradient of ${node.operation.name} by ${tensor.name} has another shape`, {
    expected: describeForm(tensor),
    given: describeForm(gradient),
  });
}
