/** The ways in which a localization head reduces the positions of a map to one number for each class. */

/**
 * How positions are pooled.
 *
 * - `lse`: log-sum-exp of each feature channel, with the sharpness r (Wang et al. 2017); `average` and `max` are its two ends.
 * - `pcam`: Probabilistic-CAM (Ye et al. 2020). A class's logit is the weighted average of its map of logits; the weights are the sigmoids of
 *   the same map, divided by their sum. The sigmoids are the heatmap.
 * - `top-k`: the mean of the k highest logits of the class's map (WELDON, Durand et al. 2016), or half the sum of that and the mean of some
 *   of the lowest.
 * - `lse-lba`: log-sum-exp of the class's map, with a sharpness for each class that is learnt and has a lower bound: r = r0 + exp(β) (Yao et al.
 *   2018).
 * - `attention`: the weights of positions are learnt by gated attention on the features (Ilse et al. 2018), for each class by itself.
 */
export type Pooling = 'lse' | 'average' | 'max' | 'pcam' | 'top-k' | 'lse-lba' | 'attention';

export const POOLINGS: readonly Pooling[] = ['lse', 'average', 'max', 'pcam', 'top-k', 'lse-lba', 'attention'];

/**
 * Whether the prediction layer comes first, at every position, and each class's map of logits is pooled by itself. Otherwise features are
 * pooled, and the prediction layer reads the pooled features.
 */
export const poolsClassMaps = (pooling: Pooling): boolean => POOLINGS.indexOf(pooling) > 2;

/** The parameters of the poolings of class maps. */
export interface PoolingNumbers {
  /** Of `top-k`: how many of the highest positions count, from 1 on. */
  topK?: number;
  /** Of `top-k`: how many of the lowest positions count, 0 for none. */
  lowK?: number;
  /** Of `lse-lba`: the lower bound r0 of the sharpness, from 0.1 on. */
  lseR0?: number;
  /** Of `attention`: channels of its hidden layer. */
  attentionChannels?: number;
}

/** The smallest r0. Below it the logarithm of a number near 1 is divided by a number near 0, which leaves few digits in f32. */
export const LEAST_R0 = 0.1;

/** The pooling that each of these fields of the metadata belongs to: it is given if, and only if, that is the pooling. */
export const POOLING_FIELDS = {
  lseR: 'lse',
  topK: 'top-k',
  lowK: 'top-k',
  lseR0: 'lse-lba',
  attentionChannels: 'attention',
} as const;

/** Picks the parameters of poolings of class maps out of an object that may have other fields too. */
export const poolingNumbers = (from: PoolingNumbers): PoolingNumbers =>
  Object.fromEntries(
    Object.entries(from).filter(([name, value]) => name !== 'lseR' && name in POOLING_FIELDS && value !== undefined),
  );
