/** The gradient of an activation, from its input or, where that is enough, from its output. */
import type { Gradient } from '../../graph/ir/operation.js';
import { type ActivationAttributes, type ActivationInputs, slopeFromOutput } from '../layers/activation.js';
import { forward as activationGradient } from './activation_gradient.js';

export const gradient: Gradient<ActivationAttributes, ActivationInputs> = (
  g,
  { inputs: [x], outputs: [y], attributes },
  [dy],
) => [
  g.apply(activationGradient, [dy, slopeFromOutput(attributes.activation) ? y : x], attributes, `${y.name}/gradient`),
];
