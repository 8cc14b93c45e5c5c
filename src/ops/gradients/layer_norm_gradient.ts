/** Gradient of layer norm by its input. Gradients by its weight and bias are sums over pixels, which other operations compute. */
import { InputError } from '../../errors.js';
import { layer_norm_gradient } from '../../generated/kernels/layer_norm_gradient.js';
import type { Case, CaseInput, Operation, Reference } from '../../graph/ir/operation.js';
import { channelCount, describeForm, elementCount, segmentsOf } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { checkLayerNorm, type LayerNormAttributes, rowLanes, rowVariants } from '../layers/layer_norm.js';
import { packLanes } from '../packing/pack_lanes.js';

const INPUTS = ['dy', 'x', 'weight'] as const;

/** dy, x, dx: nhwc4 of one shape, channels without holes. weight: [c] dense. */
export const forward: Operation<LayerNormAttributes, typeof INPUTS> = {
  name: 'layer_norm_gradient',
  inputs: INPUTS,
  infer([dy, x, weight], { epsilon }) {
    checkLayerNorm(x, [weight], epsilon);
    if (describeForm(dy) !== describeForm(x)) {
      throw new InputError('gradient', { expected: describeForm(x), given: describeForm(dy) });
    }
    return [x];
  },
  flops: ({ outputs: [dx] }) => 17 * elementCount(dx),
  variants: ({ outputs: [dx] }, traits) => rowVariants(dx, traits),
  lower({ inputs: [dy, x, weight], outputs: [dx], attributes: { epsilon } }, context) {
    const lanes = rowLanes(dx, context.variant);
    dispatchGroups(context, dx, {
      kernel: layer_norm_gradient,
      constants: { ROW_LANES: lanes },
      inputs: { dy, x },
      whole: [packLanes(context, weight, segmentsOf(dx))],
      params: { channels: channelCount(dx), epsilon },
      lanesPerPixel: lanes,
    });
  },
};

export const reference: Reference<LayerNormAttributes, typeof INPUTS> = (
  [dy, x, weight],
  { attributes: { epsilon } },
) => {
  const channels = weight.length;
  const dx = new Float64Array(x.length);
  const meanOf = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / channels;
  for (let row = 0; row < dx.length; row += channels) {
    const values = x.subarray(row, row + channels);
    const mean = meanOf(values);
    const rate = 1 / Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)) + epsilon);
    const normal = values.map((value) => (value - mean) * rate);
    const slope = weight.map((value, c) => value * dy[row + c]);
    const [sum, product] = [meanOf(slope), meanOf(slope.map((value, c) => value * normal[c]))];
    for (let c = 0; c < channels; c++) dx[row + c] = rate * (slope[c] - sum - normal[c] * product);
  }
  return [dx];
};

const caseOf = (shape: readonly number[], more: Partial<CaseInput> = {}): Case<LayerNormAttributes> => {
  const map = { shape, layout: 'nhwc4' as const };
  const weight = { shape: [shape[shape.length - 1]], layout: 'dense' as const };
  return { inputs: [map, { ...map, ...more }, weight], attributes: { epsilon: 1e-6 } };
};

export const cases = (): Case<LayerNormAttributes>[] => [
  caseOf([2, 3, 5, 7]),
  caseOf([3, 6]),
  caseOf([1, 133, 3, 9]),
  caseOf([1, 5, 3, 133]),
  caseOf([1, 3, 1, 259]),
  caseOf([1, 3, 3, 13], { fill: (i) => 1000 * Math.cos(i) }),
  { ...caseOf([1, 56, 56, 96]), bench: true },
];
