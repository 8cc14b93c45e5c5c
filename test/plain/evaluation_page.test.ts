/** Proves that `raybox evaluate` writes a complete page and tables, and that nothing in its input can put code into the page. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addEvaluateCommand } from '../../src/cli/evaluate/evaluate.js';
import { readPredictions } from '../../src/cli/evaluate/files.js';
import { storeOperatingThresholds } from '../../src/cli/evaluate/stored_thresholds.js';
import { InputError } from '../../src/errors.js';
import { type EvaluationResult, evaluate } from '../../src/evaluate/evaluate.js';
import { evaluationCsv } from '../../src/evaluate/evaluation_csv.js';
import { pickCases } from '../../src/evaluate/page/cases.js';
import { evaluationPage } from '../../src/evaluate/page/evaluation.js';
import { readCsv } from '../../src/formats/csv.js';
import { readDataEntry, writeBoxList } from '../../src/formats/data_sets/chestxray.js';
import { toCoco } from '../../src/formats/data_sets/coco.js';
import type { Prediction } from '../../src/formats/findings.js';
import { decodePng, encodePng } from '../../src/formats/images/png.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import {
  formatWeightsMetadata,
  parseWeightsMetadata,
  type WeightsMetadata,
} from '../../src/formats/weights/weights.js';

const HEADER = 'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position';
const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==';

/** Sixteen images of eight patients; even ones have Mass, the first four of these a box. */
const images = Array.from({ length: 16 }, (_, i) => `${i}.png`);
const labelFile = [
  HEADER,
  ...images.map(
    (image, i) => `${image},${i % 2 ? 'No Finding' : 'Mass'},0,${i >> 1},${6 * i},${i % 4 < 2 ? 'F' : 'M'},PA`,
  ),
  '',
].join('\n');
const table = readDataEntry(labelFile);
const boxes = [0, 2, 4, 6].map((i) => ({
  image: `${i}.png`,
  label: 'Mass',
  box: { x: 4 + i, y: 8, width: 20, height: 20 },
}));
const predictions: Prediction[] = images.map((image, i) => ({
  image,
  width: 64,
  height: 64,
  probabilities: { Mass: i % 2 === 0 ? 0.55 + i / 50 : 0.2 + i / 30 },
  findings: [{ label: 'Mass', score: 0.5, box: { x: 4 + 3 * i, y: 8, width: 20, height: 20 } }],
}));
const result = evaluate(
  { table, boxes, predictions },
  { replicates: 30, validation: ['12.png', '13.png', '14.png', '15.png'] },
);

test('the page of results is one file and shows every part', async () => {
  const cases = pickCases({ table, boxes, predictions }, { classes: ['Mass'], count: 2, localized: true });
  assert.equal(
    cases.map(({ kind, image, reason }) => [kind, image, reason]),
    [
      ['best', '0.png', 'IoU 1.00'],
      ['best', '2.png', 'IoU 0.67'],
      ['worst', '6.png', 'IoU 0.25'],
      ['worst', '4.png', 'IoU 0.43'],
    ],
  );
  const pictures = cases.map((each) => ({ ...each, picture: PIXEL, width: 64, height: 64 }));
  const page = await evaluationPage(result, { title: 'A <b>title</b>', subtitle: 'x & y', cases: pictures });
  assert.not.match(page, /<script|<link|<iframe|@import|url\(/);
  assert.equal([...page.matchAll(/(?:src|href)="(?!data:image\/png)[^"]*"/g)], []);
  assert.match(page, /A &lt;b&gt;title&lt;\/b&gt;.*x &amp; y/s);
  for (const part of [
    'Classification',
    'ROC curves',
    'Operating points',
    'Calibration',
    'By view, sex and age',
    'Localization',
    'Free-response ROC',
    'Pointing game',
    'Cases',
  ]) {
    assert.ok(page.includes(`>${part}<`), part);
  }
  assert.ok(page.includes('ROC curve of Mass') && page.includes('Localization accuracy of Mass against T(IoU)'));
  assert.is([...page.matchAll(/<image /g)].length, 4);
  assert.not.match(page, /NaN|undefined|\[object/);
});

test('HTML in names and pictures that are not PNG or JPEG do not get into the page', async () => {
  const label = '<img onerror=x>"\'';
  const renamed = JSON.parse(JSON.stringify(result).replaceAll('"Mass"', JSON.stringify(label))) as EvaluationResult;
  renamed.operatingThresholds = { [label]: result.operatingThresholds.Mass };
  const hostile = {
    ...{ kind: 'best' as const, image: '"><script>', label, reason: 'r', score: 1, truth: [], detected: [] },
    ...{ picture: 'https://example.org/x.png', width: 1, height: 1 },
  };
  const page = await evaluationPage(renamed, { cases: [hostile] });
  assert.not.match(page, /<script|<img|https:\/\/example/);
});

test('the CSV has a row for each figure', () => {
  const rows: string[][] = [];
  readCsv(evaluationCsv(result), (fields) => rows.push(fields));
  assert.ok(rows.every(({ length }) => length === 10));
  const value = (...wanted: string[]) =>
    rows.find((row) => wanted.every((field, i) => field === '' || row[i] === field));
  assert.is(Number(value('classification', 'all', 'Mass', 'AUC, DeLong')?.[5]), result.overall[0].auc);
  assert.equal(value('localization', 'known', 'Mass', 'accuracy, IoU', '0.5')?.slice(5, 6), ['0.5']);
  assert.equal(value('localization', 'known', 'Mass', 'accuracy, IoU', '0.5')?.slice(8), ['2', '4']);
  assert.ok(value('localization', 'gated, randomMap', 'All', 'mean IoU') && value('classification', 'sex F', 'Mass'));
  assert.ok(value('froc', 'IoU > 0.3') && value('pointing', 'box centre', 'Mass'));
});

test('patients are counted correctly whatever their identifiers look like', () => {
  const ids = ['12-0001', '12-0002', '12-0003', '12-0004', '12-0005'];
  const [first, ...rows] = labelFile.trim().split('\n');
  const named = rows.map((row, i) => row.replace(/,0,\d+,/, `,0,${ids[i % 5]},`));
  const { patients } = evaluate(
    { table: readDataEntry([first, ...named].join('\n')), predictions },
    { replicates: 30 },
  );
  assert.is(patients, 5);
});

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'raybox-evaluate-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs `raybox evaluate` and returns what it printed. */
async function run(...args: string[]): Promise<string> {
  const program = new Command('raybox').exitOverride().configureOutput({ writeErr: () => {} });
  addEvaluateCommand(program);
  program.commands[0].exitOverride();
  const write = process.stdout.write;
  let printed = '';
  process.stdout.write = ((text: string) => {
    printed += text;
    return true;
  }) as typeof write;
  try {
    await program.parseAsync(['node', 'raybox', 'evaluate', ...args]);
  } finally {
    process.stdout.write = write;
  }
  return printed;
}

const refused = async (running: Promise<unknown>, message: RegExp) => {
  const error = await running.then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  assert.ok(error, 'nothing was thrown');
  assert.match(error.message, message);
};

const METADATA: WeightsMetadata = {
  architecture: 'resnet18',
  classes: ['Mass', 'Nodule'],
  inputWidth: 64,
  inputHeight: 64,
  inputChannels: 1,
  channelOrder: 'rgb',
  mean: [0.5],
  std: [0.25],
  fit: 'stretch',
  transitionChannels: 8,
  transitionKernel: 1,
  transitionActivation: 'relu',
  pooling: 'lse',
  lseR: 10,
  operatingThresholds: { Nodule: 0.4 },
  heatmapScaling: 'minmax',
  trainingData: 'none',
  license: 'MIT',
};

test('the command reads predictions in every form, writes three files, and stores operating thresholds in the weights', () =>
  inFolder(async (folder) => {
    const at = (name: string) => join(folder, name);
    mkdirSync(at('images'));
    const grey = new Uint8Array(64 * 64).map((_, i) => i % 251);
    const png = await encodePng({ data: grey, width: 64, height: 64, channels: 1 });
    for (const image of images) writeFileSync(join(folder, 'images', image), png);
    writeFileSync(at('Data_Entry_2017.csv'), labelFile);
    writeFileSync(at('BBox_List_2017.csv'), writeBoxList(boxes));
    const probabilities = ['image,Mass', ...predictions.map((each) => `${each.image},${each.probabilities?.Mass}`)];
    writeFileSync(at('p.csv'), `\ufeff${probabilities.join('\r\n')}`);
    const found = predictions.flatMap(({ image, findings = [] }) => findings.map((finding) => ({ image, ...finding })));
    writeFileSync(at('b.csv'), writeBoxList(found));
    writeFileSync(at('p.jsonl'), predictions.map((each) => `${JSON.stringify(each)}\n`).join(''));
    writeFileSync(at('p.coco.json'), JSON.stringify(toCoco(predictions, ['Mass'])));
    writeFileSync(at('validation.txt'), '12.png\n13.png\n14.png\n15.png\n');
    const { operating_thresholds: thresholds, ...strings } = formatWeightsMetadata(METADATA);
    const former = { ...strings, thresholds, note: 'kept' };
    const tensors = new Map([['w', { shape: [3], data: Float32Array.of(1, 2, 3) }]]);
    writeFileSync(at('w.safetensors'), writeSafetensors(tensors, former));

    const always = ['--data', folder, '--bootstrap', '30', '--validation', at('validation.txt')];
    const parse = (name: string) => JSON.parse(readFileSync(join(folder, name, 'evaluation.json'), 'utf8'));
    const printed = await run(
      ...[...always, '--predictions', at('p.csv'), at('b.csv'), '--out', at('one')],
      ...['--store-operating-thresholds', at('w.safetensors'), '--pictures'],
    );
    assert.match(printed, /12 images of 6 patients/);
    assert.match(printed, /Mass +6 +0\.\d{3} +4 +1\.000/);
    const pictures = ['cases.png', 'classification.png', 'localization.png'];
    assert.equal(readdirSync(at('one')).sort(), [
      ...[pictures[0], pictures[1], 'evaluation.csv', 'evaluation.html', 'evaluation.json', pictures[2]],
    ]);
    for (const name of pictures) {
      const { width, height } = await decodePng(readFileSync(join(at('one'), name)));
      assert.ok(width > 800 && height > 200, `${name}: ${width}×${height}`);
    }
    assert.is([...readFileSync(join(folder, 'one', 'evaluation.html'), 'utf8').matchAll(/<image /g)].length, 4);
    const one = parse('one');
    assert.is(one.overall[0].roc[0].threshold, null, 'no number that JSON does not have');

    const stored = readSafetensors(readFileSync(at('w.safetensors')));
    const { operatingThresholds } = parseWeightsMetadata(stored.metadata);
    assert.equal(operatingThresholds, { Nodule: 0.4, Mass: one.operatingThresholds.Mass.value });
    assert.is(stored.metadata.note, 'kept');
    assert.not.ok('thresholds' in stored.metadata, 'the name of before is gone');
    assert.equal(stored.tensors.get('w')?.data, Float32Array.of(1, 2, 3));
    await refused(storeOperatingThresholds(at('w.safetensors'), { Gout: 0.5 }), /has no class Gout/);
    await refused(storeOperatingThresholds(at('p.csv'), { Mass: 0.5 }), /safetensors/);

    for (const file of ['p.jsonl', 'p.coco.json']) {
      await run(...always, '--predictions', at(file), '--out', at('two'), '--no-html');
      assert.equal(readdirSync(at('two')).sort(), ['evaluation.csv', 'evaluation.json']);
      assert.ok(JSON.stringify(parse('two')) === JSON.stringify(one), file);
    }
    await run(
      ...['--data', folder, '--predictions', at('p.jsonl')],
      ...['--split', '3', '--bootstrap', '0', '--out', at('three'), '--no-html'],
    );
    const three = parse('three');
    assert.ok(three.validationImages > 0 && three.images < 12, 'its own split');

    const wrong = (...args: string[]) => run(...always, '--out', at('four'), ...args);
    await refused(wrong('--predictions', at('p.csv'), '--pictures', '--no-html'), /leave out --no-html/);
    await refused(wrong('--predictions', at('none.csv')), /no such file/);
    await refused(wrong('--predictions', folder), /unknown kind of predictions/);
    await refused(wrong('--predictions', at('p.csv'), '--bootstrap', '1.5'), /whole number/);
    await refused(wrong('--predictions', at('p.csv'), '--classes', 'Gout'), /Gout is not a class/);
    await refused(wrong('--predictions', at('p.csv'), '--operating-thresholds', at('p.csv')), /not JSON/);
    await refused(wrong('--predictions', at('p.csv'), at('p.jsonl')), /probabilities in two sources/);
    const larger = boxes.map(({ box, ...rest }) => ({
      ...rest,
      box: { x: 16 * box.x, y: 16 * box.y, width: 16 * box.width, height: 16 * box.height },
    }));
    writeFileSync(at('large.csv'), writeBoxList(larger));
    const scaled = ['--predictions', at('p.jsonl'), '--boxes', at('large.csv'), '--no-html'];
    await refused(wrong(...scaled), /a box of Mass lies outside 0\.png.*--box-frame 1024/);
    await run(...always, '--out', at('five'), ...scaled, '--box-frame', '1024');
    assert.ok(JSON.stringify(parse('five')) === JSON.stringify(one), 'boxes in the published frame');
    await refused(wrong(), /either --predictions or --weights/);
    await refused(wrong('--predictions', at('p.csv'), '--weights', at('w')), /either --predictions or --weights/);
    assert.throws(() => readdirSync(at('four')), /ENOENT/, 'nothing is written where something is wrong');
  }));

test('prediction files: broken ones are refused by name', () =>
  inFolder(async (folder) => {
    const put = (name: string, text: string | Uint8Array) => {
      writeFileSync(join(folder, name), text);
      return readPredictions(join(folder, name), { classes: ['Mass'] });
    };
    await refused(put('a.csv', 'image,Mass\n1.png,"0.5\n'), /a\.csv: row 2 is not valid CSV/);
    await refused(put('b.csv', 'image,weight\n1.png,0.5\n'), /b\.csv: the header names no class/);
    await refused(put('c.csv', Buffer.from('image,Mass\ngr\xf6sse.png,1\n', 'latin1')), /not UTF-8/);
    await refused(put('d.jsonl', '{"image":"1.png"}\n{"image":'), /d\.jsonl: line 2/);
    await refused(
      put('e.json', '{"annotations":[{"image_id":1,"category_id":1,"bbox":[1,2,3,4]}]}'),
      /belongs to no image/,
    );
    await refused(put('f.xlsx', ''), /unknown kind/);
    assert.equal(await put('g.csv', 'path,Mass\r\n"x/a,1.png",0.5\r\n'), [
      { image: 'a,1.png', probabilities: { Mass: 0.5 } },
    ]);
    assert.instance(await put('h.csv', '').catch((error) => error), Array, 'an empty file predicts nothing');
  }));

test('without boxes, the worst cases are images that were classified wrongly', () => {
  const cases = pickCases({ table, predictions }, { classes: ['Mass'], count: 2, localized: false });
  assert.equal(
    cases.map(({ kind, image, reason }) => [kind, image, reason]),
    [
      ['best', '14.png', 'found'],
      ['best', '12.png', 'found'],
      ['worst', '15.png', 'false alarm'],
      ['worst', '13.png', 'false alarm'],
    ],
  );
  assert.throws(
    () => evaluate({ table, predictions: [] }),
    (error: unknown) => error instanceof InputError,
  );
});

test.run();
