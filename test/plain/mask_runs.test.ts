/** Masks as run lengths and polygons as masks: known strings of pycocotools 2.0, and properties. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { crossedShare, polygonMask } from '../../src/formats/masks/polygon.js';
import {
  pixelsOf,
  readRleString,
  rleArea,
  rleIntersection,
  rleOf,
  rleOfPixels,
  rleString,
  rleUnion,
} from '../../src/formats/masks/rle.js';

const pixels = (rows: string[]) => rows.flatMap((row) => [...row].map(Number));
const maskOf = (rows: string[]) => rleOfPixels(pixels(rows), rows[0].length, rows.length);
const refused = (work: () => unknown, message: RegExp) =>
  assert.throws(work, (error: unknown) => error instanceof InputError && message.test(error.message));

/** Masks, and the strings that `pycocotools.mask.encode` gives for them. */
const STRINGS: [string[], string][] = [
  [['0'], '1'],
  [['1'], '01'],
  [['000', '000'], '6'],
  [['111', '111'], '06'],
  [['010', '111', '010'], '11120N0'],
  [['10', '01'], '0120'],
  [['11111', '10001', '10101', '10001', '11111'], '063LNO0124'],
];

test("COCO's strings: those of pycocotools are written and read, with a hole and one-pixel masks among them", () => {
  for (const [rows, text] of STRINGS) {
    assert.is(rleString(maskOf(rows)), text);
    const read = readRleString(text, rows[0].length, rows.length);
    assert.equal([...pixelsOf(read)], pixels(rows));
  }
  // 200 × 300 with a hole of 30 × 100 in 120 × 220: numbers of several characters, and differences below zero.
  const big = new Uint8Array(200 * 300);
  for (let y = 40; y < 260; y++) big.fill(1, y * 200 + 30, y * 200 + 150);
  for (let y = 100; y < 200; y++) big.fill(0, y * 200 + 60, y * 200 + 90);
  const text = rleString(rleOfPixels(big, 200, 300));
  const zeros = (count: number) => '0'.repeat(count);
  assert.is(text, `\`j8l6\`2${zeros(58)}PK${'d00\\O0'.repeat(29)}d00\\OP5${zeros(118)}\`c>`);
  assert.is(rleArea(readRleString(text, 200, 300)), 120 * 220 - 30 * 100);
});

test("COCO's strings: another string, another size, and runs that do not fill the mask are refused by name", () => {
  refused(
    () => readRleString('11120N0', 3, 4, 'A.png, Mass'),
    /A\.png, Mass: its runs do not fill it; expected 3 × 4 = 12 pixels; given 9/,
  );
  refused(() => readRleString('1 1', 1, 2), /no string of run lengths/);
  refused(() => readRleString('`', 4, 4), /ends within a number/);
  refused(() => readRleString('oooooooooooo', 4, 4), /no string of run lengths/);
  refused(() => readRleString('1', 100_000, 100_000), /a mask cannot have this size/);
  refused(() => rleOf([4, -1, 6], 3, 3), /run 2 is no number of pixels/);
  refused(() => rleOf([1.5, 7.5], 3, 3), /run 1 is no number of pixels/);
  // Empty runs in a list join the runs on both sides.
  assert.equal([...rleOf([1, 2, 0, 3, 3], 3, 3).runs], [1, 5, 3]);
  assert.equal([...rleOf([0, 0, 4, 5], 3, 3).runs], [4, 5]);
});

test('runs: round trip, area, intersection and union agree with pixels (properties)', () => {
  const sized = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })).chain(([width, height]) => {
    const bits = fc.array(fc.boolean(), { minLength: width * height, maxLength: width * height });
    return fc.tuple(fc.constant(width), fc.constant(height), bits, bits);
  });
  fc.assert(
    fc.property(sized, ([width, height, a, b]) => {
      const [maskA, maskB] = [rleOfPixels(a, width, height), rleOfPixels(b, width, height)];
      const again = readRleString(rleString(maskA), width, height);
      assert.equal([...pixelsOf(again)], a.map(Number));
      const both = a.map((each, i) => each && b[i]);
      const either = a.map((each, i) => each || b[i]);
      assert.is(rleArea(maskA), a.filter(Boolean).length);
      assert.is(rleIntersection(maskA, maskB), both.filter(Boolean).length);
      assert.equal(rleUnion([maskA, maskB]), rleOfPixels(either, width, height));
    }),
    { numRuns: 200, seed: 1 },
  );
  refused(() => rleIntersection(maskOf(['10']), maskOf(['1', '0'])), /different sizes/);
});

/** Width, height and corners, then the string and the area that `pycocotools.mask.frPyObjects` gives. */
const POLYGONS: [number, number, number[], string, number][] = [
  [10, 8, [1, 1, 8, 1, 8, 6, 1, 6], '95300000000000?', 35],
  [10, 8, [0, 0, 10, 0, 10, 8, 0, 8], '0`2', 80],
  [10, 8, [2.5, 1.5, 7.5, 1.5, 5, 6.5], 'j0172N1ONh0', 10],
  // Without and with the middle of a pixel inside.
  [10, 8, [4.2, 3.1, 4.6, 3.1, 4.6, 3.4, 4.2, 3.4], '`2', 0],
  [10, 8, [4.2, 3.1, 4.8, 3.1, 4.8, 3.8, 4.2, 3.8], 'S11\\1', 1],
  // A square with a hole, drawn in one line that goes in and out along the same side.
  [12, 12, [1, 1, 11, 1, 11, 11, 1, 11, 1, 1, 4, 4, 8, 4, 8, 8, 4, 8, 4, 4], '=:20000I20N020N020N020N70000;', 84],
  // Corners in the wrong order: two triangles.
  [9, 9, [1, 1, 8, 8, 8, 1, 1, 8], ':64N2N:0F2N27', 24],
  [5, 5, [-1, -1, 6, -1, 6, 6, -1, 6], '0i0', 25],
  [6, 1, [0, 0, 6, 0, 6, 1, 0, 1], '06', 6],
  [7, 5, [1, 1, 1, 1, 6, 1, 6, 4, 1, 4], '63200000004', 15],
];

test('polygons: the pixels of pycocotools', () => {
  for (const [width, height, corners, text, area] of POLYGONS) {
    const mask = polygonMask(corners, width, height);
    assert.is(rleString(mask), rleString(readRleString(text, width, height)), `${corners}`);
    assert.is(rleArea(mask), area);
  }
});

test('polygons: the same outline from any corner and in both directions; a side of many columns (properties)', () => {
  const corner = fc.tuple(fc.integer({ min: -4, max: 84 }), fc.integer({ min: -4, max: 64 }));
  fc.assert(
    fc.property(fc.array(corner, { minLength: 3, maxLength: 7 }), fc.nat(6), (corners, from) => {
      const turned = [...corners.slice(from % corners.length), ...corners.slice(0, from % corners.length)].reverse();
      const [one, other] = [corners, turned].map((some) =>
        polygonMask(
          some.flat().map((each) => each / 4),
          20,
          15,
        ),
      );
      assert.equal(one, other);
    }),
    { numRuns: 200, seed: 3 },
  );
  // Below the diagonal, where a column of 1 to 7,000 pixels begins at its own row.
  assert.is(rleArea(polygonMask([0, 0, 7000, 7000, 0, 7000], 7000, 7000)), (7000 * 7001) / 2);
});

test('polygons: corners outside, too few corners and outlines that cross themselves are refused by name', () => {
  refused(
    () => polygonMask([1, 1, 30, 1, 5, 5], 10, 10, 'A.png, Mass'),
    /A\.png, Mass passes the edge of its image.*given 30, 1/,
  );
  refused(() => polygonMask([1, 1, 5, 5], 10, 10), /no polygon/);
  refused(() => polygonMask([1, 1, 5, 5, 3], 10, 10), /no polygon/);
  refused(() => polygonMask([1, 1, 5, Number.NaN, 3, 3], 10, 10), /no polygon/);
  refused(() => crossedShare([1, 1, 8, 8, 8, 1, 1, 8]), /crosses itself/);
  // The same square twice around.
  refused(() => crossedShare([0, 0, 9, 0, 9, 9, 0, 9, 0, 0, 9, 0, 9, 9, 0, 9]), /crosses itself; .*100 %/);
  assert.is(crossedShare([1, 1, 8, 1, 8, 6, 1, 6]), 0);
  // A square of 100 pixels each way whose outline ends in a loop of 2 × 2.
  const share = crossedShare([0, 0, 100, 0, 100, 100, 0, 100, 0, -2, -2, -2, -2, 0]);
  assert.is(share, 4 / 10_004);
});

test.run();
