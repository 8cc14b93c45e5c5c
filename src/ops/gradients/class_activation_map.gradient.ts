/** The gradient of class activation maps. They are a 1×1 convolution without bias, so it is computed like the gradient of one. */
import type { Gradient } from '../../graph/ir/operation.js';
import { segmentsOf } from '../../graph/ir/tensor.js';
import { permute } from '../general/permute.js';
import type { ClassActivationMapInputs } from '../layers/class_activation_map.js';
import { forward as convolution } from '../layers/conv2d.js';
import { withSegments } from '../packing/compact.js';
import { forward as transpose } from '../packing/transpose_conv2d.js';
import { forward as weightGradient } from './conv2d_weight_gradient.js';

const EVERY_POSITION = { stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0], groups: 1 } as const;

export const gradient: Gradient<object, ClassActivationMapInputs> = (g, node, [dy]) => {
  const [x, weight] = node.inputs;
  const { name } = node.outputs[0];
  const slopes = permute(g, dy, [0, 2, 3, 1], 'nhwc4', `${name}/gradient`);
  const transposed = g.apply(transpose, [weight], { groups: 1 }, `${name}/transposed`);
  const dx = g.apply(convolution, [slopes, transposed], EVERY_POSITION, `${name}/input_gradient`);
  return [
    withSegments(g, dx, segmentsOf(x), `${name}/segments`),
    g.apply(
      weightGradient,
      [x, slopes],
      { ...EVERY_POSITION, kernel: [1, 1], isMatrix: true },
      `${name}/weight_gradient`,
    ),
  ];
};
