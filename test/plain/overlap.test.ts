/** Batches that the GPU gets while the results of those before are read. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runOverlapped, type Shared } from '../../src/localizer/overlap.js';
import type { Request } from '../../src/localizer/request.js';
import { createQueue } from '../../src/localizer/session/queue.js';
import type { Batch, Begun, Computed, Session } from '../../src/localizer/session/session.js';

const request = {} as Request;
const batchOf = (...names: string[]) => ({ images: names, indexes: names.map((_, i) => i) }) as unknown as Batch;
const computed = (name: string) => ({ name }) as unknown as Computed;
const settled = () => new Promise((resolve) => setTimeout(resolve, 1));

/** A session that says what it is told to do, and whose results come when the test says so. */
function sessionOf(events: string[]) {
  const reads: { resolve(results: (Computed | undefined)[]): void; reject(error: Error): void }[] = [];
  const session = {
    async run(images: unknown) {
      events.push(`run ${images}`);
      return (images as string[]).map(computed);
    },
    async begin(images: unknown): Promise<Begun> {
      events.push(`begin ${images}`);
      const results = new Promise<(Computed | undefined)[]>((resolve, reject) => reads.push({ resolve, reject }));
      return { results };
    },
  } as unknown as Session;
  return { session, reads };
}

const sharedBy = (session: Session): Shared => ({ queue: createQueue(), session: () => session, reading: new Set() });

test('a batch begins before the results of the one before are there, and other work waits only until it has begun', async () => {
  const events: string[] = [];
  const { session, reads } = sessionOf(events);
  const shared = sharedBy(session);
  const first = runOverlapped(shared, batchOf('a', 'b'), request);
  const second = runOverlapped(shared, batchOf('c'), request);
  const other = shared.queue.push(async () => events.push('other'));
  await other;
  assert.equal(events, ['begin a,b', 'begin c', 'other']);
  assert.is(shared.reading.size, 2);
  reads[1].resolve([computed('c')]);
  reads[0].resolve(['a', 'b'].map(computed));
  assert.equal(await first, ['a', 'b'].map(computed));
  assert.equal(await second, [computed('c')]);
  await settled();
  assert.is(shared.reading.size, 0);
});

test('an image without a result is run alone', async () => {
  const events: string[] = [];
  const { session, reads } = sessionOf(events);
  const work = runOverlapped(sharedBy(session), batchOf('a', 'b', 'c'), request);
  await settled();
  reads[0].resolve([computed('a'), undefined, computed('c')]);
  assert.equal(await work, ['a', 'b', 'c'].map(computed));
  assert.equal(events, ['begin a,b,c', 'run b']);
});

test('errors and aborts reach the caller, and reading ends before the session may be closed', async () => {
  const { session, reads } = sessionOf([]);
  const shared = sharedBy(session);
  const failing = runOverlapped(shared, batchOf('a'), request).catch((error: Error) => error.message);
  await settled();
  reads[0].reject(new Error('lost'));
  assert.is(await failing, 'lost');

  const controller = new AbortController();
  const aborted = runOverlapped(shared, batchOf('b'), request, controller.signal).catch((error: Error) => error.name);
  await settled();
  controller.abort();
  assert.is(await aborted, 'AbortError');
  assert.is(shared.reading.size, 1, 'the GPU still works at it');
  reads[1].reject(new Error('nobody waits for this'));
  await Promise.all(shared.reading);
  assert.is(shared.reading.size, 0);
});

test('a session that cannot begin runs batches one after the other', async () => {
  const { session } = sessionOf([]);
  const work = runOverlapped(sharedBy({ ...session, begin: undefined } as unknown as Session), batchOf('a'), request);
  assert.equal(await work, [computed('a')]);
});

test.run();
