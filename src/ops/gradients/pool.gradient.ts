/** The gradient of pooling. */
import type { Gradient } from '../../graph/ir/operation.js';
import type { PoolAttributes, PoolInputs } from '../layers/pool.js';
import { forward as poolGradient } from './pool_gradient.js';

export const gradient: Gradient<PoolAttributes, PoolInputs> = (g, { inputs: [x], outputs: [y], attributes }, [dy]) => [
  g.apply(
    poolGradient,
    [dy, attributes.mode === 'max' ? x : undefined],
    { ...attributes, height: x.shape[1], width: x.shape[2] },
    `${y.name}/gradient`,
  ),
];
