/** What a network's first layer shows of the range of pixels that it takes. */
import type { ImportedNetwork } from '../formats/weights/checkpoint.js';
import type { Node } from '../graph/ir/graph.js';
import { channelCount } from '../graph/ir/tensor.js';
import type { Weights } from './kit.js';

/**
 * A network that shifts and scales its image itself takes pixels as they are: of 0 to 1 if the shift is by some tenths, of 0 to 255 if it is by
 * about a hundred. Nothing is said of other first layers.
 * @param first the node that reads the image
 */
export function assumptionOfRange({
  node,
  weights,
}: {
  node: Node;
  weights: Weights;
}): Pick<ImportedNetwork, 'assumed'> {
  if (node.operation.name !== 'batch_norm') return {};
  const { epsilon } = node.attributes as { epsilon: number };
  const channels = channelCount(node.outputs[0]);
  const [gamma, beta, mean, variance] = node.inputs
    .slice(1)
    .map((tensor) => (tensor && (weights.get(tensor.name)?.data ?? tensor.data)) as ArrayLike<number> | undefined);
  if (!gamma || !beta || !mean || !variance) return {};
  // Where the layer gives 0, which is about the middle of what it takes, and how far from there it gives 1.
  const middles = Array.from({ length: channels }, (_, c) => {
    const factor = gamma[c] / Math.sqrt(variance[c] + epsilon);
    return { middle: mean[c] - beta[c] / factor, spread: 1 / factor };
  });
  const within = (white: number) =>
    middles.every(
      ({ middle, spread }) => middle > 0.05 * white && middle < 0.95 * white && spread > 0 && spread <= white,
    );
  const white = [1, 255].find(within);
  if (white === undefined) return {};
  const each = (value: number) => new Array<number>(channels).fill(value);
  return { assumed: { mean: each(0), std: each(1 / white) } };
}
