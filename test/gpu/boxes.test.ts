/** Boxes of heatmaps on the GPU, compared with those that the CPU computes in float64. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { heatThresholdRows } from '../../src/formats/heat_thresholds.js';
import { type Gpu, openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { type BoxOptions, decodeBoxes, extractBoxes, type Gates } from '../../src/ops/boxes/component_boxes.js';
import { connectedComponents } from '../../src/ops/boxes/connected_components.js';
import { SMALLEST_RANGE } from '../../src/ops/boxes/heat.js';
import { boxesOfHeatmap, heatOfImage } from '../../src/ops/boxes/heat_on_cpu.js';
import { labelRegions } from '../../src/ops/boxes/regions_on_cpu.js';
import { scaleHeatmaps } from '../../src/ops/boxes/scale255.js';
import type { Fit } from '../../src/ops/images/frame.js';
import { seededRandom } from '../../src/random.js';
import { runsWhole } from '../support/part.js';

const gpu: Gpu = await openGpu();
test.after(() => gpu.close());

interface Maps {
  classes: number;
  height: number;
  width: number;
  /** One list of cells for each map. */
  cells: number[][];
}

/** The results of the GPU for some maps. It runs twice, because the second run must give the same bits. */
async function run(
  maps: Maps,
  options: BoxOptions,
  gates?: { probabilities: number[]; operatingThresholds: number[] },
) {
  const { classes, height, width, cells } = maps;
  const g = createGraph();
  const dense = { layout: 'dense' } as const;
  const heatmaps = g.input('heatmaps', [cells.length / classes, classes, height, width], dense);
  const probabilities = g.input('probabilities', [cells.length / classes, classes], dense);
  const own: Gates | undefined = gates && { probabilities, operatingThresholds: gates.operatingThresholds };
  const { table, counts } = extractBoxes(g, heatmaps, own, options);
  const plan = await createPlan(gpu, g.finish([table, counts]));
  try {
    plan.write(heatmaps, cells.flat());
    if (gates) plan.write(probabilities, gates.probabilities);
    await plan.run();
    const first = [await plan.read(table), await plan.read(counts)];
    await plan.run();
    assert.equal([await plan.read(table), await plan.read(counts)], first, 'a second run gives the same');
    return decodeBoxes(first[0], first[1], options);
  } finally {
    plan.close();
  }
}

/** Compares the GPU's boxes with those of the reference. @returns false if a value is so near to a threshold that rounding decides. */
async function agrees(maps: Maps, options: BoxOptions): Promise<boolean> {
  const { heatThresholds = [60, 180], maxBoxes = 64, scaling = 'min_max' } = options;
  const cells = maps.cells.map((values) => values.map(Math.fround));
  const rows = heatThresholdRows(heatThresholds);
  const rowOf = (map: number) => rows[map % rows.length];
  const truths = cells.map((values, map) =>
    boxesOfHeatmap(values, maps.height, maps.width, { ...options, heatThresholds: rowOf(map), scaling }),
  );
  const near = (value: number) => rows.flat().some((threshold) => Math.abs(value - threshold) < 1e-4);
  if (truths.some(({ scaled }) => scaled.values.some(near))) return false;
  const { boxes, states, found, truncated } = await run({ ...maps, cells }, options);
  assert.equal(
    states,
    truths.map(({ state }) => state),
  );
  assert.equal(
    found,
    truths.map(({ regions }) => regions.map((list) => list.length)),
  );
  assert.equal(
    [...truncated],
    truths.flatMap(({ regions }, map) => (regions.some((list) => list.length > maxBoxes) ? [map] : [])),
  );
  const expected = truths.flatMap(({ regions }, map) =>
    regions.flatMap((list, t) =>
      list.slice(0, maxBoxes).map((region) => ({ map, threshold: rowOf(map)[t], ...region })),
    ),
  );
  assert.equal(
    boxes.map(({ peak, ...rest }) => rest),
    expected.map(({ peak, ...rest }) => rest),
  );
  for (const [i, { peak }] of expected.entries())
    assert.ok(Math.abs(boxes[i].peak - peak) < 1e-3, `peak ${boxes[i].peak}, not ${peak}`);
  return true;
}

/** A map as large as its image, so that its cells are the pixels. */
const pixels = (width: number, height: number, value: (x: number, y: number) => number): Maps => ({
  classes: 1,
  width,
  height,
  cells: [Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width)))],
});

const frameOfMaps = ({ width, height }: Maps, more: Partial<BoxOptions> = {}): BoxOptions => {
  return { width, height, size: 32, fit: 'stretch', ...more };
};

/** A corridor of width 1 that winds inwards, 1 inside and 0 in its walls. */
function spiral(width: number, height: number): Maps {
  const map = pixels(width, height, () => 0);
  let [x, y, dx, dy] = [0, 0, 1, 0];
  const at = (i: number, j: number) => (i < 0 || j < 0 || i >= width || j >= height ? -1 : map.cells[0][j * width + i]);
  map.cells[0][0] = 1;
  for (let turns = 0; turns < 2; ) {
    const blocked = at(x + dx, y + dy) !== 0 || at(x + 2 * dx, y + 2 * dy) === 1;
    if (blocked) {
      [dx, dy] = [-dy, dx];
      turns++;
    } else {
      [x, y] = [x + dx, y + dy];
      map.cells[0][y * width + x] = 1;
      turns = 0;
    }
  }
  return map;
}

const shapes: Record<string, (width: number, height: number) => Maps> = {
  checkerboard: (w, h) => pixels(w, h, (x, y) => (x + y) % 2),
  'lone pixels': (w, h) => pixels(w, h, (x, y) => ((x % 2) + (y % 2) === 0 ? 1 : 0)),
  'diagonal lines': (w, h) => pixels(w, h, (x, y) => ((x + y) % 3 === 0 ? 1 : 0)),
  'lines the other way': (w, h) => pixels(w, h, (x, y) => ((x - y + h) % 5 === 0 ? 1 : 0)),
  'a snake': (w, h) => pixels(w, h, (x, y) => (y % 2 === 0 || x === (y % 4 === 1 ? w - 1 : 0) ? 1 : 0)),
  'a comb from below': (w, h) => pixels(w, h, (x, y) => (x % 2 === 0 || y === h - 1 ? 1 : 0)),
  columns: (w, h) => pixels(w, h, (x) => (x % 2 === 0 ? 1 : 0)),
  'all but a corner': (w, h) => pixels(w, h, (x, y) => (x + y === 0 ? 0 : 1)),
  'a spiral': spiral,
};

for (const [name, make] of Object.entries(shapes)) {
  test(`${name} at many sizes`, async () => {
    for (const [width, height] of [
      [2, 1],
      [1, 2],
      [3, 3],
      [1, 77],
      [97, 1],
      [31, 5],
      [32, 9],
      [33, 8],
      [64, 64],
      [133, 141],
    ]) {
      const maps = make(width, height);
      assert.ok(
        await agrees(maps, frameOfMaps(maps, { maxBoxes: 5000, heatThresholds: [128] })),
        `${width} × ${height}`,
      );
    }
  });
}

test('random pixels, dense and sparse, in widths near multiples of a word', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.integer(),
        width: fc.oneof(
          fc.integer({ min: 1, max: 100 }),
          fc.integer({ min: 30, max: 34 }),
          fc.integer({ min: 62, max: 66 }),
        ),
        height: fc.integer({ min: 1, max: 24 }),
        density: fc.double({ min: 0.05, max: 0.98, noNaN: true }),
      }),
      async ({ seed, width, height, density }) => {
        const random = seededRandom(seed);
        const map = () => Array.from({ length: width * height }, () => (random() < density ? 1 : 0));
        const maps = { classes: 16, width, height, cells: Array.from({ length: 16 }, map) };
        const options = frameOfMaps(maps, { heatThresholds: [200], maxBoxes: 700 });
        assert.ok(await agrees(maps, options));
      },
    ),
    { numRuns: runsWhole ? 25 : 8, seed: 8 },
  );
});

test('large maps, of which a thread processes several words', async () => {
  const random = seededRandom(5);
  for (const density of [0.2, 0.4, 0.6]) {
    const maps = pixels(500, 300, (x, y) => (random() < density || (x + y) % 97 === 0 ? 1 : 0));
    assert.ok(await agrees(maps, frameOfMaps(maps, { heatThresholds: [200], maxBoxes: 20_000 })));
  }
  for (const name of ['a snake', 'a comb from below', 'a spiral']) {
    const maps = shapes[name](400, 401);
    assert.ok(await agrees(maps, frameOfMaps(maps, { heatThresholds: [128] })), name);
  }
});

test('boxes of random heatmaps are those of a flood fill', async () => {
  const runs = runsWhole ? 60 : 16;
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.integer(),
        classes: fc.integer({ min: 1, max: 3 }),
        images: fc.integer({ min: 1, max: 2 }),
        cells: fc.tuple(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 16 })),
        image: fc.tuple(fc.integer({ min: 1, max: 141 }), fc.integer({ min: 1, max: 141 })),
        fit: fc.constantFrom<Fit>('stretch', 'crop', 'pad'),
        scaling: fc.constantFrom('min_max' as const, 'relu_max' as const),
        heatThresholds: fc.constantFrom([60, 180], [127.5], [20, 100, 200.25]),
        maxBoxes: fc.constantFrom(1, 3, 64),
        offset: fc.constantFrom(0, -3, 40),
      }),
      async ({ seed, classes, images, cells, image, offset, ...rest }) => {
        const random = seededRandom(seed);
        const [height, width] = cells;
        const map = () => Array.from({ length: height * width }, () => random() * 2 - 1 + offset);
        const maps = { classes, height, width, cells: Array.from({ length: images * classes }, map) };
        if (await agrees(maps, { width: image[0], height: image[1], size: 64, ...rest })) compared++;
      },
    ),
    { numRuns: runs, seed: 20170117 },
  );
  assert.ok(compared > runs / 2, `only ${compared} of ${runs} could be compared`);
});

test('a list of heat thresholds for each class', async () => {
  const random = seededRandom(31);
  const maps = {
    classes: 3,
    height: 9,
    width: 7,
    cells: Array.from({ length: 6 }, () => Array.from({ length: 63 }, random)),
  };
  const frame = { width: 75, height: 91, size: 64, fit: 'stretch' } as const;
  const heatThresholds = [[200], [30.5, 127.5, 220], [100, 60]];
  assert.ok(await agrees(maps, { ...frame, heatThresholds }));
  const single = { ...maps, classes: 1, cells: maps.cells.slice(1, 2) };
  const { boxes } = await run(maps, { ...frame, heatThresholds });
  const { boxes: alone } = await run(single, { ...frame, heatThresholds: heatThresholds[1] });
  assert.equal(
    boxes.filter(({ map }) => map === 1).map((box) => ({ ...box, map: 0 })),
    [...alone],
    'a class has the boxes that it would have without the others',
  );
});

test('smooth blobs at the size of an image, with several maps in one batch', async () => {
  const cells = Array.from(
    { length: 4 },
    (_, map) =>
      pixels(133, 141, (x, y) => {
        const blob = (cx: number, cy: number, r: number) => Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / r);
        return blob(30 + 7 * map, 40, 150) + blob(90, 100 - 5 * map, 300) * 0.7 + blob(60, 10, 20 + map);
      }).cells[0],
  );
  assert.ok(
    await agrees({ classes: 2, width: 133, height: 141, cells }, { width: 133, height: 141, size: 32, fit: 'stretch' }),
  );
});

test('closed, constant, NaN and infinite maps give no boxes, and their state says why', async () => {
  const map = (value: (i: number) => number) => Array.from({ length: 49 }, (_, i) => value(i));
  const bump = (i: number) => (i === 24 ? 1 : 0);
  const cells = [
    map(bump),
    map(() => 0.1),
    map((i) => (i === 3 ? Number.NaN : bump(i))),
    map((i) => (i === 3 ? Number.NEGATIVE_INFINITY : bump(i))),
    map(bump),
    map(bump),
    map((i) => 7 + bump(i) * 1e-6),
    map((i) => (bump(i) - 0.5) * 6e38),
  ];
  const gates = { probabilities: [0.5, 1, 1, 1, 0.49, Number.NaN, 1, 1], operatingThresholds: Array(8).fill(0.5) };
  const maps = { classes: 8, height: 7, width: 7, cells };
  const options: BoxOptions = { width: 70, height: 70, size: 70, fit: 'stretch' };
  const { states, boxes, found } = await run(maps, options, gates);
  assert.equal(states, ['scaled', 'flat', 'not finite', 'not finite', 'closed', 'closed', 'flat', 'not finite']);
  assert.ok(boxes.length === 2 && boxes.every((box) => box.map === 0));
  assert.ok(
    found
      .slice(1)
      .flat()
      .every((count) => count === 0),
  );
});

test('a map without a positive value has no boxes with relu_max', async () => {
  const maps = { classes: 1, height: 2, width: 2, cells: [[-1, -2, -3, 0]] };
  const { states } = await run(maps, { width: 9, height: 9, size: 9, fit: 'stretch', scaling: 'relu_max' });
  assert.equal(states, ['flat']);
});

test('if there are more components than rows in the table, it has the first ones, and the count shows it', async () => {
  const maps = shapes['lone pixels'](20, 20);
  const { boxes, found, truncated } = await run(maps, frameOfMaps(maps, { maxBoxes: 3, heatThresholds: [60] }));
  assert.equal(found, [[100]]);
  assert.equal([...truncated], [0]);
  assert.equal(
    boxes.map(({ x, y, width, height }) => [x, y, width, height]),
    [
      [0, 0, 1, 1],
      [2, 0, 1, 1],
      [4, 0, 1, 1],
    ],
  );
});

test('boxes with crop are inside the part that the network saw, in pixels of the image', async () => {
  const maps = { classes: 1, height: 1, width: 4, cells: [[0, 0, 0, 1]] };
  const { boxes } = await run(maps, { width: 100, height: 40, size: 8, fit: 'crop', heatThresholds: [255 / 2] });
  const [{ x, y, width, height }] = boxes;
  assert.equal([x, y, width, height], [60, 0, 10, 40]); // the square is columns 30 … 70; half-way between cells 2 and 3 is its last quarter
});

test('a graph with boxes can also give labels and scaled maps', async () => {
  const [height, width, cells] = [5, 6, Array.from({ length: 30 }, (_, i) => ((i * 37) % 11) + (i % 3) * 0.37)];
  const options: BoxOptions = { width: 83, height: 47, size: 50, fit: 'pad' };
  const g = createGraph();
  const heatmaps = g.input('heatmaps', [1, 1, height, width], { layout: 'dense' });
  const { ranges } = extractBoxes(g, heatmaps, undefined, options);
  const labels = connectedComponents(g, heatmaps, ranges, { ...options, heatThresholds: [100] });
  const scaled = scaleHeatmaps(g, heatmaps, ranges, options);
  const plan = await createPlan(gpu, g.finish([labels, scaled]));
  plan.write(heatmaps, cells);
  await plan.run();
  const truth = boxesOfHeatmap(cells.map(Math.fround), height, width, {
    ...options,
    heatThresholds: [100],
    scaling: 'min_max',
  });
  const values = await plan.read(scaled);
  assert.ok(truth.scaled.values.every((value, i) => Math.abs(value - values[i]) < 1e-3));
  const expected = labelRegions(truth.scaled.values, 83, 47, 100);
  assert.equal(
    [...(await plan.read(labels))].map((label) => label | 0),
    [...expected],
  );
  plan.close();
});

test('impossible requests are refused', () => {
  const g = createGraph();
  const heatmaps = g.input('heatmaps', [1, 2, 3, 3], { layout: 'dense' });
  const options: BoxOptions = { width: 9, height: 9, size: 9, fit: 'stretch' };
  const wrong: [Partial<BoxOptions>, Gates?][] = [
    [{ heatThresholds: [] }],
    [{ heatThresholds: [0] }],
    [{ heatThresholds: [Number.NaN] }],
    [{ heatThresholds: [[60], []] }],
    [{ heatThresholds: [[60], [180], [200]] }],
    [{ maxBoxes: 0 }],
    [{ width: 0 }],
    [{ scaling: 'none' as 'min_max' }],
    [{}, { probabilities: heatmaps, operatingThresholds: [1, 2] }],
  ];
  for (const [more, gates] of wrong) {
    const attempt = () => extractBoxes(g, heatmaps, gates, { ...options, ...more });
    assert.throws(attempt, (error: unknown) => error instanceof InputError, JSON.stringify(more));
  }
  assert.throws(
    () => decodeBoxes([1, 2], [1, 2, 3]),
    (error: unknown) => error instanceof InputError,
  );
});

test('pixels whose heat equals the threshold belong to the region', async () => {
  // Values are whole numbers from 0 to 255, so that scaling is exact, and the cells are the pixels.
  const row = [0, 60, 59, 61, 0, 179, 180, 181, 0, 255, 254];
  for (const scaling of ['min_max', 'relu_max'] as const) {
    const maps = pixels(row.length, 1, (x) => row[x]);
    const options = frameOfMaps(maps, { scaling, heatThresholds: [60, 180, 255] });
    const { boxes } = await run(maps, options);
    assert.equal(
      boxes.map(({ threshold, x, width, area, peak }) => [threshold, x, width, area, peak]),
      [
        [60, 1, 1, 1, 60],
        [60, 3, 1, 1, 61],
        [60, 5, 3, 3, 181],
        [60, 9, 2, 2, 255],
        [180, 6, 2, 2, 181],
        [180, 9, 2, 2, 255],
        [255, 9, 1, 1, 255],
      ],
      scaling,
    );
  }
  // The middle one of five pixels lies half-way between cells of 0 and 255.
  const between = { classes: 1, width: 2, height: 1, cells: [[0, 255]] };
  for (const [threshold, first] of [
    [127.49999, 2],
    [127.5, 2],
    [127.50001, 3],
  ]) {
    const { boxes } = await run(between, { width: 5, height: 1, size: 2, fit: 'stretch', heatThresholds: [threshold] });
    assert.is(boxes[0].x, first, `at or above ${threshold}`);
  }
});

test('a map is flat if it varies by less than a millionth of its magnitude, or if 255 divided by its range would overflow', async () => {
  const [least, next] = [2 ** -20, 2 ** -20 + 2 ** -24];
  const [tiny, more] = [SMALLEST_RANGE, SMALLEST_RANGE * (1 + 2 ** -23)].map(Math.fround);
  const state = async (cells: number[], scaling: 'min_max' | 'relu_max') => {
    const maps = { classes: 1, width: 2, height: 1, cells: [cells] };
    return (await run(maps, frameOfMaps(maps, { scaling }))).states[0];
  };
  for (const scaling of ['min_max', 'relu_max'] as const) {
    assert.is(await state([1, 1 - least], scaling), 'flat', scaling);
    assert.is(await state([1, 1 - next], scaling), 'scaled', scaling);
    assert.is(await state([0, tiny], scaling), 'flat', scaling);
    assert.is(await state([0, more], scaling), 'scaled', scaling);
  }
  assert.is(await state([-1e-30, tiny], 'relu_max'), 'flat');
  assert.is(await state([-1e-30, more], 'relu_max'), 'scaled');
});

test('if there are exactly as many components as rows in the table, all are there and the map does not count as truncated', async () => {
  const maps = shapes['lone pixels'](8, 2);
  const options = frameOfMaps(maps, { maxBoxes: 4, heatThresholds: [60, 180] });
  const { boxes, found, truncated } = await run(maps, options);
  assert.equal([found, truncated.size, boxes.length], [[[4, 4]], 0, 8]);
  // One more than there is room for must not reach into the next threshold's table.
  const fuller = await run(maps, { ...options, maxBoxes: 3 });
  assert.equal([[...fuller.truncated], fuller.boxes.length], [[0], 6]);
  assert.equal(
    fuller.boxes.map(({ threshold, x, y, area }) => [threshold, x, y, area]),
    [60, 180].flatMap((threshold) => [0, 2, 4].map((x) => [threshold, x, 0, 1])),
  );
});

test('heat between cells, calculated by hand', () => {
  const { values } = heatOfImage([0, 8], 1, 2, { width: 4, height: 1, size: 2, fit: 'stretch' });
  assert.equal([...values], [0, 2, 6, 8]);
});

test.run();
