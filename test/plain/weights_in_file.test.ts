/** Proves that weights of a file are read piece by piece, each byte once, in a single small buffer, and give the numbers of the whole file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import type { Parts } from '../../src/formats/parts.js';
import type { TensorData } from '../../src/formats/weights/checkpoint.js';
import { openCheckpoint } from '../../src/formats/weights/file_tensors.js';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { parameterValues } from '../../src/nets/parameter_values.js';
import { openWeights } from '../../src/node/weights_file.js';

const PIECE = 1 << 20;
const tensor = (...shape: number[]): TensorData => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((all, one) => all * one, 1) }, (_, i) => Math.sin(i) * 8),
});
const tensors = new Map([
  ['odd', tensor(3, 7)],
  ['large', tensor(263, 1031)],
  ['empty', tensor(0)],
  ['norm.running_var', tensor(0)],
  ['small', tensor(5)],
]);

function counted(bytes: Uint8Array) {
  const reads: { at: number; size: number }[] = [];
  const buffers = new Set<ArrayBufferLike>();
  const file: Parts = {
    size: bytes.length,
    read(at, into) {
      reads.push({ at, size: into.length });
      buffers.add(into.buffer);
      into.set(bytes.subarray(at, at + into.length));
    },
  };
  return { file, reads, buffers };
}

for (const dtype of ['F32', 'F16', 'BF16'] as const) {
  test(`${dtype}: pieces are the numbers of the file, of which never more than a piece is read at once`, async () => {
    const bytes = writeSafetensors(tensors, {}, { dtype });
    const { file, reads, buffers } = counted(bytes);
    const opened = openCheckpoint(file)!;
    const headerBytes = reads.reduce((sum, { size }) => sum + size, 0);
    assert.ok(headerBytes < 2048, 'only the header is read to open it');
    reads.length = 0;
    buffers.clear();

    const whole = await readCheckpoint(bytes);
    const source = parameterValues(opened);
    for (const [name, { shape, data }] of whole.tensors) {
      assert.equal(opened.tensors.get(name)!.shape, shape);
      let at = 0;
      for (const piece of source.pieces!(name, shape)) {
        assert.ok(
          piece.every((value, i) => value === data[at + i]),
          name,
        );
        at += piece.length;
      }
      assert.is(at, data.length, name);
    }
    assert.ok(reads.every(({ size }) => size <= PIECE));
    assert.is(buffers.size, 1, 'one buffer serves all pieces');
    const read = reads.reduce((sum, { size }) => sum + size, 0);
    assert.is(read, [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0) * (dtype === 'F32' ? 4 : 2));
  });
}

test('two tensors that are read at the same time do not share a buffer', () => {
  const source = parameterValues(openCheckpoint(counted(writeSafetensors(tensors)).file)!);
  const [some, other] = ['odd', 'small'].map((name) =>
    source.pieces!(name, tensors.get(name)!.shape)[Symbol.iterator](),
  );
  const piece: Float32Array = some.next().value;
  other.next();
  assert.equal(Float32Array.from(piece), tensors.get('odd')!.data);
});

test('numbers that are asked for as a whole are the same array for all who hold them', () => {
  const opened = openCheckpoint(counted(writeSafetensors(tensors)).file)!;
  const odd = opened.tensors.get('odd')!;
  const { data } = odd;
  assert.is(odd.data, data);
  assert.equal(data, tensors.get('odd')!.data);
});

test('a wrong number is named with its place in the whole tensor', () => {
  const wrong = tensor(270_000);
  wrong.data[269_999] = Number.NaN;
  const source = parameterValues(openCheckpoint(counted(writeSafetensors(new Map([['w', wrong]]))).file)!);
  assert.throws(() => [...source.pieces!('w', [270_000])], /w is not finite.*NaN at 269999/s);
  assert.throws(() => [...source.pieces!('w', [4])], /has no 4 w/);
});

test('a file that has changed since it was opened is refused, and what is no file is left to others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'raybox-parts-'));
  try {
    const path = join(folder, 'w.safetensors');
    writeFileSync(path, writeSafetensors(tensors));
    const opened = openWeights(path, 1e9)!;
    assert.equal(opened.tensors.get('odd')!.data, tensors.get('odd')!.data);
    assert.is(openWeights(path, 1000), undefined, 'too large: its reader says so');
    writeFileSync(path, writeSafetensors(new Map([['odd', tensor(3, 8)]])));
    assert.throws(
      () => opened.tensors.get('large')!.data,
      (error: Error) => error instanceof InputError && /has changed while it was read/.test(error.message),
    );
    rmSync(path);
    assert.throws(() => opened.tensors.get('large')!.data, /cannot read .*no such file/s);
    for (const other of [path, folder, 'https://example.org/w.safetensors', 'a\0b'])
      assert.is(openWeights(other, 1e9), undefined);
    writeFileSync(path, 'PK\x03\x04 something else');
    assert.is(openWeights(path, 1e9), undefined, 'other formats are read as a whole');
    writeFileSync(path, '');
    assert.is(openWeights(path, 1e9), undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
