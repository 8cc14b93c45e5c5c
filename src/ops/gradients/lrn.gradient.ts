/** The gradient of local response normalisation. */
import type { Gradient } from '../../graph/ir/operation.js';
import type { LrnAttributes, LrnInputs } from '../layers/lrn.js';
import { forward as lrnGradient } from './lrn_gradient.js';

export const gradient: Gradient<LrnAttributes, LrnInputs> = (g, { inputs: [x], outputs: [y], attributes }, [dy]) => [
  g.apply(lrnGradient, [x, dy], attributes, `${y.name}/gradient`),
];
