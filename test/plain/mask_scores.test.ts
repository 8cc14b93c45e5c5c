/** Localization on pixels: values worked by hand, the traps of the definitions, and CheXlocalize's own sample. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { iou } from '../../src/evaluate/localization.js';
import { bestIouByLevel, LEVELS } from '../../src/evaluate/masks/box_levels.js';
import { resizeHeatmap, toUnitRange } from '../../src/evaluate/masks/heatmap_size.js';
import { compareHeatmap, heatmapMask } from '../../src/evaluate/masks/pairs.js';
import type { MaskScorerOptions } from '../../src/evaluate/masks/parts.js';
import { countPixels, pixelAveragePrecision } from '../../src/evaluate/masks/pixel_levels.js';
import { maskScorer, predictedMasks } from '../../src/evaluate/masks/scores.js';
import { maskTruth, type TruthOptions } from '../../src/evaluate/masks/truth.js';
import type { Box } from '../../src/formats/findings.js';
import { toCocoMasks } from '../../src/formats/masks/coco_shapes.js';
import { maskComponents } from '../../src/formats/masks/components.js';
import { pixelsOf, rleOfPixels, rleString } from '../../src/formats/masks/rle.js';
import { readShapes, readShapeTable } from '../../src/formats/masks/shape_files.js';
import { boxAround } from '../../src/formats/masks/shapes.js';

const near = (actual: number, wanted: number, within = 1e-12) =>
  assert.ok(Math.abs(actual - wanted) <= within, `${actual} is not within ${within} of ${wanted}`);
const refused = (work: () => unknown, message: RegExp) =>
  assert.throws(work, (error: unknown) => error instanceof InputError && message.test(error.message), `${message}`);
const maskOf = (rows: string[]) =>
  rleOfPixels(
    rows.flatMap((row) => [...row].map(Number)),
    rows[0].length,
    rows.length,
  );
const segmentation = (rows: string[]) => ({ size: [rows.length, rows[0].length], counts: rleString(maskOf(rows)) });
const NONE = ['0000', '0000', '0000', '0000'];

const options = (images: string[], more: Partial<TruthOptions> = {}): TruthOptions => ({
  ...{ source: 'truth', images, classes: ['Mass', 'Nodule'], sizeOf: () => undefined },
  ...more,
});
const truthOf = (file: object, images: string[], more?: Partial<TruthOptions>) =>
  maskTruth(readShapes(JSON.stringify(file), 'truth.json'), options(images, more)).truth;
const patientOf = (image: string) => image;
const ofMasks = { predictions: 'masks', patientOf } as const;
const ofHeat = { predictions: 'heatmaps', patientOf } as const;

test('mIoU by both definitions, by hand: empty truth, empty prediction, both empty, and a one-pixel mask', () => {
  // A: 4 truth pixels, 4 predicted, 2 shared: 2/6. B: no truth, predicted: 0 or left out. C: truth of one pixel, nothing predicted: 0 or left
  // out. D: neither: left out by both.
  const two = ['1100', '1100', '0000', '0000'];
  const shifted = ['0110', '0110', '0000', '0000'];
  const one = ['0000', '0000', '0000', '0001'];
  const truth = truthOf(
    {
      A: { Mass: segmentation(two) },
      B: { Mass: segmentation(NONE) },
      C: { Mass: segmentation(one) },
      D: { Mass: segmentation(NONE) },
    },
    ['A.png', 'B.png', 'C.png', 'D.png'],
  );
  const scorer = maskScorer(truth, ofMasks);
  scorer.addMasks('A.png', new Map([['Mass', maskOf(shifted)]]));
  scorer.addMasks('B.png', new Map([['Mass', maskOf(two)]]));
  scorer.addMasks('C.png', new Map());
  scorer.addMasks('D.png', new Map([['Mass', maskOf(NONE)]]));
  const { evaluation, pairs, warnings } = scorer.finish({ replicates: 50 });
  assert.equal(warnings, []);
  const [{ figures, images, without }] = evaluation.scores;
  assert.equal([images, without], [2, 2]);
  near(figures.iouTruePositives.value, 1 / 3);
  near(figures.iouAll.value, 1 / 9);
  near(figures.iouKnown.value, 1 / 6);
  // Dice: 4/8 and 0. Pixels: 2 shared of 4 predicted and 5 true.
  near(figures.dice.value, 1 / 4);
  near(figures.precision.value, 1 / 2);
  near(figures.recall.value, 2 / 5);
  assert.ok(Number.isNaN(figures.hitRate.value) && Number.isNaN(figures.pxAp.value));
  // Each image and finding by itself.
  const row = ({ image, truth: pixels, predicted, shared, positive, ...rest }: (typeof pairs)[number]) =>
    `${image} ${pixels} ${predicted} ${shared} ${positive} ${[rest.iouTruePositives, rest.iouAll, rest.dice].map((value) => value.toFixed(3))}`;
  assert.equal(pairs.map(row), [
    'A.png 4 4 2 true 0.333,0.333,0.500',
    'B.png 0 4 0 true NaN,0.000,NaN',
    'C.png 1 0 0 false NaN,0.000,0.000',
    'D.png 0 0 0 false NaN,NaN,NaN',
  ]);
  // Another size is refused, and not resized.
  refused(
    () => maskScorer(truth, ofMasks).addMasks('A.png', new Map([['Mass', maskOf(['10', '01'])]])),
    /another size than the truth; expected 4 × 4; given 2 × 2/,
  );
});

test('heatmaps: threshold of the validation part alone, hit rate, PxAP and boxes, by hand', () => {
  const left = ['1100', '1100', '1100', '1100'];
  const images = ['A.png', 'V.png'];
  const truth = truthOf({ A: { Mass: segmentation(left) }, V: { Mass: segmentation(left) } }, images);
  // At the truth's size nothing is interpolated.
  const map = (cells: number[]) => ({ data: cells, width: 4, height: 4 });
  const columns = (...values: number[]) => map([0, 1, 2, 3].flatMap(() => values));
  const score = (more: Partial<MaskScorerOptions> = {}) => {
    const scorer = maskScorer(truth, { ...ofHeat, validation: ['V.png'], ...more });
    // V is cut best above 0.5 and above 0.6 (both IoU 1): the lower one is taken. A has IoU 1/2 there.
    scorer.addHeatmaps('V.png', { Mass: columns(1, 0.65, 0.45, 0) });
    scorer.addHeatmaps('A.png', { Mass: columns(1, 0.1, 0.3, 0) });
    return scorer.finish({ replicates: 20 });
  };
  const { evaluation } = score();
  assert.equal(evaluation.maskThresholds, { Mass: { value: 0.5, source: 'validation' } });
  const [{ figures, boxes = [] }] = evaluation.scores;
  near(figures.iouTruePositives.value, 1 / 2);
  near(figures.hitRate.value, 1);
  // From the highest value down, four pixels each: right; wrong; right: 4/8 × 4/4 + 4/8 × 8/12.
  near(figures.pxAp.value, 1 / 2 + 1 / 3);
  // Above level 76 of 255 (0.3) only the first column: IoU 1/2. Above 25 three columns in two regions, or one of 3 × 4: 2/3 from level 0 on.
  assert.equal(
    boxes.map(({ accuracy }) => accuracy),
    [1, 1, 0],
  );
  near(figures.maxBoxAcc.value, 2 / 3);
  // V's best levels are those at which its own boxes are whole: the first of them is level 114, where A's box is one column: IoU 1/2.
  assert.equal(
    evaluation.boxLevels?.map(({ level }) => Math.round(level * 255)),
    [0, 0, 114],
  );
  near(figures.boxAcc.value, (1 + 1 + 0) / 3);
  // Given thresholds need no validation images; without either, nothing is assumed.
  assert.is(score({ validation: [], maskThresholds: { Mass: 0.2 } }).evaluation.maskThresholds.Mass.source, 'given');
  refused(() => score({ validation: [] }), /truth: thresholds of heatmaps cannot be chosen/);
  refused(() => score({ validation: ['W.png'] }), /cannot be chosen.*given 1 validation image without such truth/);
  refused(
    () => score({ patientOf: () => '7' }),
    /a patient has images to choose thresholds on and images to score.*patient 7, V\.png/,
  );
  refused(() => score({ test: ['A.png', 'V.png'] }), /V\.png is both to be scored and to choose thresholds on/);
  refused(() => score({ test: ['B.png'] }), /truth: nothing to score.*given 2 images with truth, none of which/);
  const empty = truthOf({ A: { Mass: segmentation(NONE) } }, ['A.png']);
  refused(() => maskScorer(empty, ofMasks), /nothing to score.*given no mark in any of 1 image/);
  // A misspelt label would have no effect, whereas thresholds may be for more labels than this truth has.
  refused(() => score({ maskThresholds: { Mas: 0.5 } }), /maskThresholds: the truth has no Mas; .*did you mean Mass\?/);
  refused(() => score({ maskThresholds: { mass: 0.5 } }), /maskThresholds: the truth has no mass/);
  score({ maskThresholds: { Mass: 0.5, Hernia: 0.5 }, validation: [] });
  refused(() => score({ predictions: 'masks' }), /heatmaps and masks are scored separately/);
});

test('heatmaps: constant, not finite, of another size and of one class only', () => {
  const file = { A: { Mass: segmentation(['10', '00']), Nodule: segmentation(['00', '00']) } };
  const truth = truthOf(file, ['A.png']);
  const given = { ...ofHeat, maskThresholds: { Mass: 0.5, Nodule: 0.5 } };
  const flat = maskScorer(truth, given);
  const constant = { data: [3], width: 1, height: 1 };
  flat.addHeatmaps('A.png', { Mass: constant, Nodule: constant });
  const [{ label, figures }] = flat.finish({ replicates: 50 }).evaluation.scores;
  assert.is(label, 'Mass');
  // Nothing lies above a threshold. The first pixel is the highest, and it is the truth; pixels of value 0 are found at the threshold 0.
  assert.equal(
    [figures.iouKnown.value, figures.iouAll.value, figures.hitRate.value, figures.pxAp.value, figures.maxBoxAcc.value],
    [0, 0, 1, 1 / 4, 0],
  );
  assert.ok(Number.isNaN(figures.iouTruePositives.value));
  refused(
    () => maskScorer(truth, given).addHeatmaps('A.png', { Mass: { data: [1, Number.NaN], width: 2, height: 1 } }),
    /heatmap of Mass in A\.png is not finite/,
  );
  refused(
    () => maskScorer(truth, given).addHeatmaps('A.png', { Mass: { data: [1, 2, 3], width: 2, height: 2 } }),
    /a value for each of its cells/,
  );
});

test('interpolation: values of PyTorch and OpenCV, and a map that is larger than the mask', () => {
  const two = { data: [0, 1], width: 2, height: 1 };
  assert.equal([...resizeHeatmap(two, 4, 1, 'bilinear')], [0, 0.25, 0.75, 1]);
  // Keys' kernel with a = −0.75 at a quarter and three quarters, with repeated edges: torch.nn.functional.interpolate(mode='bicubic').
  const cubic = resizeHeatmap(two, 4, 1, 'cubic');
  assert.equal([...cubic], [-0.10546875, 0.2265625, 0.7734375, 1.10546875]);
  assert.equal([...resizeHeatmap({ data: [1, 2, 3, 4], width: 4, height: 1 }, 2, 1, 'bilinear')], [1.5, 3.5]);
});

test('heatmaps of cropped and padded images: the border is left out, and pixels beyond the map have its lowest value', () => {
  const map = { data: [1, 3, 2, 4], width: 2, height: 2 };
  const resized = (covers: Box, width: number, height: number) =>
    [...resizeHeatmap({ ...map, covers }, width, height, 'bilinear')].map((value) => Math.round(value * 1000) / 1000);
  // The middle two of four columns, without interpolation; the lowest value of the map on both sides.
  assert.equal(resized({ x: 0.25, y: 0, width: 0.5, height: 1 }, 4, 2), [1, 1, 3, 1, 1, 2, 4, 1]);
  // The map is twice as high as the image, which is its middle: between the two rows, a quarter from the first and a quarter from the second.
  assert.equal(resized({ x: 0, y: -0.5, width: 1, height: 2 }, 2, 2), [1.25, 3.25, 1.75, 3.75]);
  assert.equal(resized({ x: 0, y: 0, width: 1, height: 1 }, 2, 2), [1, 3, 2, 4]);
  // Truth on the left, seen only by a map of the right half: nothing is found there, and the highest pixel misses.
  const truth = truthOf({ A: { Mass: segmentation(['1100', '1100']) } }, ['A.png']);
  const score = (covers: Box) => {
    const scorer = maskScorer(truth, { ...ofHeat, maskThresholds: { Mass: 0.5 } });
    scorer.addHeatmaps('A.png', { Mass: { ...map, covers } });
    const { iouKnown, hitRate } = scorer.finish({ replicates: 0 }).evaluation.scores[0].figures;
    return [iouKnown.value, hitRate.value];
  };
  assert.equal(score({ x: 0.5, y: 0, width: 0.5, height: 1 }), [0, 0]);
  // On the left half, its right column exceeds one half of its range: two of the four pixels of the truth.
  assert.equal(score({ x: 0, y: 0, width: 0.5, height: 1 }), [0.5, 1]);
  for (const covers of [
    { x: 1, y: 0, width: 1, height: 1 },
    { x: 0, y: 0, width: 0, height: 1 },
  ])
    refused(() => score(covers), /heatmap of Mass in A\.png covers no part of the image/);
});

test('boxes at all levels: as by a flood fill at each level (property)', () => {
  const size = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }));
  const maps = size.chain(([width, height]) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      values: fc.array(fc.constantFrom(0, 0.2, 0.4, 0.6, 1), { minLength: width * height, maxLength: width * height }),
    }),
  );
  const truth = [{ x: 1, y: 1, width: 3, height: 2 }];
  fc.assert(
    fc.property(maps, ({ values, width, height }) => {
      const best = bestIouByLevel(Float64Array.from(values), width, height, truth);
      for (const level of [0, 50, 51, 101, 102, 152, 153, 254]) {
        const above = rleOfPixels(
          values.map((value) => Math.trunc(value * (LEVELS - 1)) > level),
          width,
          height,
        );
        const boxes = maskComponents(above);
        near(
          best[level],
          boxes.reduce((most, box) => Math.max(most, iou(box, truth[0])), 0),
        );
      }
      assert.is(best[LEVELS - 1], 0);
    }),
    { numRuns: 200, seed: 4 },
  );
  assert.equal(maskComponents(maskOf(['1010', '0100', '0001'])), [
    { x: 0, y: 0, width: 3, height: 2 },
    { x: 3, y: 2, width: 1, height: 1 },
  ]);
  assert.equal(boxAround(maskOf(['0000', '0110', '0010'])), { x: 1, y: 1, width: 2, height: 2 });
});

test('PxAP: equals the sum over sorted pixels where no two share a bin (property), and ties enter together', () => {
  const pixels = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 40 });
  fc.assert(
    fc.property(pixels, fc.infiniteStream(fc.boolean()), (bins, truth) => {
      const values = Float64Array.from(bins, (bin) => bin * 0.001);
      const inside = Uint8Array.from(bins, (_, i) => Number(i === 0 || truth.next().value));
      const order = bins.map((_, i) => i).sort((a, b) => values[b] - values[a]);
      let [right, sum] = [0, 0];
      for (const [rank, i] of order.entries()) if (inside[i]) sum += ++right / (rank + 1);
      near(pixelAveragePrecision(countPixels(values, inside, bins.length)), sum / right);
    }),
    { numRuns: 100, seed: 2 },
  );
  const tied = Float64Array.of(1, 1, 0, 0);
  toUnitRange(tied);
  near(pixelAveragePrecision(countPixels(tied, Uint8Array.of(1, 0, 0, 0), 4)), 1 / 2);
});

test('files of marks: forms are recognised, and what cannot be right is refused by name', () => {
  const square = [
    [1, 1],
    [3, 1],
    [3, 3],
    [1, 3],
  ];
  const size4 = { sizeOf: () => ({ width: 4, height: 4 }) };
  const areaOf = (file: object, more: Partial<TruthOptions> = {}) => {
    const region = truthOf(file, ['A.png'], more).images.get('A.png')?.regions.get('Mass');
    return region && [region.mask.runs.filter((_, i) => i % 2 === 1).reduce((sum, run) => sum + run, 0), region.boxes];
  };
  const whole = [4, [{ x: 1, y: 1, width: 2, height: 2 }]];
  assert.equal(areaOf({ A: { img_size: [4, 4], Mass: [square] } }), whole);
  const chestXDet = [{ file_name: 'A.png', syms: ['Mass'], boxes: [], polygons: [square] }];
  assert.equal(areaOf(chestXDet, { ...size4, frame: 4 }), whole);
  // The file says no size, and its format has one that is not that of the image.
  refused(() => areaOf(chestXDet, size4), /expected an image of 1024 × 1024.*--mask-frame 1024 .* --mask-frame 4 /);
  assert.equal(areaOf(chestXDet, { sizeOf: () => ({ width: 1024, height: 1024 }) }), whole);
  assert.equal(areaOf(chestXDet, { ...size4, frame: 'own' }), whole);
  refused(
    () => areaOf(chestXDet, { sizeOf: () => ({ width: 8, height: 4 }), frame: 1024 }),
    /cannot cover the same image/,
  );
  assert.equal(areaOf({ 'A.png': { syms: ['mass'], polygons: [square] } }, { frame: 4 }), whole);
  const coco = (segmentation: unknown, image: object = { width: 4, height: 4 }) => ({
    images: [{ id: 1, file_name: 'A.png', ...image }],
    categories: [{ id: 7, name: 'Mass' }],
    annotations: [{ id: 1, image_id: 1, category_id: 7, segmentation }],
  });
  assert.equal(areaOf(coco([square.flat()])), whole);
  assert.equal(areaOf(coco({ size: [4, 4], counts: [5, 2, 2, 2, 5] })), whole);
  // Two polygons of an annotation are its parts, and both are filled: COCO has no holes but in run lengths.
  assert.equal(areaOf(coco([[0, 0, 4, 0, 4, 4, 0, 4], square.flat()])), [16, [{ x: 0, y: 0, width: 4, height: 4 }]]);
  refused(() => areaOf(coco([[1, 1, 9, 1, 9, 9]])), /A\.png, Mass passes the edge of its image/);
  refused(() => areaOf(coco([[0, 0, 4, 4, 4, 0, 0, 4]])), /crosses itself/);
  refused(() => areaOf(coco({ size: [2, 2], counts: [0, 4] })), /mask has another size than its image/);
  refused(
    () => areaOf(coco([square.flat()]), { sizeOf: () => ({ width: 8, height: 8 }) }),
    /another size than the image.*give frame: own/,
  );
  assert.equal(areaOf(coco([square.flat()]), { sizeOf: () => ({ width: 8, height: 8 }), frame: 'own' }), whole);
  refused(
    () => areaOf(coco([square.flat()]), { sizeOf: () => ({ width: 8, height: 4 }), frame: 'own' }),
    /cannot cover the same image/,
  );
  refused(() => areaOf({ 'A.png': { syms: ['Mass'], polygons: [square] } }), /size of its frame is not known/);
  refused(
    () => areaOf({ 'A.png': { syms: ['Fracture'], polygons: [square] } }, { frame: 4 }),
    /no image of the data set is marked/,
  );
  refused(() => truthOf({ B: { img_size: [4, 4], Mass: [square] } }, ['A.png']), /no image of the data set is marked/);
  refused(
    () =>
      areaOf({
        A: {
          img_size: [4, 4],
          Mass: [
            [
              [1.1, 1.1],
              [1.3, 1.1],
              [1.3, 1.3],
            ],
          ],
        },
      }),
    /covers the centre of no pixel/,
  );
  refused(() => readShapes('{"A": 3}', 'x.json'), /x\.json holds no masks of a known form.*given an object with A$/);
  refused(() => readShapes('[]', 'x.json'), /given \[…\]|given \[\]/);
  // Outlines are only followed within the image, and no longer than any that a hand draws.
  const far = [
    [0, 0],
    [4, 0],
    [4, 9e9],
    [0, 9e9],
  ];
  refused(() => areaOf({ A: { img_size: [4, 4], Mass: [far] } }), /Mass passes the edge of its image/);
  const zigzag = Array.from({ length: 90_000 }, (_, i) => [i % 2, i % 2 ? 4 : 0]);
  refused(
    () => areaOf({ A: { img_size: [400, 400], Mass: [zigzag.map(([x, y]) => [x, 100 * y])] } }),
    /too long an outline/,
  );
  const large = [
    [0, 0],
    [7000, 0],
    [7000, 7000],
  ];
  const many = Array.from({ length: 5000 }, () => large);
  refused(() => areaOf({ A: { img_size: [7000, 7000], Mass: many } }), /truth: its outlines are too long together/);
  // Ten images whose marks all lie in the first quarter may have been made smaller.
  const images = Array.from({ length: 10 }, (_, i) => `${i}.png`);
  const small = readShapeTable(
    `image,label,x,y,w,h\n${images.map((image) => `${image},Mass,0,0,2,2\n`).join('')}`,
    'boxes.csv',
  );
  const said = (side: number) =>
    maskTruth(small.get('')!, options(images, { sizeOf: () => ({ width: side, height: side }) })).warnings;
  assert.match(said(4)[0].message, /all marks lie in the first quarter of their images/);
  assert.equal(said(3), []);
  assert.match(maskTruth(small.get('')!, options(images, { frame: 8 })).warnings[0].message, /taken for a frame of 8/);
  // What is written is read.
  const written = toCocoMasks(
    [
      {
        image: 'A.png',
        width: 4,
        height: 4,
        findings: [{ label: 'Mass', segmentation: maskOf(['0000', '0110', '0110', '0000']) }],
      },
    ],
    ['Mass'],
  );
  assert.equal(areaOf(written), whole);
  const table = readShapeTable(
    'image,source,label,x,y,w,h\nA.png,one,Mass,0,0,2,2\nA.png,two,Nodule,1,1,2,2\n',
    'boxes.csv',
  );
  assert.equal([...table.keys()], ['one', 'two']);
  const boxed = maskTruth(table.get('one')!, options(['A.png'], size4)).truth;
  // Boxes say nothing of findings without one.
  assert.equal([...boxed.images.get('A.png')!.read], ['Mass']);
});

test('COCO: masks and polygons with scores are written as results, and read again with the same pixels', () => {
  const [ring, corner] = [
    ['0000', '0110', '0100', '0000'],
    [0, 0, 2, 0, 2, 2, 0, 2],
  ];
  const { annotations, ...index } = toCocoMasks(
    [
      {
        ...{ image: 'A.png', width: 4, height: 4 },
        findings: [
          { label: 'Mass', segmentation: maskOf(ring), score: 0.75 },
          { label: 'Mass', segmentation: [corner], score: 0.25 },
          { label: 'Nodule', segmentation: [corner, [3, 3, 4, 3, 4, 4, 3, 4]], score: 1 },
        ],
      },
      { image: 'B.png', width: 4, height: 4, findings: [] },
    ],
    ['Mass', 'Nodule'],
  );
  assert.equal(annotations[0], {
    ...{ id: 1, image_id: 1, category_id: 1, segmentation: { size: [4, 4], counts: rleString(maskOf(ring)) } },
    ...{ area: 3, bbox: [1, 1, 2, 2], iscrowd: 0, score: 0.75 },
  });
  const results = JSON.stringify(annotations);
  const file = readShapes(results, 'results.json', { index: { ...index, annotations: [] } });
  const { truth, warnings } = maskTruth(file, options(['A.png', 'B.png']));
  const pixels = (label: string) => [...pixelsOf(truth.images.get('A.png')!.regions.get(label)!.mask)].join('');
  // Two results of one finding are its parts. An image without a result has nothing predicted.
  assert.equal([pixels('Mass'), pixels('Nodule')], ['1100111001000000', '1100110000000001']);
  assert.equal([...truth.images.get('B.png')!.read], ['Mass', 'Nodule']);
  assert.is(truth.images.get('B.png')!.regions.size, 0);
  assert.match(warnings[0].message, /masks have scores, which were not used/);
  // The same as one file.
  const whole = maskTruth(
    readShapes(JSON.stringify({ ...index, annotations }), 'all.json'),
    options(['A.png', 'B.png']),
  );
  assert.equal(whole.truth.images, truth.images);
  refused(
    () => readShapes(results, 'results.json'),
    /results\.json: COCO results only give ids.*given none.*--coco-index/,
  );
  refused(() => readShapes(results, 'results.json', { index: { images: [] } }), /COCO results only give ids/);
  refused(() => readShapes(JSON.stringify(index), 'x.json', { index }), /x\.json needs no index/);
  const unknown = JSON.stringify([{ ...annotations[0], image_id: 7 }]);
  refused(
    () => readShapes(unknown, 'r.json', { index: { ...index, annotations: [] } }),
    /belongs to no image; given 7/,
  );
});

test('the mask of a heatmap at a threshold has the pixels that are scored', () => {
  const map = { data: [0, 1, 2, 3], width: 2, height: 2 };
  // Bilinear from 2 × 2 to 4 × 4: values 0, ¼, ¾, 1 across and twice that down, of 3 in all.
  const rows = [0, 0.5, 1.5, 2].map((down) => [0, 0.25, 0.75, 1].map((across) => Number((down + across) / 3 > 0.5)));
  assert.equal([...pixelsOf(heatmapMask(map, 4, 4, 0.5))], rows.flat());
  const { images } = truthOf({ A: { Mass: segmentation(rows.map((row) => row.join(''))) } }, ['A.png']);
  const { overlaps } = compareHeatmap(map, images.get('A.png')!.regions.get('Mass')!, [0.5]);
  assert.equal(overlaps, [{ predicted: 7, shared: 7 }]);
  refused(() => heatmapMask({ ...map, width: 3 }, 4, 4, 0.5), /a value for each of its cells/);
  refused(() => heatmapMask(map, 0, 4, 0.5), /cannot have this size/);
});

const data = process.env.RAYBOX_DATA ?? new URL('../../../../shared/data', import.meta.url).pathname;
const sample = join(data, 'chexlocalize');
const sampleTest = existsSync(sample) ? test : test.skip;
sampleTest("CheXlocalize's own sample: pixels, intersection and IoU of each image and finding, to six digits", () => {
  const read = (name: string) => readFileSync(join(sample, name), 'utf8');
  const lines = read('expected_iou.csv')
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','));
  const images = [...new Set(lines.map(([image]) => image))];
  const classes = [...new Set(lines.map(([, finding]) => finding))];
  const open = (name: string) =>
    maskTruth(readShapes(read(name), name), { source: name, images, classes, sizeOf: () => undefined }).truth;
  const truth = open('gt_segmentations_val.json');
  const masks = predictedMasks(open('gradcam_segmentations_val_sample.json'));
  let compared = 0;
  const text = (value: number) => (Number.isNaN(value) ? '' : value.toFixed(6));
  for (const image of images) {
    const scorer = maskScorer(truth, { ...ofMasks, test: [image] });
    for (const each of images) scorer.addMasks(each, masks.get(each) ?? new Map());
    const { evaluation } = scorer.finish({ replicates: 0 });
    for (const [name, finding, , , , truePositives, all] of lines) {
      if (name !== image) continue;
      const row = evaluation.scores.find(({ label }) => label === finding);
      assert.ok(row, `${image}, ${finding}`);
      assert.equal([text(row.figures.iouTruePositives.value), text(row.figures.iouAll.value)], [truePositives, all]);
      compared += 1;
    }
  }
  assert.is(compared, lines.length);
});

test.run();
