/**
 * Convolution with 8-bit integers: inputs are rounded to integers with one scale and zero point, weights with a scale for each output channel,
 * and products are added up as 32-bit integers. It is exact up to the last step, which makes floats of the sums.
 */
import { InputError } from '../../errors.js';
import { conv2d_int8 } from '../../generated/kernels/conv2d_int8.js';
import { conv2d_int8_matrix } from '../../generated/kernels/conv2d_int8_matrix.js';
import { conv2d_int8_subgroup } from '../../generated/kernels/conv2d_int8_subgroup.js';
import type { Constants } from '../../gpu/wgsl.js';
import type { Node } from '../../graph/ir/graph.js';
import type { Operation } from '../../graph/ir/operation.js';
import { groupCount, segmentsOf } from '../../graph/ir/tensor.js';
import { hasMatrices, matrixConstants, matrixTile } from '../matrices.js';
import { forward as int8Scales } from '../packing/int8_scales.js';
import { forward as packInt8 } from '../packing/pack_int8.js';
import { type Quantization, forward as quantize } from '../packing/quantize.js';
import { bestFirst, type VariantRow } from '../variants.js';
import { CONV2D_INPUTS, type Conv2dAttributes, type Conv2dInputs } from './conv2d.attributes.js';
import { commonOf, forward as conv2d, dispatchBands } from './conv2d.js';
import type { Conv2dVariant, Tuning } from './conv2d.variants.js';

/** Those of a convolution in one group, and how its input becomes integers. */
export interface Conv2dInt8Attributes extends Conv2dAttributes, Quantization {}

/** A kernel, which pixels and vec4s its workgroups own, and whether it uses WGSL's products of packed integers. */
interface Variant extends VariantRow<Conv2dInt8Attributes, Conv2dInputs>, Pick<Conv2dVariant, 'kernel' | 'tile'> {
  readonly packed: boolean;
  constants?(tuning: Tuning): Constants;
}

const direct: Pick<Variant, 'kernel' | 'tile'> = { kernel: conv2d_int8, tile: () => [32, 8] };

/** All give the same integers: `unpacked` without products of packed integers, `matrix` by subgroup matrices. Nobody has timed `matrix` on a GPU. */
const VARIANTS: Readonly<Record<string, Variant>> = {
  packed: { ...direct, packed: true, fits: (_, { packedDot }) => packedDot === true, rank: () => 1 },
  packed_subgroup: {
    kernel: conv2d_int8_subgroup,
    tile: ({ subgroupSize }) => [8, subgroupSize],
    packed: true,
    fits: (_, { packedDot, subgroupSize }) => packedDot === true && subgroupSize >= 4,
    rank: ({ outputs: [y] }, { software, subgroupSize }) => (software && groupCount(y) * 2 > subgroupSize ? 0 : 2),
    constants: ({ subgroupSize }) => ({ SUBGROUPS: true, SUBGROUP: subgroupSize, FOUR_LANES: subgroupSize === 4 }),
  },
  unpacked: { ...direct, packed: false, fits: () => true, rank: () => 3 },
  matrix: {
    kernel: conv2d_int8_matrix,
    tile: (tuning) => [matrixTile('i8', tuning), matrixTile('i8', tuning) / 4],
    packed: false,
    fits: (_, traits) => hasMatrices('i8', traits),
    rank: () => 4,
    constants: (tuning) => matrixConstants('i8', tuning),
  },
};

/** Inputs as those of `conv2d`; the fifth has to be left out. */
export const forward: Operation<Conv2dInt8Attributes, Conv2dInputs> = {
  name: 'conv2d_int8',
  inputs: CONV2D_INPUTS,
  infer(inputs, attributes) {
    const [x, weight, , , affine] = inputs;
    if (attributes.groups !== 1 || affine)
      throw new InputError('8-bit integers', { expected: 'a convolution in one group, without a norm before it' });
    const y = conv2d.infer(inputs, attributes);
    quantize.infer([x], attributes);
    int8Scales.infer([weight], {});
    return y;
  },
  flops: conv2d.flops,
  variants: (node, traits) => bestFirst(VARIANTS, node, traits),
  lower(node, context) {
    const [x, weight] = node.inputs;
    const { scale, zero } = node.attributes;
    const variant = VARIANTS[context.variant];
    const common = commonOf(node, context, { countsChannels: false });
    const words = context.derive(quantize, [x], { scale, zero });
    const scales = context.derive(int8Scales, [weight], {});
    const packed = context.derive(packInt8, [weight, scales], { segments: segmentsOf(x) });
    const own = {
      ...common,
      constants: { ...common.constants, PACKED: variant.packed },
      params: { ...common.params, in_groups: groupCount(words), x_scale: scale, x_zero: zero },
    };
    dispatchBands(node, context, variant, own, {
      x: words,
      weights: packed,
      perChannel: scales,
    });
  },
  // What comes after a convolution is merged with it whatever it computes with.
  absorb: (node, next) => conv2d.absorb!(node as unknown as Node<Conv2dAttributes, Conv2dInputs>, next),
};
