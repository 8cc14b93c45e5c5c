/** The gradient of a layer norm by its input, weight and bias. */
import type { Gradient } from '../../graph/ir/operation.js';
import { channelCount } from '../../graph/ir/tensor.js';
import { forward as channelSums } from '../layers/channel_sums.js';
import { forward, type LayerNormAttributes, type LayerNormInputs } from '../layers/layer_norm.js';
import { forward as layerNormGradient } from './layer_norm_gradient.js';

/** The gradient by the weight: Σ dy · x̂ over all pixels. x̂, the layer norm without weight and bias, is recomputed to save memory. */
export const gradient: Gradient<LayerNormAttributes, LayerNormInputs> = (
  g,
  { inputs, outputs: [y], attributes },
  [dy],
) => {
  const [x, weight] = inputs;
  const vector = (name: string, value: number) =>
    g.constant(name, { shape: [channelCount(x)], layout: 'dense', type: 'f32' }, Array(channelCount(x)).fill(value));
  const [zeros, ones] = [vector('zeros', 0), vector('ones', 1)];
  const normal = g.apply(forward, [x, ones, zeros], attributes, `${y.name}/normal`);
  const [byBias, byWeight] = g.applyAll(channelSums, [dy, normal, zeros, ones], { epsilon: 0 }, `${y.name}/sums`);
  return [g.apply(layerNormGradient, [dy, x, weight], attributes, `${y.name}/gradient`), byWeight, byBias];
};
