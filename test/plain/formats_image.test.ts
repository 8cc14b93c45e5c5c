/** Proves that images are decoded exactly, and that damaged or too large files are refused before memory is allocated. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { build } from 'esbuild';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { crc32 } from '../../src/formats/crc32.js';
import { decodeImage, type Image } from '../../src/formats/images/image.js';
import { readPictureHeader } from '../../src/formats/images/picture_header.js';
import { decodePng, encodePng } from '../../src/formats/images/png.js';
import { loadOptional } from '../../src/formats/optional.js';
import { describeFormat } from '../../src/formats/refused_format.js';
import { READ_FORMATS } from '../../src/formats/signature.js';
import { readFixture } from '../support/fixture.js';
import { extendedWebp, gif, pictures, turnedAvif } from '../support/pictures.js';

const data = process.env.RAYBOX_DATA ?? new URL('../../../../shared/data', import.meta.url).pathname;
const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
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

const SIGNATURE = ascii('\x89PNG\r\n\x1a\n');
function chunk(type: string, content: Uint8Array): Uint8Array {
  const bytes = concat(new Uint8Array(4), ascii(type), content, new Uint8Array(4));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(4, -4)));
  return bytes;
}

interface Plan {
  width: number;
  height: number;
  depth: number;
  colorType: number;
  interlaced?: boolean;
  extra?: Uint8Array[];
  /** Changes the pixels before they are compressed. */
  edit?: (raw: Uint8Array) => Uint8Array;
}

function header({ width, height, depth, colorType, interlaced = false }: Plan): Uint8Array {
  const bytes = new Uint8Array(13);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  bytes.set([depth, colorType, 0, 0, interlaced ? 1 : 0], 8);
  return chunk('IHDR', bytes);
}

/** A PNG of samples given by position and channel, its rows filtered in turn by each of the five filters. */
function png(plan: Plan, sample: (x: number, y: number, channel: number) => number): Uint8Array {
  const { width, height, depth, colorType, interlaced, extra = [], edit = (raw) => raw } = plan;
  const samples = [1, 0, 3, 1, 2, 0, 4][colorType];
  const distance = Math.max(1, (samples * depth) / 8);
  const rows: Uint8Array[] = [];
  const passes = interlaced
    ? [
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
      ]
    : [[0, 0, 1, 1]];
  for (const [x0, y0, dx, dy] of passes) {
    const columns = Math.ceil((width - x0) / dx);
    let above = new Uint8Array(Math.ceil((Math.max(0, columns) * samples * depth) / 8));
    for (let y = y0, filter = 0; y < height && columns > 0; y += dy, filter = (filter + 1) % 5) {
      const row = new Uint8Array(above.length);
      for (let i = 0; i < columns * samples; i++) {
        const value = sample(x0 + Math.floor(i / samples) * dx, y, i % samples);
        if (depth === 16) row.set([value >> 8, value & 255], i * 2);
        else row[(i * depth) >> 3] |= value << (8 - depth - ((i * depth) & 7));
      }
      const filtered = row.map((byte, i) => {
        const a = row[i - distance] ?? 0;
        const b = above[i];
        const c = above[i - distance] ?? 0;
        const paeth = [a, b, c].reduce((best, value) =>
          Math.abs(a + b - c - value) < Math.abs(a + b - c - best) ? value : best,
        );
        return byte - [0, a, b, (a + b) >> 1, paeth][filter];
      });
      rows.push(Uint8Array.of(filter), filtered);
      above = row;
    }
  }
  const compressed = new Uint8Array(deflateSync(edit(concat(...rows))));
  const half = compressed.length >> 1;
  const parts = [compressed.subarray(0, half), compressed.subarray(half)].map((part) => chunk('IDAT', part));
  return concat(SIGNATURE, header(plan), ...extra, ...parts, chunk('IEND', new Uint8Array()));
}

const gradient = (max: number) => (x: number, y: number, channel: number) =>
  (x * 37 + y * 91 + channel * 53) % (max + 1);
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

for (const interlaced of [false, true])
  test(`PNG ${interlaced ? 'interlaced' : 'row by row'}: every colour type and depth`, async () => {
    for (const [width, height] of [
      [1, 1],
      [13, 11],
      [3, 20],
    ])
      for (const depth of [1, 2, 4, 8, 16]) {
        const max = 2 ** depth - 1;
        const at = gradient(max);
        const plan = { width, height, depth, interlaced };
        const scale = depth < 8 ? 255 / max : 1;
        const decoded = async (colorType: number, extra?: Uint8Array[]) => {
          const image = await decodePng(png({ ...plan, colorType, extra }, at), { bits: 16 });
          assert.equal([image.width, image.height], [width, height]);
          assert.is(image.data instanceof Uint16Array, depth === 16);
          return { channels: image.channels, data: [...image.data] };
        };
        const expected = (channels: number, value: typeof at) => ({
          channels,
          data: pixels(width, height, channels, value),
        });
        const onBlack = (value: number, alpha: number) => Math.round((value * alpha) / max);

        assert.equal(
          await decoded(0),
          expected(1, (x, y) => at(x, y, 0) * scale),
        );
        // tRNS makes the grey level 1 transparent.
        const clear = [chunk('tRNS', Uint8Array.of(0, 1))];
        assert.equal(
          await decoded(0, clear),
          expected(1, (x, y) => (at(x, y, 0) === 1 ? 0 : at(x, y, 0) * scale)),
        );
        if (depth <= 8) {
          const entries = Uint8Array.from({ length: (max + 1) * 3 }, (_, i) => (i * 29 + 7) % 256);
          const color = (x: number, y: number, c: number) => entries[at(x, y, 0) * 3 + c];
          assert.equal(await decoded(3, [chunk('PLTE', entries)]), expected(3, color));
          const half = [chunk('PLTE', entries), chunk('tRNS', Uint8Array.of(255, 128))];
          const blended = (x: number, y: number, c: number) =>
            at(x, y, 0) === 1 ? Math.round((color(x, y, c) * 128) / 255) : color(x, y, c);
          assert.equal(await decoded(3, half), expected(3, blended));
        }
        if (depth >= 8) {
          assert.equal(await decoded(2), expected(3, at));
          assert.equal(
            await decoded(4),
            expected(1, (x, y) => onBlack(at(x, y, 0), at(x, y, 1))),
          );
          assert.equal(
            await decoded(6),
            expected(3, (x, y, c) => onBlack(at(x, y, c), at(x, y, 3))),
          );
        }
      }
  });

test('PNG: what is encoded is decoded again', async () => {
  for (const channels of [1, 3, 4] as const)
    for (const wide of [false, true]) {
      const values = pixels(7, 5, channels, (x, y, c) =>
        c === 3 ? (wide ? 65535 : 255) : gradient(wide ? 65535 : 255)(x, y, c),
      );
      const source = wide ? Uint16Array.from([0, ...values]) : Uint8Array.from([0, ...values]);
      const image: Image = { data: source.subarray(1), width: 7, height: 5, channels };
      const decoded = await decodePng(await encodePng(image), { bits: 16 });
      assert.is(decoded.channels, channels === 1 ? 1 : 3);
      assert.is(decoded.data.constructor, source.constructor);
      assert.equal(
        [...decoded.data],
        values.filter((_, i) => channels !== 4 || i % 4 !== 3),
      );
    }
  const wrong = async (image: unknown, message: RegExp) => {
    try {
      await encodePng(image as Image);
    } catch (error) {
      assert.ok(error instanceof InputError);
      return assert.match(error.message, message);
    }
    assert.unreachable(String(message));
  };
  await wrong({ data: new Uint8Array(5), width: 2, height: 3, channels: 1 }, /wrong length; expected 6; given 5/);
  await wrong({ data: new Uint8Array(0), width: 0, height: 3, channels: 1 }, /wrong size/);
  await wrong({ data: new Uint8Array(12), width: 2, height: 3, channels: 2 }, /wrong size/);
  await wrong({ data: new Float32Array(6), width: 2, height: 3, channels: 1 }, /wrong type/);
});

const plan = { width: 20, height: 10, depth: 8, colorType: 0 };

test('PNG: a file that is cut, damaged or inconsistent is refused, and no partly filled image is returned', async () => {
  for (const interlaced of [false, true]) {
    const at = gradient(255);
    const good = png({ ...plan, interlaced }, at);
    for (let length = 9; length < good.length; length++)
      await refuses(good.subarray(0, length), /png: the file is cut/);
    for (let i = 8; i < good.length; i += 3) {
      const damaged = good.slice();
      damaged[i] ^= 0x10;
      await refuses(damaged, /damaged|cut/);
    }
    // Well-formed chunks around too few pixels, too many (where they could grow without end), or none at all.
    await refuses(
      png({ ...plan, interlaced, edit: (raw) => raw.subarray(0, -1) }, at),
      /wrong amount of pixels.*given fewer/,
    );
    await refuses(
      png({ ...plan, interlaced, edit: () => new Uint8Array() }, at),
      /wrong amount of pixels.*given fewer/,
    );
    await refuses(png({ ...plan, interlaced, edit: () => new Uint8Array(5e7) }, at), /wrong amount.*given more/);
    await refuses(
      png({ ...plan, interlaced, edit: (raw) => raw.fill(9) }, at),
      /a row has an unknown filter; expected 0 to 4; given 9/,
    );
    const torn = deflateSync(new Uint8Array(210)).subarray(0, 8);
    const around = (...parts: Uint8Array[]) =>
      concat(SIGNATURE, header({ ...plan, interlaced }), ...parts, chunk('IEND', new Uint8Array()));
    await refuses(around(chunk('IDAT', torn)), /do not inflate/);
    await refuses(around(chunk('IDAT', ascii('no zlib data'))), /do not inflate/);
    await refuses(around(), /the file is cut; given no pixels/);
    await refuses(
      around(chunk('CRIT', new Uint8Array()), chunk('IDAT', new Uint8Array(deflateSync(new Uint8Array(210))))),
      /without a chunk that raybox does not know.*given CRIT/,
    );
  }
  await refuses(concat(SIGNATURE, chunk('IEND', new Uint8Array())), /does not start with its header/);
  await refuses(png({ ...plan, colorType: 3 }, gradient(255)), /the palette is missing/);
  await refuses(
    png({ ...plan, depth: 4, colorType: 2 }, gradient(15)),
    /impossible header; given colour type 2, 4 bits/,
  );
  const decoded = await decodePng(concat(png(plan, gradient(255)), ascii('rubbish behind the end')));
  assert.is(decoded.data.length, 200);
});

test('PNG: a damaged file gives an image or an InputError, whatever its bytes are', async () => {
  const kinds = [0, 2, 3, 4, 6].flatMap((colorType) =>
    [false, true].map((interlaced) => {
      const entries = Uint8Array.from({ length: 200 * 3 }, (_, i) => i % 256);
      return png(
        { ...plan, colorType, interlaced, extra: colorType === 3 ? [chunk('PLTE', entries)] : [] },
        gradient(199),
      );
    }),
  );
  const flip = fc.record({ at: fc.nat({ max: 1000 }), to: fc.nat({ max: 255 }) });
  const damage = fc.array(flip, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...kinds), damage, async (good, flips) => {
      const bytes = good.slice();
      for (const { at, to } of flips) bytes[8 + (at % (bytes.length - 8))] = to;
      mendChecksums(bytes);
      try {
        const { data, width, height, channels } = await decodeImage(bytes, { maxImageBytes: 1e6 });
        assert.is(data.length, width * height * channels);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
      }
    }),
    { numRuns: 400 },
  );
});

/** Corrects the checksums, so that the code after their check is tested too. */
function mendChecksums(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const next = at + 12 + view.getUint32(at);
    if (next > bytes.length) return;
    view.setUint32(next - 4, crc32(bytes.subarray(at + 4, next - 4)));
    at = next;
  }
}

test('PNG: an EXIF orientation turns the image, with a warning', async () => {
  const exif = Uint8Array.of(...ascii('II*\0'), 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0);
  const flat = { ...plan, width: 3, height: 2 };
  const turned = await decodePng(png({ ...flat, extra: [chunk('eXIf', exif)] }, (x, y) => x + 10 * y));
  assert.equal([turned.width, turned.height, [...turned.data]], [2, 3, [10, 0, 11, 1, 12, 2]]);
  assert.equal(
    (turned.warnings ?? []).map(({ code }) => code),
    ['applied-orientation'],
  );
  assert.is((await decodePng(png(flat, gradient(255)))).warnings, undefined);

  // Led by its name, as in a JPEG; and as ImageMagick wrote it, in digits.
  const named = Uint8Array.of(...ascii('Exif\0\0'), ...exif);
  const digits = Buffer.from(named).toString('hex').replace(/.{72}/g, '$&\n');
  const text = `\nexif\n      ${named.length}\n${digits}\n`;
  const profile = (name: string, content: Uint8Array) =>
    Uint8Array.of(...ascii(`Raw profile type ${name}\0`), ...content);
  const packed = (content: string | Uint8Array) => Uint8Array.of(0, ...deflateSync(content));
  const decode = async (...extra: Uint8Array[]) => decodePng(png({ ...flat, extra }, (x, y) => x + 10 * y));
  for (const one of [
    chunk('eXIf', named),
    chunk('zTXt', profile('exif', packed(text))),
    chunk('zTXt', profile('APP1', packed(text))),
    chunk('tEXt', profile('exif', ascii(text))),
  ])
    assert.equal(await decode(one), turned);
  for (const damaged of [
    chunk('zTXt', profile('exif', Uint8Array.of(0, 1, 2, 3))),
    chunk('zTXt', profile('exif', packed(new Uint8Array(3 << 20)))),
    chunk('tEXt', profile('exif', ascii('\nexif\n 30\nno digits'))),
    chunk('tEXt', profile('icc', ascii(text))),
  ])
    assert.is((await decode(damaged)).warnings, undefined);
});

test('PNG: the first picture of an animation is read, with a warning', async () => {
  const control = (frames: number) => chunk('acTL', Uint8Array.of(0, 0, 0, frames, 0, 0, 0, 0));
  const frame = chunk('fcTL', new Uint8Array(26));
  const still = await decodePng(png(plan, gradient(255)));
  const animated = await decodePng(png({ ...plan, extra: [control(3), frame] }, gradient(255)));
  assert.equal(animated.data, still.data);
  assert.equal(
    animated.warnings?.map(({ code }) => code),
    ['first-picture'],
  );
  assert.match(animated.warnings![0].message, /^the file is an animated PNG \(3\), of which only the first was read/);
  for (const one of [control(1), chunk('acTL', new Uint8Array())])
    assert.is((await decodePng(png({ ...plan, extra: [one, frame] }, gradient(255)))).warnings, undefined);
});

test('PNG: incomplete palettes and indexes beyond the palette are refused', async () => {
  const indexed = { ...plan, colorType: 3 };
  const entries = (bytes: number) => [chunk('PLTE', new Uint8Array(bytes))];
  for (const bytes of [0, 4, 769, 900])
    await refuses(
      png({ ...indexed, extra: entries(bytes) }, gradient(0)),
      new RegExp(`palette has the wrong length.*given ${bytes} bytes`),
    );
  await refuses(
    png({ ...indexed, extra: entries(30) }, gradient(10)),
    /an index lies beyond the palette; expected 0 to 9; given 10/,
  );
  await refuses(png({ ...indexed, extra: [...entries(30), ...entries(30)] }, gradient(9)), /two palettes/);
  await refuses(
    png({ ...indexed, extra: [...entries(3), chunk('tRNS', new Uint8Array(2))] }, gradient(0)),
    /tRNS chunk has the wrong length; expected at most 1 bytes/,
  );
  await refuses(
    png({ ...plan, extra: [chunk('tRNS', new Uint8Array(3))] }, gradient(0)),
    /tRNS.*expected 2 bytes; given 3/,
  );
});

test('the size is checked before anything is allocated', async () => {
  const claim = (width: number, height: number) =>
    concat(
      SIGNATURE,
      header({ ...plan, width, height }),
      chunk('IDAT', new Uint8Array(20)),
      chunk('IEND', new Uint8Array()),
    );
  await refuses(claim(0, 5), /no pixels; given 0 × 5/);
  await refuses(claim(2 ** 31, 2 ** 31), /too large; expected at most 67108864 bytes of pixels/);
  await refuses(claim(8_000, 8_000), /the file is cut; given 20 bytes of data/);
  await refuses(png(plan, gradient(255)), /too large; expected at most 199 bytes .* 20 × 10/, { maxImageBytes: 199 });
});

test('the error for another kind of file names its format', async () => {
  for (const [start, name] of [
    ['', 'an empty file'],
    ['hello, this is text', 'a text file'],
    ['<!DOCTYPE html><html>', 'an HTML page'],
    ['GIF89a', 'a GIF file'],
    ['RIFF\x10\0\0\0WEBPVP8 ', 'a WebP file'],
    ['BM\x10\x20\0\0\0\0\0\0', 'a BMP file'],
    ['II*\0', 'a TIFF file'],
    ['\0\0\0\x0cjP  \r\n', 'a JPEG 2000 file'],
    ['\0\0\0\x1cftypheic', 'an HEIC file'],
    ['\0\0\0\x1cftypmif1\0\0\0\0avifmiaf', 'an AVIF file'],
    ['\0\0\0\x1cftypmp42', 'an MPEG-4 file'],
    [`${'\0'.repeat(128)}DICM`, 'a DICOM file'],
    ['%PDF-1.7', 'a PDF file'],
    ['\x1f\x8b\x08', 'a gzip file'],
    ['version https://git-lfs.github.com/spec/v1\n', 'a git-lfs pointer'],
    ['\x01\x02\x03', 'bytes 01 02 03 …'],
  ]) {
    assert.is(describeFormat(ascii(start)), name);
    await refuses(ascii(start), new RegExp(`not a ${READ_FORMATS} file; expected ${READ_FORMATS}; given ${name}`));
  }
});

test('the error for a format that only browsers decode says what to do elsewhere', async () => {
  await refuses(gif(), /given a GIF file; convert it to PNG, which loses nothing; in a page/);
  await refuses(ascii('II*\0'), /given a TIFF file; convert it to PNG first/);
});

test('headers of formats that only browsers decode: size, turns, animations, bits', async () => {
  const { AVIF, WebP, ...files } = await pictures();
  const plain = { size: { width: 6, height: 4 }, orientation: 1, isTurned: false, hasMore: false, bits: 8 };
  for (const [format, bytes] of Object.entries({ ...files, AVIF, WebP }))
    assert.equal(readPictureHeader(format, bytes), plain, format);
  assert.equal(readPictureHeader('AVIF', turnedAvif(AVIF)), { ...plain, isTurned: true });
  assert.equal(readPictureHeader('AVIF', await readFixture('browser/steps10.avif')), { ...plain, bits: 10 });
  assert.equal(readPictureHeader('GIF', gif(3)), { ...plain, hasMore: true });
  assert.equal(readPictureHeader('WebP', extendedWebp(WebP, { orientation: 6 })), { ...plain, orientation: 6 });
  const large = extendedWebp(WebP, { pictures: 2, width: 16_000, height: 70_000 });
  assert.equal(readPictureHeader('WebP', large), { ...plain, size: { width: 16_000, height: 70_000 }, hasMore: true });
  for (const [format, bytes] of Object.entries({ ...files, AVIF, WebP }))
    for (let length = 0; length < bytes.length; length++) {
      try {
        readPictureHeader(format, bytes.subarray(0, length));
      } catch (error) {
        assert.instance(error, InputError, `${format}, ${length} bytes`);
      }
    }
});

test('the error for a missing package names it', async () => {
  const load = () => loadOptional('pngjs', 'PNG', () => import('a-package-that-is-not-there' as string));
  try {
    await load();
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /PNG needs the package 'pngjs', which did not load; npm install pngjs/);
  }
});

test('a browser bundle holds no Node module, and the decoders only as parts loaded on demand', async () => {
  const entry = new URL('../../src/formats/images/image.js', import.meta.url).pathname;
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: 'unused',
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
  assert.equal(
    imports.filter(({ external, path }) => external && path !== '<runtime>'),
    [],
  );
  const main = Object.values(metafile.outputs).find(({ entryPoint }) =>
    entryPoint?.endsWith('formats/images/image.js'),
  )!;
  assert.ok(main.bytes < 16_384, `${main.bytes} bytes`);
  assert.ok(outputFiles.length >= 3);
});

test('real chest X-rays are decoded, if they are there', async () => {
  if (!existsSync(data)) return console.log('skipped: no shared data for images');
  const folder = `${data}/nih-boxed/images`;
  for (const name of readdirSync(folder).slice(0, 5)) {
    const bytes = readFileSync(`${folder}/${name}`);
    const { width, height, channels, data: values } = await decodeImage(bytes);
    assert.equal([width, height, channels, values.length], [1024, 1024, 1, 1024 * 1024]);
    await refuses(bytes.subarray(0, bytes.length >> 1), /png: the file is cut/);
  }
});

test.run();
