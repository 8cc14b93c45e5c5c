/** Operators that change the type of numbers. */

import { InputError } from '../../errors.js';
import type { ElementType } from '../../formats/weights/checkpoint.js';
import { combine, gather } from '../arrays.js';
import { apply } from '../general.js';
import { Unsupported } from '../kit.js';
import { converted, isReal } from '../numbers.js';
import { type Constant, constantOf } from '../plain.js';
import {
  type Call,
  constant,
  isValue,
  numberOf,
  type Operand,
  type Operator,
  operand,
  optionalConstant,
} from './call.js';
import { typeName, typeOf } from './tensor.js';

function targetOf(call: Call): ElementType {
  const to = numberOf(call, 'to', 1);
  const type = typeOf(to);
  if (type) return type;
  throw new Unsupported(`it casts to ${typeName(to)}`);
}

/** Converts to another type. Computed values stay float32, so only conversions that this represents exactly are supported for them. */
function castTo(call: Call, type: ElementType): Operand {
  const x = operand(call, 0);
  if (!isValue(x)) return constantOf(x.shape, converted(x.type, type, x.values()), type);
  const [from = 'F32'] = call.types;
  if (from === type) return x;
  // A network in bfloat16 is computed more precisely here, which is fine for a localizer, but not if the model's own results are wanted.
  if (type === 'BF16' && call.kit.ownImages) throw new Unsupported('it rounds a computed value to BF16');
  if (isReal(type)) return x;
  if (type === 'BOOL') return apply(call.kit, apply(call.kit, x, { kind: 'not' }), { kind: 'not' });
  if (from === 'BOOL') return x;
  throw new Unsupported(`it makes computed values (${from}) whole numbers of the type ${type}`);
}

/** Repeats the number of each block of an axis for every place of the block. */
function inBlocks(one: Constant, shape: readonly number[], axis: number, block: number): Constant {
  const fits = Number.isInteger(block) && axis >= 0 && one.shape.length === shape.length;
  if (!fits || one.shape[axis] !== Math.ceil(shape[axis] / block))
    throw new InputError('its scales do not fit its blocks', {
      given: `${one.shape.join('×')} for ${shape.join('×')}`,
    });
  const places = Float64Array.from({ length: shape[axis] }, (_, i) => Math.floor(i / block));
  return gather(one, constantOf([places.length], places), axis);
}

/** The real numbers that quantised numbers stand for. */
export function dequantised(call: Call): Constant {
  const source = constant(call, 0).constant;
  const scale = constant(call, 1).constant;
  const zero = optionalConstant(call, 2)?.constant;
  const block = numberOf(call, 'block_size', 0);
  const axis = numberOf(call, 'axis', 1);
  // If there is a scale for each place of one axis, the other axes get the size 1.
  const own = axis < 0 ? axis + source.shape.length : axis;
  const along = (one: Constant): Constant =>
    block > 0
      ? inBlocks(one, source.shape, own, block)
      : one.count === 1
        ? { ...one, shape: [], values: one.values }
        : { ...one, shape: source.shape.map((_, i) => (i === own ? one.count : 1)), values: one.values };
  return combine(
    [source, along(scale), zero ? along(zero) : constantOf([], Float32Array.of(0))],
    scale.type,
    (number, factor, offset) => (number - offset) * factor,
    call.budget,
  );
}

export const casts: Readonly<Record<string, Operator>> = {
  Cast: {
    attributes: ['to', 'saturate'],
    takesWhole: true,
    result: targetOf,
    translate: (call) => castTo(call, targetOf(call)),
  },
  CastLike: {
    attributes: ['saturate'],
    takesWhole: true,
    result: ({ types }) => types[1],
    translate(call) {
      const [, like] = call.types;
      if (!like) throw new Unsupported('its input 1 is missing');
      return castTo(call, like);
    },
  },
};
