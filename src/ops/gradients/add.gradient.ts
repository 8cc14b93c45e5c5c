/** The gradient of a sum reaches both tensors as it is, through the activation behind it. */
import type { Gradient } from '../../graph/ir/operation.js';
import type { AddAttributes, AddInputs } from '../layers/add.js';
import { behindEpilogue } from './activation_gradient.js';

export const gradient: Gradient<AddAttributes, AddInputs> = (g, node, [dy]) => {
  const inner = behindEpilogue(g, node, dy);
  return [inner, inner];
};
