/** The level of white in a 16-bit image, in all forms of images. */
import { deflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { crc32 } from '../../src/formats/crc32.js';
import { withoutAlpha } from '../../src/formats/images/alpha.js';
import { settleBits } from '../../src/formats/images/bits.js';
import type { Image } from '../../src/formats/images/pixels.js';
import { decodePng, encodePng } from '../../src/formats/images/png.js';
import { networkImage } from '../../src/train/network_image.js';

const grey = (...samples: number[]): Image => ({
  data: Uint16Array.from(samples),
  width: samples.length,
  height: 1,
  channels: 1,
});
const codes = ({ warnings = [] }: Image) => warnings.map(({ code }) => code);

test('the bits in use are taken from the largest sample, with a warning that they were assumed', () => {
  for (const bits of [9, 10, 11, 12, 13, 14, 15]) {
    const white = 2 ** bits - 1;
    for (const highest of [white, 2 ** (bits - 1)]) {
      const settled = settleBits(grey(0, highest, 5), undefined);
      assert.is(settled.bits, bits);
      assert.equal([...settled.data], [0, highest, 5]);
      assert.equal(codes(settled), ['assumed-bits']);
      assert.match(
        settled.warnings![0].message,
        new RegExp(`above ${highest}: ${bits} bits were assumed, with white at ${white};`),
      );
    }
  }
  for (const highest of [32768, 65535]) {
    const settled = settleBits(grey(7, highest), undefined);
    assert.equal([settled.bits, codes(settled)], [16, []]);
  }
});

test('16-bit samples that use 8 bits become bytes; black stays black; bytes do not change', () => {
  const bytes = settleBits(grey(0, 200, 255), undefined);
  assert.ok(bytes.data instanceof Uint8Array && bytes.bits === 8);
  assert.equal([[...bytes.data], codes(bytes)], [[0, 200, 255], ['assumed-bits']]);
  assert.ok(settleBits(grey(3, 100), undefined).data instanceof Uint8Array);
  const black = settleBits(grey(0, 0), undefined);
  assert.equal([black.bits, codes(black)], [16, []]);
  const image: Image = { data: Uint8Array.of(1, 2), width: 2, height: 1, channels: 1 };
  assert.is(settleBits(image, 12), image);
});

test('the number of bits that the caller gives is used, unless a sample is above it', () => {
  for (const bits of [10, 12, 16])
    assert.equal([settleBits(grey(0, 700), bits).bits, codes(settleBits(grey(0, 700), bits))], [bits, []]);
  assert.throws(
    () => settleBits(grey(0, 1024), 10),
    (error: Error) =>
      error instanceof InputError && /expected bits: 10, so 1023 at most; given 1024/.test(error.message),
  );
  for (const bits of [0, 7, 17, 12.5, Number.NaN])
    assert.throws(() => settleBits(grey(1), bits), /bits; expected a whole number from 8 to 16/);
});

test('the number of bits that the file states is used if the samples fit', () => {
  const heeded = settleBits(grey(0, 900), undefined, 12);
  assert.equal([heeded.bits, codes(heeded)], [12, ['assumed-bits']]);
  assert.match(heeded.warnings![0].message, /the file states 12 significant bits/);
  const dark = settleBits(grey(0, 900), undefined, 16);
  assert.equal([dark.bits, codes(dark)], [16, []], 'a dark image that says so');
  const scaled = settleBits(grey(0, 65520), undefined, 12);
  assert.equal([scaled.bits, codes(scaled)], [16, []], 'scaled up, as the PNG standard has it');
  assert.is(settleBits(grey(0, 4000), undefined, 10).bits, 12, 'samples above what is stated');
  assert.is(settleBits(grey(0, 900), 14, 12).bits, 14, 'the caller goes before the file');
});

/** A grey 16-bit PNG of two rows. */
function png(samples: readonly number[], significant?: number): Uint8Array {
  const chunk = (type: string, content: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(content.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const width = samples.length / 2;
  const rows = Buffer.alloc(2 + samples.length * 2);
  for (const [i, sample] of samples.entries()) rows.writeUInt16BE(sample, 1 + 2 * i + (i >= width ? 1 : 0));
  const header = Buffer.from([0, 0, 0, width, 0, 0, 0, 2, 16, 0, 0, 0, 0]);
  return new Uint8Array(
    Buffer.concat([
      Buffer.from('89504e470d0a1a0a', 'hex'),
      chunk('IHDR', header),
      ...(significant === undefined ? [] : [chunk('sBIT', Uint8Array.of(significant))]),
      chunk('IDAT', deflateSync(rows)),
      chunk('IEND', new Uint8Array()),
    ]),
  );
}

test('the same rules apply to a PNG, whose chunk sBIT states the bits', async () => {
  const samples = [0, 1000, 4095, 17, 300, 2];
  const found = await decodePng(png(samples));
  assert.equal([found.bits, [...found.data], codes(found)], [12, samples, ['assumed-bits']]);
  const given = await decodePng(png(samples), { bits: 16 });
  assert.equal([given.bits, codes(given)], [16, []]);
  const stated = await decodePng(png(samples, 14));
  assert.equal([stated.bits, codes(stated)], [14, ['assumed-bits']]);
  assert.equal(codes(await decodePng(png(samples, 16))), []);
});

test('training sees the same picture in 8, 12 and 16 bits', () => {
  const size = 8;
  const levels = Array.from({ length: size * size }, (_, i) => (i * 37) % 256);
  const of = (data: Uint8Array | Uint16Array, bits?: number) => [
    ...networkImage({ data, width: size, height: size, channels: 1, bits }, size, 'stretch'),
  ];
  const bytes = of(Uint8Array.from(levels));
  assert.equal(of(Uint16Array.from(levels, (level) => level * 257)), bytes);
  const twelve = of(Uint16Array.from(levels, (level) => Math.round((level * 4095) / 255)));
  assert.ok(
    twelve.every((value, i) => Math.abs(value - bytes[i]) <= 8),
    'half a step of 12 bits',
  );
  assert.equal(of(Uint16Array.from(levels)), bytes, '8 bits in 16');
  assert.equal(
    of(
      Uint16Array.from(levels, (level) => level * 16),
      16,
    ),
    levels.map((level) => level * 16),
  );
});

test('transparency is blended with black, in 8 bits and in 16', () => {
  const rgba = (data: Uint8Array | Uint16Array): Image => ({ data, width: data.length / 4, height: 1, channels: 4 });
  const bytes = withoutAlpha(rgba(Uint8Array.of(200, 100, 7, 128, 9, 8, 7, 255, 250, 250, 250, 0)));
  assert.equal([bytes.channels, [...bytes.data]], [3, [100, 50, 4, 9, 8, 7, 0, 0, 0]]);
  const wide = withoutAlpha(rgba(Uint16Array.of(60000, 30000, 1, 32768, 5, 6, 7, 65535)));
  assert.equal([...wide.data], [30000, 15000, 1, 5, 6, 7]);
  const opaque = bytes;
  assert.is(withoutAlpha(opaque), opaque);
});

test('an opaque pixel of 12 bits in 16 has an alpha of 4095 or of 65535, in data and in files', async () => {
  const colours = [4095, 2000, 40, 1001, 7, 0];
  const read = async (whole: number, bits?: number, alphas: readonly number[] = [1, 1]) => {
    const samples = alphas.flatMap((share, i) => [...colours.slice(3 * i, 3 * i + 3), Math.round(share * whole)]);
    const image: Image = { data: Uint16Array.from(samples), width: 2, height: 1, channels: 4 };
    const fromData = settleBits(withoutAlpha(image, bits), bits);
    const fromFile = await decodePng(await encodePng(image), bits === undefined ? {} : { bits });
    assert.equal(fromFile, fromData);
    return [fromFile.bits, [...fromFile.data]];
  };
  for (const whole of [4095, 65535])
    for (const bits of [undefined, 12]) {
      assert.equal(await read(whole, bits), [12, colours], `${whole}, bits ${bits}`);
      const blended = [12, [4095, 2000, 40, 501, 4, 0]];
      assert.equal(await read(whole, bits, [1, 0.5]), blended, `${whole}, bits ${bits}, half transparent`);
    }
  // As a dark image of 16 bits, it is nearly transparent.
  assert.equal(await read(4095, 16), [16, [256, 125, 2, 63, 0, 0]]);
});

test.run();
