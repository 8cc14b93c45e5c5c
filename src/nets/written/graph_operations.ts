/** Operations that a described graph may be made of: how many inputs each takes, and the attributes that it reads. */
import { anyOf, fields, isNumber, isSize, listOf, oneOf, optional } from '../../formats/checks.js';
import type { Activation } from '../../ops/layers/activations.js';
import type { CoreOperations } from './core_operations.js';
import { generalRows } from './general_operations.js';
import { type GraphOperation, isBoolean, isNatural, pair, row, sides } from './operation_row.js';

const segments = listOf(isSize, 1, 4096);
// The type makes TypeScript report an activation that is missing here.
const withoutParameters: Readonly<Record<Exclude<Activation['kind'], 'leaky_relu' | 'clip'>, true>> = {
  ...{ relu: true, sigmoid: true, tanh: true, hard_swish: true, silu: true, hard_sigmoid: true, gelu: true },
  gelu_tanh: true,
};
const activationCheck = anyOf(
  fields({ kind: oneOf(...Object.keys(withoutParameters)) }),
  fields({ kind: oneOf('leaky_relu'), a: isNumber }),
  fields({ kind: oneOf('clip'), a: (value) => typeof value === 'number', b: (value) => typeof value === 'number' }),
);
const epilogue = { activation: optional(activationCheck) };

const rowsOf = (core: CoreOperations): readonly GraphOperation[] => [
  row(core.activation, 1, { activation: activationCheck }),
  row(core.add, 2, epilogue),
  row(core.batchNorm, 5, {
    epsilon: (value) => isNumber(value) && (value as number) >= 0,
    momentum: optional((value) => isNumber(value) && (value as number) >= 0 && (value as number) <= 1),
  }),
  row(core.channelShuffle, 1, { groups: isSize }),
  row(core.classActivationMap, 2),
  row(core.compact, 1, { segments: optional(segments) }),
  row(core.concat, [1, 256]),
  row(core.conv2d, [2, 3], { stride: pair, dilation: pair, padding: sides, groups: isSize }),
  row(core.layerNorm, 3, { epsilon: (value) => isNumber(value) && (value as number) > 0 }),
  row(core.linear, [2, 3]),
  row(core.lrn, 1, { size: isSize, alpha: isNumber, beta: isNumber, k: isNumber }),
  row(core.lsePool, 1, {
    r: (value) => typeof value === 'number' && value >= 0,
    onePixel: optional(oneOf(true)),
  }),
  row(core.mul, 2, epilogue),
  row(core.pool, 1, {
    ...{ kernel: pair, stride: pair, dilation: pair, padding: sides },
    ...{ mode: oneOf('max', 'average'), ceilMode: isBoolean, countIncludePad: isBoolean },
  }),
  row(core.resize, 1, {
    ...{ height: isSize, width: isSize },
    mode: oneOf('nearest', 'bilinear', 'bilinear_corners', 'bilinear_antialiased'),
  }),
  row(core.slice, 1, { offset: isNatural, segments }),
  ...generalRows(),
];

/** The operations that a described graph may have, by name. */
export const graphOperations = (core: CoreOperations): ReadonlyMap<string, GraphOperation> =>
  new Map(rowsOf(core).map((one) => [one.operation.name, one]));
