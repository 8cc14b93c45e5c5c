/** Padding of maps, and of other dimensions. */
import { InputError } from '../../errors.js';
import { concatenate, gather, spend } from '../arrays.js';
import { joinAlong, padMap, pick } from '../general.js';
import { mapsOf, Unsupported } from '../kit.js';
import { arrayOf } from '../numbers.js';
import { constantOf, countOf } from '../plain.js';
import {
  axesOf,
  type Call,
  isValue,
  listInput,
  listOf,
  numberInput,
  numberOf,
  type Operand,
  operand,
  shapeOfOperand,
  textOf,
} from './call.js';

/** The numbers of places to add before and after each dimension. */
function sidesOf(call: Call, rank: number): readonly (readonly [before: number, behind: number])[] {
  const pads = (call.version >= 11 ? listInput(call, 1) : listOf(call, 'pads')) ?? [];
  const given = listInput(call, 3);
  const axes = given ? axesOf(given, rank) : Array.from({ length: rank }, (_, i) => i);
  if (pads.length !== 2 * axes.length || !pads.every(Number.isInteger))
    throw new InputError('its pads do not fit', { given: `${pads.join(', ')} for ${axes.length} dimensions` });
  return Array.from({ length: rank }, (_, dimension) => {
    const at = axes.indexOf(dimension);
    return at < 0 ? [0, 0] : [pads[at], pads[at + axes.length]];
  });
}

/** Pads with one number, or with numbers of the value itself. Zeros around the input of a convolution were merged into its padding before. */
export function pad(call: Call): Operand {
  const x = operand(call, 0);
  const shape = shapeOfOperand(x);
  const sides = sidesOf(call, shape.length);
  if (sides.flat().every((side) => side === 0)) return x;
  const mode = textOf(call, 'mode', 'constant');
  if (mode !== 'constant') return withPlaces(call, x, sides, mode);
  const filled = (call.version >= 11 ? numberInput(call, 2) : undefined) ?? numberOf(call, 'value', 0);
  if (
    isValue(x) &&
    Number.isFinite(filled) &&
    shape.length === 4 &&
    sides
      .slice(0, 2)
      .flat()
      .every((side) => side === 0)
  ) {
    const [, , [top, bottom], [left, right]] = sides;
    return padMap(call.kit, x, mapsOf(call.kit), [top, left, bottom, right], filled);
  }
  return sides.reduce<Operand>((result, own, dimension) => withNumber(call, result, dimension, own, filled), x);
}

/** Pads a dimension with one number. Negative sides cut. */
function withNumber(
  call: Call,
  x: Operand,
  dimension: number,
  [before, behind]: readonly [number, number],
  filled: number,
): Operand {
  const shape = shapeOfOperand(x);
  const kept = placesAround('edge', shape[dimension], Math.min(before, 0), Math.min(behind, 0));
  const middle = kept.length === shape[dimension] ? x : placed(call, x, dimension, kept);
  const around = (size: number, side: string) => {
    if (!(size > 0)) return [];
    const own = shape.with(dimension, size);
    spend(call.budget, countOf(own));
    const type = isValue(x) ? 'F32' : x.type;
    return [
      { name: `${call.kit.name}.${side}`, constant: constantOf(own, arrayOf(type, countOf(own)).fill(filled), type) },
    ];
  };
  const [first, last] = [around(before, 'before'), around(behind, 'behind')];
  if (first.length + last.length === 0) return middle;
  if (isValue(middle)) return joinAlong(call.kit, [...first, middle, ...last], dimension);
  return concatenate([...first.map((one) => one.constant), middle, ...last.map((one) => one.constant)], dimension);
}

/** Pads with numbers of the value itself. */
const withPlaces = (call: Call, x: Operand, sides: ReturnType<typeof sidesOf>, mode: string): Operand =>
  sides.reduce<Operand>((result, [before, behind], dimension) => {
    if (before === 0 && behind === 0) return result;
    const size = shapeOfOperand(result)[dimension];
    return placed(call, result, dimension, placesAround(mode, size, before, behind));
  }, x);

function placed(call: Call, x: Operand, dimension: number, places: readonly number[]): Operand {
  if (isValue(x)) return pick(call.kit, x, dimension, places);
  spend(call.budget, (x.count / Math.max(1, x.shape[dimension])) * places.length);
  return gather(x, constantOf([places.length], Float64Array.from(places)), dimension);
}

/** For each place of the padded dimension, the place of the dimension that it is taken from. */
function placesAround(mode: string, size: number, before: number, behind: number): number[] {
  const place: Record<string, (at: number) => number> = {
    edge: (at) => Math.min(Math.max(at, 0), size - 1),
    wrap: (at) => ((at % size) + size) % size,
    // At the ends the places are mirrored, without repeating the places at the ends.
    reflect: (at) => {
      const period = Math.max(1, 2 * size - 2);
      const own = ((at % period) + period) % period;
      return own < size ? own : period - own;
    },
  };
  const count = size + before + behind;
  if (!place[mode] || !(count >= 1 && count <= 65_536))
    throw new Unsupported(`padding (${mode}) by ${before} and ${behind}`);
  return Array.from({ length: count }, (_, i) => place[mode](i - before));
}
