/** Proves that 8-bit weights are rounded as promised, give the same numbers however their file is read, and are refused if their scales are wrong. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AwaitedParts, Parts } from '../../src/formats/parts.js';
import { awaitCheckpoint } from '../../src/formats/weights/awaited_checkpoint.js';
import { type Checkpoint, numbersOf, piecesOf, type TensorData } from '../../src/formats/weights/checkpoint.js';
import { openCheckpoint } from '../../src/formats/weights/open_checkpoint.js';
import { int8File, quantizeInt8 } from '../../src/formats/weights/quantize_int8.js';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { readSafetensors, type WrittenType, writeSafetensors } from '../../src/formats/weights/safetensors.js';

const PIECE = 1 << 20;
const tensor = (shape: number[], value: (i: number) => number): TensorData => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((all, one) => all * one, 1) }, (_, i) => value(i)),
});
const WEIGHTS = new Map([
  ['conv.weight', tensor([3, 5, 3, 3], (i) => Math.sin(i) * 10 ** Math.floor(i / 45))],
  ['zero.weight', tensor([2, 16], (i) => (i < 16 ? 0 : i - 20))],
  // Its pieces end within channels.
  ['large.weight', tensor([263, 4099], (i) => Math.cos(i) * (i % 7))],
]);
const OTHERS = new Map([
  ['conv.bias', tensor([3], (i) => i / 8)],
  ['exact', tensor([2], (i) => 0.1 + i)],
]);
const file = int8File(new Map([...WEIGHTS, ...OTHERS]), { maker: 'test' }, new Set(WEIGHTS.keys()));
const bytes = writeSafetensors(file.tensors, file.metadata, { dtype: file.typeOf });

const sizes: number[] = [];
const parts: Parts = {
  size: bytes.length,
  read(at, into) {
    sizes.push(into.length);
    into.set(bytes.subarray(at, at + into.length));
  },
};
const awaited: AwaitedParts = { size: bytes.length, read: async (at, into) => parts.read(at, into) };

async function joined(one: TensorData): Promise<Float32Array> {
  const numbers = new Float32Array(one.shape.reduce((all, size) => all * size, 1));
  let at = 0;
  for await (const piece of piecesOf(one)) {
    numbers.set(piece, at);
    at += piece.length;
  }
  assert.is(at, numbers.length);
  return numbers;
}

const readers: Record<string, () => Promise<Checkpoint | undefined>> = {
  'bytes in memory': () => readCheckpoint(bytes),
  'a file': async () => openCheckpoint(parts),
  'a download': () => awaitCheckpoint(awaited),
};

for (const [what, read] of Object.entries(readers))
  test(`${what}: each weight is the integer times its channel's scale, the others are as they were`, async () => {
    sizes.length = 0;
    const { tensors, metadata, int8 } = (await read())!;
    assert.equal([...tensors.keys()].sort(), [...WEIGHTS.keys(), ...OTHERS.keys()].sort());
    assert.equal(metadata, { maker: 'test' });
    assert.equal([...int8!].sort(), [...WEIGHTS.keys()].sort());
    for (const [name, { shape, data }] of WEIGHTS) {
      const found = tensors.get(name)!;
      assert.equal(found.shape, shape);
      const { integers, scales } = quantizeInt8({ shape, data });
      const perChannel = data.length / shape[0];
      const expected = integers.data.map((integer, i) => integer * scales.data[Math.floor(i / perChannel)]);
      assert.ok(
        expected.every((value, i) => Math.abs(value - data[i]) <= 0.501 * scales.data[Math.floor(i / perChannel)]),
      );
      assert.equal(await numbersOf(found), expected, name);
      assert.equal(await joined(found), expected, `${name} in pieces`);
    }
    for (const [name, { data }] of OTHERS) assert.equal(await numbersOf(tensors.get(name)!), data);
    assert.ok(sizes.every((size) => size <= PIECE || what === 'a file'));
    const { data } = what === 'a download' ? { data: undefined } : tensors.get('zero.weight')!;
    if (data) assert.is(tensors.get('zero.weight')!.data, data, 'the same array while somebody holds it');
  });

test('a byte for each weight, halves where they are exact', () => {
  const types = Object.fromEntries([...file.tensors.keys()].map((name) => [name, file.typeOf(name)]));
  assert.equal(types, {
    ...{ 'conv.weight.int8_scale': 'F32', 'conv.weight': 'I8', 'zero.weight.int8_scale': 'F32', 'zero.weight': 'I8' },
    ...{ 'large.weight.int8_scale': 'F32', 'large.weight': 'I8', 'conv.bias': 'F16', exact: 'F32' },
  });
  const stored = readSafetensors(bytes).tensors;
  assert.ok([...WEIGHTS.keys()].every((name) => stored.get(name)!.data.every((one) => Math.abs(one) <= 127)));
  assert.is(stored.get('zero.weight.int8_scale')!.data[0], 0);
});

test('any weights: at most half a scale off, the largest of a channel exact, zeros stay zeros', () => {
  const channel = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, max: 2 ** 100, min: -(2 ** 100) }), {
    minLength: 4,
    maxLength: 4,
  });
  fc.assert(
    fc.property(fc.array(channel, { minLength: 1, maxLength: 5 }), (channels) => {
      const { integers, scales, relativeError } = quantizeInt8({
        shape: [channels.length, 4],
        data: Float32Array.from(channels.flat()),
      });
      assert.ok(relativeError >= 0 && relativeError <= 1);
      for (const [c, values] of channels.entries()) {
        const scale = scales.data[c];
        for (const [i, value] of values.entries()) {
          const integer = integers.data[4 * c + i];
          assert.ok(Number.isInteger(integer) && Math.abs(integer) <= 127 && !Object.is(integer, -0));
          // Below the smallest normal number a scale has fewer digits.
          assert.ok(Math.abs(value - integer * scale) <= 0.5001 * scale + 127 * 2 ** -149, `${value}`);
          if (value === 0) assert.is(integer, 0);
        }
      }
    }),
  );
});

test('what cannot be rounded is refused', () => {
  assert.throws(() => quantizeInt8(tensor([2, 2], (i) => (i === 3 ? Number.NaN : 1))), /not finite.*NaN at 3/s);
  assert.throws(() => quantizeInt8(tensor([], () => 1)), /no output channels/);
  const taken = new Map([...WEIGHTS, ['conv.weight.int8_scale', tensor([3], () => 1)]]);
  assert.throws(() => int8File(taken, {}, new Set(['conv.weight'])), /have a tensor conv\.weight\.int8_scale already/);
  const i8 = { dtype: 'I8' } as const;
  assert.throws(() => writeSafetensors(new Map([['w', tensor([1], () => 0.5)]]), {}, i8), /does not fit I8.*0\.5/s);
  assert.throws(() => writeSafetensors(new Map([['w', tensor([1], () => 128)]]), {}, i8), /does not fit I8.*128/s);
});

/** A file with the tensor w of two channels, its scales unless told otherwise, and the usual metadata. */
function broken({ form = 'scale-per-output-channel', weightType = 'I8' as WrittenType, ...more }) {
  const {
    scales = tensor([2], () => 0.5),
    scaleType = 'F32',
    name = 'w.int8_scale',
  } = more as {
    scales?: TensorData | null;
    scaleType?: WrittenType;
    name?: string;
  };
  const tensors = new Map([['w', tensor([2, 3], (i) => i)], ...(scales ? [[name, scales] as const] : [])]);
  const metadata: Record<string, string> = form === '' ? {} : { int8_weights: form };
  tensors.set(
    'counter',
    tensor([1], () => 1),
  );
  const typeOf = (one: string): WrittenType => (one === 'w' ? weightType : one === name ? scaleType : 'F32');
  return writeSafetensors(tensors, metadata, { dtype: typeOf });
}

for (const [what, options, message] of [
  ['no scales', { scales: null }, /scales of 'w' are missing.*w\.int8_scale/s],
  ['scales of another type', { scaleType: 'F16' }, /scales of 'w' are wrong.*F16 \[2\]/s],
  ['too few scales', { scales: tensor([1], () => 1) }, /scales of 'w' are wrong.*F32 \[1\]/s],
  ['scales of no integers', { name: 'v.int8_scale' }, /scales of 'w' are missing|belongs to no tensor/],
  ['a form of the future', { form: 'blocks' }, /int8_weights is wrong.*blocks.*newer/s],
  ['integers without metadata', { form: '' }, /nothing says their scale.*raybox quantize/s],
] as const)
  test(`refused: ${what}`, async () => {
    const file = broken(options);
    const error = await readCheckpoint(file).then(
      () => assert.unreachable('refused'),
      (one: Error) => one,
    );
    assert.match(error!.message, message);
  });

test('a scale that is no number is named when the tensor is read', async () => {
  for (const wrong of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
    const { tensors } = await readCheckpoint(broken({ scales: tensor([2], (i) => (i === 1 ? wrong : 1)) }));
    assert.throws(() => tensors.get('w')!.data, new RegExp(`scale of 'w' is wrong.*${wrong} of output channel 1`, 's'));
  }
});

test.run();
