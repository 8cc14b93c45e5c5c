/** The gradient of log-sum-exp pooling. */
import type { Gradient } from '../../graph/ir/operation.js';
import type { LsePoolAttributes, LsePoolInputs } from '../layers/lse_pool.js';
import { forward as lsePoolGradient } from './lse_pool_gradient.js';

export const gradient: Gradient<LsePoolAttributes, LsePoolInputs> = (
  g,
  { inputs: [x], outputs: [y], attributes },
  [dy],
) => [g.apply(lsePoolGradient, [x, dy], attributes, `${y.name}/gradient`)];
