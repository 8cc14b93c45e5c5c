/** Gives the GPU the next batch while the results of the one before are read, so that it does not wait. */

import type { Request } from './request.js';
import { abortable, type Queue } from './session/queue.js';
import type { Batch, Begun, Computed, Session } from './session/session.js';

/** What work of a localizer shares. */
export interface Shared {
  readonly queue: Queue;
  /** Gives the session of the moment, since another one may take its place while work waits in the queue. */
  session(): Session;
  /** Results that are being read. Until they are, the session must not be closed. */
  readonly reading: Set<Promise<unknown>>;
}

/** Computes a batch. Work that is in the queue behind it may begin as soon as the GPU has all of this. */
export async function runOverlapped(
  shared: Shared,
  { images }: Batch,
  request: Request,
  signal?: AbortSignal,
): Promise<Computed[]> {
  const { queue, session } = shared;
  const { results } = await queue.push(() => begin(shared, images, request, signal), signal);
  const computed: (Computed | undefined)[] = [...(await abortable(results, signal))];
  for (const [slot, image] of images.entries()) {
    if (computed[slot]) continue;
    [computed[slot]] = await queue.push(() => session().run([image], request, signal), signal);
  }
  return computed as Computed[];
}

async function begin(
  { session, reading }: Shared,
  images: Batch['images'],
  request: Request,
  signal: AbortSignal | undefined,
): Promise<Begun> {
  const { begin: beginOn, run } = session();
  if (!beginOn) return { results: Promise.resolve(await run(images, request, signal)) };
  const begun = await beginOn(images, request, signal);
  const done = begun.results
    .then(
      () => {},
      () => {}, // an error is thrown where the results are awaited, if the work was not aborted
    )
    .finally(() => reading.delete(done));
  reading.add(done);
  return begun;
}
