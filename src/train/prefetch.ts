/** Loads things and yields them in order. While one is being used, the next `ahead` are already being loaded. */
export async function* prefetch<K, T>(
  keys: readonly K[],
  load: (key: K) => Promise<T>,
  ahead: number,
): AsyncGenerator<[K, T], void, undefined> {
  const loading: Promise<T>[] = [];
  for (let at = 0; at < keys.length; at++) {
    while (loading.length < Math.min(keys.length, at + 1 + ahead)) {
      const next = load(keys[loading.length]);
      next.catch(() => {}); // it is awaited below when it is its turn; until then a rejection must not count as unhandled
      loading.push(next);
    }
    const value = await loading[at];
    delete loading[at];
    yield [keys[at], value];
  }
}
