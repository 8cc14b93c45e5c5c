/** Proves that weights of a file are read piece by piece, each byte once, in a single small buffer, and give the numbers of the whole file. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import type { Parts } from '../../src/formats/parts.js';
import { type Checkpoint, type NumberPieces, piecesOf, type TensorData } from '../../src/formats/weights/checkpoint.js';
import { openCheckpoint } from '../../src/formats/weights/open_checkpoint.js';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { readTensors } from '../../src/localizer/weights/model.js';
import { parameterValues } from '../../src/nets/description/parameter_values.js';
import { openWeights } from '../../src/node/weights_file.js';
import { zip } from '../support/zip.js';

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

/** Copies of all pieces, each of which is only valid until the next one is asked for. */
async function all(pieces: NumberPieces): Promise<number[][]> {
  const copies: number[][] = [];
  for await (const piece of pieces) copies.push([...piece]);
  return copies;
}

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
    const opened = (await openCheckpoint(file))!;
    const headerBytes = reads.reduce((sum, { size }) => sum + size, 0);
    assert.ok(headerBytes < 2048, 'only the header is read to open it');
    reads.length = 0;
    buffers.clear();

    const whole = await readCheckpoint(bytes);
    const source = parameterValues(opened);
    for (const [name, { shape, data }] of whole.tensors) {
      assert.equal(opened.tensors.get(name)!.shape, shape);
      let at = 0;
      for await (const piece of source.pieces!(name, shape)) {
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

test('two tensors that are read at the same time do not share a buffer', async () => {
  const source = parameterValues((await openCheckpoint(counted(writeSafetensors(tensors)).file))!);
  const [some, other] = ['odd', 'small'].map((name) => {
    const pieces = source.pieces!(name, tensors.get(name)!.shape) as AsyncIterable<Float32Array>;
    return pieces[Symbol.asyncIterator]();
  });
  const { value: piece } = await some.next();
  await other.next();
  assert.equal(Float32Array.from(piece), tensors.get('odd')!.data);
});

test('numbers that are asked for as a whole are the same array for all who hold them', async () => {
  const opened = (await openCheckpoint(counted(writeSafetensors(tensors)).file))!;
  const odd = opened.tensors.get('odd')!;
  const { data } = odd;
  assert.is(odd.data, data);
  assert.equal(data, tensors.get('odd')!.data);
});

test('a wrong number is named with its place in the whole tensor', async () => {
  const wrong = tensor(270_000);
  wrong.data[269_999] = Number.NaN;
  const source = parameterValues((await openCheckpoint(counted(writeSafetensors(new Map([['w', wrong]]))).file))!);
  const refused = (shape: number[], message: RegExp) =>
    all(source.pieces!('w', shape)).then(
      () => assert.unreachable('refused'),
      (error: Error) => assert.match(error.message, message),
    );
  await refused([270_000], /w is not finite.*NaN at 269999/s);
  await refused([4], /has no 4 w/);
});

const fixture = (name: string) => new URL(`../../../test/fixtures/${name}`, import.meta.url);

for (const name of [
  'torch-checkpoints/every_type.pth',
  'torch-checkpoints/beside.pth',
  'torch-modules/resnet.pth',
  'torch-reference/densenet/model.pth',
])
  test(`${name}: a checkpoint of PyTorch in a file gives the tensors and settings of its bytes, in pieces too`, async () => {
    const bytes = new Uint8Array(readFileSync(fixture(name)));
    const { file, reads } = counted(bytes);
    const opened = (await openCheckpoint(file))!;
    const whole = await readCheckpoint(bytes);
    assert.equal(opened, whole);
    for (const [name, { data }] of whole.tensors)
      assert.equal((await all(piecesOf(opened.tensors.get(name)!))).flat(), [...data], name);
    assert.ok(reads.every(({ size }) => size <= PIECE));
  });

/** A checkpoint of PyTorch with one tensor of float32, which has all elements of its storage. */
function torchOf(values: Float32Array, shape: number[], strides: number[]): Uint8Array {
  const int = (value: number) => `J${Buffer.from(Int32Array.of(value).buffer).toString('latin1')}`;
  const text = (value: string) => `X${Buffer.from(Int32Array.of(value.length).buffer).toString('latin1')}${value}`;
  const id = `(${text('storage')}ctorch\nFloatStorage\n${text('0')}${text('cpu')}${int(values.length)}tQ`;
  const sizes = (all: number[]) => `(${all.map(int).join('')}t`;
  const tensor = `ctorch._utils\n_rebuild_tensor_v2\n(${id}${int(0)}${sizes(shape)}${sizes(strides)}\x89}tR`;
  const pickle = Buffer.from(`\x80\x02}(${text('w')}${tensor}u.`, 'latin1');
  return zip({ 'a/data.pkl': new Uint8Array(pickle), 'a/data/0': new Uint8Array(values.buffer) });
}

test('a large tensor of PyTorch is read in pieces; one in another order of axes as a whole, and put into row-major order', async () => {
  const { data } = tensor(300_001);
  const row = counted(torchOf(data, [300_001], [1]));
  const source = parameterValues((await openCheckpoint(row.file))!);
  row.reads.length = 0;
  const sizes = (await all(source.pieces!('w', [300_001]))).map(({ length }) => length);
  assert.equal(sizes, [PIECE / 4, 300_001 - PIECE / 4]);
  assert.is(row.reads.length, 2);

  const { tensors } = (await openCheckpoint(counted(torchOf(data.slice(0, 6), [2, 3], [1, 2])).file))!;
  assert.equal(
    [...tensors.get('w')!.data],
    [0, 2, 4, 1, 3, 5].map((i) => data[i]),
  );
});

test('a damaged storage of a file is noticed when the file is opened', async () => {
  const bytes = torchOf(tensor(300_001).data, [300_001], [1]);
  bytes[bytes.length >> 1] ^= 1;
  await openCheckpoint(counted(bytes).file).then(
    () => assert.unreachable('refused'),
    (error: Error) => assert.match(error.message, /'a\/data\/0' is damaged \(CRC-32\)/),
  );
});

test('a file is checked by integrity before it is opened, and its tensors stay in it all the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'raybox-parts-'));
  const path = join(folder, 'w.safetensors');
  const hashOf = (bytes: Uint8Array) => `sha384-${createHash('sha384').update(bytes).digest('base64')}`;
  try {
    const bytes = writeSafetensors(tensors);
    writeFileSync(path, bytes);
    const { checkpoint } = await readTensors(path, { integrity: hashOf(bytes) });
    const other = readTensors(path, { integrity: hashOf(bytes.subarray(1)) });
    await other.then(
      () => assert.unreachable('refused'),
      (error: Error) => assert.match(error.message, /^weights: not the file that the option integrity describes/),
    );
    rmSync(path);
    assert.throws(() => checkpoint.tensors.get('odd')!.data, /cannot read .*no such file/s);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a file that has changed since it was opened is refused, and what is no file is left to others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'raybox-parts-'));
  const open = (path: string) => openWeights(path, 1e9);
  const refusesToRead = ({ tensors }: Pick<Checkpoint, 'tensors'>, name: string, message: RegExp) =>
    assert.throws(
      () => tensors.get(name)!.data,
      (error: Error) => error instanceof InputError && message.test(error.message),
    );
  try {
    const path = join(folder, 'w.safetensors');
    for (const [before, after, name] of [
      [writeSafetensors(tensors), writeSafetensors(new Map([['odd', tensor(3, 8)]])), 'odd'],
      [torchOf(tensor(21).data, [21], [1]), torchOf(tensor(22).data, [22], [1]), 'w'],
    ] as const) {
      writeFileSync(path, before);
      const opened = (await open(path))!;
      assert.equal(opened.tensors.get(name)!.data, tensor(21).data);
      const later = (await open(path))!;
      assert.is(await openWeights(path, 20), undefined, 'too large: its reader says so');
      writeFileSync(path, after);
      refusesToRead(later, name, /has changed while it was read/);
      rmSync(path);
      refusesToRead(later, name, /cannot read .*no such file/s);
    }
    for (const other of [path, folder, 'https://example.org/w.safetensors', 'a\0b'])
      assert.is(await open(other), undefined);
    writeFileSync(path, readFileSync(fixture('torch-checkpoints/every_type.pth.tar')));
    assert.is(await open(path), undefined, 'streams of PyTorch are read as a whole');
    writeFileSync(path, '');
    assert.is(await open(path), undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
