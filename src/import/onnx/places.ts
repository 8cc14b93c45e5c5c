/** Operators that move numbers: repetition, blocks of pixels as channels and back, cumulated sums, and the search for the largest numbers. */
import { InputError } from '../../errors.js';
import { gather, spend, transpose } from '../arrays.js';
import { extremeAlong, pick, takeAlong } from '../general.js';
import { Unsupported } from '../kit.js';
import { arrayOf } from '../numbers.js';
import { constantOf, countOf } from '../plain.js';
import {
  axisOf,
  type Call,
  isValue,
  listInput,
  numberInput,
  numberOf,
  type Operand,
  type Operator,
  operand,
  shapeOfOperand,
  textOf,
  value,
} from './call.js';
import { shapeOperators, withShape } from './shapes.js';

/** The largest size of a dimension whose places are listed one by one. */
const MOST_PLACES = 65_536;

function tile(call: Call): Operand {
  const x = operand(call, 0);
  const shape = shapeOfOperand(x);
  const repeats = listInput(call, 1) ?? [];
  if (repeats.length !== shape.length || repeats.some((one) => !(Number.isInteger(one) && one >= 1)))
    throw new Unsupported(`repeats ${repeats.join(', ')} of ${shape.join('×')}`);
  spend(call.budget, isValue(x) ? 0 : countOf(shape) * countOf(repeats));
  return repeats.reduce<Operand>((result, times, dimension) => {
    if (times === 1) return result;
    const size = shape[dimension];
    if (size * times > MOST_PLACES) throw new Unsupported(`${size * times} places along a dimension`);
    const places = Float64Array.from({ length: size * times }, (_, i) => i % size);
    if (!isValue(result)) return gather(result, constantOf([places.length], places), dimension);
    return pick(call.kit, result, dimension, Array.from(places));
  }, x);
}

/** Turns blocks of pixels into channels or the reverse: dimensions are split, put into another order and joined again. */
function exchanged(call: Call, cut: readonly number[], perm: readonly number[]): Operand {
  const { translate } = shapeOperators.Transpose;
  const apart = withShape(call, operand(call, 0), cut);
  const node = { ...call.node, attributes: { perm } };
  const moved = translate({ ...call, node, operands: [apart] }) as Operand;
  const sizes = shapeOfOperand(moved);
  const whole =
    call.node.operator === 'DepthToSpace'
      ? [sizes[0], sizes[1], sizes[2] * sizes[3], sizes[4] * sizes[5]]
      : [sizes[0], sizes[1] * sizes[2] * sizes[3], sizes[4], sizes[5]];
  return withShape(call, moved, whole);
}

function sizesOf(call: Call): readonly [n: number, c: number, h: number, w: number, block: number] {
  const shape = shapeOfOperand(operand(call, 0));
  const block = numberOf(call, 'blocksize', 0);
  const [n, c, h, w] = shape;
  const fits = call.node.operator === 'DepthToSpace' ? c % block ** 2 === 0 : h % block === 0 && w % block === 0;
  if (shape.length === 4 && block >= 1 && fits) return [n, c, h, w, block];
  throw new InputError('its blocksize does not fit', { given: `${block} for ${shape.join('×')}` });
}

function depthToSpace(call: Call): Operand {
  const [n, c, h, w, block] = sizesOf(call);
  const mode = textOf(call, 'mode', 'DCR');
  const channels = c / block ** 2;
  if (mode === 'DCR') return exchanged(call, [n, block, block, channels, h, w], [0, 3, 4, 1, 5, 2]);
  if (mode === 'CRD') return exchanged(call, [n, channels, block, block, h, w], [0, 1, 4, 2, 5, 3]);
  throw new Unsupported(`mode ${mode}`);
}

function spaceToDepth(call: Call): Operand {
  const [n, c, h, w, block] = sizesOf(call);
  const mode = textOf(call, 'mode', 'DCR');
  const cut = [n, c, h / block, block, w / block, block];
  if (mode === 'DCR') return exchanged(call, cut, [0, 3, 5, 1, 2, 4]);
  if (mode === 'CRD') return exchanged(call, cut, [0, 1, 3, 5, 2, 4]);
  throw new Unsupported(`mode ${mode}`);
}

/** The sum of all numbers up to each place, or before it. */
function cumulated(call: Call): Operand {
  const x = value(call, 0);
  const shape = shapeOfOperand(x);
  const axis = axisOf(numberInput(call, 1) ?? 0, shape.length);
  const size = shape[axis];
  if (size > 1024) throw new Unsupported(`it adds up ${size} places`);
  const [isExclusive, isReversed] = ['exclusive', 'reverse'].map((name) => numberOf(call, name, 0) === 1);
  const sources = Array.from({ length: size }, (_, at) =>
    Array.from({ length: size }, (_, i) => i).filter((i) => (i === at ? !isExclusive : isReversed ? i > at : i < at)),
  );
  return takeAlong(call.kit, x, axis, { sources });
}

const extreme = (kind: 'max' | 'min'): Operator => ({
  attributes: ['axis', 'keepdims', 'select_last_index'],
  result: 'I64',
  translate(call) {
    const x = value(call, 0);
    const axis = axisOf(numberOf(call, 'axis', 0), x.dims.length);
    const found = extremeAlong(call.kit, x, axis, kind, numberOf(call, 'select_last_index', 0) === 1);
    return numberOf(call, 'keepdims', 1) === 1 ? found : { ...found, dims: found.dims.filter((_, i) => i !== axis) };
  },
});

/** The largest or smallest numbers of a constant along an axis, in their order, and their places. Of equal ones the first comes first. */
function best(call: Call): readonly Operand[] {
  const x = operand(call, 0);
  if (isValue(x))
    throw new Unsupported(
      'raybox does not sort numbers that are computed from the image',
      'if it picks the best classes, cut the model off before it: onnx.utils.extract_model(path, out, inputs, outputs) of the Python package onnx',
    );
  const axis = axisOf(numberOf(call, 'axis', -1), x.shape.length);
  const count = call.version < 10 ? numberOf(call, 'k', 0) : (numberInput(call, 1) ?? 0);
  const size = x.shape[axis];
  if (!(Number.isInteger(count) && count >= 0 && count <= size))
    throw new InputError('its number of places is wrong', { expected: `0 to ${size}`, given: String(count) });
  const given = transpose(x, moved(x.shape.length, axis)).values();
  if (given.some(Number.isNaN)) throw new InputError('it sorts numbers of which one is NaN');
  const sign = numberOf(call, 'largest', 1) === 1 ? -1 : 1;
  const lines = size === 0 ? 0 : given.length / size;
  spend(call.budget, 2 * lines * count);
  const found = [arrayOf(x.type, lines * count), new Float64Array(lines * count)];
  for (let line = 0; line < lines; line++) {
    const own = given.subarray(line * size, (line + 1) * size);
    const order = Array.from(own.keys()).sort((a, b) => sign * (own[a] - own[b]) || a - b);
    order.slice(0, count).forEach((place, i) => {
      found[0][line * count + i] = own[place];
      found[1][line * count + i] = place;
    });
  }
  const shape = [...x.shape.filter((_, i) => i !== axis), count];
  const back = Array.from(shape.keys(), (i) => (i === axis ? shape.length - 1 : i > axis ? i - 1 : i));
  return found.map((numbers, i) => transpose(constantOf(shape, numbers, i === 0 ? x.type : 'I64'), back));
}

/** The order of dimensions in which one of them is the last. */
const moved = (rank: number, axis: number) => [
  ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis),
  axis,
];

/** How ONNX's operators that move or choose values are read, by their names. */
export const places: Readonly<Record<string, Operator>> = {
  ArgMax: extreme('max'),
  ArgMin: extreme('min'),
  CumSum: { attributes: ['exclusive', 'reverse'], translate: cumulated },
  DepthToSpace: { attributes: ['blocksize', 'mode'], translate: depthToSpace },
  SpaceToDepth: { attributes: ['blocksize', 'mode'], translate: spaceToDepth },
  TopK: { attributes: ['axis', 'k', 'largest', 'sorted'], translate: best },
  Tile: { takesWhole: true, translate: tile },
};
