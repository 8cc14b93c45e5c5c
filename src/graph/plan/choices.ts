/**
 * Records which kernel variant each kind of work runs on. Variants round differently, and the choice can change: with another version of
 * raybox, or because it was measured. With a record, a later run can make the same choices and so repeat its results to the bit.
 */
import type { Node } from '../ir/graph.js';
import { describeShape, segmentsOf, type Tensor } from '../ir/tensor.js';
import type { ChooseVariant } from './lower.js';

/** The name of the variant for each kind of work, as `workOf` describes it. */
export type KernelChoices = Readonly<Record<string, string>>;

export interface Choices {
  /** The option `choose` for each plan whose choices have to be recorded. */
  readonly choose: ChooseVariant;
  /** The choices made so far, sorted by key. */
  made(): KernelChoices;
  /** Work whose wanted variant cannot run on this adapter, so that another was chosen. */
  readonly missing: ReadonlySet<string>;
  /** Work for which no variant was wanted. */
  readonly unknown: ReadonlySet<string>;
}

/** Describes what a node computes: its operation, shapes and attributes. Nodes with the same description run on the same variant. */
export function workOf({ operation, inputs, outputs, attributes }: Node): string {
  const form = (tensor: Tensor | undefined) =>
    tensor ? `${describeShape(tensor)}${tensor.segments ? `/${segmentsOf(tensor).join('+')}` : ''}` : '-';
  const shapes = `${inputs.map(form).join(',')}>${outputs.map(form).join(',')}`;
  return `${operation.name} ${shapes} ${JSON.stringify(attributes)}`;
}

/** Chooses the wanted variants where they can run, and the best ones otherwise. */
export function createChoices(wanted: KernelChoices = {}): Choices {
  const chosen = new Map<string, string>();
  const missing = new Set<string>();
  const unknown = new Set<string>();
  return {
    missing,
    unknown,
    made: () => Object.fromEntries([...chosen].sort(([a], [b]) => (a < b ? -1 : 1))),
    choose(node, variants) {
      if (!node.operation.variants) return variants[0];
      const work = workOf(node);
      const before = Object.hasOwn(wanted, work) ? wanted[work] : undefined;
      if (before === undefined) unknown.add(work);
      else if (!variants.includes(before)) missing.add(work);
      const variant = before !== undefined && variants.includes(before) ? before : variants[0];
      chosen.set(work, variant);
      return variant;
    },
  };
}
