/** Things that take time to load, in their order, some of them ahead of who takes them. */
export async function* prefetch<K, T>(
  keys: readonly K[],
  load: (key: K) => Promise<T>,
  ahead: number,
): AsyncGenerator<[K, T], void, undefined> {
  const loading: Promise<T>[] = [];
  for (let at = 0; at < keys.length; at++) {
    while (loading.length < Math.min(keys.length, at + 1 + ahead)) {
      const next = load(keys[loading.length]);
      next.catch(() => {}); // awaited in its turn; until then a rejection is nobody's
      loading.push(next);
    }
    const value = await loading[at];
    delete loading[at];
    yield [keys[at], value];
  }
}
