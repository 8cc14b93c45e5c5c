/** Small files of the formats that raybox leaves to the browser. All show the same steps: 6 × 4 pixels, red to the right, green down. */
import { readFixture } from './fixture.js';

export const [WIDTH, HEIGHT] = [6, 4];

/** RGB, row by row. */
export const STEPS = Array.from({ length: WIDTH * HEIGHT }, (_, i) => [
  40 + 30 * (i % WIDTH),
  20 + 50 * Math.floor(i / WIDTH),
  90,
]).flat();

const little = (value: number, bytes: number) => Array.from({ length: bytes }, (_, i) => (value >> (8 * i)) & 255);
const ascii = (text: string) => [...text].map((letter) => letter.charCodeAt(0));

/** 24 bits a pixel, rows from the bottom. */
export function bmp(width = WIDTH, height = HEIGHT): Uint8Array {
  const rowBytes = Math.ceil((WIDTH * 3) / 4) * 4;
  const rows = Array.from({ length: HEIGHT }, (_, y) => {
    const row = Array.from({ length: rowBytes }, () => 0);
    for (let i = 0; i < WIDTH * 3; i++) {
      row[i] = STEPS[((HEIGHT - 1 - y) * WIDTH + Math.floor(i / 3)) * 3 + 2 - (i % 3)];
    }
    return row;
  }).flat();
  const header = [40, width, height].flatMap((value) => little(value, 4));
  const rest = [...little(1, 2), ...little(24, 2), ...little(0, 24)];
  const file = [...ascii('BM'), ...little(54 + rows.length, 4), ...little(0, 4), ...little(54, 4)];
  return Uint8Array.from([...file, ...header, ...rest, ...rows]);
}

/** A palette of 32 colours; codes of 6 bits, the table cleared before it would need more. `pictures` shifts the colours of each next one. */
export function gif(pictures = 1): Uint8Array {
  const palette = [...STEPS, ...Array.from({ length: (32 - WIDTH * HEIGHT) * 3 }, () => 7)];
  const [clear, end] = [32, 33];
  const codes = (shift: number) => {
    const all = Array.from({ length: WIDTH * HEIGHT }, (_, i) => [
      ...(i % 16 === 0 ? [clear] : []),
      (i + shift) % (WIDTH * HEIGHT),
    ]).flat();
    const bits = [...all, end].flatMap((code) => Array.from({ length: 6 }, (_, i) => (code >> i) & 1));
    const bytes = Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) =>
      bits.slice(8 * i, 8 * i + 8).reduce((sum, bit, place) => sum | (bit << place), 0),
    );
    return [5, bytes.length, ...bytes, 0];
  };
  const sizes = [...little(WIDTH, 2), ...little(HEIGHT, 2)];
  const frames = Array.from({ length: pictures }, (_, shift) => [0x2c, 0, 0, 0, 0, ...sizes, 0, ...codes(shift)]);
  return Uint8Array.from([...ascii('GIF89a'), ...sizes, 0x84, 0, 0, ...palette, ...frames.flat(), 0x3b]);
}

const chunk = (type: string, content: ArrayLike<number>) => [
  ...ascii(type),
  ...little(content.length, 4),
  ...Array.from(content),
  ...(content.length % 2 ? [0] : []),
];

const riff = (chunks: readonly number[]) =>
  Uint8Array.from([...ascii('RIFF'), ...little(4 + chunks.length, 4), ...ascii('WEBP'), ...chunks]);

/** A TIFF header with an orientation. */
const exif = (orientation: number) => [
  ...[...ascii('II'), ...little(42, 2), ...little(8, 4), ...little(1, 2)],
  ...[...little(0x112, 2), ...little(3, 2), ...little(1, 4), ...little(orientation, 4), ...little(0, 4)],
];

/** Packs a simple WebP into an extended one, which claims a size and may turn or repeat its picture. */
export function extendedWebp(
  simple: Uint8Array,
  more: { orientation?: number; pictures?: number; width?: number; height?: number } = {},
): Uint8Array {
  const { orientation, pictures, width = WIDTH, height = HEIGHT } = more;
  const picture = Array.from(simple.subarray(12));
  const flags = (orientation ? 8 : 0) | (pictures ? 2 : 0);
  const sizes = [...little(width - 1, 3), ...little(height - 1, 3)];
  const frame = chunk('ANMF', [...little(0, 6), ...sizes, ...little(100, 3), 0, ...picture]);
  return riff([
    ...chunk('VP8X', [flags, 0, 0, 0, ...sizes]),
    ...(pictures ? chunk('ANIM', little(0, 6)) : []),
    ...(pictures ? Array.from({ length: pictures }, () => frame).flat() : picture),
    ...(orientation ? chunk('EXIF', exif(orientation)) : []),
  ]);
}

/**
 * The AVIF with its last property, the fourth, turned into another: it says that samples have 8 bits, and then a quarter turn to the
 * left.
 */
export function turnedAvif(plain: Uint8Array): Uint8Array {
  const turned = plain.slice();
  const text = String.fromCharCode(...turned);
  turned.set([...ascii('irot'), 1], text.indexOf('pixi'));
  // Behind the name: version, number of entries, item, number of properties, then one byte each. A decoder must know the turn.
  turned[text.indexOf('ipma') + 15 + 3] |= 0x80;
  return turned;
}

/** By format, the same picture. */
export const pictures = async (): Promise<Record<string, Uint8Array>> => ({
  WebP: await readFixture('browser/steps.webp'),
  AVIF: await readFixture('browser/steps.avif'),
  GIF: gif(),
  BMP: bmp(),
});
