/**
 * The operations that described graphs may have although none of raybox's own families uses them: those of `ops/general` and some others.
 * They are not in the core bundle, and are loaded with the first network that is a graph.
 */
import { anyOf, type Check, fields, isNumber, isSize, listOf, oneOf, optional } from '../../formats/checks.js';
import { forward as argExtreme } from '../../ops/general/arg_extreme.js';
import { FUNCTIONS as BINARY, forward as binary } from '../../ops/general/binary.js';
import { COMPARISONS, forward as compare } from '../../ops/general/compare.js';
import { forward as convTranspose2d } from '../../ops/general/conv_transpose2d.js';
import { forward as expand } from '../../ops/general/expand.js';
import { FUNCTIONS as UNARY } from '../../ops/general/functions.js';
import { forward as join } from '../../ops/general/join.js';
import { forward as matmul } from '../../ops/general/matmul.js';
import { forward as permute } from '../../ops/general/permute.js';
import { REDUCTIONS, forward as reduce } from '../../ops/general/reduce.js';
import { forward as reshape } from '../../ops/general/reshape.js';
import { forward as take } from '../../ops/general/take.js';
import { forward as topShares } from '../../ops/general/top_shares.js';
import { forward as unary } from '../../ops/general/unary.js';
import { forward as where } from '../../ops/general/where.js';
import { forward as pad } from '../../ops/layers/pad.js';
import { forward as softmax } from '../../ops/layers/softmax.js';
import { type GraphOperation, isBoolean, isNatural, pair, row, sides } from './operation_row.js';

/** Checks the number of a dimension of a tensor. */
const isAxis: Check = (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 32;
const axes = listOf(isAxis, 0, 32);
/** Checks a length. It may be larger than the side of an image, since the tensor may be flattened. */
const isLength: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= 2 ** 30;
const lengths = listOf(isLength, 0, 32);
/** Checks a list that has another list for each position along a dimension. */
const perPlace = (check: Check) => listOf(listOf(check, 0, 2 ** 20), 1, 2 ** 20);
const layout = oneOf('nhwc4', 'dense');

const unaryWith = (parameters: number, checks: Record<string, Check>) => {
  const kinds = Object.entries(UNARY).filter(([, one]) => one.parameters === parameters);
  return fields({ kind: oneOf(...kinds.map(([kind]) => kind)), ...checks });
};
const unaryCheck = anyOf(unaryWith(0, {}), unaryWith(1, { a: isNumber }), unaryWith(2, { a: isNumber, b: isNumber }));

export const generalRows = (): readonly GraphOperation[] => [
  row(argExtreme, 1, { kind: oneOf('max', 'min'), axis: isAxis, keepDims: isBoolean, last: isBoolean }),
  row(binary, 2, { kind: oneOf(...Object.keys(BINARY)) }),
  row(compare, 2, { kind: oneOf(...Object.keys(COMPARISONS)) }),
  row(convTranspose2d, 2, {
    ...{ stride: pair, dilation: pair, padding: sides, groups: isSize },
    outputPadding: listOf(isNatural, 2, 2),
  }),
  row(expand, 1, { shape: lengths }),
  row(join, [1, 256], { axis: isAxis }),
  row(matmul, 2, { transposeA: isBoolean, transposeB: isBoolean }),
  row(pad, 1, {
    padding: listOf((value) => Number.isInteger(value) && Math.abs(value as number) <= 65536, 4, 4),
    value: isNumber,
  }),
  { ...row(permute, 1, { order: axes, layout }), isTyped: true },
  row(reduce, 1, { kind: oneOf(...Object.keys(REDUCTIONS)), axes, keepDims: isBoolean }),
  row(reshape, 1, { shape: listOf(anyOf(isLength, oneOf(0, -1)), 0, 32) }),
  row(softmax, 1),
  row(take, 1, {
    axis: isAxis,
    sources: perPlace(anyOf(isLength, oneOf(0))),
    weights: optional(perPlace(isNumber)),
    value: optional((value) => typeof value === 'number'),
  }),
  row(topShares, 1, { k: isLength }),
  row(unary, 1, { function: unaryCheck }),
  row(where, 3),
];
