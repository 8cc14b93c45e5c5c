/**
 * Heads that pool class maps: the prediction layer is applied at every position, which gives each class a map of logits, and the logit of the
 * image is a weighted average of the map. With equal weights that is the head with average pooling, because the prediction layer is linear.
 *
 * The poolings are graphs of general operations, which the core does not have. So this module is loaded on demand.
 */
import type { GraphBuilder } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import { binary } from '../ops/general/binary.js';
import { reduce } from '../ops/general/reduce.js';
import { reshape } from '../ops/general/reshape.js';
import { unary } from '../ops/general/unary.js';
import { sigmoid } from '../ops/layers/activation.js';
import { classActivationMap } from '../ops/layers/class_activation_map.js';
import { softmax } from '../ops/layers/softmax.js';
import type { Head } from './architecture.js';
import type { HeadOutputs } from './localizer_head.js';

/**
 * Adds prediction layer and pooling.
 * @param x what the prediction layer reads at each position: [n, h, w, channels] nhwc4 without holes
 */
export function poolClassMaps(
  g: GraphBuilder,
  x: Tensor,
  { classes, prediction = 'head.prediction' }: Head,
): HeadOutputs {
  const weight = g.parameter(`${prediction}.weight`, [classes, channelCount(x)]);
  const bias = g.parameter(`${prediction}.bias`, [classes]);
  const evidence = classActivationMap(g, x, weight, `${prediction}/maps`);
  const maps = binary(g, evidence, reshape(g, bias, [1, classes, 1, 1], `${prediction}/bias`), 'add', prediction);
  const logits = weightedAverage(g, maps, probabilisticWeights(g, maps));
  return { logits, probabilities: sigmoid(g, logits, 'probabilities'), heatmaps: sigmoid(g, maps, 'heatmaps') };
}

/** Lists the positions of maps [n, classes, h, w] along one dimension. */
const flat = (g: GraphBuilder, maps: Tensor, name: string) =>
  reshape(g, maps, [0, 0, maps.shape[2] * maps.shape[3]], `head.pooling/${name}`);

/** [n, classes]: the sum over the positions of maps [n, classes, h, w] times their weights [n, classes, h · w], whose sum is 1. */
function weightedAverage(g: GraphBuilder, maps: Tensor, weights: Tensor): Tensor {
  const shares = binary(g, flat(g, maps, 'logits'), weights, 'mul', 'head.pooling/shares');
  return reduce(g, shares, { kind: 'sum', axes: [2], keepDims: false, name: 'head.pooling' });
}

/**
 * The weights of Probabilistic-CAM pooling: σ(z) / Σ σ(z) over the positions. They are computed as the softmax of ln σ(z) = −softplus(−z), since
 * far below zero every σ(z) is 0 in f32, and the quotient would be no number.
 */
function probabilisticWeights(g: GraphBuilder, maps: Tensor): Tensor {
  const negative = (x: Tensor, name: string) => unary(g, x, { kind: 'neg' }, `head.pooling/${name}`);
  const softplus = unary(
    g,
    negative(flat(g, maps, 'positions'), 'negative'),
    { kind: 'softplus' },
    'head.pooling/softplus',
  );
  return softmax(g, negative(softplus, 'log_probability'), 'head.pooling/weights');
}
