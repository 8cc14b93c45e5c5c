/** Proves that a download holds only what nobody has read yet, waits when nobody reads, and never gives wrong bytes for that. */
import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Coming } from '../../src/localizer/weights/bytes.js';
import { beginReading } from '../../src/localizer/weights/coming_weights.js';

const MIB = 1 << 20;

/** A Response that says how many bytes it has, and counts those that were taken from it. */
function counted(mebibytes: number, told = mebibytes * MIB) {
  const taken = { mebibytes: 0 };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (taken.mebibytes === mebibytes) return controller.close();
        controller.enqueue(new Uint8Array(MIB).fill(taken.mebibytes++));
      },
    },
    { highWaterMark: 0 },
  );
  return { taken, response: new Response(body, { headers: { 'content-length': String(told) } }) };
}

const begin = (response: Response): Promise<Coming> => beginReading(response, { what: 'weights', maxBytes: 2 ** 30 });

async function bytesAt(coming: Coming, at: number, count: number): Promise<Uint8Array> {
  const into = new Uint8Array(count);
  await coming.parts!.read(at, into);
  return into;
}

/** Lets all that can be done be done. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('what was read is forgotten, and what nobody reads does not come', async () => {
  const { taken, response } = counted(60);
  const coming = await begin(response);
  await settle();
  assert.is(taken.mebibytes, 16);
  coming.dropRead();
  const last = await bytesAt(coming, 30 * MIB - 5, 10);
  assert.equal([...last], [29, 29, 29, 29, 29, 30, 30, 30, 30, 30]);
  for (let at = 0; at < 59; at++) {
    const piece = await bytesAt(coming, at * MIB, MIB - 10);
    assert.is(Buffer.compare(piece, Buffer.alloc(MIB - 10, at)), 0);
    if (at % 10 === 0) await settle();
    assert.ok(taken.mebibytes <= Math.max(31, at + 20), `${taken.mebibytes} taken when ${at} were read`);
  }
  await coming.end();
  assert.is(taken.mebibytes, 60);
  await bytesAt(coming, 50 * MIB, 10).then(
    () => assert.unreachable('refused'),
    (error: Error) => assert.match(error.message, /are not held any more/),
  );
});

test('what is wanted as a whole comes as a whole, also if parts of it were read before', async () => {
  const { response } = counted(30);
  const coming = await begin(response);
  assert.equal([...(await bytesAt(coming, 2 * MIB - 1, 2))], [1, 2]);
  const all = await coming.whole();
  assert.is(all.length, 30 * MIB);
  for (let at = 0; at < 30; at++)
    assert.is(Buffer.compare(all.subarray(at * MIB, (at + 1) * MIB), Buffer.alloc(MIB, at)), 0);
  assert.equal([...(await bytesAt(coming, 2 * MIB - 1, 2))], [1, 2]);
  await coming.end();
});

test('a file that is shorter or longer than was said is refused', async () => {
  for (const [told, message] of [
    [3 * MIB + 1, /the file is cut.*expected 3145729 bytes.*given 3145728/s],
    [3 * MIB - 1, /longer than was said.*expected 3145727 bytes/s],
  ] as const)
    for (const ask of ['end', 'whole'] as const) {
      const coming = await begin(counted(3, told).response);
      await coming[ask]().then(
        () => assert.unreachable('refused'),
        (error: Error) => assert.match(`${error.name}: ${error.message}`, message),
      );
    }
});

test('a download that is stopped while it waits is given up', async () => {
  const { taken, response } = counted(60);
  const coming = await begin(response);
  await settle();
  coming.stop();
  await settle();
  assert.is(taken.mebibytes, 16);
  await coming.end().then(
    () => assert.unreachable('refused'),
    (error: Error) => assert.match(error.message, /nobody needs it any more/),
  );
});

test.run();
