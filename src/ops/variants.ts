/** Several kernels for one operation as a table: a row for each, from which follow what can run and what is taken. */
import type { Node } from '../graph/ir/graph.js';
import type { InputNames, Traits } from '../graph/ir/operation.js';

/** What every row says. */
export interface VariantRow<Attributes, Names extends InputNames> {
  /** Whether it can run a node on such an adapter. */
  fits(node: Node<Attributes, Names>, traits: Traits): boolean;
  /** Its place among those that fit: the lowest comes first, and of equal ones the one that is listed first. */
  rank(node: Node<Attributes, Names>, traits: Traits): number;
}

/** Names of the rows that fit, the best first. */
export function bestFirst<Attributes, Names extends InputNames>(
  rows: Readonly<Record<string, VariantRow<Attributes, Names>>>,
  node: Node<Attributes, Names>,
  traits: Traits,
): string[] {
  const fitting = Object.entries(rows).filter(([, row]) => row.fits(node, traits));
  return fitting.sort(([, a], [, b]) => a.rank(node, traits) - b.rank(node, traits)).map(([name]) => name);
}
