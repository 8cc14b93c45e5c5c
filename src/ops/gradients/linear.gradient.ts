/** The gradient of a fully connected layer by its input, weight and bias. */
import type { Gradient } from '../../graph/ir/operation.js';
import type { LinearInputs } from '../layers/linear.js';
import { forward as linearInputGradient } from './linear_input_gradient.js';
import { forward as linearWeightGradient } from './linear_weight_gradient.js';

export const gradient: Gradient<object, LinearInputs> = (g, { inputs: [x, weight], outputs: [y] }, [dy]) => [
  g.apply(linearInputGradient, [dy, weight], {}, `${y.name}/input_gradient`),
  ...g.applyAll(linearWeightGradient, [x, dy], {}, `${y.name}/weight_gradient`),
];
