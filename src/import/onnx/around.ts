/** Questions of patterns about the values around a node, and helpers that several patterns share. */
import type { Constant, PlainNode } from '../plain.js';
import { own } from './call.js';

/** What is known about the values around a node. */
export interface Around {
  /** The node that computes a value, if it has this operator. */
  by(name: string, operator: string): PlainNode | undefined;
  /** The number of a constant with a single element. */
  number(name: string): number | undefined;
  constant(name: string): Constant | undefined;
}

/** Returns a node that replaces several; undefined if the pattern does not match. */
export type Pattern = (
  node: PlainNode,
  around: Around,
) => Pick<PlainNode, 'operator' | 'inputs' | 'attributes'> | undefined;

export const near = (a: number | undefined, b: number) =>
  a !== undefined && Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(b));

/** For a node with two inputs, one of which is a number: that number and the other input, in either order. */
export function withNumber(node: PlainNode | undefined, around: Around): { number: number; other: string } | undefined {
  if (node?.inputs.length !== 2) return undefined;
  const [a, b] = node.inputs;
  const [first, second] = [around.number(a), around.number(b)];
  if (first !== undefined) return { number: first, other: b };
  return second === undefined ? undefined : { number: second, other: a };
}

/** The axes of a reduction that keeps its dimensions, as an attribute or an input. */
export function keptAxes(node: PlainNode, around: Around): readonly number[] | undefined {
  if ((own(node, 'keepdims') ?? 1) !== 1) return undefined;
  const given = own(node, 'axes');
  if (Array.isArray(given)) return given as number[];
  const input = around.constant(node.inputs[1] ?? '');
  return input && input.count <= 8 ? Array.from(input.values()) : undefined;
}
