/** One after the other: what is asked for while something runs, runs after it. A failure fails its own call alone. */
export interface Queue {
  /**
   * Does the work when its turn comes, or not at all where the signal is aborted by then. An abort is answered at once, also of what
   * has begun; the next in the queue begins only when that is through.
   * @param drop what the work gave after all, behind the abort, so that it can be freed.
   */
  push<T>(work: () => Promise<T>, signal?: AbortSignal, drop?: (value: T) => void): Promise<T>;
  /** Resolves once everything that is in the queue now is through. */
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

/** What `work` gives; or, as soon as the signal is aborted, its reason. `drop` gets what the work gave after all. */
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
