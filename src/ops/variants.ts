/** A table of the kernels of one operation, with a row for each. It determines which of them can run a node and which is chosen. */
import type { Node } from '../graph/ir/graph.js';
import type { InputNames, IsConstant, Lowering, Traits } from '../graph/ir/operation.js';

/** What every row has. */
export interface VariantRow<Attributes, Names extends InputNames> {
  /** Whether the kernel can run a node on an adapter. */
  fits(node: Node<Attributes, Names>, traits: Traits): boolean;
  /** The kernel's rank among those that can run: the lowest is preferred, and among equal ones the one that is listed first. */
  rank(node: Node<Attributes, Names>, traits: Traits, isConstant: IsConstant): number;
}

/** Names of the kernels that can run, the best first. */
export function bestFirst<Attributes, Names extends InputNames>(
  rows: Readonly<Record<string, VariantRow<Attributes, Names>>>,
  node: Node<Attributes, Names>,
  traits: Traits,
  isConstant: IsConstant = ({ kind }) => kind === 'constant',
): string[] {
  const fitting = Object.entries(rows).filter(([, row]) => row.fits(node, traits));
  const ranked = fitting.map(([name, row]) => [name, row.rank(node, traits, isConstant)] as const);
  return ranked.sort(([, a], [, b]) => a - b).map(([name]) => name);
}

/**
 * Names of the variants of a kernel whose lanes merge what they have computed. In `subgroup` a workgroup is one subgroup, without barriers, which cost
 * most on software adapters, to compile too. On GPUs `workgroup` keeps more threads busy.
 */
export const mergingVariants = (_: unknown, { software, subgroupSize }: Traits): string[] =>
  subgroupSize < 4 ? ['workgroup'] : software ? ['subgroup', 'workgroup'] : ['workgroup', 'subgroup'];

/** Constants of a kernel with `mergingVariants` that is written for both. */
export function mergingLanes({ variant, traits }: Lowering): { SUBGROUPS: boolean; LANES: number } {
  const inSubgroup = variant === 'subgroup';
  return { SUBGROUPS: inSubgroup, LANES: inSubgroup ? traits.subgroupSize : 64 };
}
