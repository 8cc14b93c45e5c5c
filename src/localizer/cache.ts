/** A few things by key, the least recently used one closed when there are too many. */
export interface Cache<T> {
  get(key: string, make: () => Promise<T>): Promise<T>;
  values(): Iterable<T>;
  clear(): void;
}

export function createCache<T extends { close(): void }>(limit: number): Cache<T> {
  const entries = new Map<string, T>();
  return {
    async get(key, make) {
      const value = entries.get(key) ?? (await make());
      entries.delete(key);
      entries.set(key, value);
      for (const [oldest, other] of entries) {
        if (entries.size <= limit) break;
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
