/** What runs on the CPU where there is no GPU, against the shortest code that computes the same. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boxesOfHeatmap, heatOfImage } from '../../src/ops/boxes/heat_on_cpu.js';
import { findRegions, labelRegions, type Region } from '../../src/ops/boxes/regions_on_cpu.js';
import { colourMatrix } from '../../src/ops/images/colours.js';
import type { Fit } from '../../src/ops/images/frame.js';
import { preprocessOnCpu } from '../../src/ops/images/preprocess_on_cpu.js';
import { seededRandom } from '../../src/random.js';

/** Components by flood fill, pixel by pixel. */
function floodFill(values: ArrayLike<number>, width: number, height: number, threshold: number) {
  const labels = new Array<number>(width * height).fill(-1);
  const regions: Region[] = [];
  for (const start of labels.keys()) {
    if (labels[start] >= 0 || !(values[start] >= threshold)) continue;
    const pixels = [start];
    labels[start] = start;
    for (const pixel of pixels) {
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      for (let j = Math.max(0, y - 1); j <= Math.min(height - 1, y + 1); j++)
        for (let i = Math.max(0, x - 1); i <= Math.min(width - 1, x + 1); i++) {
          const next = j * width + i;
          if (labels[next] >= 0 || !(values[next] >= threshold)) continue;
          labels[next] = start;
          pixels.push(next);
        }
    }
    const columns = pixels.map((pixel) => pixel % width);
    const rows = pixels.map((pixel) => Math.floor(pixel / width));
    const [x, y] = [Math.min(...columns), Math.min(...rows)];
    const [right, bottom] = [Math.max(...columns) + 1, Math.max(...rows) + 1];
    const peak = Math.max(...pixels.map((pixel) => values[pixel]));
    regions.push({ x, y, width: right - x, height: bottom - y, area: pixels.length, peak });
  }
  return { labels, regions };
}

test('regions are those of a flood fill, in the order of their first pixels', () => {
  const maps = fc
    .record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 30 }) })
    .chain((size) =>
      fc.record({
        ...{
          width: fc.constant(size.width),
          height: fc.constant(size.height),
          threshold: fc.constantFrom(1, 100, 200),
        },
        values: fc.array(fc.integer({ min: 0, max: 255 }), {
          ...{ minLength: size.width * size.height, maxLength: size.width * size.height },
        }),
      }),
    );
  fc.assert(
    fc.property(maps, ({ values, width, height, threshold }) => {
      const expected = floodFill(values, width, height, threshold);
      assert.equal(findRegions(values, width, height, threshold), expected.regions);
      assert.equal([...labelRegions(values, width, height, threshold)], expected.labels);
    }),
    { numRuns: 200, seed: 1 },
  );
});

test('regions are found even if there are more runs of pixels than memory was reserved for', () => {
  const [width, height] = [400, 400];
  const combs = Array.from({ length: width * height }, (_, i) => (i % 2 === 0 && i % (2 * width) < width ? 9 : 0));
  assert.is(findRegions(combs, width, height, 5).length, (width / 2) * (height / 2));
  // The same teeth hang together at the lower edge.
  combs.fill(9, width * (height - 1));
  const joined = combs.map((value, i) => (i % 2 === 0 ? 9 : value));
  assert.equal(findRegions(joined, width, height, 5), floodFill(joined, width, height, 5).regions);
});

const FITS: readonly Fit[] = ['stretch', 'crop', 'pad'];

test('heat is bilinear between the centres of cells', () => {
  const random = seededRandom(3);
  for (const fit of FITS) {
    for (const [width, height] of [
      [31, 17],
      [3, 2],
      [90, 120],
    ]) {
      const [rows, columns, size] = [4, 6, 48];
      const cells = Array.from({ length: rows * columns }, random);
      const heat = heatOfImage(cells, rows, columns, { width, height, size, fit });
      const shorter = Math.min(width, height);
      const at = (pixel: number, length: number, count: number) => {
        const target = fit === 'pad' ? Math.max(1, Math.round((length * size) / Math.max(width, height))) : size;
        const seen = fit === 'crop' ? shorter : length;
        const inNetwork = ((pixel + 0.5 - (length - seen) / 2) * target) / seen + Math.floor((size - target) / 2);
        return Math.min(Math.max((inNetwork * count) / size - 0.5, 0), count - 1);
      };
      for (let i = 0; i < heat.values.length; i += 7) {
        const r = at(heat.top + Math.floor(i / heat.width), height, rows);
        const c = at(heat.left + (i % heat.width), width, columns);
        let expected = 0;
        for (let k = 0; k < cells.length; k++) {
          const near = (position: number, cell: number) => Math.max(0, 1 - Math.abs(position - cell));
          expected += cells[k] * near(r, Math.floor(k / columns)) * near(c, k % columns);
        }
        assert.ok(Math.abs(heat.values[i] - expected) < 1e-12, `${fit} ${width}×${height} ${i}`);
      }
    }
  }
});

test('the highest heat is 255 and the lowest 0, also if the buffer is that of another map', () => {
  const options = {
    width: 20,
    height: 20,
    size: 20,
    fit: 'stretch',
    heatThresholds: [255],
    scaling: 'min_max',
  } as const;
  const kept = new Float64Array(400).fill(7);
  for (const cells of [
    [0.1, 0.2, 0.3, 0.7],
    [-3, 5, 1e-3, 2],
  ]) {
    const { scaled, regions } = boxesOfHeatmap(cells, 2, 2, options, kept);
    assert.is(scaled.values, kept);
    assert.equal([Math.min(...kept), Math.max(...kept), regions[0].length], [0, 255, 1]);
  }
});

test('pixels become the network input by a triangle filter in both directions', () => {
  const random = seededRandom(5);
  for (const fit of FITS) {
    for (const [width, height, channels, bits] of [
      [53, 41, 1, 8],
      [20, 33, 3, 8],
      [19, 9, 4, 12],
      [5, 70, 1, 16],
    ]) {
      const size = 16;
      const white = 2 ** bits - 1;
      const numbers = Array.from({ length: width * height * channels }, () => Math.floor(random() * (white + 1)));
      const samples = bits > 8 ? Uint16Array.from(numbers) : Uint8Array.from(numbers);
      const attributes = {
        ...{ width, height, channels: channels as 1, bits, size, fit, scale: 1, order: 'bgr' as const },
        ...{ mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] },
      };
      const y = new Float32Array(3 * size * size + 5);
      preprocessOnCpu(samples, attributes, y, { first: 5, pixel: 1, channel: size * size });
      const shorter = Math.min(width, height);
      const weightsAt = (index: number, length: number) => {
        const target = fit === 'pad' ? Math.max(1, Math.round((length * size) / Math.max(width, height))) : size;
        const seen = fit === 'crop' ? shorter : length;
        const place = index - Math.floor((size - target) / 2);
        if (place < 0 || place >= target) return [];
        const [centre, scale] = [(length - seen) / 2 + ((place + 0.5) * seen) / target, Math.max(1, seen / target)];
        const weights = Array.from({ length }, (_, p) => Math.max(0, 1 - Math.abs(p + 0.5 - centre) / scale));
        const total = weights.reduce((a, b) => a + b);
        return weights.map((weight) => weight / total);
      };
      for (const [row, column] of [
        [0, 0],
        [7, 9],
        [15, 15],
        [3, 12],
      ]) {
        const value = [0, 0, 0];
        weightsAt(row, height).forEach((down, r) => {
          weightsAt(column, width).forEach((across, c) => {
            const at = (r * width + c) * channels;
            for (let s = 0; s < Math.min(3, channels); s++) {
              const blended =
                channels === 4 ? Math.round((samples[at + s] * samples[at + 3]) / white) : samples[at + s];
              value[s] += down * across * blended;
            }
          });
        });
        for (const [o, { weights, bias }] of colourMatrix(attributes).entries()) {
          const expected = weights.reduce((sum, weight, s) => sum + weight * value[s], bias);
          const actual = y[5 + o * size * size + row * size + column];
          assert.ok(
            Math.abs(actual - expected) < 1e-6,
            `${fit} ${width}×${height}×${channels}: ${actual}, not ${expected}`,
          );
        }
      }
      assert.equal([...y.subarray(0, 5)], [0, 0, 0, 0, 0]);
    }
  }
});

test.run();
