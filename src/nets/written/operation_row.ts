/** A row of the table of operations that a described graph may be made of. */
import { type Check, isSize, listOf, oneOf } from '../../formats/checks.js';
import type { Operation } from '../../graph/ir/operation.js';

export interface GraphOperation {
  readonly operation: Operation;
  readonly inputs: { readonly least: number; readonly most: number };
  /** A check for each attribute, by name. Every other attribute is refused. */
  readonly attributes: Readonly<Record<string, Check>>;
  /** Set if it has an attribute `type`. It is the graph's type of activations, and is not written down. */
  readonly isTyped?: true;
}

/** Checks a size that may be 0. */
export const isNatural: Check = (value) => value === 0 || isSize(value);
export const isBoolean: Check = oneOf(true, false);
/** Checks two sizes, vertical and horizontal. */
export const pair: Check = listOf(isSize, 2, 2);
/** Checks four sizes: top, left, bottom, right. */
export const sides: Check = listOf(isNatural, 4, 4);

/** A row of the table: how many inputs the operation takes, and a check for each attribute. */
export function row<A extends object>(
  operation: Operation<A>,
  inputs: number | readonly [least: number, most: number],
  attributes: { readonly [K in keyof A]?: Check } = {},
): GraphOperation {
  const [least, most] = typeof inputs === 'number' ? [inputs, inputs] : inputs;
  return {
    operation: operation as unknown as Operation,
    inputs: { least, most },
    attributes: attributes as Readonly<Record<string, Check>>,
  };
}
