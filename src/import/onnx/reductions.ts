/** Operators that reduce axes: sums, averages, extremes and norms. */
import { InputError } from '../../errors.js';
import type { ReduceAttributes } from '../../ops/general/reduce.js';
import { reduce as reduceConstant } from '../arrays.js';
import { scaleAndShift } from '../elementwise.js';
import { reduceOver } from '../general.js';
import { Unsupported, type Value } from '../kit.js';
import { poolAll } from '../layers.js';
import { exact, held, isReal, pairOf } from '../numbers.js';
import { type Constant, constantOf, countOf } from '../plain.js';
import {
  attempt,
  axesOf,
  type Call,
  isValue,
  listOrInput,
  numberOf,
  type Operand,
  type Operator,
  operand,
  shapeOfOperand,
} from './call.js';

type Join = (numbers: readonly number[]) => number;

interface Reduction {
  /** For constants of real numbers. */
  readonly real: Join;
  /** For constants of whole numbers. Without it they are refused. */
  readonly whole?: ((type: Constant['type']) => Join) | undefined;
  /** For constants of truth values. */
  readonly truth?: Join;
  /** The version from which on the axes are an input. */
  readonly axesInput?: number;
  /** A faster translation for reductions over all positions of a map. `find_localizer.ts` looks for it. */
  positions?(call: Call, x: Value, axes: readonly number[]): Value;
}

const reduction = (kind: ReduceAttributes['kind'], row: Reduction): Operator => ({
  attributes: ['axes', 'keepdims', 'noop_with_empty_axes'],
  translate(call): Operand {
    const x = operand(call, 0);
    const rank = shapeOfOperand(x).length;
    const given = listOrInput(call, 'axes', 1, row.axesInput ?? 18) ?? [];
    if (given.length === 0 && numberOf(call, 'noop_with_empty_axes', 0) === 1) {
      if (!ALONE.has(kind)) throw new Unsupported('it has no axes (noop_with_empty_axes)');
      return x;
    }
    const axes = given.length === 0 ? Array.from({ length: rank }, (_, i) => i) : axesOf(given, rank);
    const keep = numberOf(call, 'keepdims', 1) === 1;
    if (!isValue(x)) return reduceConstant(x, axes, keep, joinOf(x, row));
    const general = () => reduceOver(call.kit, x, axes, kind);
    const result = row.positions ? attempt(() => row.positions!(call, x, axes), general) : general();
    return keep ? result : { ...result, dims: result.dims.filter((_, i) => !axes.includes(i)) };
  },
});

/** Reductions that do not change a single number. */
const ALONE: ReadonlySet<string> = new Set(['max', 'min', 'mean', 'prod', 'sum']);

function joinOf({ type }: Constant, { real, whole, truth }: Reduction): Join {
  if (isReal(type)) return real;
  if (type === 'BOOL' && truth) return truth;
  const join = whole?.(type);
  if (!join) throw new InputError(`its input has the type ${type}`);
  return (numbers) => join(numbers.map((number) => exact(type, number)));
}

const total: Join = (numbers) => numbers.reduce((sum, one) => sum + one, 0);
const squares: Join = (numbers) => total(numbers.map((one) => one * one));
const largest: Join = (numbers) => numbers.reduce((a, b) => Math.max(a, b), -Infinity);
const least: Join = (numbers) => numbers.reduce((a, b) => Math.min(a, b), Infinity);
const whole = (join: Join) => (type: Constant['type']) => (numbers: readonly number[]) => held(type, join(numbers));

/** An average of whole numbers is cut to a whole one. */
const wholeMean = (type: Constant['type']) => (numbers: readonly number[]) =>
  pairOf('div', type)(total(numbers), numbers.length);

/** The logarithm of a sum of powers of e, without overflow. */
function logSumExp(numbers: readonly number[]): number {
  const peak = largest(numbers);
  return Number.isFinite(peak) ? peak + Math.log(total(numbers.map((one) => Math.exp(one - peak)))) : peak;
}

const pooling =
  (r: number) =>
  ({ kit }: Call, x: Value, axes: readonly number[]) =>
    poolAll(kit, x, axes, r, true);

/** The sum over all positions is their average times their number. */
function summed({ kit }: Call, x: Value, axes: readonly number[]): Value {
  const count = countOf(axes.map((axis) => shapeOfOperand(x)[axis]));
  return scaleAndShift(kit, poolAll(kit, x, axes, 0, true), constantOf([], Float32Array.of(count)), 0);
}

export const reductions: Readonly<Record<string, Operator>> = {
  ReduceL1: reduction('l1', {
    real: (numbers) => total(numbers.map(Math.abs)),
    whole: whole((numbers) => total(numbers.map(Math.abs))),
  }),
  ReduceL2: reduction('l2', { real: (numbers) => Math.sqrt(squares(numbers)) }),
  ReduceLogSum: reduction('log_sum', { real: (numbers) => Math.log(total(numbers)) }),
  ReduceLogSumExp: reduction('log_sum_exp', { real: logSumExp }),
  ReduceMax: reduction('max', {
    real: largest,
    whole: whole(largest),
    truth: (numbers) => Number(numbers.includes(1)),
    positions: pooling(Infinity),
  }),
  ReduceMean: reduction('mean', {
    real: (numbers) => total(numbers) / numbers.length,
    whole: wholeMean,
    positions: pooling(0),
  }),
  ReduceMin: reduction('min', {
    real: least,
    whole: whole(least),
    truth: (numbers) => Number(!numbers.includes(0)),
  }),
  ReduceProd: reduction('prod', {
    real: countOf,
    whole: whole(countOf),
  }),
  ReduceSum: reduction('sum', { real: total, whole: whole(total), axesInput: 13, positions: summed }),
  ReduceSumSquare: reduction('sum_square', {
    real: squares,
    whole: whole(squares),
  }),
};
