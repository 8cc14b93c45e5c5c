/** Runs tasks one after the other, in the order in which they were added. If one fails, the others are still run. */
export interface Queue {
  /**
   * Adds work to the queue. If the signal is aborted before its turn, the work is not done. An abort rejects the promise immediately,
   * even if the work has begun. The next work starts only when the current one has ended.
   * @param drop is called with the result of work that was aborted but ended successfully, so that the result can be freed.
   */
  push<T>(work: () => Promise<T>, signal?: AbortSignal, drop?: (value: T) => void): Promise<T>;
  /** Resolves when all work that is in the queue now has ended. */
  idle(): Promise<void>;
}

export function createQueue(): Queue {
  let last: Promise<void> = Promise.resolve();
  return {
    push(work, signal, drop) {
      const mine = last.then(() => {
        signal?.throwIfAborted();
        return work();
      });
      last = mine.then(
        () => {},
        () => {},
      );
      return abortable(mine, signal, drop);
    },
    idle: () => last,
  };
}

/**
 * Resolves with the result of `work`, or rejects with the signal's reason as soon as the signal is aborted. `drop` is called with a result
 * that comes after the abort.
 */
export function abortable<T>(work: Promise<T>, signal?: AbortSignal, drop?: (value: T) => void): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    let isAborted = false;
    const abort = () => {
      isAborted = true;
      reject(signal.reason);
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    work
      .then((value) => (isAborted ? drop?.(value) : resolve(value)), reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}
