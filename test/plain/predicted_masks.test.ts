/** `raybox evaluate --predicted-masks`: masks from a file against masks, without weights. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addEvaluateCommand } from '../../src/cli/evaluate/evaluate.js';
import { encodePng } from '../../src/formats/images/png.js';
import { rleOfPixels, rleString } from '../../src/formats/masks/rle.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-predicted-masks-'));
const at = (...parts: string[]) => join(folder, ...parts);
test.after(() => rmSync(folder, { recursive: true, force: true }));

const mask = (rows: string) => {
  const lines = rows.split(' ');
  const pixels = lines.flatMap((line) => [...line].map(Number));
  return {
    size: [lines.length, lines[0].length],
    counts: rleString(rleOfPixels(pixels, lines[0].length, lines.length)),
  };
};
const NONE = mask('000 000 000');
const LEFT = mask('100 100 100');
const TOP = mask('111 000 000');
const write = (name: string, content: object | string) => {
  writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content));
  return at(name);
};

/** What the command printed. */
async function evaluate(...args: string[]): Promise<string> {
  const program = new Command('raybox').exitOverride().configureOutput({ writeErr: () => undefined });
  addEvaluateCommand(program);
  const original = process.stdout.write;
  let printed = '';
  process.stdout.write = ((text: string, done?: () => void) => {
    printed += text;
    done?.();
    return true;
  }) as typeof original;
  try {
    await program.parseAsync(['evaluate', '--out', at('out'), '--bootstrap', '50', ...args], { from: 'user' });
  } finally {
    process.stdout.write = original;
  }
  return printed;
}
const refusalOf = (...args: string[]) =>
  evaluate(...args).then(
    () => 'nothing was refused',
    (error: Error) => error.message,
  );
const result = () => JSON.parse(readFileSync(at('out', 'evaluation.json'), 'utf8'));
const table = (name: string) =>
  readFileSync(at('out', name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(','));

const truth = write('truth.json', {
  patient1_study1_view1_frontal: { Mass: LEFT, Edema: NONE },
  patient1_study2_view1_frontal: { Mass: LEFT, Edema: TOP },
  patient2_study1_view1_frontal: { Mass: NONE, Edema: TOP },
});
const predicted = write('predicted.json', {
  patient1_study1_view1_frontal: { Mass: LEFT, Edema: NONE },
  patient1_study2_view1_frontal: { Mass: TOP, Edema: NONE },
  patient2_study1_view1_frontal: { Mass: TOP, Edema: TOP },
});

test('figures, a row for each image and finding, and a page, without a data set', async () => {
  const printed = await evaluate('--masks', truth, '--predicted-masks', predicted);
  assert.match(printed, /Patients were taken from the names of images/);
  assert.match(printed, /truth\.json: masks against masks, 3 images of 2 patients\n.*with.*mIoU, both/);
  const { masks, classes } = result();
  assert.is(classes, undefined);
  const figure = (label: string, name: string) =>
    masks[0].scores.find((each: { label: string }) => each.label === label).figures[name].value;
  // Mass: 1 and 1/5 where both have pixels, 0 where only the prediction has; Edema: 0 and 1.
  assert.equal([figure('Mass', 'iouTruePositives'), figure('Mass', 'iouAll')], [0.6, (1 + 1 / 5) / 3]);
  assert.equal([figure('Edema', 'iouTruePositives'), figure('Edema', 'iouAll')], [1, 0.5]);
  assert.equal(figure('Mass', 'hitRate'), null);
  assert.equal(
    table('masks.csv').slice(0, 3),
    [
      ...[['source', 'image', 'patient', 'finding', 'predicted', 'truth_pixels', 'predicted_pixels', 'intersection']],
      ...[['truth.json', 'patient1_study1_view1_frontal', 'patient1', 'Mass', '1', '3', '3', '3', '1', '1', '1', '']],
      ...[
        [
          'truth.json',
          'patient1_study2_view1_frontal',
          'patient1',
          'Mass',
          '1',
          '3',
          '3',
          '1',
          '0.2',
          '0.2',
          `${1 / 3}`,
          '',
        ],
      ],
    ].map((row, i) => (i === 0 ? [...row, 'iou_true_positives_only', 'iou_all', 'dice', 'hit'] : row)),
  );
  const page = readFileSync(at('out', 'evaluation.html'), 'utf8');
  assert.match(
    page,
    /predicted\.json against truth\.json.*<section id="masks">.*Predicted masks against masks: 3 images/s,
  );
  assert.not.match(page, /Classification|MaxBoxAccV2<\/th>/);
});

test('a data set says who the patients are and what is scored; findings of another name are scored as one', async () => {
  mkdirSync(at('set'));
  const rows = [1, 2, 3].map((i) => `${i}.png,Mass,${i === 3 ? 8 : 7}`);
  write('set/Data_Entry_2017.csv', ['Image Index,Finding Labels,Patient ID', ...rows].join('\n'));
  write('set/test_list.txt', '1.png\n3.png\n');
  const mine = write('mine.json', { 1: { Mass: LEFT }, 2: { Mass: LEFT }, 3: { Mass: NONE } });
  const theirs = write('theirs.json', {
    '1.png': { 'Lung Lesion': LEFT },
    '2.png': { 'Lung Lesion': LEFT },
    '3.png': { 'Lung Lesion': LEFT },
  });
  const args = ['--masks', mine, '--predicted-masks', theirs, '--mask-labels', 'Lung Lesion=Mass', '--no-html'];
  await evaluate('--data', at('set'), ...args);
  assert.equal(
    table('masks.csv')
      .slice(1)
      .map(([, image, patient, , , , , , , iou]) => [image, patient, iou]),
    [
      ['1.png', '7', '1'],
      ['3.png', '8', '0'],
    ],
  );
  // Without names that say it, each image is of a patient of its own, and that is said.
  await evaluate(...args);
  assert.is(result().masks[0].patients, 3);
  assert.match(result().warnings[0].message, /Nothing says who the patients are/);
});

test('what cannot be right is refused by name, and nothing is written', async () => {
  rmSync(at('out'), { recursive: true, force: true });
  const against = (name: string, content: object | string, ...more: string[]) =>
    refusalOf('--masks', truth, '--predicted-masks', write(name, content), '--no-html', ...more);
  const one = 'patient1_study1_view1_frontal';
  assert.match(
    await against('other.json', { patient9_study1_view1_frontal: { Mass: LEFT } }),
    /other\.json: no image of the data set is marked.*expected images like patient1_study1.*given "patient9/,
  );
  assert.match(
    await against('size.json', { [one]: { Mass: mask('10 10') } }),
    /predicted mask of Mass in patient1_study1_view1_frontal has another size than the truth; expected 3 × 3; given 2 × 2/,
  );
  assert.match(
    await against('two.json', { [one]: { Mass: LEFT, Edema: mask('1') } }),
    /two masks of this image have different sizes/,
  );
  assert.match(
    await against('class.json', { [one]: { Scar: LEFT } }),
    /class\.json: no image of the data set is marked for one of its classes; expected findings of "Mass", "Edema"; given "Scar".*--mask-labels/,
  );
  const gap = { [one]: { Mass: LEFT, Edema: NONE }, patient2_study1_view1_frontal: { Mass: LEFT } };
  assert.match(
    await against('gap.json', gap),
    /patient2_study1_view1_frontal has no mask of Edema, which other images have/,
  );
  assert.match(await against('cut.json', readFileSync(predicted, 'utf8').slice(0, -9)), /cut\.json is not JSON/);
  assert.match(await against('runs.json', { [one]: { Mass: { size: [3, 3], counts: '11' } } }), /runs do not fill it/);
  assert.match(await against('form.json', [1, 2]), /form\.json holds no masks of a known form/);
  assert.match(await against('p.json', '{}'), /p\.json holds no masks of a known form/);
  assert.match(
    await refusalOf('--masks', truth, '--predicted-masks', at('none.json')),
    /none\.json cannot be read: there is no such file/,
  );
  assert.match(await refusalOf('--predicted-masks', predicted), /name both/);
  assert.match(await refusalOf('--masks', truth), /--data/);
  const useless = await refusalOf('--masks', truth, '--predicted-masks', predicted, '--validation', truth);
  assert.match(useless, /--validation has no effect on --predicted-masks/);
  assert.match(
    await against('list.json', { [one]: { Mass: LEFT } }, '--test', write('names.txt', 'unknown.png\n')),
    /truth\.json: nothing to score/,
  );
  const scar = await against('list.json', { [one]: { Mass: LEFT } }, '--classes', 'Scar');
  assert.match(scar, /--classes: Scar is not one of the classes; expected Mass, Edema/);
  assert.throws(() => readdirSync(at('out')), /ENOENT/);
  // Images without a prediction, and findings that no image has, are not scored, and a warning says so.
  const names = write(
    'names.txt',
    `${Object.keys(JSON.parse(readFileSync(truth, 'utf8'))).join('.jpg\n')}.jpg\nunknown.png\n`,
  );
  const few = write('few.json', { [one]: { Mass: NONE } });
  await evaluate('--masks', truth, '--predicted-masks', few, '--test', names, '--no-html');
  const { masks, warnings } = result();
  assert.equal(
    masks[0].scores.map(({ label }: { label: string }) => label),
    ['Mass', 'Mean', 'All'],
  );
  const said = warnings.map(({ message }: { message: string }) => message).join('\n');
  assert.match(
    said,
    /2 images with truth not scored, without masks: "patient1_study2_view1_frontal", "patient2_study1_view1_frontal"/,
  );
  assert.match(said, /no masks of "Edema", so that truth is not scored/);
  assert.match(said, /1 name of the test list not among the images: "unknown\.png"/);
});

test('masks of another size than the image file are refused, also where a name has dots, unless they are in a frame of their own', async () => {
  mkdirSync(at('uid', 'images'), { recursive: true });
  write('uid/Data_Entry_2017.csv', 'Image Index,Finding Labels,Patient ID\n1.2.840.png,Mass,7\n');
  const pixels = { data: new Uint8Array(36), width: 6, height: 6, channels: 1 as const };
  writeFileSync(at('uid', 'images', '1.2.840.png'), await encodePng(pixels));
  const file = write('uid.json', { '1.2.840': { Mass: LEFT } });
  const args = ['--data', at('uid'), '--masks', file, '--predicted-masks', file, '--no-html'];
  assert.match(
    await refusalOf(...args),
    /1\.2\.840\.png: the masks have another size than the image; expected 6 × 6; given 3 × 3/,
  );
  await evaluate(...args, '--mask-frame', 'own');
  assert.is(result().masks[0].scores[0].figures.dice.value, 1);
  await evaluate(...args, '--mask-frame', '3');
  assert.match(
    await refusalOf(...args, '--mask-frame', '6'),
    /masks do not have the size of the frame; expected 6 × 6.*given 3 × 3/,
  );
});

test('COCO results beside their annotation file; without it they are refused', async () => {
  const names = Object.keys(JSON.parse(readFileSync(truth, 'utf8')));
  const index = write('index.json', {
    images: names.map((name, i) => ({ id: i + 1, file_name: `${name}.jpg`, width: 3, height: 3 })),
    categories: [
      { id: 1, name: 'Mass' },
      { id: 2, name: 'Edema' },
    ],
    annotations: [],
  });
  const results = write('results.json', [
    { image_id: 1, category_id: 1, segmentation: LEFT, score: 0.9 },
    { image_id: 2, category_id: 1, segmentation: [[0, 0, 3, 0, 3, 1, 0, 1]], score: 0.8 },
    { image_id: 3, category_id: 1, segmentation: TOP, score: 0.7 },
    { image_id: 3, category_id: 2, segmentation: TOP, score: 0.6 },
  ]);
  const args = ['--masks', truth, '--predicted-masks', results, '--no-html'];
  const printed = await evaluate(...args, '--coco-index', index);
  assert.match(printed, /results\.json: masks have scores, which were not used/);
  const rows = table('masks.csv');
  await evaluate('--masks', truth, '--predicted-masks', predicted, '--no-html');
  assert.equal(rows, table('masks.csv'));
  assert.match(await refusalOf(...args), /COCO results only give ids of images and categories.*--coco-index/);
  const without = await refusalOf('--masks', truth, '--predicted-masks', predicted, '--coco-index', index);
  assert.match(without, /predicted\.json needs no index, because it is no list of COCO results/);
});

test('truth in two files of one source is joined, and truths of two sources are not', async () => {
  const more = write('more.json', { patient3_study1_view1_frontal: { Mass: LEFT, Edema: NONE } });
  const coco = write('coco.json', {
    images: [{ id: 1, file_name: 'patient2_study1_view1_frontal.jpg', width: 3, height: 3 }],
    categories: [{ id: 1, name: 'Edema' }],
    annotations: [{ id: 1, image_id: 1, category_id: 1, segmentation: LEFT }],
  });
  await evaluate('--masks', truth, coco, '--predicted-masks', predicted, '--no-html');
  const { masks } = result();
  assert.equal(
    masks.map(({ source, images }: { source: string; images: number }) => [source, images]),
    [
      ['truth.json', 3],
      ['coco.json', 1],
    ],
  );
  const other = await refusalOf('--masks', truth, '--mask-validation', coco, '--weights', 'w', '--data', at('set'));
  assert.match(
    other,
    /--mask-validation goes with one file of --masks.*expected CheXlocalize's segmentations, as in truth\.json; given COCO's annotations/,
  );
  const two = await refusalOf('--masks', truth, coco, '--mask-validation', more, '--weights', 'w', '--data', at('set'));
  assert.match(two, /given --masks with 2 sources/);
});

const sample = join(
  process.env.RAYBOX_DATA ?? new URL('../../../../shared/data', import.meta.url).pathname,
  'chexlocalize',
);
const sampleTest = existsSync(sample) ? test : test.skip;
sampleTest(
  "CheXlocalize's own sample: pixels, intersection and IoU of each image and finding, to six digits",
  async () => {
    const file = (name: string) => join(sample, name);
    await evaluate(
      ...['--masks', file('gt_segmentations_val.json'), '--no-html'],
      ...['--predicted-masks', file('gradcam_segmentations_val_sample.json')],
    );
    const digits = (text: string) => (text === '' ? '' : Number(text).toFixed(6));
    const rows = table('masks.csv').slice(1);
    const found = rows.map(([, image, , finding, , mine, predictedPixels, shared, both, either]) =>
      [image, finding, mine, predictedPixels, shared, digits(both), digits(either)].join(),
    );
    const expected = readFileSync(file('expected_iou.csv'), 'utf8').trim().split(/\r?\n/).slice(1);
    assert.is(expected.length, 20);
    assert.equal(found.sort(), expected.sort());
  },
);

test.run();
