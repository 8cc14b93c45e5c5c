/**
 * Class activation maps: M_c(i, j) = Σ_d w_{c,d} · x_d(i, j). The prediction layer's weights, without the bias, are applied at every
 * position before pooling. Only with average pooling is the logit exactly the mean of the map plus the bias. Source: Wang et al. 2017,
 * section 4.2.
 */
import { InputError } from '../../errors.js';
import { class_activation_map } from '../../generated/kernels/class_activation_map.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { type Case, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import {
  channelCount,
  describeShape,
  elementCount,
  groupCount,
  segmentsOf,
  type Tensor,
} from '../../graph/ir/tensor.js';
import { packLanes } from '../packing/pack_lanes.js';
import { mergingLanes, mergingVariants } from '../variants.js';

const INPUTS = ['x', 'weight'] as const;
export type ClassActivationMapInputs = typeof INPUTS;

/** x: [n, h, w, d] nhwc4. weight: [classes, d] dense. y: [n, classes, h, w] dense f32. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'class_activation_map',
  inputs: INPUTS,
  infer([x, weight]) {
    if (x.shape.length !== 4 || x.layout !== 'nhwc4') {
      throw new InputError('input', { expected: 'nhwc4 [n, h, w, c]', given: describeShape(x) });
    }
    const [images, height, width, channels] = x.shape;
    const [classes] = weight.shape;
    if (weight.layout !== 'dense' || weight.type !== 'f32' || weight.shape.join() !== `${classes},${channels}`) {
      throw new InputError('prediction weight', {
        expected: `dense f32[classes×${channels}]`,
        given: describeShape(weight),
      });
    }
    return [{ shape: [images, classes, height, width], layout: 'dense', type: 'f32' }];
  },
  flops: ({ inputs: [x], outputs: [y] }) => 2 * elementCount(y) * channelCount(x),
  variants: mergingVariants,
  lower({ inputs: [x, weight], outputs: [y] }, context) {
    const [, classes, height, width] = y.shape;
    const lanes = packLanes(context, weight, segmentsOf(x));
    for (const range of context.bands(x, [])) {
      const input = context.read(x, range);
      const count = range[1] - range[0];
      const [across, down] = spread(Math.ceil(count / 4));
      context.dispatch({
        kernel: class_activation_map,
        constants: { ...mergingLanes(context), elem: x.type },
        bindings: [input, context.read(lanes), context.write(y)],
        params: {
          first: range[0],
          count,
          positions: height * width,
          groups: groupCount(x),
          classes,
          x_offset: input.offset,
          x_pitch: input.pitch,
        },
        workgroups: [across, down, Math.ceil(classes / 4)],
      });
    }
  },
};

/**
 * Adds the maps of all classes.
 * @param x the activations that the head pools: [n, h, w, d] nhwc4.
 * @param weight of the prediction layer: [classes, d] dense.
 * @returns [n, classes, h, w] dense f32.
 */
export function classActivationMap(g: GraphBuilder, x: Tensor, weight: Tensor, name?: string): Tensor {
  return g.apply(forward, [x, weight], {}, name);
}

export const reference: Reference<object, typeof INPUTS> = ([x, weight], { inputs, outputs: [y] }) => {
  const [images, classes, height, width] = y.shape;
  const channels = channelCount(inputs[0]);
  const positions = height * width;
  const maps = new Float64Array(images * classes * positions);
  for (let n = 0; n < images; n++) {
    for (let c = 0; c < classes; c++) {
      for (let p = 0; p < positions; p++) {
        let sum = 0;
        for (let d = 0; d < channels; d++) sum += weight[c * channels + d] * x[(n * positions + p) * channels + d];
        maps[(n * classes + c) * positions + p] = sum;
      }
    }
  }
  return [maps];
};

function caseOf(shape: readonly number[], classes: number, more: Partial<Case> & { segments?: number[] } = {}): Case {
  const { segments, ...rest } = more;
  const x = segments ? { shape, segments } : { shape };
  return { inputs: [x, { shape: [classes, shape[3]] }], attributes: {}, ...rest };
}

export const cases = (): Case[] => [
  caseOf([1, 1, 1, 1], 1),
  caseOf([2, 3, 5, 7], 5),
  caseOf([1, 7, 7, 133], 8),
  caseOf([3, 1, 13, 11], 9, { segments: [3, 7, 1] }),
  caseOf([1, 133, 3, 6], 2),
  caseOf([1, 3, 3, 2048], 14),
  caseOf([1, 7, 7, 2048], 8, { bench: true }),
  caseOf([1, 32, 32, 2048], 8, { full: true, bench: true }),
];
