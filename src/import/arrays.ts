/** Arithmetic with constants of any rank. Networks compute shapes, indices and some of their weights from constants. */
import { InputError } from '../errors.js';
import type { ElementType } from '../formats/weights/checkpoint.js';
import { arrayOf, rounded } from './numbers.js';
import { type Constant, constantOf, countOf } from './plain.js';

/** How many numbers may still be computed from a file's constants. Without a limit, a file of a few bytes could fill the memory. */
export interface Budget {
  left: number;
}

/** Takes the numbers of a result from the budget. @throws InputError if fewer are left */
export function spend(budget: Budget, count: number): void {
  budget.left -= count;
  if (!(budget.left >= 0))
    throw new InputError('the constants that the model computes are far larger than its file', {
      given: `${count} numbers`,
    });
}

const stepsOf = (shape: readonly number[]) => {
  const steps = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) steps[i] = steps[i + 1] * shape[i + 1];
  return steps;
};

/** The shape that two shapes are broadcast to. @throws InputError if they do not fit */
export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] {
  const rank = shapes.reduce((most, { length }) => Math.max(most, length), 0);
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape[i - rank + shape.length] ?? 1);
    const size = sizes.includes(0) ? 0 : sizes.reduce((most, one) => Math.max(most, one), 0);
    if (sizes.every((one) => one === 1 || one === size)) return size;
    throw new InputError('shapes do not fit', { given: shapes.map((shape) => shape.join('×')).join(' and ') });
  });
}

/**
 * A constant of `shape`. The place of each number in the source is `start` plus the sum of coordinate times step over all dimensions.
 * Transposing, slicing and broadcasting are of this kind.
 */
function strided(source: Constant, shape: readonly number[], steps: readonly number[], start = 0): Constant {
  const values = source.values();
  const result = arrayOf(source.type, countOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0, at = start; i < result.length; i++) {
    result[i] = values[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += steps[axis];
      if (++index[axis] < shape[axis]) break;
      at -= steps[axis] * index[axis];
      index[axis] = 0;
    }
  }
  return constantOf(shape, result, source.type);
}

export function transpose(source: Constant, order: readonly number[]): Constant {
  const steps = stepsOf(source.shape);
  return strided(
    source,
    order.map((axis) => source.shape[axis]),
    order.map((axis) => steps[axis]),
  );
}

export function broadcast(source: Constant, shape: readonly number[]): Constant {
  if (source.shape.join() === shape.join()) return source;
  const steps = stepsOf(source.shape);
  const ahead = shape.length - source.shape.length;
  return strided(
    source,
    shape,
    shape.map((_, i) => (i < ahead || source.shape[i - ahead] === 1 ? 0 : steps[i - ahead])),
  );
}

export interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly count: number;
  readonly step: number;
}

/** Parts of some axes. */
export function cut(source: Constant, cuts: readonly Cut[]): Constant {
  const steps = stepsOf(source.shape);
  const shape = [...source.shape];
  let first = 0;
  for (const { axis, start, count, step } of cuts) {
    shape[axis] = count;
    first += start * steps[axis];
    steps[axis] *= step;
  }
  return strided(source, shape, steps, first);
}

export function concatenate(parts: readonly Constant[], axis: number): Constant {
  const [first] = parts;
  const others = (shape: readonly number[]) => shape.filter((_, i) => i !== axis).join();
  if (parts.some(({ shape }) => others(shape) !== others(first.shape) || shape.length !== first.shape.length))
    throw new InputError('parts differ in more than the axis');
  const shape = first.shape.map((size, i) => (i === axis ? parts.reduce((sum, part) => sum + part.shape[i], 0) : size));
  const result = arrayOf(first.type, countOf(shape));
  const outer = countOf(shape.slice(0, axis));
  let offset = 0;
  for (const part of parts) {
    const values = part.values();
    const length = countOf(part.shape.slice(axis));
    const row = countOf(shape.slice(axis));
    for (let i = 0; i < outer; i++) result.set(values.subarray(i * length, (i + 1) * length), i * row + offset);
    offset += length;
  }
  return constantOf(shape, result, first.type);
}

/** Numbers at given indices of an axis. Negative ones count from the end. */
export function gather(source: Constant, indices: Constant, axis: number): Constant {
  const size = source.shape[axis];
  const wanted = Array.from(indices.values(), (index) => (index < 0 ? index + size : index));
  if (wanted.some((index) => !(Number.isInteger(index) && index >= 0 && index < size)))
    throw new InputError('an index lies outside', {
      expected: `0 to ${size - 1}`,
      given: wanted.slice(0, 8).join(', '),
    });
  const [outer, inner] = [countOf(source.shape.slice(0, axis)), countOf(source.shape.slice(axis + 1))];
  const values = source.values();
  const result = arrayOf(source.type, outer * wanted.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++)
    for (const index of wanted) for (let i = 0; i < inner; i++) result[at++] = values[(o * size + index) * inner + i];
  return constantOf(
    [...source.shape.slice(0, axis), ...indices.shape, ...source.shape.slice(axis + 1)],
    result,
    source.type,
  );
}

/** A function of the numbers of several constants, which are broadcast to one shape. @param type of the results */
export function combine(
  sources: readonly Constant[],
  type: ElementType,
  of: (...numbers: number[]) => number,
  budget: Budget,
): Constant {
  const shape = broadcastShape(...sources.map((source) => source.shape));
  spend(budget, countOf(shape));
  const values = sources.map((source) => broadcast(source, shape).values());
  const result = arrayOf(type, countOf(shape));
  for (let i = 0; i < result.length; i++) result[i] = of(...values.map((list) => list[i]));
  return constantOf(shape, rounded(type, result), type);
}

/** Joins all numbers along some axes. */
export function reduce(
  source: Constant,
  axes: readonly number[],
  keep: boolean,
  join: (numbers: readonly number[]) => number,
): Constant {
  const kept = source.shape.map((_, i) => i).filter((axis) => !axes.includes(axis));
  const moved = transpose(source, [...kept, ...axes]).values();
  const length = countOf(axes.map((axis) => source.shape[axis]));
  const result = arrayOf(source.type, countOf(kept.map((axis) => source.shape[axis])));
  for (let i = 0; i < result.length; i++) result[i] = join(Array.from(moved.subarray(i * length, (i + 1) * length)));
  const shape = source.shape.flatMap((size, i) => (axes.includes(i) ? (keep ? [1] : []) : [size]));
  return constantOf(shape, rounded(source.type, result), source.type);
}
