/** JPEG: the same pixels as libjpeg, and errors that name unsupported kinds. */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { decodeImage, type Image } from '../../src/formats/images/image.js';
import { decodeJpeg } from '../../src/formats/images/jpeg.js';

const concat = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

async function refuses(bytes: Uint8Array, message: RegExp, options = {}): Promise<void> {
  let error: unknown;
  try {
    await decodeImage(bytes, options);
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof InputError)) throw error ?? new Error(`accepted, but should be refused: ${message}`);
  assert.match(error.message, message);
}

function pixels(
  width: number,
  height: number,
  channels: number,
  value: (x: number, y: number, c: number) => number,
): number[] {
  return Array.from({ length: width * height * channels }, (_, i) => {
    const pixel = Math.floor(i / channels);
    return value(pixel % width, Math.floor(pixel / width), i % channels);
  });
}

// Made by Pillow 9.4 from 17 × 11 gradients, quality 95: x · 13 + y · 7 in grey, (15 x, 23 y, 255 − 7 x − 9 y) in colour.
const base64 = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const JPEGS = {
  grey: base64(
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDA' +
      'sKDAkKCgr/wAALCAALABEBAREA/8QAFQABAQAAAAAAAAAAAAAAAAAACQj/xAAiEAAABQQBBQAAAAAAAAAAAAAABQgkQgM0QVIVGFRkkaL/2gAI' +
      'AQEAAD8APtGyf7RlrELAjZP9oy1iLG6f/C+QQiNiMpaMKccBYUbEZS0YU44FjcGU9hT9D//Z',
  ),
  progressive: base64(
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDA' +
      'sKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wgARCAAL' +
      'ABEDAREAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAABgf/xAAYAQADAQEAAAAAAAAAAAAAAAAGBwgCCf/aAAwDAQACEAMQAAABlVACDtPUCh' +
      'CWQ91zIdp+gUISyf/EABkQAAMBAQEAAAAAAAAAAAAAAAAEBQYUFv/aAAgBAQABBQKfhyfhzw5PTVJ6axxqn//EAB4RAAIBBAMBAAAAAAAAAAAA' +
      'AAAGIQMEIjEUFlJh/9oACAEDAQE/AVto1ItNGpO0fRauK8ZC3c14yOTX9H//xAAeEQABAwQDAAAAAAAAAAAAAAAABAUiBhQhMRZSYv/aAAgBAg' +
      'EBPwF7rfch7rfcjm/oe1inMh7WKcyLxT2P/8QAGBAAAwEBAAAAAAAAAAAAAAAAAAEjoTP/2gAIAQEABj8CUcFHDjgooUUcUf/EABQQAQAAAAAA' +
      'AAAAAAAAAAAAACD/2gAIAQEAAT8hWMTOu//aAAwDAQACAAMAAAAQmtM//8QAGREBAAMBAQAAAAAAAAAAAAAAABFB8WHR/9oACAEDAQE/EI/dro' +
      '7XqlydD//EABoRAQACAwEAAAAAAAAAAAAAAABB8QERYeH/2gAIAQIBAT8QuWP1a2TVNXW//8QAHBAAAQMFAAAAAAAAAAAAAAAAAAFBgRARUaHx' +
      '/9oACAEBAAE/ENZRi7ARAykcMpwFP//Z',
  ),
  subsampled: base64(
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDA' +
      'sKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wAARCAAL' +
      'ABEDASIAAhEBAxEB/8QAFwAAAwEAAAAAAAAAAAAAAAAAAAcICf/EACUQAAECBAQHAAAAAAAAAAAAAAABBgMHJUEIIzNVFhhDUZGTo//EABcBAA' +
      'MBAAAAAAAAAAAAAAAAAAQHCAn/xAAiEQAAAwcFAAAAAAAAAAAAAAAABUEGBwgXI5HhGDEyYWL/2gAMAwEAAhEDEQA/AJWl5gc06P26Y9peYHNO' +
      'j/MryXjNa+XRYNrKPWXjObGXRYNrKFvuijaqryVchaQ2P4P6O6KIQ5HV2dPWBplwa19lg+FAjLVG1fq+RolPg/7uP//Z',
  ),
  cmyk: base64(
    '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwACAQEBAQECAQEBAgICAgIEAwICAgIFBAQDBAYFBgYGBQYGBgcJCAYHCQcGBggLCAkKCgoKCgYICwwLCg' +
      'wJCgoK/8AAFAgACwARBEMRAE0RAFkRAEsRAP/EABgAAQEBAQEAAAAAAAAAAAAAAAAJCAcK/8QAMRAAAQABEgUFAAAAAAAAAAAAAAgBAwQFBgcJ' +
      'FxklQURWZoKSo9EWIzNCURhVZZGi/9oADgRDAE0AWQBLAAA/AJowd1RwmQZFy6egUcSASk684+e8v4Xgg7qjhEi5dPQMPpAJSdecfPeChwkXLp' +
      '6BwH1SfI/sHkRg7qjhPRpFI9tY9h5VdzQSQDpG8585rtNILwQd1RwiKR7ax7Dyq7mHkgHSN5z5zXaaQUOEUj21j2HlV3OA8SN57mu/YP/Z',
  ),
  turned: base64(
    '/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAg' +
      'UEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkKCgr/wAALCAALABEBAREA/8QAFQABAQAAAAAAAAAAAAAAAAAACQj/xAAi' +
      'EAAABQQBBQAAAAAAAAAAAAAABQgkQgM0QVIVGFRkkaL/2gAIAQEAAD8APtGyf7RlrELAjZP9oy1iLG6f/C+QQiNiMpaMKccBYUbEZS0YU44Fjc' +
      'GU9hT9D//Z',
  ),
};
const colorful = (x: number, y: number, c: number) => [x * 15, y * 23, 255 - x * 7 - y * 9][c];
const grey = (x: number, y: number) => x * 11 + y * 7;

function near(image: Image, value: (x: number, y: number, c: number) => number, bound: number): void {
  const expected = pixels(image.width, image.height, image.channels, value).map((v) => Math.min(255, Math.max(0, v)));
  const worst = expected.reduce((most, v, i) => Math.max(most, Math.abs(v - image.data[i])), 0);
  assert.ok(worst <= bound, `off by ${worst}`);
}

test('every kind is read as libjpeg reads it, to the bit', async () => {
  const path = new URL('../../../test/fixtures/libjpeg/images.json', import.meta.url);
  const kinds: Record<string, { width: number; height: number; jpeg: string; pixels: string }> = JSON.parse(
    readFileSync(path, 'utf8'),
  );
  assert.ok(Object.keys(kinds).length > 35);
  for (const [name, { width, height, jpeg, pixels: wanted }] of Object.entries(kinds)) {
    const image = await decodeJpeg(base64(jpeg));
    assert.equal([image.width, image.height], [width, height], name);
    assert.equal(Buffer.from(image.data as Uint8Array).toString('base64'), wanted, name);
    const isAssumed = name === 'four components; no marker' || name === 'four components; JFIF';
    assert.equal(
      (image.warnings ?? []).map(({ code }) => code),
      isAssumed ? ['assumed-colours'] : [],
      name,
    );
  }
});

test('JPEG: the size is checked before anything is allocated', async () => {
  await refuses(JPEGS.grey, /too large; expected at most 186 bytes .* 17 × 11/, { maxImageBytes: 186 });
  const large = JPEGS.grey.slice();
  large.set([0x1f, 0x40, 0x1f, 0x40], large.findIndex((byte, i) => byte === 0xff && large[i + 1] === 0xc0) + 5);
  await refuses(large, /jpeg: the file is cut/);
});

test('JPEG: grey, progressive, subsampled, CMYK', async () => {
  for (const [name, channels, bound] of [
    ['grey', 1, 3],
    ['progressive', 3, 6],
    ['subsampled', 3, 32],
    ['cmyk', 3, 6],
  ] as const) {
    const image = await decodeJpeg(JPEGS[name]);
    assert.equal([image.width, image.height, image.channels], [17, 11, channels], name);
    near(image, channels === 1 ? grey : colorful, bound);
  }
});

test('JPEG: a missing restart interval is noticed', async () => {
  const segment = (marker: number, ...content: number[]) => [0xff, marker, 0, content.length + 2, ...content];
  // Mid-grey: every block is two bits, DC difference 0 and end of block, padded with ones.
  const code = (kind: number) => segment(0xc4, kind, 1, ...new Array(15).fill(0), 0);
  const file = (blocks: number, interval: number, ...scan: number[]) =>
    Uint8Array.of(
      ...[
        0xff,
        0xd8,
        ...segment(0xdb, 0, ...new Array(64).fill(1)),
        ...segment(0xc0, 8, 0, 8, 0, blocks * 8, 1, 1, 0x11, 0),
      ],
      ...[
        ...code(0x00),
        ...code(0x10),
        ...segment(0xdd, 0, interval),
        ...segment(0xda, 1, 1, 0, 0, 63, 0),
        ...scan,
        0xff,
        0xd9,
      ],
    );
  const { data, width } = await decodeJpeg(file(5, 2, 0x0f, 0xff, 0xd0, 0x0f, 0xff, 0xd1, 0x3f));
  assert.is(width, 40);
  assert.ok(data.length === 320 && data.every((value) => value === 128));
  await refuses(
    file(5, 2, 0x0f, 0xff, 0xd0, 0x0f),
    /jpeg: the image cannot be decoded; given no restart marker 1 where one must be/,
  );
  await refuses(file(5, 2, 0x0f), /no restart marker 0/);
});

test('JPEG: all eight EXIF orientations', async () => {
  const w = 16;
  const h = 10;
  const source: ((x: number, y: number) => [number, number])[] = [
    (x, y) => [x, y],
    (x, y) => [w - x, y],
    (x, y) => [w - x, h - y],
    (x, y) => [x, h - y],
    (x, y) => [y, x],
    (x, y) => [y, h - x],
    (x, y) => [w - y, h - x],
    (x, y) => [w - y, x],
  ];
  const tag = JPEGS.turned.findIndex((byte, i) => byte === 0x01 && JPEGS.turned[i + 1] === 0x12);
  for (let orientation = 0; orientation <= 9; orientation++) {
    const bytes = JPEGS.turned.slice();
    bytes[tag + 9] = orientation;
    const from = source[orientation - 1] ?? source[0];
    const image = await decodeJpeg(bytes);
    assert.equal([image.width, image.height], orientation >= 5 && orientation <= 8 ? [11, 17] : [17, 11]);
    near(image, (x, y) => grey(...from(x, y)), 3);
    const said = (image.warnings ?? []).map(({ code }) => code);
    assert.equal(said, orientation >= 2 && orientation <= 8 ? ['applied-orientation'] : []);
  }
});

test('JPEG: a file without an end marker is read if its image is complete; the error for a cut one says how far the image goes', async () => {
  for (const good of Object.values(JPEGS)) {
    const whole = await decodeJpeg(good);
    for (const end of [[], [0xff], [0]]) {
      const image = await decodeJpeg(concat(good.subarray(0, -2), Uint8Array.from(end)));
      assert.equal(image.data, whole.data);
      assert.is(image.warnings?.filter(({ code }) => code === 'missing-end').length, 1);
    }
    // A broken copy that was filled up to its length.
    for (const kept of [good.length - 2, good.length - 20])
      await refuses(concat(good.subarray(0, kept), new Uint8Array(400)), /the file is cut|cannot be decoded/);
  }
  await refuses(JPEGS.grey.subarray(0, -12), /cut; given \d+ bytes, which end within the first 11 of 11 rows/);
  await refuses(JPEGS.progressive.subarray(0, -12), /which end within the first 11 of 11 rows of a progressive scan/);
  const scans = [...JPEGS.progressive.keys()].filter(
    (i) => JPEGS.progressive[i] === 0xff && JPEGS.progressive[i + 1] === 0xda,
  );
  await refuses(JPEGS.progressive.subarray(0, scans[2]), /bytes, which end between the scans/);
});

test('JPEG: the first of several pictures in a file is read, with a warning', async () => {
  const index = (little: boolean) => {
    const view = new DataView(new ArrayBuffer(30));
    view.setUint16(0, little ? 0x4949 : 0x4d4d);
    view.setUint16(2, 42, little);
    view.setUint32(4, 8, little);
    view.setUint16(8, 1, little);
    view.setUint16(10, 0xb001, little);
    view.setUint16(12, 4, little);
    view.setUint32(14, 1, little);
    view.setUint32(18, 3, little);
    return new Uint8Array(view.buffer);
  };
  const { grey: good } = JPEGS;
  const withIndex = (little: boolean) =>
    concat(
      good.subarray(0, 20),
      Uint8Array.of(0xff, 0xe2, 0, 36, 0x4d, 0x50, 0x46, 0),
      index(little),
      good.subarray(20),
    );
  for (const [bytes, message] of [
    [withIndex(true), /^the file is a JPEG of several pictures \(3\), of which only the first was read/],
    [withIndex(false), /pictures \(3\)/],
    [concat(good, good), /^the file is a JPEG of several pictures, /],
    [concat(good, new Uint8Array(7), good), /several pictures/],
  ] as const) {
    const { data, warnings } = await decodeJpeg(bytes);
    assert.equal(data, (await decodeJpeg(good)).data);
    assert.equal(
      warnings?.map(({ code }) => code),
      ['first-picture'],
    );
    assert.match(warnings![0].message, message);
  }
  for (const behind of [[], [0, 0], [1, 2, 3], [0xff, 0xd8]])
    assert.is((await decodeJpeg(concat(good, Uint8Array.from(behind)))).warnings, undefined);
});

test('JPEG: cut, damaged and unsupported files are refused', async () => {
  for (const good of Object.values(JPEGS))
    for (let length = 3; length < good.length - 2; length++)
      await refuses(good.subarray(0, length), /jpeg: the file is cut|cannot be decoded/);
  const marker = (bytes: Uint8Array, type: number) =>
    bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === type);
  const edited = (at: number, value: number) => {
    const bytes = JPEGS.grey.slice();
    bytes[at] = value;
    return bytes;
  };
  const frame = marker(JPEGS.grey, 0xc0);
  await refuses(edited(frame + 1, 0xc3), /lossless images are not supported; expected baseline or progressive/);
  await refuses(edited(frame + 1, 0xc9), /arithmetic-coded images/);
  await refuses(edited(frame + 4, 12), /12-bit images are not supported/);
  await refuses(edited(frame + 9, 2), /impossible header/);
  await refuses(edited(frame + 6, 0), /no pixels; given 17 × 0/);
  const scan = marker(JPEGS.grey, 0xda);
  const half = concat(JPEGS.grey.subarray(0, scan + 30), Uint8Array.of(0xff, 0xd9));
  await refuses(half, /cannot be decoded/);
  const flip = fc.record({ at: fc.nat({ max: JPEGS.progressive.length - 1 }), to: fc.nat({ max: 255 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.values(JPEGS)),
      fc.array(flip, { minLength: 1, maxLength: 3 }),
      async (good, flips) => {
        const bytes = good.slice();
        for (const { at, to } of flips) bytes[at % bytes.length] = to;
        try {
          await decodeImage(bytes);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
        }
      },
    ),
    { numRuns: 400 },
  );
});

test.run();
