/** Comparisons, logic, and the choice between two values. Truth values are 1 and 0. */
import { COMPARISONS, type CompareAttributes } from '../../ops/general/compare.js';
import { combine } from '../arrays.js';
import { apply, choose, compare } from '../general.js';
import { commonType, exact } from '../numbers.js';
import type { Constant } from '../plain.js';
import { type Call, isValue, type Operator, operand } from './call.js';

/** An operand for a general operation: a value as it is, or a constant with its name. */
const either = (call: Call, index: number) => {
  const found = operand(call, index);
  return isValue(found) ? found : { name: call.node.inputs[index], constant: found };
};

/** Numbers beyond 2^53 were rounded when they were read, so they cannot be compared. */
const exactOf = ({ type, ...rest }: Constant): Constant => ({
  ...{ ...rest, type },
  values: () => rest.values().map((number) => exact(type, number)),
});

const comparison = (kind: CompareAttributes['kind']): Operator => ({
  takesWhole: true,
  result: 'BOOL',
  translate(call) {
    const [a, b] = [operand(call, 0), operand(call, 1)];
    if (isValue(a) || isValue(b)) return compare(call.kit, either(call, 0), either(call, 1), kind);
    const { value } = COMPARISONS[kind];
    return combine([exactOf(a), exactOf(b)], 'BOOL', (p, q) => Number(value(p, q)), call.budget);
  },
});

export const logic: Readonly<Record<string, Operator>> = {
  And: comparison('and'),
  Equal: comparison('equal'),
  Greater: comparison('greater'),
  GreaterOrEqual: comparison('greater_or_equal'),
  Less: comparison('less'),
  LessOrEqual: comparison('less_or_equal'),
  Not: {
    takesWhole: true,
    result: 'BOOL',
    translate(call) {
      const x = operand(call, 0);
      if (isValue(x)) return apply(call.kit, x, { kind: 'not' });
      return combine([x], 'BOOL', (number) => Number(number === 0), call.budget);
    },
  },
  Or: comparison('or'),
  Where: {
    takesWhole: true,
    result: ({ types }) => types[1],
    translate(call) {
      const [condition, a, b] = [0, 1, 2].map((i) => operand(call, i));
      if (isValue(condition) || isValue(a) || isValue(b))
        return choose(call.kit, either(call, 0), either(call, 1), either(call, 2));
      const type = commonType(a.type, b.type);
      return combine([condition, a, b], type, (choice, one, other) => (choice === 0 ? other : one), call.budget);
    },
  },
  Xor: comparison('xor'),
};
