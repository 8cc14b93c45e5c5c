/** Operators that make constants: ranges, filled shapes, and constants that are written in the graph. */

import { InputError } from '../../errors.js';
import * as arrays from '../arrays.js';
import { Unsupported } from '../kit.js';
import { arrayOf, commonType, pairOf, rounded } from '../numbers.js';
import { constantOf, countOf } from '../plain.js';
import { type Call, constant, listInput, numberInput, type Operand, tensorOf } from './call.js';

export function range(call: Call): Operand {
  const [start, limit, step] = [0, 1, 2].map((i) => numberInput(call, i) ?? Number.NaN);
  const [a, b, c] = [0, 1, 2].map((i) => constant(call, i).constant.type);
  const type = commonType(commonType(a, b), c);
  if (step === 0 || ![start, limit, step].every(Number.isFinite))
    throw new InputError('its range is not finite', { given: `from ${start} to ${limit} by ${step}` });
  const { sub, add, mul } = { sub: pairOf('sub', type), add: pairOf('add', type), mul: pairOf('mul', type) };
  const count = Math.max(0, Math.ceil(rounded(type, arrayOf(type, 1).fill(sub(limit, start)))[0] / step));
  arrays.spend(call.budget, count);
  const numbers = arrayOf(type, count);
  for (let i = 0; i < count; i++) numbers[i] = add(start, mul(i, step));
  return constantOf([count], rounded(type, numbers), type);
}

export function constantOfShape(call: Call): Operand {
  const shape = listInput(call, 0) ?? [];
  const { type = 'F32', values } = tensorOf(call, 'value') ?? {};
  if (!shape.every((size) => Number.isInteger(size) && size >= 0)) throw new InputError('its shape is wrong');
  arrays.spend(call.budget, countOf(shape));
  const value = values?.()[0] ?? 0;
  const count = countOf(shape);
  return constantOf(shape, arrayOf(type, count).fill(value), type);
}

export function constantNode(call: Call): Operand {
  const { attributes } = call.node;
  const [[name, given] = ['', undefined]] = Object.entries(attributes);
  if (name === 'value') return tensorOf(call, name)!;
  if (name === 'value_int' || name === 'value_ints')
    return constantOf(
      name === 'value_int' ? [] : [(given as number[]).length],
      Float64Array.from([given as number].flat()),
    );
  if (name === 'value_float' || name === 'value_floats')
    return constantOf(
      name === 'value_float' ? [] : [(given as number[]).length],
      Float32Array.from([given as number].flat()),
    );
  throw new Unsupported(`a constant of another kind (${name || 'without a value'})`);
}
