/** Finds out from a network's first layer which range of pixels the network expects. */
import type { ImportedNetwork } from '../formats/weights/checkpoint.js';
import type { Node } from '../graph/ir/graph.js';
import { channelCount } from '../graph/ir/tensor.js';
import type { Weights } from './kit.js';

/**
 * A network that shifts and scales its image itself expects pixels without normalisation: from 0 to 1 if it shifts by a few tenths, from 0 to
 * 255 if it shifts by about a hundred. From other first layers nothing is concluded.
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
  // The pixel value for which the layer gives 0, which is about the middle of the range, and the distance from there to where it gives 1.
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
