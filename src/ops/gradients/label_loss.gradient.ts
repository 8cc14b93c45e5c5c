/** Backward pass of a loss over labels. It has a gradient by its logits only. */
import type { Gradient } from '../../graph/ir/operation.js';
import type { LabelLossAttributes, LabelLossInputs } from '../layers/label_loss.js';
import { forward as labelLossGradient } from './label_loss_gradient.js';

export const gradient: Gradient<LabelLossAttributes, LabelLossInputs> = (
  g,
  { inputs, outputs: [loss], attributes },
  [dloss],
) => [g.apply(labelLossGradient, [...inputs, dloss], attributes, `${loss.name}/gradient`)];
