/** Measures works one after the other, within a time. */
import type { Measured, MeasuredWorks } from './choose.js';
import { type Bench, measureWork } from './measure.js';
import type { Work } from './works.js';

export interface TuneLimits {
  /** No measurement is begun after this time. */
  readonly seconds: number;
  /** Called with the share of the measurements that are done, 0…1. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** Kernels that took more than this many times the best time, in this many works of an operation, are not tried for its other works. */
const FAR_BEHIND = { times: 3, works: 3 } as const;

/**
 * Measures works in their order, except those that are known, and adds the results to `fresh`.
 * @throws the signal's reason if it is aborted; DeviceLostError. `fresh` then has what was measured until then.
 */
export async function tuneWorks(
  bench: Bench,
  works: readonly Work[],
  known: MeasuredWorks,
  fresh: Map<string, Measured>,
  { seconds, onProgress }: TuneLimits,
): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const missing = works.filter(({ key }) => !known.has(key));
  /** The least ratio to the best time, and the number of works, by operation and variant. */
  const behind = new Map<string, { least: number; works: number }>();
  const isFarBehind = (name: string) => {
    const seen = behind.get(name);
    return seen !== undefined && seen.works >= FAR_BEHIND.works && seen.least > FAR_BEHIND.times;
  };
  for (const [index, work] of missing.entries()) {
    bench.signal?.throwIfAborted();
    if (performance.now() > until) break;
    const nameOf = (variant: string) => `${work.node.operation.name} ${variant}`;
    const [preferred, ...others] = work.variants;
    const variants = [preferred, ...others.filter((variant) => !isFarBehind(nameOf(variant)))];
    const measured = await measureWork(bench, { ...work, variants });
    if (measured) {
      fresh.set(work.key, measured);
      const best = Math.min(...Object.values(measured.nanoseconds));
      for (const [variant, time] of Object.entries(measured.nanoseconds)) {
        const seen = behind.get(nameOf(variant)) ?? { least: Number.POSITIVE_INFINITY, works: 0 };
        behind.set(nameOf(variant), { least: Math.min(seen.least, time / best), works: seen.works + 1 });
      }
    }
    onProgress?.((index + 1) / missing.length);
  }
  onProgress?.(1);
}
