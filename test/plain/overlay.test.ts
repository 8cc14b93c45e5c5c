/** The pictures of `raybox localize --overlay`, in parts pixel by pixel. */

import * as fc from 'fast-check';
import { PNG } from 'pngjs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Finding } from '../../src/formats/findings.js';
import { bestFindings, heatRanks, notShown } from '../../src/formats/findings.js';
import type { Image } from '../../src/formats/images/pixels.js';
import { encodePng } from '../../src/formats/images/png.js';
import { loadFont } from '../../src/node/images/font.js';
import { type OverlayResult, overlayPng } from '../../src/node/images/overlay_png.js';
import { createCanvas, fill, outline } from '../../src/overlay/canvas.js';
import { classColor, inferno } from '../../src/overlay/colors.js';
import { drawOverlay } from '../../src/overlay/overlay.js';
import type { OverlayInput } from '../../src/overlay/overlay_input.js';
import { boxOnCanvas, drawMarks, lineStyle } from '../../src/overlay/pane.js';
import { resizePlane } from '../../src/overlay/resize.js';
import { drawText, measure, shorten } from '../../src/overlay/text.js';

const test = suite('overlay');
const font = await loadFont();
const CLASSES = ['Atelectasis', 'Cardiomegaly', 'Effusion', 'Mass'];

/** CIE L*, the perceived lightness of an sRGB colour. */
function lightness(color: readonly number[]): number {
  const linear = color.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return y <= (6 / 29) ** 3 ? y * (29 / 3) ** 3 : 116 * Math.cbrt(y) - 16;
}

const grey = (width: number, height: number, value = 100): Image => ({
  data: new Uint8Array(width * height).fill(value),
  width,
  height,
  channels: 1,
});

function overlayInput(image: Image, labels: readonly string[], rest: Partial<OverlayInput> = {}): OverlayInput {
  const { width, height } = image;
  const findings: Finding[] = labels.flatMap((label) => [
    {
      label,
      score: 0.8,
      threshold: 60,
      peak: 255,
      box: { x: width / 8, y: height / 8, width: width / 2, height: (height * 3) / 4 },
    },
    {
      label,
      score: 0.8,
      threshold: 180,
      peak: 255,
      box: { x: width / 4, y: height / 4, width: width / 3, height: height / 2 },
    },
  ]);
  const map = { width: 3, height: 3, data: [0, 1, 0, 1, 9, 1, 0, 1, 0] };
  return {
    image,
    title: 'X.png',
    findings,
    probabilities: Object.fromEntries(CLASSES.map((name) => [name, labels.includes(name) ? 0.8 : 0.1])),
    heatmaps: Object.fromEntries(labels.map((label) => [label, map])),
    ...rest,
  };
}

const pixel = ({ data, width }: { data: ArrayLike<number>; width: number }, x: number, y: number) =>
  [0, 1, 2].map((i) => data[(y * width + x) * 3 + i]);

test('the colour map becomes lighter in even steps', () => {
  const steps = Array.from({ length: 255 }, (_, i) => lightness(inferno((i + 1) / 255)) - lightness(inferno(i / 255)));
  assert.ok(steps.every((step) => step > 0));
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
  assert.ok(steps.slice(8).every((step) => step > 0.4 * mean && step < 2 * mean));
  assert.equal([inferno(-1), inferno(Number.NaN)], [inferno(0), inferno(0)]);
  assert.equal(inferno(2), inferno(1));
});

test('class colours differ, and black text is legible on them', () => {
  const colors = Array.from({ length: 14 }, (_, index) => classColor(index));
  assert.is(new Set(colors.map(String)).size, 14);
  assert.ok(colors.every((color) => lightness(color) > 60));
});

test('resizing keeps constants, ramps and sums', () => {
  const ramp = Float32Array.from({ length: 8 }, (_, i) => i);
  const twice = resizePlane(ramp, [8, 1], [16, 1]);
  // Half-pixel centres: new sample x lies at (x + 0.5) / 2 − 0.5, clamped at the ends.
  const expected = (x: number) => Math.min(7, Math.max(0, (x + 0.5) / 2 - 0.5));
  assert.ok(twice.every((value, x) => Math.abs(value - expected(x)) < 1e-5));
  const size = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(size, size, size, size, (width, height, newWidth, newHeight) => {
      const flat = resizePlane(new Float32Array(width * height).fill(7), [width, height], [newWidth, newHeight]);
      assert.is(flat.length, newWidth * newHeight);
      assert.ok(flat.every((value) => Math.abs(value - 7) < 1e-4));
    }),
  );
  const halved = resizePlane(
    Float32Array.from({ length: 64 }, (_, i) => i),
    [8, 8],
    [1, 1],
  );
  assert.ok(Math.abs(halved[0] - 31.5) < 1e-3);
});

test('rectangles and dashes stay on the canvas, wherever they are put', () => {
  const range = fc.integer({ min: -30, max: 60 });
  fc.assert(
    fc.property(range, range, range, range, fc.integer({ min: 1, max: 9 }), (x, y, width, height, thickness) => {
      const canvas = createCanvas(20, 15, [0, 0, 0]);
      fill(canvas, { x, y, width, height }, [255, 255, 255]);
      outline(canvas, { x, y, width, height }, [9, 9, 9], { thickness, dash: [3, 2] });
      const inside = (at: number, from: number, size: number) => at >= from && at < from + size;
      for (let py = 0; py < 15; py++)
        for (let px = 0; px < 20; px++)
          if (!(inside(px, x, width) && inside(py, y, height))) assert.equal(pixel(canvas, px, py), [0, 0, 0]);
    }),
  );
});

test('text covers exactly the area that its outlines enclose', () => {
  // A square of 1 em by 1 em, off the pixel grid.
  const square = {
    unitsPerEm: 10,
    glyph: () => ({ advance: 10, commands: [['M', 0, 0], ['L', 10, 0], ['L', 10, 10], ['L', 0, 10], ['Z']] as never }),
  };
  const canvas = createCanvas(40, 40, [0, 0, 0]);
  drawText(canvas, square, 'x', [10.25, 30.5], 8, [200, 200, 200]);
  const sum = canvas.data.reduce((all, value) => all + value, 0) / 3 / 200;
  assert.ok(Math.abs(sum - 64) < 1, `${sum}`);
  assert.equal(pixel(canvas, 14, 26), [200, 200, 200]);
  assert.equal(pixel(canvas, 10, 26), [150, 150, 150]);
  assert.equal(pixel(canvas, 9, 26), [0, 0, 0]);
});

test('letters differ from each other, also in Greek, Cyrillic and with accents, and long text is cut with an ellipsis', () => {
  const draw = (text: string) => {
    const canvas = createCanvas(30, 30, [0, 0, 0]);
    drawText(canvas, font, text, [5, 22], 18, [255, 255, 255]);
    return canvas.data;
  };
  const letters = [...'AaBbDdMmNnPpéüñжЯΩπ0123456789.≥…'];
  const drawn = letters.map((letter) => draw(letter).join());
  assert.is(new Set(drawn).size, letters.length);
  assert.ok(draw('M').reduce((sum, value) => sum + value, 0) > 255 * 3 * 20);
  assert.is(shorten(font, 'Effusion', 20, 1000), 'Effusion');
  const cut = shorten(font, 'Pleural_Thickening', 20, 100);
  assert.ok(cut.endsWith('…') && measure(font, cut, 20) <= 100);
  assert.is(shorten(font, 'wide', 20, 1), '');
});

test('text is cut off at the edges of the canvas, and control characters become gaps', () => {
  const canvas = createCanvas(20, 20, [0, 0, 0]);
  drawText(canvas, font, 'Effusion\n\u0000x', [-30, 4], 30, [255, 255, 255]);
  drawText(canvas, font, 'Effusion', [12, 60], 30, [255, 255, 255]);
  assert.is(measure(font, 'a\u0007b', 10), measure(font, 'a b', 10));
});

test('the heat thresholds look different: the highest is solid, lower ones are dashed', () => {
  const [highest, next, lowest] = [0, 1, 2].map((rank) => lineStyle(rank, 4));
  assert.is(highest.dash, undefined);
  assert.ok(next.dash![0] > lowest.dash![0]);
  const box = { x: 0, y: 0, width: 1, height: 1 };
  const findings = [60, 180, 60, 120].map((threshold) => ({ label: 'Mass', score: 1, threshold, box }));
  const other = { label: 'Nodule', score: 1, threshold: 30, box };
  assert.equal(findings.map(heatRanks([...findings, other])), [2, 0, 2, 1]);
  assert.is(heatRanks([...findings, other])(other), 0, 'thresholds of another class do not count');
});

test('the best box of each of the three most probable findings is shown, unless all are asked for', () => {
  const image = grey(800, 800);
  const finding = (label: string, score: number, threshold: number, side: number, area?: number): Finding => ({
    ...{ label, score, threshold, box: { x: threshold, y: 0, width: side, height: side } },
    ...(area === undefined ? {} : { area }),
  });
  const all = [
    finding('Atelectasis', 0.3, 60, 20, 300),
    finding('Cardiomegaly', 0.2, 60, 20, 300),
    finding('Effusion', 0.6, 60, 30, 90),
    finding('Effusion', 0.6, 60, 20, 300),
    finding('Effusion', 0.6, 60, 500, 9000), // more than a third of the image
    finding('Mass', 0.4, 60, 20, 300),
    finding('Mass', 0.4, 180, 20), // without an area that of the box counts
  ];
  assert.equal(bestFindings(all, image), [all[3], all[6], all[0]]);
  assert.equal(bestFindings(all, image, 'Cardiomegaly'), [all[3], all[6], all[0], all[1]]);
  assert.equal(bestFindings([all[4], finding('Effusion', 0.6, 60, 700)], image), [all[4]]);
  assert.equal(bestFindings([], image), []);
  assert.is(notShown(all, bestFindings(all, image)), '1 less probable finding and 4 further boxes not shown');
  assert.is(notShown(all.slice(2, 4), all.slice(3, 4)), '1 further box not shown');
  assert.is(notShown(all, all), '');
  const drawn = (boxes?: 'all') =>
    drawOverlay({ ...overlayInput(image, []), findings: all, ...(boxes ? { boxes } : {}) }, font);
  assert.not.equal(Buffer.compare(Buffer.from(drawn().data), Buffer.from(drawn('all').data)), 0);
});

test('boxes are drawn at the right place, and labels neither overlap nor leave the image', () => {
  const area = { x: 100, y: 50, width: 200, height: 100 };
  const box = boxOnCanvas({ label: 'Mass', score: 1, box: { x: 10, y: 10, width: 5, height: 5 } }, grey(20, 20), area);
  assert.equal(box, { x: 200, y: 100, width: 50, height: 25 });
  const canvas = createCanvas(400, 200, [0, 0, 0]);
  const marks = Array.from({ length: 9 }, (_, i) => ({
    rect: { x: 290, y: 50 + i, width: 10, height: 10 },
    color: [255, 0, 255] as const,
    line: { thickness: 2 },
    text: `Effusion ${i}`,
  }));
  drawMarks(canvas, marks, area, font, 10);
  for (let y = 0; y < 200; y++)
    for (let x = 0; x < 400; x++)
      if (x < 100 || x >= 300 || y < 50 || y >= 150) assert.equal(pixel(canvas, x, y), [0, 0, 0]);
});

test('the picture has the image on the left, coloured where the heatmap is high, and the key on the right', () => {
  const picture = drawOverlay(overlayInput(grey(800, 800), ['Mass']), font);
  const gap = 16;
  assert.ok(picture.width > 800 + gap && picture.height >= 800 + 2 * gap);
  // The map's middle is hottest; its corners are 0, and leave the image as it is.
  const [red, green, blue] = pixel(picture, gap + 400, gap + 440);
  assert.ok(red > 140 && red > blue + 20 && green > 100, `${red} ${green} ${blue}`);
  assert.equal(pixel(picture, gap + 20, gap + 20), [100, 100, 100]);
  const mass = classColor(CLASSES.indexOf('Mass'));
  const colored = (from: number, to: number) => {
    let count = 0;
    for (let y = 0; y < picture.height; y++)
      for (let x = from; x < to; x++) if (String(pixel(picture, x, y)) === String([...mass])) count++;
    return count;
  };
  assert.ok(colored(0, 800) > 2000, 'boxes');
  assert.ok(colored(800 + gap, picture.width) > 300, 'bar and swatch');
});

test('without findings the image is left as it is', () => {
  const picture = drawOverlay(overlayInput(grey(800, 800), []), font);
  for (const [x, y] of [
    [20, 20],
    [400, 400],
    [700, 300],
  ])
    assert.equal(pixel(picture, x, y), [100, 100, 100]);
});

test('there is a small image for each class with findings, and a warning at the top', () => {
  const one = drawOverlay(overlayInput(grey(800, 800), ['Mass']), font);
  const several = drawOverlay(overlayInput(grey(800, 800), ['Mass', 'Effusion', 'Atelectasis']), font);
  assert.ok(several.height > one.height + 150);
  const warned = drawOverlay(overlayInput(grey(800, 800), ['Mass'], { notice: 'UNTRAINED' }), font);
  const red = (picture: typeof one) => {
    let count = 0;
    for (let i = 0; i < picture.data.length; i += 3)
      if (String([...picture.data.subarray(i, i + 3)]) === '255,107,107') count++;
    return count;
  };
  assert.ok(red(warned) > red(one) + 1000);
});

test('images of any size and kind: tiny, long, huge, 16 bits, RGBA, constant maps, a thousand classes', () => {
  for (const [width, height] of [
    [1, 1],
    [300, 2],
    [2, 900],
    [4000, 100],
  ]) {
    const picture = drawOverlay(overlayInput(grey(width, height), ['Mass', 'Effusion']), font);
    assert.ok(picture.width < 2600 && picture.height < 2600, `${width}×${height}: ${picture.width}×${picture.height}`);
  }
  const wide: Image = {
    data: Uint16Array.from({ length: 6400 }, (_, i) => 1000 + (i % 80)),
    width: 80,
    height: 80,
    channels: 1,
  };
  const picture = drawOverlay(overlayInput(wide, []), font);
  assert.ok(pixel(picture, 17, 300)[0] < 10 && pixel(picture, 781, 300)[0] > 245, 'from darkest to brightest');
  const rgba: Image = {
    data: new Uint8Array(400).map((_, i) => [200, 10, 10, 255][i % 4]),
    width: 10,
    height: 10,
    channels: 4,
  };
  assert.equal(pixel(drawOverlay(overlayInput(rgba, []), font), 400, 400), [200, 10, 10]);
  const flat = {
    Mass: { width: 2, height: 2, data: [5, 5, 5, 5] },
    Effusion: { width: 1, height: 1, data: [Number.NaN] },
  };
  drawOverlay(overlayInput(grey(64, 64), ['Mass', 'Effusion'], { heatmaps: flat }), font);
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`class ${i}`, i / 1000]));
  const tall = drawOverlay(overlayInput(grey(64, 64), [], { probabilities: many }), font);
  assert.ok(tall.height < 1200);
});

test('inputs that are not images are refused', () => {
  assert.throws(() => drawOverlay(overlayInput({ ...grey(2, 2), width: 3 }, []), font), /wrong length/);
});

test('overlayPng gives the same PNG as the command line, from pixels or files and a result, which may come from JSON', async () => {
  const input = overlayInput(grey(40, 30), ['Effusion', 'Mass'], { title: 'X', operatingThresholds: { Mass: 0.3 } });
  const { width, height, data } = input.image;
  const { findings, probabilities, heatmaps } = input;
  const result = { width, height, findings, probabilities, heatmaps } as unknown as OverlayResult;
  const drawn = await overlayPng({ data, width, height }, result, { title: 'X', operatingThresholds: { Mass: 0.3 } });
  const operatingThresholds = { ...Object.fromEntries(CLASSES.map((name) => [name, 0.5])), Mass: 0.3 };
  assert.equal(PNG.sync.read(Buffer.from(drawn)).data, rgbaOf(drawOverlay({ ...input, operatingThresholds }, font)));
  const file = await encodePng(input.image);
  const again = await overlayPng(file, JSON.parse(JSON.stringify(result)), {
    title: 'X',
    operatingThresholds: { Mass: 0.3 },
  });
  assert.equal(again, drawn);
  const refused = async (work: Promise<unknown>, message: RegExp) =>
    assert.match(String(await work.catch((error: Error) => error)), message);
  await refused(
    overlayPng(file, { ...result, width: 41 }),
    /InputError: the image is not the one of the result; expected 41/,
  );
  await refused(
    overlayPng(file, result, { titles: 'X' } as object),
    /overlayPng has no option titles.*did you mean title/,
  );
});

const rgbaOf = ({ data }: Image) => Buffer.from(Array.from(data).flatMap((v, i) => (i % 3 === 2 ? [v, 255] : [v])));

test.run();
