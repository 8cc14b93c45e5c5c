/**
 * Chooses kernels by what was measured. For a work that was not measured, the cost model takes what was fastest for the most similar work
 * that was; where nothing is similar, raybox's rules decide, which every operation states in its `variants`.
 */
import type { Node } from '../ir/graph.js';
import type { Traits } from '../ir/operation.js';
import { workOf } from '../plan/choices.js';
import type { ChooseVariant } from '../plan/lower.js';

/** What was measured of a work. */
export interface Measured {
  /** The variant to run. */
  readonly variant: string;
  /** Nanoseconds of each variant that was timed. */
  readonly nanoseconds: Readonly<Record<string, number>>;
}

/** Measured works by key, as `workOf` describes them. */
export type MeasuredWorks = ReadonlyMap<string, Measured>;

/** The variant that a work runs on, and why. */
export interface KernelChoice {
  /** The operation with its shapes and attributes. */
  readonly work: string;
  readonly variant: string;
  /** What raybox's rules would have chosen. */
  readonly preferred: string;
  /** `measured`: it was timed on this adapter. `similar`: it was fastest for the most similar work that was timed. */
  readonly source: 'measured' | 'similar';
  /** If it was measured: nanoseconds of each kernel that was timed. On software adapters under Linux they are processor time. */
  readonly nanoseconds?: Readonly<Record<string, number>>;
}

export interface TunedChoices {
  /** The option `choose` of plans. */
  readonly choose: ChooseVariant;
  /** The choices so far that come from measurements. */
  made(): KernelChoice[];
}

/** In the works' most different tensors, sizes may differ by up to a factor of 8 altogether. */
const SIMILAR = 3;

/** @param traits those of the adapter that was measured. */
export function createTunedChoices(measured: MeasuredWorks, traits: Traits): TunedChoices {
  const packingOf = ({ operation }: Node, variant: string) => operation.packing?.(variant, traits) ?? '';
  const chosen = new Map<string, KernelChoice>();
  /** How the weights of each place are packed. Once they are on the GPU, they are not read again for another batch size. */
  const packings = new Map<string, string>();
  const byPattern = new Map<string, { sizes: number[][]; variant: string }[]>();
  for (const [work, { variant }] of measured) {
    const { pattern, sizes } = partsOf(work);
    byPattern.set(pattern, [...(byPattern.get(pattern) ?? []), { sizes, variant }]);
  }
  const similar = (work: string): string | undefined => {
    const { pattern, sizes } = partsOf(work);
    const near = (byPattern.get(pattern) ?? []).map(({ sizes: others, variant }) => {
      return { variant, apart: Math.max(...sizes.map((own, index) => difference(own, others[index]))) };
    });
    return near.filter(({ apart }) => apart <= SIMILAR).sort((a, b) => a.apart - b.apart)[0]?.variant;
  };
  return {
    made: () => [...chosen.values()],
    choose(node, variants) {
      if (variants.length < 2) return variants[0];
      const work = workOf(node);
      const packed = packings.get(placeOf(node));
      const allowed = withPacking(variants, packed, (one) => packingOf(node, one));
      const own = measured.get(work);
      const variant = own ? wantedOf(own, variants, allowed) : similar(work);
      const [preferred] = allowed;
      const taken = variant !== undefined && allowed.includes(variant) ? variant : preferred;
      packings.set(placeOf(node), packingOf(node, taken));
      if (taken !== variant) return taken;
      const found = own
        ? ({ source: 'measured', nanoseconds: own.nanoseconds } as const)
        : { source: 'similar' as const };
      chosen.set(work, { work, variant, preferred, ...found });
      return variant;
    },
  };
}

/** A place in the network, which is the same in the graphs of all batch sizes. */
const placeOf = ({ operation, inputs }: Node) => `${operation.name} ${inputs.map((tensor) => tensor?.name).join()}`;

/** The variants that read the weights as they were packed for the batch size that was planned first. */
function withPacking(variants: readonly string[], packed: string | undefined, packingOf: (variant: string) => string) {
  const allowed = variants.filter((variant) => packed === undefined || packingOf(variant) === packed);
  return allowed.length > 0 ? allowed : variants;
}

/** What was chosen when the work was measured. If that can run but needs weights packed otherwise, the fastest of the allowed variants. */
function wantedOf({ variant, nanoseconds }: Measured, variants: readonly string[], allowed: readonly string[]) {
  if (allowed.includes(variant) || !variants.includes(variant)) return variant;
  const timed = allowed.filter((one) => Object.hasOwn(nanoseconds, one));
  return timed.sort((a, b) => nanoseconds[a] - nanoseconds[b])[0] as string | undefined;
}

/**
 * Splits the key of a work into the sizes of its tensors and everything else. How channels are divided into segments is left out of both,
 * because it hardly matters for times.
 */
function partsOf(work: string): { pattern: string; sizes: number[][] } {
  const sizes: number[][] = [];
  const pattern = work.replace(/\[([\d×]+)\](\/[\d+]+)?/g, (_, shape: string) => {
    sizes.push(shape.split('×').map(Number));
    return `[${sizes.at(-1)!.length}]`;
  });
  return { pattern, sizes };
}

/** By how many doublings the sizes of two tensors differ. */
const difference = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, size, index) => sum + Math.abs(Math.log2(size / b[index])), 0);
