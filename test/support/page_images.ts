/** Images that only a browser decodes, and `<img>` elements. Runs in a page: see `browser.test.ts`. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import type { Image } from '../../src/formats/images/pixels.js';
import { encodePng } from '../../src/formats/images/png.js';
import type { ImageInput, ReadImageOptions } from '../../src/localizer/images/image_input.js';
import { toPixels } from '../../src/localizer/images/images.js';
import { readFixture } from './fixture.js';
import { bmp, extendedWebp, gif, HEIGHT, pictures, STEPS, turnedAvif, WIDTH } from './pictures.js';

const files = await pictures();
const png = await encodePng({ data: Uint8Array.from(STEPS), width: WIDTH, height: HEIGHT, channels: 3 });

const read = async (image: ImageInput, options: ReadImageOptions = {}) => {
  const { data, width, height, channels, warnings = [] } = (await toPixels(image, options)) as Image;
  // All pictures here are of a few pixels, which each of them is warned of.
  const codes = warnings.map(({ code }) => code).filter((code) => code !== 'image-not-xray');
  return { data: [...data], width, height, channels, codes, warnings };
};

async function refused(image: ImageInput, message: RegExp, options?: ReadImageOptions): Promise<void> {
  const outcome = await read(image, options).catch((error: Error) => error);
  assert.instance(outcome, InputError, JSON.stringify(outcome));
  assert.match((outcome as Error).message, message);
}

/** A picture that another site serves, without letting pages read it. */
const ELSEWHERE = `${new URLSearchParams(location.search).get('elsewhere')}steps.avif`;

const blobOf = (bytes: Uint8Array, type = '') => new Blob([bytes as BlobPart], { type });

const element = (src: string, more: Partial<HTMLImageElement> = {}) => Object.assign(new Image(), more, { src });

/** The steps turned a quarter to the right: a column from the bottom becomes a row. */
const TURNED_RIGHT = Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
  const [x, y] = [i % HEIGHT, Math.floor(i / HEIGHT)];
  const from = ((HEIGHT - 1 - x) * WIDTH + y) * 3;
  return STEPS.slice(from, from + 3);
}).flat();

test('a browser that changes what is read from a canvas is not trusted', async () => {
  const { prototype } = OffscreenCanvasRenderingContext2D;
  const { getImageData } = prototype;
  prototype.getImageData = function (...args) {
    const image = getImageData.apply(this, args);
    image.data[image.data.length - 3] ^= 1;
    return image;
  };
  await refused(files.WebP, /changes what is read from a canvas; it guards against fingerprinting/);
  prototype.getImageData = getImageData;
});

for (const [format, bytes] of Object.entries(files)) {
  test(`${format}: the same pixels in every form, and the result says who decoded them`, async () => {
    const url = URL.createObjectURL(blobOf(bytes));
    const forms = {
      bytes,
      blob: blobOf(bytes),
      file: new File([bytes as BlobPart], 'x'),
      url,
      response: new Response(blobOf(bytes)),
    };
    for (const [name, form] of Object.entries(forms)) {
      const { data, width, height, channels, codes, warnings } = await read(form);
      assert.equal([width, height, channels], [WIDTH, HEIGHT, 3], name);
      assert.equal(data, STEPS, name);
      assert.equal(codes, ['browser-decoded']);
      assert.match(warnings[0].message, new RegExp(`the ${format} was decoded by this browser, to 8 bits`));
    }
    URL.revokeObjectURL(url);
  });

  test(`${format}: too large, cut and damaged ones are refused`, async () => {
    await refused(bytes, /at most 95 bytes of pixels; given 6 × 4 pixels of 4 bytes/, { maxImageBytes: 95 });
    assert.equal((await read(bytes, { maxImageBytes: 96 })).data, STEPS);
    for (const length of [13, 20, bytes.length >> 1, bytes.length - 4]) {
      await refused(bytes.subarray(0, length), /is cut|does not decode|no picture|impossible|not a PNG/);
    }
  });
}

test('what a header claims is refused before the browser allocates it', async () => {
  await refused(extendedWebp(files.WebP, { width: 16_000, height: 16_000 }), /WebP: the image is too large/);
  await refused(bmp(30_000, 30_000), /BMP: the file is cut/);
});

test('PNG and JPEG are decoded by raybox itself, so that pixels are the same everywhere', async () => {
  const { data, codes } = await read(blobOf(png));
  assert.equal([data, codes], [STEPS, []]);
});

test('transparency is blended with black', async () => {
  const { data } = await read(await readFixture('browser/alpha.webp'));
  const expected = STEPS.map((sample, i) => Math.round((sample * (10 + 10 * Math.floor(i / 3))) / 255));
  assert.equal(data, expected);
});

test('a WebP is turned as its EXIF says and an AVIF as its boxes say, with a warning', async () => {
  const webp = await read(extendedWebp(files.WebP, { orientation: 6 }));
  assert.equal([webp.width, webp.height, webp.codes], [HEIGHT, WIDTH, ['browser-decoded', 'applied-orientation']]);
  assert.equal(webp.data, TURNED_RIGHT);
  const avif = await read(turnedAvif(files.AVIF));
  assert.equal([avif.width, avif.height, avif.codes], [HEIGHT, WIDTH, ['browser-decoded', 'applied-orientation']]);
  assert.equal(
    avif.data,
    TURNED_RIGHT.toReversed().map((_, i, all) => all[i - (i % 3) + 2 - (i % 3)]),
  );
});

test('a warning says that only the first picture of an animation is taken, and that more than 8 bits are reduced to 8', async () => {
  const animations = { GIF: gif(3), WebP: extendedWebp(files.WebP, { pictures: 2 }) };
  for (const animation of Object.values(animations)) {
    const { data, warnings } = await read(animation);
    assert.equal(data, STEPS);
    assert.match(warnings[0].message, /only the first of its pictures was taken/);
  }
  const { data, warnings } = await read(await readFixture('browser/steps10.avif'));
  assert.match(warnings[0].message, /to 8 bits of its 10;/);
  assert.ok(data.every((sample, i) => Math.abs(sample - STEPS[i]) <= 2));
});

test('an image element is waited for, and says that the browser decoded it', async () => {
  for (const bytes of [png, files.AVIF]) {
    const url = URL.createObjectURL(blobOf(bytes, bytes === png ? 'image/png' : 'image/avif'));
    const { data, width, height, codes } = await read(element(url));
    assert.equal([data, width, height, codes], [STEPS, WIDTH, HEIGHT, ['browser-decoded']]);
    URL.revokeObjectURL(url);
  }
});

test('an image element that shows nothing, or may not be read, is refused', async () => {
  await refused(new Image(), /shows no image; given an <img> without a source; set its src/);
  await refused(element('/fixtures/no-such-file.png'), /did not load: .*no-such-file\.png; check its address/);
  await refused(element('/fixtures/README.md'), /did not load/);
  await refused(element('/fixtures/browser/steps.avif', { loading: 'lazy' }), /loading="lazy"> that has not loaded/);
  const elsewhere = element(ELSEWHERE);
  await refused(elsewhere, /from another site; load it with the attribute crossorigin="anonymous"/);
  const canvas = document.createElement('canvas');
  canvas.getContext('2d')!.drawImage(elsewhere, 0, 0);
  await refused(canvas, /from another site/);
});

test('a response that holds no whole file is refused', async () => {
  const used = new Response(blobOf(png));
  await used.text();
  await refused(used, /read already; hand in response\.clone\(\)/);
  await refused(await fetch('/fixtures/no-such-file'), /cannot read http.*no-such-file; .*HTTP status 404/);
  await refused(new Response(blobOf(png), { status: 206 }), /cannot read a Response; .*HTTP status 206/);
  const opaque = await fetch(ELSEWHERE, { mode: 'no-cors' });
  await refused(opaque, /HTTP status 0; fetch it with CORS/);
});

test('a canvas is read as it is at the moment of the call, whatever is drawn later', async () => {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext('2d')!;
  const rgba = STEPS.flatMap((_, i) => (i % 3 === 0 ? [...STEPS.slice(i, i + 3), 255] : []));
  context.putImageData(new ImageData(Uint8ClampedArray.from(rgba), WIDTH, HEIGHT), 0, 0);
  const reading = read(canvas);
  context.clearRect(0, 0, WIDTH, HEIGHT);
  assert.equal((await reading).data, STEPS);
  await refused(canvas, /at most 95 bytes/, { maxImageBytes: 95 });
});

test.run();
