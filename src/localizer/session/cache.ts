/** A cache with a limit on the number of values and on their memory. */
import type { Plan } from '../../graph/plan/types.js';

/** Keeps a few values by key. If there are too many, or if they take too much memory, the least recently used ones are closed. */
export interface Cache<T> {
  get(key: string, make: () => Promise<T>): Promise<T>;
  values(): Iterable<T>;
  clear(): void;
}

interface Kept {
  readonly plan: Pick<Plan, 'memory'>;
  close(): void;
}

/**
 * @param limit the most entries that are kept.
 * @param maxBytes the most memory for activations and images that all entries may take together. A single entry is kept even if it takes
 *   more, so that a very large image can be processed.
 */
export function createCache<T extends Kept>(limit: number, maxBytes = Number.POSITIVE_INFINITY): Cache<T> {
  const entries = new Map<string, T>();
  const bytes = () =>
    [...entries.values()].reduce((sum, { plan }) => sum + plan.memory.arenas + plan.memory.tensors, 0);
  return {
    async get(key, make) {
      const value = entries.get(key) ?? (await make());
      entries.delete(key);
      entries.set(key, value);
      for (const [oldest, other] of entries) {
        if (entries.size === 1 || (entries.size <= limit && bytes() <= maxBytes)) break;
        entries.delete(oldest);
        other.close();
      }
      return value;
    },
    values: () => entries.values(),
    clear() {
      for (const value of entries.values()) value.close();
      entries.clear();
    },
  };
}
