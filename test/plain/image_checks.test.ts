/** Warnings about images: rare for chest X-rays, and there for other images. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Image } from '../../src/formats/images/pixels.js';
import { examineImage } from '../../src/localizer/images/examine.js';
import { checkPixels } from '../../src/localizer/images/image_checks.js';
import { drawPhantom } from '../../src/phantom/index.js';
import { seededRandom } from '../../src/random.js';

const codes = (image: Image) => checkPixels(image).map(({ code }) => code);
const grey = (size: number, at: (x: number, y: number) => number): Image => ({
  data: Uint8Array.from({ length: size * size }, (_, i) => at(i % size, Math.floor(i / size))),
  width: size,
  height: size,
  channels: 1,
});
const inverted = (image: Image): Image => ({ ...image, data: image.data.map((value) => 255 - value) });
const phantoms = Array.from({ length: 24 }, (_, index) => drawPhantom({ seed: 8, index, size: 96 }).image);

test('a chest gives no warning, in 8 bits, in 12, and in colour channels', () => {
  for (const image of phantoms) {
    assert.equal(codes(image), []);
    const twelve = Uint16Array.from(image.data, (value) => Math.round((value * 4095) / 255));
    assert.equal(codes({ ...image, data: twelve, bits: 12 }), []);
    const rgb = Uint8Array.from({ length: image.data.length * 3 }, (_, i) => image.data[Math.floor(i / 3)]);
    assert.equal(codes({ ...image, data: rgb, channels: 3 }), []);
  }
});

test('an inverted chest gives a warning', () => {
  for (const image of phantoms) assert.equal(codes(inverted(image)), ['image-inverted']);
});

test('a page, a chart, a photo, noise and a long strip are not recognised as chest X-rays', () => {
  const random = seededRandom(5);
  const page = grey(200, (x, y) => (y % 12 < 4 && x > 20 && x < 180 && random() < 0.5 ? 20 : 255));
  assert.ok(codes(page).includes('image-not-xray'));
  const chart = grey(200, (x, y) => (x === 20 || y === 180 || Math.abs(180 - x * 0.6 - y) < 2 ? 0 : 250));
  assert.ok(codes(chart).includes('image-not-xray'));
  const photo: Image = { ...grey(100, () => 0), channels: 3 };
  photo.data = Uint8Array.from({ length: 30_000 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % 100, Math.floor(i / 300)];
    return 128 + 100 * Math.sin(x / 17 + (i % 3)) * Math.cos(y / 13 - (i % 3));
  });
  assert.equal(codes(photo), ['image-not-xray']);
  assert.equal(codes(grey(128, () => random() * 256)), ['image-not-xray']);
  const strip = { data: new Uint8Array(1024), channels: 1 as const };
  for (const [width, height] of [
    [1024, 1],
    [16, 64],
  ])
    assert.equal(codes({ ...strip, width, height }), ['image-not-xray']);
  assert.equal(codes({ ...strip, data: strip.data.subarray(0, 9), width: 9, height: 1 }), ['image-not-xray']);
  const [chest] = phantoms;
  const half = { ...chest, data: chest.data.subarray(0, 96 * 48), height: 48 };
  assert.not(
    checkPixels(half).some(({ message }) => /times as long/.test(message)),
    'twice as wide is allowed',
  );
});

test('a chest that is turned gives a warning with the way back', () => {
  const size = 96;
  const turns = [
    [(x: number, y: number) => x * size + (size - 1 - y), '90° to the left', '90° to the right'],
    [(x: number, y: number) => (size - 1 - y) * size + (size - 1 - x), '180°', '180°'],
    [(x: number, y: number) => (size - 1 - x) * size + y, '90° to the right', '90° to the left'],
  ] as const;
  for (const [at, told, back] of turns) {
    const found = phantoms.map((image) => checkPixels(grey(size, (x, y) => image.data[at(x, y)])));
    const turned = found.flat().filter(({ code }) => code === 'image-turned');
    assert.ok(turned.length >= phantoms.length * 0.9, `${told}: ${turned.length} of ${phantoms.length}`);
    for (const { message } of turned)
      assert.match(message, new RegExp(`turned by (${told}): .* Turn it by ${back}, and ask again`));
  }
});

test('grey levels that are far from those of an X-ray give a warning', () => {
  const even = checkPixels(grey(64, (x) => 100 + (x % 9)));
  assert.is(even[0].code, 'image-range');
  assert.match(even[0].message, /nearly constant \(99 % of it between 39 % and 42 % of white\)/);
  const [chest] = phantoms;
  // 12 bits in 16 beside a marker in full white, which hides that the upper bits are not in use.
  const marked = Uint16Array.from(chest.data, (value, i) =>
    i % 96 < 12 && i < 96 * 12 ? 65535 : Math.round((value * 4095) / 255),
  );
  const [warned] = checkPixels({ ...chest, data: marked });
  assert.is(warned.code, 'image-range');
  assert.match(warned.message, /darker than 10 % of white in 9\d % of its area/);
  const of = (change: (value: number) => number) => codes({ ...chest, data: chest.data.map(change) });
  assert.equal(
    of((value) => Math.round(value / 32) * 32),
    ['image-range'],
    'few levels',
  );
  assert.ok(of((value) => Math.min(255, value * 6)).includes('image-range'), 'saturated');
  const dark = Uint16Array.from(chest.data, (value) => value * 16);
  assert.ok(codes({ ...chest, data: dark, bits: 16 }).includes('image-range'), '12 bits taken for 16');
  assert.equal(codes(grey(8, () => 3)), ['image-not-xray'], 'too small to say more');
});

test('fields of an image that are misspelt, or contradict its data, are refused; those of other programs are not', () => {
  const data = new Uint8Array(9 * 3).map((_, at) => at * 9);
  const image = { data, width: 3, height: 3 };
  const refused: [object, RegExp][] = [
    [{ channel: 1 }, /no field channel; did you mean channels/],
    [{ bit: 12 }, /no field bit; did you mean bits/],
    [{ bits: 12 }, /image: bits; expected 8 for samples of 8 bits/],
    [{ channels: 1 }, /3 × 3 pixels; expected 9 values for channels 1; given 27 values/],
    [{ data: data.subarray(0, 10) }, /3 × 3 pixels; expected 9, 27 or 36 values: 1, 3 or 4 channels; given 10 values/],
  ];
  for (const [fields, message] of refused) assert.throws(() => examineImage({ ...image, ...fields }), message);
  const known = examineImage({
    ...image,
    channels: 3,
    bits: 8,
    exifBuffer: undefined,
    colorSpace: 'srgb',
  } as typeof image);
  assert.is(known.channels, 3);
});

test.run();
