/** Backward pass of functions of one number, by a kernel of its own. */
import type { Gradient } from '../../graph/ir/operation.js';
import type { UnaryAttributes, UnaryInputs } from './unary.js';
import { forward as unaryGradient } from './unary_gradient.js';

export const gradient: Gradient<UnaryAttributes, UnaryInputs> = (
  g,
  { inputs: [x], outputs: [y], attributes },
  [dy],
) => [g.apply(unaryGradient, [dy, x], attributes, `${y.name}/gradient`)];
