/** Localizes many images in batches. */
import { DEFAULT_BATCH, readBatches, refuseSingleImage, runBatch } from './batches.js';
import { describeBatch } from './describe.js';
import type { ImageInput } from './images/image_input.js';
import { KNOWN_OPTIONS, type LocalizeAllOptions } from './load_options.js';
import { runOverlapped, type Shared } from './overlap.js';
import { requestOf } from './request.js';
import type { Localization } from './results.js';
import { abortable } from './session/queue.js';
import type { Batch } from './session/session.js';

/** What `localizeAll` needs of its localizer. */
export interface Caller extends Shared {
  /** @throws InputError if the localizer was closed */
  check(): void;
  /** Makes the closing of the localizer wait for this. */
  track<T>(work: Promise<T>): Promise<T>;
}

/** The body of `Localizer.localizeAll`. */
export async function* localizeAll(
  caller: Caller,
  images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
  options: LocalizeAllOptions,
): AsyncGenerator<Localization, void, undefined> {
  const { batch = DEFAULT_BATCH, onError, ...perImage } = options;
  const { signal } = perImage;
  refuseSingleImage(images);
  const request = requestOf(caller.session().metadata, options, 'localizeAll', KNOWN_OPTIONS.localizeAll);
  const skipBad = onError !== undefined;
  const run = async (together: Batch) =>
    describeBatch(caller.session(), together, request, await runOverlapped(caller, together, request, signal));
  const batches = readBatches(images, batch, { ...perImage, skipBad });
  const read = () => {
    const batch = batches.next();
    batch.catch(() => {}); // the error is thrown where the promise is awaited; until then the rejection must not count as unhandled
    return batch;
  };
  let next = read();
  /** Begins to run the batch that has been read, and to read the one after it. Returns undefined if no batch is left. */
  const begin = async () => {
    const { done, value } = await abortable(next, signal);
    if (done) return undefined;
    next = read();
    const outcomes = caller.track(runBatch(value, run, skipBad));
    outcomes.catch(() => {});
    return { outcomes };
  };
  try {
    let beginning = begin();
    for (;;) {
      const begun = await beginning;
      if (!begun) return;
      // The GPU gets the next batch before the results of this one are there.
      beginning = begin();
      beginning.catch(() => {});
      for (const outcome of await begun.outcomes) {
        if ('error' in outcome) await onError?.(outcome.error, outcome.index);
        else yield outcome;
      }
      caller.check();
    }
  } finally {
    // This lets the iterable of the images close what it has opened. It is not awaited, because reading the current image may never end.
    batches.return().catch(() => {});
  }
}
