/** What patterns ask about the values around a node, and what several of them look for. */
import type { Constant, PlainNode } from '../plain.js';
import { own } from './call.js';

/** What is known about the values around a node. */
export interface Around {
  /** The node that puts out a value, if it is of this operator. */
  by(name: string, operator: string): PlainNode | undefined;
  /** The one number that a name stands for. */
  number(name: string): number | undefined;
  constant(name: string): Constant | undefined;
}

/** A node in place of several, or undefined where the pattern is not there. */
export type Pattern = (
  node: PlainNode,
  around: Around,
) => Pick<PlainNode, 'operator' | 'inputs' | 'attributes'> | undefined;

export const near = (a: number | undefined, b: number) =>
  a !== undefined && Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(b));

/** For a node of two inputs, a number and the other one, in either order. */
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
