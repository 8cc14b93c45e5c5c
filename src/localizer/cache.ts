import type { Plan } from '../graph/plan/plan.js';

/** A few things by key. The least recently used ones are closed where there are too many, or where they hold too much memory. */
export interface Cache<T> {
  get(key: string, make: () => Promise<T>): Promise<T>;
  values(): Iterable<T>;
  clear(): void;
}

interface Kept {
  readonly plan: Pick<Plan, 'memory'>;
  close(): void;
}

/** @param maxBytes of activations and images, the newest entry's aside: a single huge image may take what it needs. */
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
