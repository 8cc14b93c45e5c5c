/** The gradient of a softmax, from its output. */
import type { Gradient } from '../../graph/ir/operation.js';
import type { SoftmaxInputs } from '../layers/softmax.js';
import { forward as softmaxGradient } from './softmax_gradient.js';

export const gradient: Gradient<object, SoftmaxInputs> = (g, { outputs: [y] }, [dy]) => [
  g.apply(softmaxGradient, [dy, y], {}, `${y.name}/gradient`),
];
