/**
 * Proves that the files of data sets (CSV, labels, boxes, lists, COCO) are read exactly, and refused where they are wrong, and that splits
 * keep patients together.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkDataset } from '../../src/cli/dataset_check.js';
import { InputError } from '../../src/errors.js';
import { csvLine, csvReader, readCsv } from '../../src/formats/csv.js';
import {
  CHEST_XRAY8_LABELS,
  labelsOf,
  parseAge,
  readBoxList,
  readDataEntry,
  readImageList,
  writeBoxList,
} from '../../src/formats/data_sets/chestxray.js';
import {
  comparePatients,
  labelStatistics,
  splitByLists,
  splitByPatient,
} from '../../src/formats/data_sets/chestxray_splits.js';
import { readCoco, toCoco } from '../../src/formats/data_sets/coco.js';
import { predictionLineReader } from '../../src/formats/predictions/prediction_lines.js';
import { mergePredictions } from '../../src/formats/predictions/predictions.js';
import { predictionCsvReader } from '../../src/formats/predictions/predictions_csv.js';
import { openDataset } from '../../src/node/dataset.js';
import { readText, readTextPieces, writeWhole } from '../../src/node/text_files.js';

const HEADER_2017 =
  'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,' +
  'OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],';
const HEADER_2020 = HEADER_2017.slice(0, -1);
const realData = join(process.env.RAYBOX_DATA ?? '../shared/data', 'nih-boxed');

const refused = (run: () => unknown, message: RegExp) =>
  assert.throws(run, (error: unknown) => error instanceof InputError && message.test(error.message));
const refusedLater = async (run: Promise<unknown>, message: RegExp) => {
  const error = await run.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.instance(error, InputError);
  assert.match((error as Error).message, message);
};

function rowsOf(text: string, pieces = [text.length]): string[][] {
  const rows: string[][] = [];
  const reader = csvReader((fields) => rows.push(fields));
  let at = 0;
  for (const length of [...pieces, text.length]) {
    reader.write(text.slice(at, at + length));
    at += length;
  }
  reader.end();
  return rows;
}

test('CSV: byte-order mark, CRLF, LF, CR and mixed line ends, quoted commas, quotes and line ends', () => {
  const wanted = [
    ['a', 'b'],
    ['1,5', 'say "no"'],
    ['two\nlines', ''],
  ];
  const rows = ['a,b', '"1,5","say ""no"""', '"two\nlines",'];
  for (const end of ['\n', '\r\n']) assert.equal(rowsOf(`\ufeff${rows.join(end)}${end}`), wanted);
  assert.equal(rowsOf(rows.join('\r\n')), wanted, 'no line end after the last row');
  assert.equal(rowsOf(`${rows[0]}\n${rows[1]}\r\n${rows[2]}\n\n`), wanted, 'mixed line ends and an empty last line');
  assert.equal(
    rowsOf('a,b\r1,2\r'),
    [
      ['a', 'b'],
      ['1', '2'],
    ].map((row) => row),
    'CR alone',
  );
});

test('CSV: pieces of any size give the same rows (property)', () => {
  const field = fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('a"b', 'x,y', 'l\nm', 'r\r\ns', ' t '));
  fc.assert(
    fc.property(
      fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
      fc.constantFrom('\n', '\r\n'),
      fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 40 }),
      (rows, end, pieces) => {
        const text = rows.map((row) => csvLine(row)).join(end) + end;
        fc.pre(!text.startsWith('\ufeff'));
        assert.equal(rowsOf(text, pieces), rows);
      },
    ),
    { numRuns: 300 },
  );
});

test('CSV: broken files and rows without end are refused', () => {
  refused(() => rowsOf('a,b\n1,"never closed\n2,3\n'), /row 2 is not valid CSV/);
  refused(() => rowsOf('a,b\n"x"y,2\n'), /row 2/);
  const options = { source: 'f.csv', maxRowLength: 1000 };
  refused(() => readCsv(`a,b\n1,"${'x\n'.repeat(5000)}`, () => {}, options), /f\.csv: row 2 is too long.*never closed/);
  refused(() => readCsv('x'.repeat(5000), () => {}, options), /too long/);
  refused(() => readCsv('a\n'.repeat(50), () => {}, { maxRows: 10 }), /too many rows/);
});

test('label files of both releases give the same table', () => {
  const old = `${HEADER_2017}\r\n00000001_000.png,Cardiomegaly|Emphysema,0,1,058Y,M,PA,2682,2749,0.143,0.143,\r\n`;
  const recent = `${HEADER_2020}\n00000001_000.png,Cardiomegaly|Emphysema,0,1,58,M,PA,2682,2749,0.143,0.143\n`;
  const table = readDataEntry(old);
  assert.equal(table, readDataEntry(recent));
  assert.equal(labelsOf(table, 0), ['Cardiomegaly', 'Emphysema']);
  assert.is(table.ages[0], 58);
  assert.equal([table.widths[0], table.heights[0], table.sexes[0], table.views[0]], [2682, 2749, 2, 1]);
});

test('ages in years, months, weeks and days; impossible ones are NaN', () => {
  assert.equal(['58', '058Y', '006M', '000Y'].map(parseAge), [58, 58, 0.5, 0]);
  assert.ok(Math.abs(parseAge('013D') - 13 / 365.25) < 1e-12);
  assert.ok(['', 'Y', '-3', 'old', '12345'].every((text) => Number.isNaN(parseAge(text))));
  const said: string[] = [];
  const text = `${HEADER_2017}\na.png,No Finding,0,1,412Y,M,PA,1,1,1,1,\n`;
  const table = readDataEntry(text, { onProblem: (message) => said.push(message) });
  assert.ok(Number.isNaN(table.ages[0]));
  assert.match(said.join(), /a\.png has no possible age: "412Y"/);
});

test('label file: errors name the row and what is wrong', () => {
  const file = (...rows: string[]) => [HEADER_2020, ...rows, ''].join('\n');
  const row = (image: string, labels: string, patient = '1') => `${image},${labels},0,${patient},58,M,PA,1,1,1,1`;
  refused(() => readDataEntry(''), /empty/);
  refused(() => readDataEntry('Image Index,Patient ID\n'), /a column is missing.*"Finding Labels".*"Patient ID"/);
  refused(() => readDataEntry(file(row('a.png', 'Scoliosis'))), /row 2: unknown finding label "Scoliosis"/);
  refused(() => readDataEntry(file(row('a.png', 'No Finding|Mass'))), /"No Finding" beside other labels/);
  refused(() => readDataEntry(file(row('a.png', 'Mass'), row('a.png', 'Mass'))), /row 3: a\.png is listed twice/);
  refused(() => readDataEntry(file(row('a.png', 'Mass', ''))), /a\.png has no patient/);
  refused(() => readDataEntry(file(row('../a.png', 'Mass'))), /no image name/);
  refused(() => readDataEntry(file(row('"a\nb.png"', 'Mass'))), /no image name/);
  assert.is(readDataEntry(file(row('a.png', 'No Finding'))).labels[0], 0);
  assert.equal(labelsOf(readDataEntry(file(row('a.png', 'Infiltrate'))), 0), ['Infiltration']);
});

const BOX_HEADER = 'Image Index,Finding Label,Bbox [x,y,w,h],,,';

test('box file: read by position, Infiltrate becomes Infiltration, and a written file is read back the same', () => {
  const text = `\ufeff${BOX_HEADER}\r\na.png,Infiltrate,555.8,235.1,206.9,313.1\r\nb.png,Mass,1,2,3,4,,\r\n`;
  const boxes = readBoxList(text);
  assert.equal(boxes, [
    { image: 'a.png', label: 'Infiltration', box: { x: 555.8, y: 235.1, width: 206.9, height: 313.1 } },
    { image: 'b.png', label: 'Mass', box: { x: 1, y: 2, width: 3, height: 4 } },
  ]);
  assert.equal(readBoxList(writeBoxList(boxes)), boxes);
  assert.ok(writeBoxList(boxes).startsWith(`${BOX_HEADER}\n`));
  refused(() => readBoxList(`${BOX_HEADER}\na.png,Mass,1,2,3\n`), /row 2: 5 columns/);
  refused(() => readBoxList(`${BOX_HEADER}\na.png,Mass,1,2,0,4\n`), /row 2: no box: "1,2,0,4"/);
  refused(() => readBoxList(`${BOX_HEADER}\na.png,Mass,,2,3,4\n`), /no box/);
  refused(() => readBoxList('a.png,Masss,1,2,3,4', { classes: CHEST_XRAY8_LABELS }), /unknown finding label "Masss"/);
});

test('list files are read without folders, and a line without an image name is refused', () => {
  assert.equal(readImageList('\ufeffa.png\r\n\r\nimages_001/b.png\r\n'), ['a.png', 'b.png']);
  refused(() => readImageList('a.png\n..\n'), /no image name/);
});

/** Twelve patients with 1 to 4 images each; patients 2 and 7 have a boxed image. */
function smallTable() {
  const rows = Array.from({ length: 12 }, (_, patient) =>
    Array.from({ length: 1 + (patient % 4) }, (_, visit) => {
      const labels = ['No Finding', 'Mass', 'Mass|Nodule', 'Effusion|Mass|Edema'][(patient + visit) % 4];
      return `${patient}_${visit}.png,${labels},${visit},${patient},50,F,AP,1,1,1,1`;
    }),
  ).flat();
  return readDataEntry([HEADER_2020, ...rows].join('\n'));
}

test('splits keep patients together, boxed images out of training, and repeat with their seed', () => {
  const table = smallTable();
  const boxed = ['2_0.png', '7_1.png'];
  for (let seed = 0; seed < 30; seed++) {
    const split = splitByPatient(table, { seed, boxed });
    const parts = [split.train, split.validation, split.test];
    assert.is(
      parts.reduce((sum, part) => sum + part.length, 0),
      table.length,
    );
    const patients = parts.map((part) => new Set([...part].map((row) => table.patients[row])));
    assert.is(
      new Set(patients.flatMap((set) => [...set])).size,
      patients[0].size + patients[1].size + patients[2].size,
    );
    for (const image of boxed) assert.ok(split.test.includes(table.images.indexOf(image)));
    assert.equal(split, splitByPatient(table, { seed, boxed }));
  }
  const many = Array.from({ length: 5 }, (_, seed) => splitByPatient(table, { seed }).train.join());
  assert.ok(new Set(many).size > 1, 'seeds differ');
  refused(() => splitByPatient(table, { validation: 0.5, test: 0.5 }), /do not add up/);

  const published = splitByLists(
    table,
    {
      trainValidation: table.images.filter((_, row) => Number(table.patients[row]) < 9),
      test: ['9_0.png', '10_0.png'],
    },
    { boxed },
  );
  const trained = [...published.train, ...published.validation].map((row) => table.images[row]);
  assert.not.ok(trained.some((image) => boxed.includes(image)));
  assert.equal(
    [...published.test].map((row) => table.images[row]),
    ['9_0.png', '10_0.png'],
  );
});

test('a split does not depend on the order of rows', () => {
  const table = smallTable();
  const order = Array.from({ length: table.length }, (_, row) => table.length - 1 - row);
  const reversed = {
    ...table,
    images: order.map((row) => table.images[row]),
    patients: order.map((row) => table.patients[row]),
  };
  const trained = (of: typeof table) => [...splitByPatient(of, { seed: 3 }).train].map((row) => of.images[row]).sort();
  assert.equal(trained(reversed), trained(table));
});

test('identifiers of patients are never converted to numbers', () => {
  const ids = [
    '12-0001',
    '12-0002',
    '12-0003',
    'P-7',
    '00000013',
    '13',
    '1e3',
    '1000',
    '9007199254740993',
    '=7',
    'Ä 1',
  ];
  const rows = ids.flatMap((id, i) => [0, 1].map((visit) => `${i}_${visit}.png,Mass,${visit}b,${id},50,F,AP,1,1,1,1`));
  const table = readDataEntry([HEADER_2020, ...rows].join('\n'));
  assert.equal(
    table.patients,
    ids.flatMap((id) => [id, id]),
  );
  assert.equal(table.followUps.slice(0, 2), ['0b', '1b']);
  assert.is(labelStatistics(table).patients, ids.length);
  const { train, validation, test } = splitByPatient(table, { validation: 0.3, test: 0.3 });
  const parts = [train, validation, test].map((part) => new Set([...part].map((row) => table.patients[row])));
  assert.is(parts[0].size + parts[1].size + parts[2].size, ids.length, 'nobody is in two parts');
  assert.equal(
    ['b', '10', '9', '010', '9007199254740993', '9007199254740992', '12-2', 'a'].sort(comparePatients),
    ['9', '010', '10', '9007199254740992', '9007199254740993', '12-2', 'a', 'b'],
    'numbers by their value, as ever; then the others',
  );
  refused(() => readDataEntry(`${HEADER_2020}\na.png,Mass,0,"1\n2",50,F,AP,1,1,1,1`), /row 2: the patient of a\.png/);
});

test('label statistics count like Table 1: images, overlaps, co-occurrence', () => {
  // a: Mass; b: Mass|Nodule; c: Mass|Nodule|Hernia; d: none. Hernia is outside the eight: in c it overlaps nothing.
  const labels = ['Mass', 'Mass|Nodule', 'Mass|Nodule|Hernia', 'No Finding', 'Hernia|Effusion'];
  const rows = labels.map((each, i) => `${i}.png,${each},0,${i % 3},50,F,AP,1,1,1,1`);
  const table = readDataEntry([HEADER_2020, ...rows].join('\n'));
  const eight = labelStatistics(table, CHEST_XRAY8_LABELS);
  const [effusion, mass, nodule] = ['Effusion', 'Mass', 'Nodule'].map((name) => eight.classes.indexOf(name));
  assert.equal([eight.images, eight.patients, eight.noFinding], [5, 3, 1]);
  assert.equal([eight.counts[mass], eight.counts[nodule], eight.counts[effusion]], [3, 2, 1]);
  assert.equal([eight.overlaps[mass], eight.overlaps[nodule], eight.overlaps[effusion]], [2, 2, 0]);
  assert.equal([eight.cooccurrence[mass][nodule], eight.cooccurrence[nodule][mass]], [2, 2]);
  assert.is(labelStatistics(table).overlaps[effusion], 1, 'of the fourteen, Hernia overlaps it');
});

test('COCO: a written file is read back the same; arrays of results; unknown ids', () => {
  const findings = [{ label: 'Mass', score: 0.5, box: { x: 1, y: 2, width: 3, height: 4 } }];
  const predictions = [{ image: 'a.png', width: 64, height: 48, probabilities: { Mass: 0.5 }, findings }];
  const file = JSON.parse(JSON.stringify(toCoco(predictions, CHEST_XRAY8_LABELS)));
  assert.equal(readCoco(file), predictions);
  assert.equal(file.annotations[0].bbox, [1, 2, 3, 4]);
  const bare = file.annotations;
  assert.equal(readCoco(bare, { index: file })[0].findings, findings);
  refused(() => readCoco(bare), /belongs to no image.*annotation file/);
  const named = [{ image_id: 'x/a.png', category_id: 'Infiltrate', bbox: [1, 2, 3, 4], score: 0.5 }];
  assert.is(readCoco(named)[0].findings?.[0].label, 'Infiltration');
  refused(() => readCoco([{ ...named[0], bbox: [1, 2, -3, 4] }]), /result 1 has no box/);
  refused(() => readCoco({ images: 'no' }), /not a list of objects/);
  refused(() => readCoco('text'), /not a COCO file/);
  refused(() => toCoco(predictions, ['Nodule']), /of no listed class/);
});

test('predictions with a column per class, a row per box and as JSON lines are joined by image', () => {
  const csv = (text: string, logits = false) => {
    const reader = predictionCsvReader({ classes: CHEST_XRAY8_LABELS, logits });
    reader.write(text);
    reader.end();
    return reader.predictions();
  };
  const wide = csv('image,Mass,Infiltrate,other\ndir/a.png,0.25,1,9\n');
  assert.equal(wide, [{ image: 'a.png', probabilities: { Mass: 0.25, Infiltration: 1 } }]);
  assert.equal(csv('image,Mass\na.png,-3\n', true)[0].logits, { Mass: -3 });
  refused(() => csv('image,Mass\na.png,1.5\n'), /row 2: Mass of a\.png should be a probability/);
  refused(() => csv('image,Mass\na.png,\n'), /row 2/);
  refused(() => csv('image,Mass\na.png,0\na.png,0\n'), /listed twice/);
  refused(() => csv('image,weight\na.png,0\n'), /names no class/);
  const boxes = csv(
    writeBoxList([{ image: 'a.png', label: 'Mass', box: { x: 1, y: 2, width: 3, height: 4 }, score: 0.5 }]),
  );
  assert.is(csv(`${BOX_HEADER}\na.png,Mass,1,2,3,4\n`)[0].findings?.[0].score, 1);
  const findings = [{ label: 'Mass', score: 0.5, box: { x: 1, y: 2, width: 3, height: 4 } }];
  assert.equal(boxes, [{ image: 'a.png', findings }]);
  assert.equal(mergePredictions(wide, boxes)[0], { ...wide[0], findings });
  refused(() => mergePredictions(wide, wide), /a\.png has probabilities in two sources/);

  const lines = predictionLineReader();
  const written = { image: 'a.png', probabilities: { Mass: 0.5 }, findings, points: { Mass: [1, 2] } };
  lines.write(`${JSON.stringify(written)}\n{"image":"b.png","err`);
  lines.write('or":"unreadable"}\n');
  lines.end();
  assert.equal(JSON.parse(JSON.stringify(lines.predictions())), [written]);
  for (const bad of ['{"image":1}', '[', '7', '{"image":"a","findings":[{"label":"Mass","score":1,"box":[1,2,3]}]}']) {
    const reader = predictionLineReader({ source: 'p.jsonl' });
    refused(() => reader.write(`${bad}\n`), /p\.jsonl: line 1/);
  }
});

function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'raybox-dataset-'));
  return work(folder).finally(() => rmSync(folder, { recursive: true, force: true }));
}

test('text files: errors for files that are not UTF-8, too large or missing; files are written completely or not at all', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'deep', 'a.txt');
    await writeWhole(path, 'Größe\r\n');
    assert.is(await readText(path), 'Größe\r\n');
    writeFileSync(path, Buffer.from('a,b\nGr\xf6\xdfe', 'latin1'));
    await refusedLater(readText(path), /not UTF-8/);
    writeFileSync(path, Buffer.from('a,b\nGr\xc3', 'latin1'));
    await refusedLater(readText(path), /not UTF-8/);
    writeFileSync(path, Buffer.from('\ufeffa,b', 'utf16le'));
    await refusedLater(readText(path), /UTF-16/);
    // Ten gigabytes of zeros in a sparse file: refused by size, or at its first row, never held.
    truncateSync(path, 10 * 2 ** 30);
    await refusedLater(readText(path), /too large/);
    writeFileSync(path, '');
    truncateSync(path, 10 * 2 ** 30);
    const reader = csvReader(() => {});
    await refusedLater(readTextPieces(path, reader.write), /row 1 is too long/);
    await refusedLater(readText(join(folder, 'none')), /no such file/);
    await refusedLater(
      readTextPieces(folder, () => {}),
      /is a folder/,
    );
  }));

test('check: image folders as the archives unpack them; every fault names its file', () =>
  inFolder(async (folder) => {
    await refusedLater(checkDataset(join(folder, 'none')), /no such folder/);
    await refusedLater(checkDataset(folder), /no label file/);
    const { PNG } = (await import('pngjs')).default;
    const png = (size: number) => PNG.sync.write(new PNG({ width: size, height: size }));
    const row = (image: string, patient: number, labels = 'Mass') => `${image},${labels},0,${patient},50,F,AP,1,1,1,1`;
    const images = ['1_0.png', '1_1.png', '2_0.png', '3_0.png', '4_0.png', '5_0.png'];
    const label = [HEADER_2020, ...images.map((image) => row(image, Number(image[0])))].join('\n');
    writeFileSync(join(folder, 'Data_Entry_2017_v2020.csv'), label);
    for (const sub of ['images', 'images_001/images', 'images_002']) mkdirSync(join(folder, sub), { recursive: true });
    const put = (sub: string, image: string, bytes: string | Uint8Array) =>
      writeFileSync(join(folder, sub, image), bytes);
    put('images', '1_0.png', png(32));
    put('images_001/images', '1_1.png', png(32));
    put('images_002', '2_0.png', png(32));
    const clean = (await checkDataset(folder)).problems;
    assert.equal(
      clean.map(({ kind, file }) => [kind, file]),
      images.slice(3).map((image) => ['missing', image]),
    );

    put('images', '3_0.png', 'this is not an image, but long enough to look like one');
    put('images', '4_0.png', png(32).subarray(0, 60));
    put('images', '5_0.png', png(1));
    put('images', '9_0.png', png(32));
    put('images', '2_0.png', png(32));
    writeFileSync(
      join(folder, 'BBox_List_2017.csv'),
      'x.png,Mass,1,1,2,2\n1_0.png,Nodule,30,30,9,9\n1_0.png,Mass,1,1,0,2',
    );
    writeFileSync(join(folder, 'train_val_list.txt'), '1_0.png\n2_0.png\n8_0.png\n');
    writeFileSync(join(folder, 'test_list.txt'), '1_1.png\n2_0.png\n3_0.png\n4_0.png\n');
    const { problems, sizes } = await checkDataset(folder);
    const said = problems.map(({ kind, file, message }) => `${kind}: ${file}: ${message}`).join('\n');
    for (const wanted of [
      /unreadable: 3_0\.png: is not a PNG/,
      /unreadable: 4_0\.png: is a PNG that ends too early/,
      /inconsistent: 5_0\.png: is 1×1 pixels, most others are 32×32/,
      /inconsistent: 9_0\.png: is not in the label file/,
      /inconsistent: .*images_002.2_0\.png: the same name as .*images.2_0\.png/,
      /inconsistent: BBox_List_2017\.csv: a box of x\.png, which is not in the label file/,
      /note: 1_0\.png: has a box of Nodule, which is not among its labels/,
      /inconsistent: 1_0\.png: its box of Nodule \(30, 30, 9, 9\) leaves the image/,
      /inconsistent: .*row 3: no box/,
      /inconsistent: train_val_list\.txt: 8_0\.png is not in the label file/,
      /inconsistent: 2_0\.png: is in both lists/,
      /inconsistent: test_list\.txt: patient 1 is in both lists/,
      /note: 5_0\.png: is in neither list/,
    ]) {
      assert.match(said, wanted);
    }
    assert.equal(sizes, { '32×32': 4, '1×1': 1 });

    const broken = png(32);
    broken[50] ^= 0xff;
    put('images', '1_0.png', broken);
    const shallow = (await checkDataset(folder)).problems.filter(({ kind }) => kind === 'unreadable');
    const deep = (await checkDataset(folder, { deep: true })).problems.filter(({ kind }) => kind === 'unreadable');
    assert.equal([shallow.length, deep.length], [2, 3], 'a flipped bit shows only when the image is decoded');
  }));

test('the published files are read, if they are there', async () => {
  if (!existsSync(realData)) {
    console.log(`skipped: ${realData} is missing`);
    return;
  }
  const data = await openDataset(realData);
  assert.is(data.table.length, 57);
  assert.is(data.paths.size, 57);
  assert.is(data.boxes.length, 20);
  assert.equal(labelsOf(data.table, 0), ['Atelectasis', 'Infiltration']);
  assert.equal(readBoxList(writeBoxList(data.boxes)), data.boxes);
  const problems = (await checkDataset(realData)).problems.filter(({ kind }) => kind !== 'note');
  assert.equal(problems, []);
  await inFolder(async (folder) => {
    cpSync(join(realData, 'Data_Entry_2017.csv'), join(folder, 'Data_Entry_2017.csv'));
    const image = readFileSync(join(realData, 'images', '00000053_001.png'));
    mkdirSync(join(folder, 'images'));
    writeFileSync(join(folder, 'images', '00000053_001.png'), image.subarray(0, image.length / 2));
    const found = (await checkDataset(folder)).problems;
    assert.is(found.filter(({ kind }) => kind === 'missing').length, 56);
    assert.is(found.find(({ kind }) => kind === 'unreadable')?.file, '00000053_001.png');
  });
});

test('112,120 rows are read completely', () => {
  const rows = [HEADER_2017];
  for (let i = 0; i < 112_120; i++) {
    rows.push(
      `${String(i >> 2).padStart(8, '0')}_00${i & 3}.png,Mass|Nodule,${i & 3},${i >> 2},058Y,M,PA,2682,2749,1,1,`,
    );
  }
  const table = readDataEntry(rows.join('\r\n'));
  assert.is(table.length, 112_120);
  assert.is(table.images[112_119], '00028029_003.png');
  const split = splitByPatient(table, { seed: 1 });
  assert.ok(Math.abs(split.test.length - 22_424) < 4 && Math.abs(split.validation.length - 11_212) < 4);
});

test.run();
