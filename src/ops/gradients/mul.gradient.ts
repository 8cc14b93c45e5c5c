/** The gradient of a product: that of the result times the other tensor, summed where that was repeated. */
import type { Gradient } from '../../graph/ir/operation.js';
import { pixelCount } from '../../graph/ir/tensor.js';
import { globalAveragePool } from '../layers/lse_pool.js';
import { forward, type MulAttributes, type MulInputs } from '../layers/mul.js';
import { forward as scaling } from '../layers/scale.js';
import { behindEpilogue } from './activation_gradient.js';

// If b has one value for each image and channel, its gradient is a sum over the image: the average times the number of pixels.
export const gradient: Gradient<MulAttributes, MulInputs> = (g, node, [dy]) => {
  const [a, b] = node.inputs;
  const { name } = node.outputs[0];
  const inner = behindEpilogue(g, node, dy);
  const byA = g.apply(forward, [inner, b], {}, `${name}/gradient.0`);
  const whole = g.apply(forward, [inner, a], {}, `${name}/gradient.1`);
  const spread = pixelCount(a) / pixelCount(b);
  if (spread === 1) return [byA, whole];
  const average = globalAveragePool(g, whole, `${name}/average`);
  return [byA, g.apply(scaling, [average, undefined], { factor: spread, shape: b.shape }, `${name}/sum`)];
};
