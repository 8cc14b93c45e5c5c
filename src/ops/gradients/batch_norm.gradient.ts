/** The gradient of a batch norm by its input, γ and β. */
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Gradient } from '../../graph/ir/operation.js';
import { elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { type BatchNormAttributes, type BatchNormInputs, forward } from '../layers/batch_norm.js';
import { forward as channelSums } from '../layers/channel_sums.js';
import { forward as scaling } from '../layers/scale.js';
import { behindEpilogue } from './activation_gradient.js';
import { forward as batchNormGradient } from './batch_norm_gradient.js';

export const gradient: Gradient<BatchNormAttributes, BatchNormInputs> = (g, node, [dy]) => {
  const [x, gamma, , mean, variance] = node.inputs;
  const { epsilon, ofBatch } = node.attributes;
  const { name } = node.outputs[0];
  const inner = behindEpilogue(g, node, dy);
  const [byBeta, sums] = g.applyAll(channelSums, [inner, x, mean, variance], { epsilon }, `${name}/sums`);
  const byGamma = shaped(g, sums, gamma.shape);
  if (ofBatch) {
    const inputs = [inner, x, gamma, mean, variance, byBeta, sums];
    return [g.apply(batchNormGradient, inputs, { epsilon }, `${name}/gradient`), byGamma, byBeta];
  }
  const none = g.constant(
    'zeros',
    { shape: byBeta.shape, layout: 'dense', type: 'f32' },
    new Float32Array(elementCount(byBeta)),
  );
  return [g.apply(forward, [inner, gamma, none, none, variance], { epsilon }, `${name}/gradient`), byGamma, byBeta];
};

/** The gradient has the shape of the factors, which may be [c, 1, 1]. */
const shaped = (g: GraphBuilder, sums: Tensor, shape: readonly number[]) =>
  sums.shape.join() === shape.join() ? sums : g.apply(scaling, [sums, undefined], { factor: 1, shape }, sums.name);
