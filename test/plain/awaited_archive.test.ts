/** Proves that archives of PyTorch of which parts are awaited are read, and refused, as those in memory are, and never as a whole. */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AwaitedParts } from '../../src/formats/parts.js';
import { readTorch } from '../../src/formats/torch/torch.js';
import { awaitCheckpoint } from '../../src/formats/weights/awaited_checkpoint.js';
import { isAwaited, NotInMemoryError, numbersOf } from '../../src/formats/weights/checkpoint.js';
import { beginReading } from '../../src/localizer/weights/coming_weights.js';

const folder = new URL('../../../test/fixtures/torch-checkpoints/', import.meta.url);
const archives = readdirSync(folder)
  .map((name) => ({ name, bytes: new Uint8Array(readFileSync(new URL(name, folder))) }))
  .filter(({ bytes }) => bytes[0] === 0x50);
const verified = new Uint8Array(readFileSync(new URL('../torch-verified/model.pth', folder)));

async function checkpointOf(bytes: Uint8Array) {
  const { parts } = await beginReading(new Blob([bytes as BlobPart]), { what: 'weights', maxBytes: 2 ** 30 });
  return awaitCheckpoint(parts!);
}

/** A reader's result, or what it throws. */
const outcome = async <T>(read: () => T | Promise<T>): Promise<T | Error> => {
  try {
    return await read();
  } catch (error) {
    return error as Error;
  }
};

for (const { name, bytes } of [...archives, { name: 'model.pth', bytes: verified }])
  test(`${name} gives what it gives in memory`, async () => {
    const expected = await outcome(() => readTorch(bytes));
    const given = await outcome(() => checkpointOf(bytes));
    // Tensors that are spread over their storage are needed at once, so the file is then read as a whole.
    if (given instanceof NotInMemoryError) return assert.match(name, /^every_type/);
    if (expected instanceof Error) return assert.is((given as Error).message, expected.message);
    const { tensors, ...rest } = given as typeof expected;
    const { tensors: wanted, ...others } = expected;
    assert.equal(rest, others);
    assert.equal([...tensors.keys()], [...wanted.keys()]);
    for (const [key, tensor] of tensors) {
      const { shape, data } = wanted.get(key)!;
      assert.equal([tensor.shape, await numbersOf(tensor)], [shape, data], key);
    }
    return undefined;
  });

test('large tensors are awaited, and no part that is read at once is large', async () => {
  const sizes: number[] = [];
  const parts: AwaitedParts = {
    size: verified.length,
    isRandom: true,
    async read(at, into) {
      sizes.push(into.length);
      into.set(verified.subarray(at, at + into.length));
    },
  };
  const { tensors } = (await awaitCheckpoint(parts))!;
  const large = [...tensors.values()].filter(({ shape }) => shape.reduce((count, size) => count * size, 4) > 1024);
  assert.ok(large.length > 0 && large.every(isAwaited));
  assert.ok(Math.max(...sizes) <= 1 << 20);
  assert.is(await awaitCheckpoint({ ...parts, isRandom: false }), undefined);
});

test('damaged and cut archives are refused with the same words', async () => {
  const damaged = verified.slice();
  const middle = damaged.length >> 1;
  for (let at = middle; at < middle + 64; at++) damaged[at] ^= 1;
  for (const bytes of [damaged, ...[0.3, 0.9].map((share) => verified.subarray(0, verified.length * share))]) {
    const expected = (await outcome(() => readTorch(bytes))) as Error;
    assert.instance(expected, Error);
    assert.is(((await outcome(() => checkpointOf(bytes))) as Error).message, expected.message);
  }
});

test.run();
