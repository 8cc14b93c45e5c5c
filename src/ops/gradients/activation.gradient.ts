/** The gradient of an activation, from its input or, where that is enough, from its output. */
import type { Gradient } from '../../graph/ir/operation.js';
import type { ActivationAttributes, ActivationInputs } from '../layers/activation.js';
import { slopeFromOutput } from '../layers/activations.js';
import { forward as activationGradient } from './activation_gradient.js';

export const gradient: Gradient<ActivationAttributes, ActivationInputs> = (
  g,
  { inputs: [x], outputs: [y], attributes },
  [dy],
) => [
  g.apply(activationGradient, [dy, slopeFromOutput(attributes.activation) ? y : x], attributes, `${y.name}/gradient`),
];
