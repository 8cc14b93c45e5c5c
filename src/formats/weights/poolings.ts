/** The ways in which a localization head makes one number per class of all positions. */

/**
 * How positions are pooled.
 *
 * - `lse`: log-sum-exp of each feature channel, with the sharpness r (Wang et al. 2017); `average` and `max` are its two ends.
 * - `pcam`: Probabilistic-CAM (Ye et al. 2020). A class's logit is the weighted average of its map of logits; the weights are the sigmoids of
 *   the same map, divided by their sum. The sigmoids are the heatmap.
 */
export type Pooling = 'lse' | 'average' | 'max' | 'pcam';

export const POOLINGS: readonly Pooling[] = ['lse', 'average', 'max', 'pcam'];

/**
 * Whether the prediction layer comes first, at every position, and each class's map of logits is pooled by itself. Otherwise features are
 * pooled, and the prediction layer reads the pooled features.
 */
export const poolsClassMaps = (pooling: Pooling): boolean => POOLINGS.indexOf(pooling) > 2;
