/**
 * The localization head of Wang et al. 2017, section 4: transition layer, pooling over positions, prediction layer, and
 * class activation maps from the prediction layer's weights.
 */

import { InputError } from '../../errors.js';
import { POOLINGS, poolsClassMaps } from '../../formats/weights/poolings.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import { relu, sigmoid } from '../../ops/layers/activation.js';
import { classActivationMap } from '../../ops/layers/class_activation_map.js';
import { linear } from '../../ops/layers/linear.js';
import { lsePool } from '../../ops/layers/lse_pool.js';
import { compact } from '../../ops/packing/compact.js';
import type { Head } from '../architecture.js';
import { convolution } from '../layers/layers.js';

export interface HeadOutputs {
  /** [n, c] nhwc4 f32: the pooled features, which the prediction layer reads. Left out where class maps are pooled instead. */
  readonly pooled?: Tensor;
  /** [n, classes] dense f32. */
  readonly logits: Tensor;
  /** Sigmoid of the logits. */
  readonly probabilities: Tensor;
  /**
   * [n, classes, h, w] dense f32: for each class, the features before pooling, weighted by the prediction layer and summed, without bias. With
   * `pcam`, the sigmoid of that sum and the bias. With `attention`, that sum times the position's weight and the number of positions.
   */
  readonly heatmaps: Tensor;
}

/** Adds prediction layer and pooling for the poolings of class maps. */
export type PoolMaps = (g: GraphBuilder, x: Tensor, head: Head) => HeadOutputs;

/**
 * Adds the head to features [n, h, w, c].
 * @param poolMaps needed for poolings of class maps. It is an argument because a page loads it on demand.
 */
export function localizerHead(g: GraphBuilder, features: Tensor, head: Head, poolMaps?: PoolMaps): HeadOutputs {
  const { classes, transition, prediction = 'head.prediction' } = head;
  let x = features;
  if (transition) {
    const { channels: outputs, kernel, activation, name = 'head.transition' } = transition;
    if (kernel % 2 === 0)
      throw new InputError('a transition layer keeps the size', { expected: 'an odd kernel', given: String(kernel) });
    x = convolution(g, x, name, { outputs, kernel });
    if (activation === 'relu') x = relu(g, x, `${name}/relu`);
  }
  x = compact(g, x, 'head.compact');
  if (poolsClassMaps(head.pooling)) return poolMaps!(g, x, head);
  const pooled = lsePool(g, x, sharpness(head), 'head.pooling');
  const logits = linear(g, pooled, prediction, classes);
  const probabilities = sigmoid(g, logits, 'probabilities');
  const weight = g.parameter(`${prediction}.weight`, [classes, channelCount(x)]);
  return { pooled, logits, probabilities, heatmaps: classActivationMap(g, x, weight, 'heatmaps') };
}

// Log-sum-exp pooling is the average for r = 0, and the maximum for an infinite r.
function sharpness({ pooling, r }: Head): number {
  if (pooling === 'average') return 0;
  if (pooling === 'max') return Number.POSITIVE_INFINITY;
  if (pooling !== 'lse') throw new InputError('unknown pooling', { expected: POOLINGS.join(', '), given: pooling });
  if (r === undefined || !(r > 0))
    throw new InputError('log-sum-exp pooling needs its sharpness', { expected: 'r above 0', given: String(r) });
  return r;
}
