/** Layers of signals, which have one dimension besides images and channels. They are translated as layers of maps with one row. */

import type { Value } from '../kit.js';
import type { Constant } from '../plain.js';
import { type Call, type Operand, optionalConstant, value } from './call.js';

/** Attributes with a number for each dimension, and their number for the added row. */
const OF_THE_ROW: Readonly<Record<string, number>> = {
  ...{ kernel_shape: 1, strides: 1, dilations: 1, output_shape: 1, output_padding: 0 },
};

/**
 * Translates a layer of maps, or of signals as maps with one row.
 * @param weights the number of the input that has weights [outputs, inputs, columns], if there is one
 */
export function ofPlanes(call: Call, translate: (call: Call) => Value, weights?: number): Value {
  const x = value(call, 0);
  if (x.dims.length !== 3) return translate(call);
  const operands = call.operands.with(0, { ...x, dims: x.dims.toSpliced(2, 0, []) });
  const given = weights === undefined ? undefined : optionalConstant(call, weights)?.constant;
  const planar = given?.shape.length === 3 ? operands.with(weights!, withRow(given)) : operands;
  const attributes = Object.fromEntries(
    Object.entries(call.node.attributes).map(([name, own]) => [name, Array.isArray(own) ? withRowOf(name, own) : own]),
  );
  const y = translate({ ...call, node: { ...call.node, attributes }, operands: planar });
  return { ...y, dims: y.dims.toSpliced(2, 1) };
}

const withRow = (given: Constant): Operand => ({
  ...given,
  shape: given.shape.toSpliced(2, 0, 1),
  values: given.values,
});

function withRowOf(name: string, list: readonly number[]): readonly number[] {
  if (name === 'pads' && list.length === 2) return [0, list[0], 0, list[1]];
  return name in OF_THE_ROW && list.length === 1 ? [OF_THE_ROW[name], ...list] : list;
}
