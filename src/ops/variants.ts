/** Several kernels for one operation as a table: a row for each, from which follow what can run and what is taken. */
import type { Node } from '../graph/ir/graph.js';
import type { Traits } from '../graph/ir/operation.js';

/** What every row says. */
export interface VariantRow<Attributes> {
  /** Whether it can run a node on such an adapter. */
  fits(node: Node<Attributes>, traits: Traits): boolean;
  /** Its place among those that fit: the lowest comes first, and of equal ones the one that is listed first. */
  rank(node: Node<Attributes>, traits: Traits): number;
}

/** Names of the rows that fit, the best first. */
export function bestFirst<Attributes>(
  rows: Readonly<Record<string, VariantRow<Attributes>>>,
  node: Node<Attributes>,
  traits: Traits,
): string[] {
  const fitting = Object.entries(rows).filter(([, row]) => row.fits(node, traits));
  return fitting.sort(([, a], [, b]) => a.rank(node, traits) - b.rank(node, traits)).map(([name]) => name);
}
