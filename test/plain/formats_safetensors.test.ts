/** Proves that safetensors files are written and read without loss, and that broken ones are refused. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../src/formats/half.js';
import type { TensorData } from '../../src/formats/weights/checkpoint.js';
import {
  decodeTensor,
  readSafetensors,
  readSafetensorsHeader,
  safetensorsHeaderBytes,
  writeSafetensors,
} from '../../src/formats/weights/safetensors.js';

const fixtures = new URL('../../../test/fixtures/', import.meta.url);
const data = process.env.RAYBOX_DATA ?? new URL('../../../../shared/data', import.meta.url).pathname;
const everyHalf = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** A file from header text as it stands and that many bytes of data. */
function file(header: unknown, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

function refuses(bytes: Uint8Array, message: RegExp): void {
  assert.throws(
    () => readSafetensors(bytes),
    (error: unknown) => error instanceof InputError && message.test(error.message),
    `no InputError like ${message}`,
  );
}

const tensors = (...list: [string, number[], number[]][]): Map<string, TensorData> =>
  new Map(list.map(([name, shape, values]) => [name, { shape, data: Float32Array.from(values) }]));

test('binary16: known patterns', () => {
  const patterns = [0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x3c00, 0xc000, 0x7bff, 0x7c00, 0xfc00, 0x3555];
  const values = [0, -0, 2 ** -24, -1023 * 2 ** -24, 2 ** -14, 1, -2, 65504, Infinity, -Infinity, 1365 / 4096];
  assert.equal([...f16ToF32(Uint16Array.from(patterns))], values);
  assert.equal([...f32ToF16(Float32Array.from(values))], patterns);
});

test('every binary16 and every bfloat16 is the same after conversion to float32 and back; NaN stays NaN', () => {
  for (const [widen, narrow, infinity] of [
    [f16ToF32, f32ToF16, 0x7c00],
    [bf16ToF32, f32ToBf16, 0x7f80],
  ] as const) {
    const wide = widen(everyHalf);
    const back = narrow(wide);
    for (let bits = 0; bits < 65536; bits++) {
      const nan = (bits & 0x7fff) > infinity;
      if (Number.isNaN(wide[bits]) !== nan || (nan ? !((back[bits] & 0x7fff) > infinity) : back[bits] !== bits))
        assert.unreachable(`0x${bits.toString(16)} became ${wide[bits]} and 0x${back[bits].toString(16)}`);
    }
  }
});

test('rounding to binary16 takes the nearest number, and of two equally near ones the even one', () => {
  for (const [widen, narrow, infinity, overflow] of [
    [f16ToF32, f32ToF16, 0x7c00, 65536],
    [bf16ToF32, f32ToBf16, 0x7f80, 2 ** 128],
  ] as const) {
    const wide = Float64Array.from(widen(everyHalf.subarray(0, infinity)));
    for (const sign of [1, -1])
      for (let i = 0; i < infinity; i++) {
        const next = i + 1 < infinity ? wide[i + 1] : overflow;
        const around = new Float32Array(3).fill((wide[i] + next) / 2);
        const bits = new Uint32Array(around.buffer);
        bits[0]--;
        bits[2]++;
        const [below, tie, above] = narrow(around.map((x) => x * sign));
        const expected = [i, i % 2 === 0 ? i : i + 1, i + 1].map((bits) => bits | (sign < 0 ? 0x8000 : 0));
        if (below !== expected[0] || tie !== expected[1] || above !== expected[2])
          assert.unreachable(`between ${wide[i]} and ${next}: ${[below, tie, above]} instead of ${expected}`);
      }
  }
  assert.equal(
    [...f32ToF16(Float32Array.of(65519.996, 65520, 1e30, -1e30, 2 ** -25, 2 ** -25 * 1.01))],
    [0x7bff, 0x7c00, 0x7c00, 0xfc00, 0, 1],
  );
  assert.equal([...f32ToF16(Float32Array.of(1, 2, 3).subarray(1))], [0x4000, 0x4200], 'a view is read from its start');
});

test('a written file is read back the same', () => {
  const written = tensors(['b', [2, 1, 3], [1, -2, 0.5, 65504, 0, -0]], ['a', [], [3]], ['empty', [0, 4], []]);
  const metadata = { classes: '["Mass","Übel \\"quoted\\""]', __proto__x: '' };
  for (const dtype of ['F32', 'F16', 'BF16'] as const) {
    const bytes = writeSafetensors(written, metadata, { dtype });
    const read = readSafetensors(bytes);
    assert.equal(read.metadata, metadata);
    assert.equal([...read.tensors.keys()].sort(), ['a', 'b', 'empty']);
    assert.equal(read.tensors.get('b')!.shape, [2, 1, 3]);
    assert.equal(
      [...read.tensors.get('b')!.data],
      dtype === 'BF16' ? [1, -2, 0.5, 65536, 0, -0] : [1, -2, 0.5, 65504, 0, -0],
    );
    assert.equal(read.tensors.get('empty'), { shape: [0, 4], data: new Float32Array(0) });
    assert.is(safetensorsHeaderBytes(bytes) % 8, 0);
    assert.equal(writeSafetensors(written, metadata, { dtype }), bytes);
  }
});

test('any tensors and strings are read back the same, wherever the bytes begin in memory', () => {
  const tensor = fc.record({
    shape: fc.array(fc.nat({ max: 5 }), { maxLength: 4 }),
    seed: fc.float({ noNaN: true, noDefaultInfinity: true }),
  });
  const name = fc.string({ unit: 'binary' }).filter((text) => text !== '__metadata__' && !/\p{Surrogate}/u.test(text));
  fc.assert(
    fc.property(
      fc.dictionary(name, tensor),
      fc.dictionary(name, fc.string()),
      fc.nat({ max: 7 }),
      (given, metadata, shift) => {
        const written = new Map(
          Object.entries(given).map(([key, { shape, seed }]): [string, TensorData] => {
            const length = shape.reduce((product, size) => product * size, 1);
            return [key, { shape, data: Float32Array.from({ length }, (_, i) => seed + i) }];
          }),
        );
        const bytes = writeSafetensors(written, metadata);
        const shifted = new Uint8Array(bytes.length + shift);
        shifted.set(bytes, shift);
        const read = readSafetensors(shifted.subarray(shift));
        assert.equal({ ...read.metadata }, { ...metadata });
        assert.is(read.tensors.size, written.size);
        for (const [key, value] of written) assert.equal(read.tensors.get(key), value);
      },
    ),
    { numRuns: 100 },
  );
});

test('a stream is decoded tensor by tensor', () => {
  const bytes = writeSafetensors(tensors(['one', [2], [1, 2]], ['two', [3], [3, 4, 5]]), {});
  const headerBytes = safetensorsHeaderBytes(bytes.subarray(0, 8));
  const { entries } = readSafetensorsHeader(bytes.subarray(0, headerBytes), bytes.length);
  const chunk = bytes.slice(entries[1].start - 1);
  assert.equal([...decodeTensor(entries[1], chunk, entries[1].start - 1).data], [3, 4, 5]);
  assert.throws(() => decodeTensor(entries[0], chunk, entries[1].start - 1), /'one' is not within the given bytes/);
});

test('integers, booleans and doubles become float32', () => {
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [dtype, values] of [
    ['I64', BigInt64Array.of(-7n, 2n ** 40n)],
    ['U64', BigUint64Array.of(7n, 2n ** 63n)],
    ['F64', Float64Array.of(1 / 3, 1e300)],
    ['I32', Int32Array.of(-1, 2)],
    ['U32', Uint32Array.of(1, 2 ** 31)],
    ['I16', Int16Array.of(-1, 2)],
    ['U16', Uint16Array.of(1, 65535)],
    ['I8', Int8Array.of(-1, 2)],
    ['U8', Uint8Array.of(1, 255)],
    ['BOOL', Uint8Array.of(0, 1)],
  ] as const) {
    header[dtype] = { dtype, shape: [2], data_offsets: [at, at + values.byteLength] };
    parts.push(new Uint8Array(values.buffer));
    at += values.byteLength;
  }
  const bytes = file(header, at);
  let offset = bytes.length - at;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  const read = Object.fromEntries([...readSafetensors(bytes).tensors].map(([name, { data }]) => [name, [...data]]));
  assert.equal(read, {
    I64: [-7, 2 ** 40],
    U64: [7, 2 ** 63],
    F64: [Math.fround(1 / 3), Infinity],
    I32: [-1, 2],
    U32: [1, 2 ** 31],
    I16: [-1, 2],
    U16: [1, 65535],
    I8: [-1, 2],
    U8: [1, 255],
    BOOL: [0, 1],
  });
});

test('the error for a broken file says what is wrong', () => {
  const one = (entry: object) =>
    file({ x: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...entry }, __metadata__: {} }, 8);
  assert.is(readSafetensors(one({})).tensors.size, 1);
  refuses(new Uint8Array(0), /the file is cut.*given 0/);
  refuses(new TextEncoder().encode('<!DOCTYPE html>'), /impossible header length/);
  refuses(new Uint8Array(64).fill(255), /impossible header length/);
  refuses(file('{}').subarray(0, 9), /the header is cut/);
  refuses(file('{"x": '), /the header is not JSON/);
  refuses(file('\xff{}'), /the header is not JSON/);
  refuses(file('[1, 2]'), /not a JSON object/);
  refuses(file({ __metadata__: { epoch: 3 } }), /__metadata__ is wrong/);
  refuses(file({ __metadata__: null }), /__metadata__ is wrong/);
  refuses(file({ x: 5 }), /'x': the header entry is not an object/);
  refuses(one({ dtype: 'F8_E4M3' }), /unknown element type.*given 'F8_E4M3'/);
  refuses(one({ dtype: 'toString' }), /unknown element type/);
  for (const shape of [[-1], [1.5], ['2'], [null], 2, null, new Array(40).fill(1)])
    refuses(one({ shape }), /the shape is wrong/);
  refuses(one({ shape: [2 ** 30, 2 ** 30] }), /the shape overflows/);
  refuses(one({ shape: [3] }), /shape and size disagree; expected 12 bytes.*given 8/);
  for (const data_offsets of [[8, 0], [0], [-8, 0], [0.5, 8.5], null, ['0', '8']])
    refuses(one({ data_offsets }), /data_offsets is wrong/);
  refuses(one({ data_offsets: [8, 16] }), /leaves a gap/);
  refuses(one({}).subarray(0, -1), /the file is cut.*incomplete/);
  refuses(Uint8Array.of(...one({}), 0), /longer than its tensors/);
  const both = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  refuses(file({ a: both, b: { ...both, data_offsets: [4, 12] } }, 12), /'b' overlaps another tensor/);
  refuses(file({ a: both, b: both }, 8), /'b' overlaps another tensor/);
  refuses(file(`{"a":${JSON.stringify(both)},"\\u0061":${JSON.stringify(both)}}`, 8), /names 'a' twice/);
  refuses(file('{"a":{"dtype":"F32","shape":[0],"shape":[2],"data_offsets":[0,8]}}', 8), /names 'shape' twice/);
  const long = 'a'.repeat(1e6);
  for (const header of [{ [long]: 1 }, `{"${long}":1,"${long}":1}`]) {
    assert.throws(
      () => readSafetensors(file(header)),
      (error: Error) => error.message.length < 400,
    );
  }
});

test('a header that would overflow the stack or fill the memory is refused', () => {
  refuses(file('['.repeat(2e6)), /nests too deep; expected 3 levels/);
  refuses(file(`{"a":${'{"b":'.repeat(1e6)}`), /nests too deep/);
  refuses(file(`{"a":[[[${'0'}]]]}`), /nests too deep/);
  refuses(file(`[${'{},'.repeat(1e6)}{}]`), /too many parts; expected at most 1000000/);
  refuses(file(`{"a":${'"b",'.repeat(1e6)}`), /too many parts/);
  for (const sequence of ['\\n', '\\\\', '\\"', '\\u0041']) {
    const name = sequence.repeat(sequence === '\\n' ? 4e6 : 1e5);
    refuses(file(`{"${name}":1}`), /the header entry is not an object/);
    refuses(file(`{"${name}`), /the header is not JSON/);
    const { metadata } = readSafetensors(file(`{"__metadata__":{"${name}":"${'x'.repeat(9)}"}}`));
    assert.equal(Object.values(metadata), ['xxxxxxxxx']);
  }
  refuses(file(`{"${'\\n'.repeat(4e5)}":1,"${'\\n'.repeat(4e5)}":1}`), /names '.{1,80}' twice/s);
  refuses(file(`{"a" \n\t\r :1,"a":1}`), /names 'a' twice/);
  // A name may contain brackets and colons. Equal keys in different objects are not duplicates.
  const entry = '{"dtype":"F32","shape":[],"data_offsets":[0,4]}';
  const read = readSafetensors(file(`{"{\\"[,:":${entry},"__metadata__":{"dtype":"a\\\\","b":"}]"}}`, 4));
  assert.equal([...read.tensors.keys()], ['{"[,:']);
  assert.equal(read.metadata, { dtype: 'a\\', b: '}]' });
});

test('writing refuses everything that reading would refuse', () => {
  const write =
    (...args: Parameters<typeof writeSafetensors>) =>
    () =>
      writeSafetensors(...args);
  assert.throws(write(tensors(['x', [3], [1, 2]]), {}), /'x' has the wrong number of elements; expected 3/);
  assert.throws(write(tensors(['__metadata__', [1], [1]]), {}), /cannot be named/);
  assert.throws(write(tensors(['x', [2], [1, 70000]]), {}, { dtype: 'F16' }), /does not fit F16.*given 70000 at 1/);
  assert.throws(write(new Map(), { epoch: 3 as unknown as string }), /metadata 'epoch' is not a string/);
  assert.not.throws(write(tensors(['x', [2], [Infinity, NaN]]), {}, { dtype: 'F16' }));
});

test('truncated and damaged files give an InputError or a checkpoint, nothing else', () => {
  const good = writeSafetensors(tensors(['a.weight', [2, 3], [1, 2, 3, 4, 5, 6]], ['b', [1], [7]]), { note: 'x' });
  for (let length = 0; length < good.length; length++) refuses(good.subarray(0, length), /safetensors/);
  const flip = fc.record({ at: fc.nat({ max: good.length - 1 }), to: fc.integer({ min: 0, max: 255 }) });
  fc.assert(
    fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), (flips) => {
      const bytes = good.slice();
      for (const { at, to } of flips) bytes[at] = to;
      try {
        readSafetensors(bytes);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});

test('reference networks: names, shapes, metadata', () => {
  const { tensors: read, metadata } = readSafetensors(
    readFileSync(new URL('torch-reference/densenet/model.safetensors', fixtures)),
  );
  assert.is(metadata.arch, 'densenet');
  assert.equal(read.get('head.prediction.weight')?.shape, [8, 32]);
  assert.is(read.size, 118);
});

test('every safetensors file of the shared data', () => {
  if (!existsSync(data)) return console.log('skipped: no shared data for safetensors');
  const files = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.safetensors'),
  );
  assert.ok(files.length >= 13);
  for (const name of files)
    for (const { data: values } of readSafetensors(readFileSync(`${data}/${name}`)).tensors.values())
      assert.ok(values.every(Number.isFinite), name);
});

test.run();
