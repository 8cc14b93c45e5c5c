/** Boxes in pixels of other copies of the images, and boxes as two corners. They are scaled, read as the options say, or refused. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pngjs from 'pngjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkDataset } from '../../src/cli/dataset_check.js';
import { readPredictions, writeEvaluation } from '../../src/cli/evaluate/files.js';
import { InputError } from '../../src/errors.js';
import { areCorners, type CornersOf } from '../../src/evaluate/box_corners.js';
import { nameHint } from '../../src/evaluate/name_hints.js';
import { BOX_HEADER } from '../../src/formats/data_sets/box_list.js';
import { readBoxList } from '../../src/formats/data_sets/chestxray.js';
import { CHEST_XRAY14_LABELS } from '../../src/formats/data_sets/image_table.js';
import type { Box } from '../../src/formats/findings.js';
import { encodePng } from '../../src/formats/images/png.js';
import { predictionCsvReader } from '../../src/formats/predictions/predictions_csv.js';
import { openDataset } from '../../src/node/dataset.js';
import { checkImage } from '../../src/node/images/image_file_check.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-frames-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true }));

/** Twelve images, no square ones, each with a box in another place. */
const [WIDTH, HEIGHT] = [200, 100];
const images = Array.from({ length: 12 }, (_, i) => `${i}.png`);
const boxOf = (i: number): Box => ({ x: 60 + 5 * i, y: 20 + 3 * i, width: 50, height: 30 });
mkdirSync(at('images'));
const picture = pngjs.PNG.sync.write(new pngjs.PNG({ width: WIDTH, height: HEIGHT }));
for (const image of images) writeFileSync(at(`images/${image}`), picture);
writeFileSync(
  at('Data_Entry_2017.csv'),
  [
    'Image Index,Finding Labels,Patient ID',
    ...images.map((image, i) => `${image},${i % 2 ? 'Mass' : 'Nodule'},p${i}`),
  ].join('\n'),
);

const sides = ({ x, y, width, height }: Box) => [x, y, width, height];
const corners = ({ x, y, width, height }: Box) => [x, y, x + width, y + height];
const scaled = ({ x, y, width, height }: Box, right: number, down: number) => ({
  ...{ x: x * right, y: y * down },
  ...{ width: width * right, height: height * down },
});
const labelOf = (i: number) => (i % 2 ? 'Mass' : 'Nodule');

/** Writes truth boxes, with sides as they are given. */
function writeTruth(of: (i: number) => number[]): void {
  const rows = images.map((image, i) => [image, labelOf(i), ...of(i)].join(','));
  writeFileSync(at('BBox_List_2017.csv'), [BOX_HEADER, ...rows].join('\n'));
}

function writeCoco(of: (i: number) => number[], size: object): string {
  const file = {
    images: images.map((file_name, id) => ({ id, file_name, ...size })),
    categories: [
      { id: 0, name: 'Nodule' },
      { id: 1, name: 'Mass' },
    ],
    annotations: images.map((_, i) => ({ image_id: i, category_id: i % 2, bbox: of(i), score: 0.5 })),
  };
  writeFileSync(at('p.json'), JSON.stringify(file));
  return at('p.json');
}

/** Mean IoU over all boxes, the share of points that hit, and the warnings; or the error. */
async function scoreOf(predictions: string, options: { boxFrame?: number; corners?: CornersOf } = {}) {
  try {
    const data = await openDataset(folder, { corners: areCorners(options.corners, 'truth') });
    const given = await readPredictions(predictions, {
      ...{ classes: data.table.classes, corners: areCorners(options.corners, 'predictions') },
    });
    const { localization, warnings } = await writeEvaluation(given, data, {
      ...{ ...options, out: at('out'), html: false, replicates: 0 },
    });
    const { meanIou } = localization!.known.scores.at(-1)!;
    const hits = localization!.pointing.reduce((sum, each) => sum + each.hits, 0);
    return { meanIou: Number(meanIou.toFixed(9)), hits, said: warnings.map(({ message }) => message).join('\n') };
  } catch (error) {
    assert.instance(error, InputError, (error as Error).stack);
    return { said: `refused: ${(error as Error).message}` };
  }
}

test('predictions in pixels of another size than that of the files are scaled, with a warning', async () => {
  writeTruth((i) => sides(boxOf(i)));
  const plain = await scoreOf(writeCoco((i) => sides(boxOf(i)), { width: WIDTH, height: HEIGHT }));
  assert.equal([plain.meanIou, plain.hits, plain.said.includes('another size')], [1, 12, false]);
  for (const [width, height] of [
    [400, 200],
    [1024, 1024],
    [50, 25],
  ]) {
    const inFrame = (i: number) => sides(scaled(boxOf(i), width / WIDTH, height / HEIGHT));
    const other = await scoreOf(writeCoco(inFrame, { width, height }));
    assert.equal([other.meanIou, other.hits], [1, 12], `${width}×${height}`);
    assert.match(
      other.said,
      /12 images with truth boxes another size .* first: 0\.png, \d+×\d+ for 200×100\. Their boxes .* scaled/,
    );
  }
  const unsaid = await scoreOf(writeCoco((i) => sides(boxOf(i)), {}));
  assert.equal([unsaid.meanIou, unsaid.said.includes('another size')], [1, false]);
});

test('truth boxes in the published frame are compared with predictions of any size', async () => {
  writeTruth((i) => sides(scaled(boxOf(i), 1024 / WIDTH, 1024 / HEIGHT)));
  const inFrame = (i: number) => sides(scaled(boxOf(i), 2, 4));
  assert.is((await scoreOf(writeCoco(inFrame, { width: 400, height: 400 }), { boxFrame: 1024 })).meanIou, 1);
  assert.is(
    (
      await scoreOf(
        writeCoco((i) => sides(boxOf(i)), {}),
        { boxFrame: 1024 },
      )
    ).meanIou,
    1,
  );
  const advised = await scoreOf(writeCoco((i) => sides(scaled(boxOf(i), 5.12, 10.24)), { width: 1024, height: 1024 }));
  assert.match(advised.said, /refused: .*seem to be in a frame of 1024: --box-frame 1024/);
  writeTruth((i) => sides(boxOf(i)));
  // Following the advice for predicted boxes gives the right score.
  const large = (i: number) => sides(scaled(boxOf(i), 1024 / WIDTH, 1024 / HEIGHT));
  assert.match(
    (await scoreOf(writeCoco(large, {}))).said,
    /refused: .*frame of 1024: give "width": 1024, "height": 1024/,
  );
  assert.is((await scoreOf(writeCoco(large, { width: 1024, height: 1024 }))).meanIou, 1);
});

test('width and height are refused if they are swapped or if one of them is missing', async () => {
  writeTruth((i) => sides(boxOf(i)));
  const turned = await scoreOf(writeCoco((i) => sides(boxOf(i)), { width: HEIGHT, height: WIDTH }));
  assert.match(
    turned.said,
    /refused: 0\.png: width and height are the wrong way round; expected the file's 200×100; given 100×200/,
  );
  const half = await scoreOf(writeCoco((i) => sides(boxOf(i)), { width: WIDTH }));
  assert.match(half.said, /refused: .*p\.json: 0\.png: width is given, and height is not; expected both, or neither/);
});

test('points are scaled like the boxes, and refused if they are outside the image', async () => {
  writeTruth((i) => sides(boxOf(i)));
  const line = (size: object, point: (box: Box) => number[]) => {
    const of = (i: number) => ({ [labelOf(i)]: point(boxOf(i)) });
    const lines = images.map((image, i) => JSON.stringify({ image, ...size, findings: [], points: of(i) }));
    writeFileSync(at('p.jsonl'), lines.join('\n'));
    // Findings of no image name no class: one box does.
    const findings = [
      { label: 'Mass', score: 1, box: [60, 20, 20, 20] },
      { label: 'Nodule', score: 1, box: [60, 20, 20, 20] },
    ];
    writeFileSync(at('p.jsonl'), lines.map((text) => JSON.stringify({ ...JSON.parse(text), findings })).join('\n'));
    return at('p.jsonl');
  };
  assert.is((await scoreOf(line({ width: 400, height: 200 }, ({ x, y }) => [2 * x + 4, 2 * y + 4]))).hits, 12);
  assert.is((await scoreOf(line({}, ({ x, y }) => [x + 2, y + 2]))).hits, 12);
  for (const point of [
    [201, 50],
    [50, 101],
    [-1, 50],
  ])
    assert.match(
      (await scoreOf(line({}, () => point))).said,
      /refused: the point of Nodule lies outside 0\.png; expected \[x, y\]/,
    );
});

test('corners that were read as sizes are refused; with the option for corners they give the same scores as sizes', async () => {
  const plain = { width: WIDTH, height: HEIGHT };
  writeTruth((i) => corners(boxOf(i)));
  const predicted = writeCoco((i) => sides(boxOf(i)), plain);
  assert.match(
    (await scoreOf(predicted)).said,
    /refused: the truth boxes seem to be corners.*first: 4\.png, 80\.0, 32\.0, 130\.0, 62\.0; --corners truth if they are/,
  );
  assert.is((await scoreOf(predicted, { corners: 'truth' })).meanIou, 1);
  assert.is((await scoreOf(predicted, { corners: 'none' })).meanIou! < 0.6, true);
  assert.match(
    (
      await scoreOf(
        writeCoco((i) => corners(boxOf(i)), plain),
        { corners: 'truth' },
      )
    ).said,
    /refused: the predicted boxes seem to be corners.*--corners predictions/,
  );
  assert.is(
    (
      await scoreOf(
        writeCoco((i) => corners(boxOf(i)), plain),
        { corners: 'both' },
      )
    ).meanIou,
    1,
  );

  const { problems } = await checkDataset(folder);
  const faults = problems.filter(({ kind }) => kind !== 'note').map(({ message }) => message);
  assert.match(faults.join('\n'), /^boxes seem to be corners, x1, y1, x2, y2, .*give --corners here/);
  const said = (await checkDataset(folder, { corners: true })).problems.map(({ kind }) => kind);
  assert.equal([faults.length, said], [1, ['note']]);

  writeTruth((i) => corners(scaled(boxOf(i), 1024 / WIDTH, 1024 / HEIGHT)));
  writeCoco((i) => sides(boxOf(i)), plain);
  assert.match(
    (await scoreOf(predicted)).said,
    /refused: .*seem to be corners in a frame of 1024: --corners truth --box-frame 1024/,
  );
  assert.match((await scoreOf(predicted, { boxFrame: 1024 })).said, /refused: the truth boxes seem to be corners/);
  assert.is((await scoreOf(predicted, { boxFrame: 1024, corners: 'truth' })).meanIou, 1);

  // Boxes of a network that pass an edge are not taken for corners, because most are narrower than their distance from the edge.
  writeTruth((i) => sides(boxOf(i)));
  const reaching = (i: number) => sides({ ...boxOf(i), width: i < 8 ? 150 : 30 });
  assert.match(
    (await scoreOf(writeCoco(reaching, plain))).said,
    /8 images have predicted boxes that reach beyond an edge/,
  );
  const single = (i: number) => (i === 0 ? [10, 10, 195, 30] : [20, 20, 30, 30]);
  assert.match(
    (await scoreOf(writeCoco(single, plain))).said,
    /The predicted boxes could be corners .* read as x, y, width, height/,
  );
});

test('lists of four numbers in JSON lines are corners if the option says so; boxes with named numbers need no option', async () => {
  writeTruth((i) => sides(boxOf(i)));
  const lines = (of: (i: number) => unknown) => {
    const finding = (i: number) => [{ label: labelOf(i), score: 1, box: of(i) }];
    writeFileSync(at('p.jsonl'), images.map((image, i) => JSON.stringify({ image, findings: finding(i) })).join('\n'));
    return at('p.jsonl');
  };
  assert.is(
    (
      await scoreOf(
        lines((i) => corners(boxOf(i))),
        { corners: 'predictions' },
      )
    ).meanIou,
    1,
  );
  assert.is((await scoreOf(lines(boxOf), { corners: 'predictions' })).meanIou, 1);
  assert.match(
    (await scoreOf(lines((i) => corners(boxOf(i))))).said,
    /refused: the predicted boxes seem to be corners/,
  );
  assert.match(
    (
      await scoreOf(
        lines(() => [9, 9, 3, 4]),
        { corners: 'predictions' },
      )
    ).said,
    /no box.*expected \[x1, y1, x2, y2\]/,
  );
});

test('without image files there is a warning if ten boxes could be corners', async () => {
  writeTruth((i) => corners(boxOf(i)));
  const data = { ...(await openDataset(folder)), paths: new Map<string, string>() };
  const findings = (i: number) => [{ label: labelOf(i), score: 1, box: boxOf(i) }];
  const given = images.map((image, i) => ({ image, findings: findings(i) }));
  const { warnings } = await writeEvaluation(given, data, { out: at('out'), html: false, replicates: 0 });
  assert.match(warnings.map(({ message }) => message).join('\n'), /The truth boxes could be corners/);
});

test('the published header of boxes is read, with and without quotes, and with a score in any column', () => {
  const sidesOf = (text: string) => {
    const reader = predictionCsvReader({ classes: CHEST_XRAY14_LABELS });
    reader.write(text);
    reader.end();
    return reader.predictions().map(({ findings }) => findings![0]);
  };
  const finding = { label: 'Mass', score: 0.5, box: { x: 1, y: 2, width: 3, height: 4 } };
  for (const [header, row] of [
    ['Image Index,Finding Label,Bbox [x,y,w,h],,,,Score', 'a.png,Mass,1,2,3,4,0.5'],
    ['Image Index,Finding Label,Bbox [x,y,w,h],,,,Score', 'a.png,Mass,1,2,3,4,,,,0.5'],
    ['Image Index,Finding Label,Bbox [x,y,w,h],Score,,,', 'a.png,Mass,1,2,3,4,0.5'],
    ['Image Index,Finding Label,Bbox [x,y,w,h],Score,,,', 'a.png,Mass,1,2,3,4,0.5,,,'],
    ['Image Index,Finding Label,Bbox [x,y,w,h],Unnamed: 6,Unnamed: 7,Unnamed: 8,Score', 'a.png,Mass,1,2,3,4,,,,0.5'],
    ['Score,Image Index,Finding Label,Bbox [x,y,w,h],,,', '0.5,a.png,Mass,1,2,3,4'],
    ['Image Index,Score,Finding Label,"Bbox [x,y,w,h]",,,', 'a.png,0.5,Mass,1,2,3,4'],
    ['Image Index,Finding Label,"Bbox [x,y,w,h]",Score', 'a.png,Mass,1,2,3,4,0.5'],
    ['Image Index,Finding Label,"Bbox [x,y,w,h]",,,,Score', 'a.png,Mass,1,2,3,4,0.5'],
  ]) {
    assert.equal(sidesOf(`${header}\n${row}\n`), [finding], header);
    assert.equal(readBoxList(`${header}\n${row}\n`), [{ image: 'a.png', label: 'Mass', box: finding.box }], header);
  }
});

test('the size of a JPEG is read from its segments, and turned by the EXIF orientation', async () => {
  const segment = (marker: number, ...content: number[]) => [0xff, marker, 0, content.length + 2, ...content];
  const exif = (orientation: number) =>
    segment(0xe1, ...Buffer.from('Exif\0\0MM\0*'), 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0);
  const frame = segment(0xc2, 8, 0, HEIGHT, 0, WIDTH, 1, 1, 0x11, 0);
  const sizeOf = async (...parts: number[][]) => {
    writeFileSync(at('x.jpg'), Buffer.from([0xff, 0xd8, ...parts.flat(), 0xff, 0xd9]));
    return checkImage(at('x.jpg')).catch((error: Error) => error.message);
  };
  const wide = { width: WIDTH, height: HEIGHT };
  assert.equal(await sizeOf(frame), wide);
  assert.equal(await sizeOf(segment(0xc4, 1, 2, 3), [0xff, 0xff], exif(3), frame), wide);
  assert.equal(await sizeOf(exif(6), frame), { width: HEIGHT, height: WIDTH });
  assert.match(String(await sizeOf(segment(0xe0, 1, 2, 3))), /size cannot be read/);
  assert.match(String(await sizeOf(segment(0xc0, 8, 0, 0, 0, 9, 1, 1, 0x11, 0))), /claims 9×0 pixels/);
});

test('the size of a PNG is turned by the EXIF orientation too', async () => {
  const exif = [...Buffer.from('MM\0*'), 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0];
  const plain = Buffer.from(await encodePng({ data: new Uint8Array(6), width: 3, height: 2, channels: 1 }));
  const chunk = Buffer.from([0, 0, 0, exif.length, ...Buffer.from('eXIf'), ...exif, 0, 0, 0, 0]);
  writeFileSync(at('x.png'), plain);
  assert.equal(await checkImage(at('x.png')), { width: 3, height: 2 });
  writeFileSync(at('x.png'), Buffer.concat([plain.subarray(0, 33), chunk, plain.subarray(33)]));
  assert.equal(await checkImage(at('x.png')), { width: 2, height: 3 });
});

test('a hint explains how spreadsheets and other programs have changed names of images', () => {
  const known = new Map(['00000013_004.png', '12000001.png', '0099.dcm', 'P-7.png'].map((name, row) => [name, row]));
  for (const [name, hint] of [
    ['13_4.png', /^"13_4\.png" is probably "00000013_004\.png": leading zeros count/],
    ['99', /"99" is probably "0099\.dcm": leading zeros/],
    ['12000001.0.png', /is probably "12000001\.png": .*gave them decimals/],
    ['12000001.0', /gave them decimals/],
    ['p-7.png', /capitals and small letters count/],
    ['P-7', /^The label file has "P-7\.png": names are compared with their endings/],
    ['1.2E+07.png', /"1\.2E\+07\.png" looks like a number that a spreadsheet program shortened/],
    ['1,2e+07', /spreadsheet program shortened/],
  ] as const) {
    assert.match(String(nameHint(['00000013_004.png', name], known)), hint);
  }
  assert.is(nameHint(['x.png'], known), undefined);
  assert.is(nameHint(['P-7.png'], known), undefined);
});

test.run();
