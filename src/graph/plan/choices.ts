/**
 * Which kernel variant each kind of work runs on. Variants round differently, and which is best may be measured, or thought of
 * differently tomorrow; what was chosen once can be kept, and chosen again.
 */
import type { Node } from '../ir/graph.js';
import { describeShape, segmentsOf, type Tensor } from '../ir/tensor.js';
import type { ChooseVariant } from './lower.js';

/** Variants by the work that they do: see `workOf`. */
export type KernelChoices = Readonly<Record<string, string>>;

export interface Choices {
  /** To be given to each plan whose choices are to be kept. */
  readonly choose: ChooseVariant;
  /** What has been chosen so far, in the order of the keys. */
  made(): KernelChoices;
  /** Work for which the wanted variant cannot run here, so that another was chosen. */
  readonly missing: ReadonlySet<string>;
  /** Work of which what was wanted says nothing. */
  readonly unknown: ReadonlySet<string>;
}

/** What a node computes, whatever it is called: nodes for which this is equal run on the same variant. */
export function workOf({ operation, inputs, outputs, attributes }: Node): string {
  const form = (tensor: Tensor | undefined) =>
    tensor ? `${describeShape(tensor)}${tensor.segments ? `/${segmentsOf(tensor).join('+')}` : ''}` : '-';
  const shapes = `${inputs.map(form).join(',')}>${outputs.map(form).join(',')}`;
  return `${operation.name} ${shapes} ${JSON.stringify(attributes)}`;
}

/** Chooses as before where it can, otherwise the best. */
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
