/** Files as other programs write them. Each is read by a documented rule with a warning, or refused by name. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkDataset } from '../../src/cli/dataset_check.js';
import { addEvaluateCommand } from '../../src/cli/evaluate/evaluate.js';
import { mine } from '../../src/cli/mine/mine.js';
import { InputError } from '../../src/errors.js';
import { evaluate } from '../../src/evaluate/evaluate.js';
import { evaluationPage } from '../../src/evaluate/page/evaluation.js';
import { csvLine, readCsv } from '../../src/formats/csv.js';
import {
  readBoxList,
  readDataEntry,
  readImageList,
  writeBoxList,
  writeImageList,
} from '../../src/formats/data_sets/chestxray.js';
import { readCoco } from '../../src/formats/data_sets/coco.js';
import { CHEST_XRAY8_LABELS, CHEST_XRAY14_LABELS } from '../../src/formats/data_sets/image_table.js';
import { labelNames } from '../../src/formats/data_sets/label_names.js';
import type { Prediction } from '../../src/formats/findings.js';
import { parseJson } from '../../src/formats/json.js';
import { predictionLineReader } from '../../src/formats/predictions/prediction_lines.js';
import { mergePredictions } from '../../src/formats/predictions/predictions.js';
import { predictionCsvReader } from '../../src/formats/predictions/predictions_csv.js';
import { seededRandom } from '../../src/random.js';

const refused = (run: () => unknown, message: RegExp) => {
  let error: unknown;
  try {
    run();
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, InputError, `nothing was refused: ${message}`);
  assert.match((error as Error).message, message);
};
const refusedLater = async (running: Promise<unknown>, message: RegExp) => {
  const error = await running.then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  assert.instance(error, InputError, `nothing was refused: ${message}`);
  assert.match((error as Error).message, message);
};

/** What a reader read from a text, and its warnings. */
function csv(text: string, logits = false) {
  const said: string[] = [];
  const reader = predictionCsvReader({
    ...{ source: 'p.csv', classes: CHEST_XRAY14_LABELS, logits },
    onWarning: ({ code, message }) => said.push(`${code}: ${message}`),
  });
  reader.write(text);
  reader.end();
  return { predictions: reader.predictions(), said: said.join('\n') };
}

function lines(...values: unknown[]) {
  const said: string[] = [];
  const reader = predictionLineReader({ source: 'p.jsonl', onWarning: ({ message }) => said.push(message) });
  for (const value of values) reader.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
  reader.end();
  return { predictions: reader.predictions(), said: said.join('\n') };
}

/** Fourteen images of five patients, as the label file of a small hospital could be. */
const images = Array.from({ length: 14 }, (_, i) => `${i}.png`);
const PATIENTS = ['12-0001', '12-0002', '12-0003', 'P-7', '00000013'];
const labelFile = [
  'Image Index,Finding Labels,Patient ID,Follow-up #',
  ...images.map((image, i) => `${image},${['Mass', 'Pneumothorax', 'No Finding'][i % 3]},${PATIENTS[i % 5]},${i}`),
].join('\n');
const table = readDataEntry(labelFile);

/** A row an image with seeded numbers under this header, whose first column is the image. */
function scoresUnder(header: string): string {
  const random = seededRandom(7);
  const columns = CHEST_XRAY8_LABELS.map(() => images.map(() => random().toFixed(4)));
  return [header, ...images.map((image, i) => [image, ...columns.map((column) => column[i])].join(','))].join('\n');
}
const PLAIN = scoresUnder(`Image Index,${CHEST_XRAY8_LABELS.join(',')}`);
const scored = (predictions: Prediction[]) => evaluate({ table, predictions }, { replicates: 0 });

test('labels in other spellings are matched with their class, unless they fit two classes or none', () => {
  const { match } = labelNames(CHEST_XRAY14_LABELS);
  const spellings: Record<string, string[]> = {
    Mass: ['mass', 'MASS', ' Mass ', 'Masses'],
    Pleural_Thickening: ['Pleural Thickening', 'pleural_thickening', 'PleuralThickening', 'Pleural-Thickening'],
    Infiltration: ['Infiltrate', 'infiltrates', 'INFILTRATION'],
    Pneumothorax: ['Pneumathorax', 'pneumo-thorax'],
    Effusion: ['Pleural Effusion', 'pleural_effusion', 'effusions'],
    Edema: ['Oedema', 'edema'],
    Nodule: ['nodules'],
  };
  for (const [label, names] of Object.entries(spellings)) for (const name of names) assert.is(match(name), label, name);
  for (const name of ['', 'No Finding', 'Lung Opacity', 'Masss', 'Lung Lesion', 'Fracture', 'constructor', '__proto__'])
    assert.is(match(name), undefined, name);
  const two = labelNames(['Mass', 'mass', 'constructor']);
  assert.equal(['Mass', 'mass', 'MASS', 'constructor'].map(two.match), ['Mass', 'mass', undefined, 'constructor']);
});

test('all that localize writes is known, and lines of different weights or options get a warning', () => {
  const madeBy = { raybox: '1.0.0', weights: 'ab12', options: {} };
  const box = { x: 1, y: 2, width: 3, height: 4 };
  const findings = [{ label: 'Mass', score: 0.5, box, threshold: 60, area: 9, peak: 255, outsideLungs: true }];
  const line = {
    probabilities: { Mass: 0.5 },
    findings,
    method: 'hirescam',
    truncated: ['Mass'],
    warnings: [],
    madeBy,
  };
  const newer = { ...madeBy, raybox: '1.0.1' };
  assert.is(lines({ image: 'a.png', ...line }, { image: 'b.png', ...line, madeBy: newer }).said, '');
  for (const other of [undefined, { ...madeBy, weights: 'cd34' }, { ...madeBy, options: { '--min-region': '8' } }])
    assert.match(
      lines({ image: 'a.png', ...line }, { image: 'b.png', ...line, madeBy: other }).said,
      /^p\.jsonl: lines were made by different weights or options \("madeBy"\)/,
    );
});

test('columns in other spellings are matched with a warning, and give the same scores', () => {
  const plain = csv(PLAIN);
  assert.is(plain.said, '');
  const lower = csv(
    scoresUnder('Image Index,Atelectasis,Cardiomegaly,Effusion,Infiltration,mass,Nodule,Pneumonia,pneumothorax'),
  );
  assert.match(
    lower.said,
    /matched-names: p\.csv: columns were taken for classes: "mass" as Mass, "pneumothorax" as Pneumo/,
  );
  assert.equal(lower.predictions, plain.predictions);
  assert.is(scored(lower.predictions).meanAuc, scored(plain.predictions).meanAuc);
  const chexpert = csv('Path,No Finding,Lung Opacity,Pleural Effusion,Edema,Fracture\nx/0.png,1,0.5,0.25,0.125,0\n');
  assert.equal(chexpert.predictions, [{ image: '0.png', probabilities: { Effusion: 0.25, Edema: 0.125 } }]);
  assert.match(chexpert.said, /"Pleural Effusion" as Effusion/);
  assert.match(chexpert.said, /ignored-data: .*not used: "No Finding", "Lung Opacity", "Fracture"\./);
  assert.match(csv('image,Mass,Cardiomegally\n0.png,0,1\n').said, /"Cardiomegally" \(did you mean Cardiomegaly\?\)/);
  assert.match(csv(',Mass\n0.png,0\n').said, /assumed-data: .*no column is called like an image's name; the first, ""/);
  const affixed = csv('image,prob_Mass,nodule pred,Mass_label\n0.png,0.5,0.25,1\n');
  assert.equal(affixed.predictions[0].probabilities, { Mass: 0.5, Nodule: 0.25 });
  assert.match(affixed.said, /"prob_Mass" as Mass, "nodule pred" as Nodule/);
  assert.match(affixed.said, /not used: "Mass_label"/);
  const wide = csv(`image,Mass,${Array.from({ length: 1e5 }, (_, i) => `Pneumonla${i % 90}`).join(',')}\n`);
  assert.match(
    wide.said,
    /"Pneumonla0" \(did you mean Pneumonia\?\), .* and 99960 more\.$/,
    'named as far as one can read',
  );
  const both = csv('path,Mass,Image Index\nsomewhere,0.5,0.png\n');
  assert.equal([both.predictions[0].image, /not used: "path"/.test(both.said)], ['0.png', true]);
});

test('repeated columns, and files without a column for the image, are refused', () => {
  refused(() => csv('image,Mass,mass\n0.png,0,1\n'), /p\.csv: two columns mean Mass: "Mass", "mass"/);
  refused(() => csv('image,Mass,Mass\n0.png,0,1\n'), /two columns mean Mass/);
  refused(() => csv('image,Infiltrate,Infiltration\n0.png,0,1\n'), /two columns mean Infiltration/);
  refused(() => csv('image,Mass,Mass_pred\n0.png,1,0.5\n'), /two columns mean Mass: "Mass", "Mass_pred"/);
  refused(() => csv('image,image,Mass\n0.png,0.png,1\n'), /two columns are called "image"/);
  refused(() => csv('Mass,Nodule\n0,1\n'), /no column names the image/);
  refused(() => csv('image;Mass\n0.png;1\n'), /names no class.*separated by semicolons/);
  refused(() => csv('image\tMass\n0.png\t1\n'), /separated by tabs/);
});

test('a file with a label column and class columns is not read as a box file; a file of both kinds is refused', () => {
  const header = 'image,label,Mass,Nodule,Pneumonia,Effusion';
  const { predictions, said } = csv(`${header}\n0.png,Mass,0.1,0.2,0.3,0.4\n`);
  assert.equal(predictions[0].probabilities, { Mass: 0.1, Nodule: 0.2, Pneumonia: 0.3, Effusion: 0.4 });
  assert.match(said, /not used: "label"/);
  refused(() => csv('image,label,x,y,w,h,Mass\n0.png,Mass,1,2,3,4,0.5\n'), /a column per class and also a row per box/);
});

test('values that are not probabilities are refused with row and column', () => {
  for (const bad of ['1.5', '-0.1', '', 'NaN', 'nan', 'Infinity', '50%', '0x1', 'true', '1e', '"0,5"', '0.5.1']) {
    refused(
      () => csv(`image,Nodule,Mass\n0.png,1,1\n1.png,0,${bad}\n`),
      /p\.csv: row 3: Mass of 1\.png should be a prob/,
    );
  }
  refused(() => csv('image,mass\n0.png,2\n'), /row 2: mass of 0\.png/);
  refused(() => csv('image,Nodule,Mass\n0.png,0\n'), /row 2: Mass of 0\.png .*given nothing/);
  refused(() => csv('image,Mass\n0.png,0,5\n'), /row 2: 3 fields where the header has 2 columns \(decimal commas/);
  refused(() => csv('image,Mass\n0.png,0.5\n0.png,0.5\n'), /row 3: 0\.png is listed twice/);
  refused(
    () => csv('image,Mass\na/0.png,0.5\nb/0.png,0.5\n'),
    /row 3: a\/0\.png and b\/0\.png are two images of one name/,
  );
  assert.equal(csv('image,Mass\n0.png, 5e-1 ,\n').predictions[0].probabilities, { Mass: 0.5 });
  assert.equal(csv('image,Mass\n0.png,-3\n', true).predictions[0].logits, { Mass: -3 });
});

test('box files: columns by their names, corners, scores; rows without a valid box are refused', () => {
  const box = { x: 10, y: 20, width: 30, height: 40 };
  const wanted = [{ label: 'Mass', score: 0.5, box }];
  for (const [header, row] of [
    ['Image Index,Finding Label,"Bbox [x,y,w,h]",,,,Score', '0.png,Mass,10,20,30,40,0.5'],
    ['Image Index,Finding Label,Bbox [x,y,w,h],Score', '0.png,Mass,10,20,30,40,0.5'],
    ['image,source,label,x,y,w,h,score', '0.png,someone,Mass,10,20,30,40,0.5'],
    ['score,h,w,y,x,label,image', '0.5,40,30,20,10,Mass,0.png'],
    ['image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max,score', '0.png,Mass,3,R1,10,20,40,60,0.5'],
    ['image,label,left,top,right,bottom,probability', '0.png,Mass,10,20,40,60,0.5'],
  ]) {
    assert.equal(csv(`${header}\n${row}\n`).predictions, [{ image: '0.png', findings: wanted }], header);
    assert.equal(readBoxList(`${header}\n${row}\n`), [{ image: '0.png', label: 'Mass', box }], header);
  }
  assert.match(
    csv('image,label,x,y,w,h\n0.png,Mass,1,2,3,4\n').said,
    /no column is a score; every box counts with a score of 1/,
  );
  const head = 'image,label,x,y,w,h,score\n';
  refused(() => csv(`${head}0.png,Mass,1,2,-3,4,1\n`), /row 2: no box: "1,2,-3,4"/);
  refused(() => csv(`${head}0.png,Mass,1,2,3,4,\n`), /row 2: a box of 0\.png should have a score/);
  refused(() => csv(`${head}0.png,,1,2,3,4,1\n`), /row 2: a box of 0\.png has no label/);
  refused(() => csv(`${head}0.png,Mass,1,5,2,3,4,1\n`), /row 2: 8 fields where the header has 7/);
  refused(() => csv('image,label,a,b,c,d\n0.png,Mass,1,2,3,4\n'), /the header names no class/);
  refused(() => readBoxList('image,label,a,b,c,d\n0.png,Mass,1,2,3,4\n'), /the header names no boxes/);
  assert.is(readBoxList(`${head}images/0.png,Mass,1,2,3,4,1\n`)[0].image, '0.png');
  refused(() => readBoxList(`${head}../0.png,Mass,1,2,3,4,1\n`), /row 2: no image name: "\.\.\/0\.png"/);
  refused(
    () => readBoxList('image,label,x1,y1,x2,y2\n0.png,Mass,9,9,3,4\n'),
    /row 2: no box.*left, top, right, bottom/,
  );

  const said: string[] = [];
  const text = `${head}0.png,mass,1,2,3,4,1\n0.png,Mass,1,2,3,4,1\n1.png,Infiltrate,1,2,3,4,1\n`;
  const truth = readBoxList(text, { classes: CHEST_XRAY14_LABELS, onWarning: ({ message }) => said.push(message) });
  assert.equal(
    truth.map(({ label }) => label),
    ['Mass', 'Infiltration'],
  );
  assert.match(said.join('\n'), /"mass" as Mass\./);
  assert.match(said.join('\n'), /a row that comes again was counted once/);
  refused(
    () => readBoxList(`${head}0.png,Gout,1,2,3,4,1\n`, { classes: ['Mass'] }),
    /row 2: unknown finding label "Gout"/,
  );
});

test('JSON lines: labels, ranges, keys, repeated images', () => {
  refused(
    () => lines({ image: '0.png', probabilities: { Mass: 1.5 } }),
    /line 1: probabilities: Mass is not in \[0, 1\]/,
  );
  refused(() => lines({ image: '0.png', probabilities: { Mass: '0.5' } }), /numbers by label; given Mass: '0\.5'/);
  refused(() => lines({ image: '0.png', probabilities: [0.5] }), /numbers by label/);
  refused(
    () => lines('{"image":"0.png","probabilities":{"Mass":0.1,"a:\\"{":1,"Mass":0.9}}'),
    /line 1: 'Mass' is given twice in one object/,
  );
  const both = { probabilities: { Mass: 0.5, Nodule: 0.73 }, logits: { Mass: 0, Nodule: 1, Hernia: 3 } };
  assert.is(lines({ image: '0.png', ...both }).predictions.length, 1, 'in two objects');
  const other = { probabilities: { Mass: 0.9 }, logits: { Mass: -1 } };
  refused(
    () => lines({ image: '0.png', ...other }),
    /line 1: probabilities and logits contradict each other: of Mass 0\.9, where the sigmoid of -1 is 0\.269/,
  );
  const { probabilities, logits } = other;
  refused(
    () => mergePredictions([{ image: '0.png', probabilities }], [{ image: '0.png', logits }]),
    /0\.png: probabilities and logits contradict/,
  );
  const spelled = { image: '0.png', probabilities, logits: { mass: -1 } };
  refused(() => scored([spelled]), /0\.png: probabilities and logits contradict each other: of Mass/);
  const boxed = (box: unknown) => lines({ image: '0.png', findings: [{ label: 'Mass', score: 1, box }] });
  for (const box of [
    { x: 1, y: 2, w: 3, h: 4 },
    { x1: 1, y1: 2, x2: 3, y2: 4 },
    [1, 2, 0, 4],
    [1, 2, 3],
    'all',
    null,
    { x: {} },
  ])
    refused(
      () => boxed(box),
      /no box: given .*expected {"x", "y", "width", "height"} or \[x, y, width, height\], in pixels/,
    );
  refused(() => boxed({ x: 1, y: 2, w: 3, h: 4 }), /given {x: 1, y: 2, w: 3, h: 4}/);
  assert.equal(boxed([1, 2, 3, 4]).predictions, boxed({ x: 1, y: 2, width: 3, height: 4 }).predictions);
  refused(() => lines({ file_name: '0.png' }), /names no image.*is 'file_name' the image\?/);
  refused(() => lines('{"image":"0.png","probabilities":{"Mass":NaN}}'), /line 1 is not JSON/);
  refused(() => lines({ image: 7 }), /line 1 names no image.*given 7/);
  refused(() => lines({ image: '0.png' }, { image: '0.png' }), /line 2: 0\.png is listed twice/);
  refused(() => lines({ image: '0.png', width: '64' }), /width should be a number of pixels/);
  refused(
    () => lines({ image: '0.png', probabilities: { Infiltrate: 0, Infiltration: 1 } }),
    /two names mean Infiltration/,
  );
  refused(
    () => scored(lines({ image: '0.png', probabilities: { Mass: 0.5, mass: 1 } }).predictions),
    /two labels of 0\.png mean Mass: "Mass", "mass"/,
  );
  const { said } = lines(
    { image: '0.png', probabilities: { Mass: 1 }, scores: {} },
    { image: '1.png', error: 'unreadable' },
  );
  assert.match(said, /keys that mean nothing here were not used: "scores" \(did you mean probabilities\?\)/);
  assert.match(said, /1 line is of an image that could not be predicted/);
  const slipped = { image: '0.png', probs: {}, boxes: [], colour: 1 };
  refused(() => lines(slipped), /no line has anything to score, only "probs" \(did you mean probabilities\?\)/);
  const slips = lines({ ...slipped, logits: {} }).said;
  assert.match(slips, /"probs" \(did you mean probabilities\?\), "boxes" \(did you mean findings\?\), "colour"\./);
  const foreign = lines(
    ...images.map((image, i) => ({ image, probabilities: { mass: i / 14, Pneumonia: 0.5, Gout: 1 } })),
  );
  const { warnings, classes, unscoredClasses } = scored(foreign.predictions);
  assert.equal(classes, ['Mass', 'Pneumonia']);
  assert.is(unscoredClasses.length, 12);
  const messages = warnings.map(({ code, message }) => `${code}: ${message}`).join('\n');
  assert.match(messages, /matched-names: .*"mass" as Mass/);
  assert.match(messages, /ignored-data: .*not classes of the data set were not scored: "Gout"/);
  assert.match(messages, /missing-data: Classes that nothing was predicted for are not scored: "Atelectasis", /);
});

test('COCO: ids as numbers or text, names, scores; ambiguous entries are refused', () => {
  const file = {
    images: [
      { id: 1, file_name: '0.png' },
      { id: 2, file_name: '1.png' },
    ],
    categories: [{ id: 5, name: 'mass' }],
    annotations: [{ image_id: '2', category_id: '5', bbox: [1, 2, 3, 4], score: 0.5 }],
  };
  const said: string[] = [];
  const read = (parsed: unknown, index?: unknown) =>
    readCoco(parsed, { source: 'c.json', index, onWarning: ({ message }) => said.push(message) });
  assert.equal(read(file)[1].findings?.[0].label, 'mass', 'matched where it is scored');
  assert.match(said.join(), /image ids and category ids are numbers in one place and text in the other/);
  const one = file.annotations[0];
  refused(
    () => read({ ...file, images: [...file.images, { id: 1, file_name: '2.png' }] }),
    /image id 1 is given twice/,
  );
  refused(
    () => read({ ...file, images: [...file.images, { id: '1', file_name: '2.png' }] }),
    /image id '1' is given twice/,
  );
  refused(
    () =>
      read({
        ...file,
        categories: [
          { id: 5, name: 'Mass' },
          { id: 5, name: 'Nodule' },
        ],
      }),
    /category id 5 is given/,
  );
  refused(
    () =>
      read({
        ...file,
        categories: [
          { id: 5, name: 'Mass' },
          { id: 6, name: 'Mass' },
        ],
      }),
    /two categories are called/,
  );
  refused(
    () => read({ ...file, annotations: [{ ...one, image_id: 3 }] }),
    /result 1 belongs to no image; given image_id 3/,
  );
  refused(
    () => read({ ...file, annotations: [{ ...one, category_id: 9 }] }),
    /belongs to no category; given category_id 9/,
  );
  refused(() => read({ ...file, annotations: [one, { ...one, score: undefined }] }), /result 2 has no score, unlike/);
  refused(() => read({ ...file, annotations: [{ ...one, score: '0.5' }] }), /result 1 has no score.*score '0\.5'/);
  refused(() => read({ ...file, annotations: [{ ...one, bbox: [1, 2, 3, -4] }] }), /result 1 has no box/);
  refused(
    () => read({ ...file, images: [{ id: 1, file_name: '0.png', probabilities: { Mass: 2 } }] }),
    /not in \[0, 1\]/,
  );
  said.length = 0;
  read({
    ...file,
    annotations: [
      { ...one, id: 7 },
      { ...one, id: 7 },
    ],
  });
  assert.match(said.join(), /1 results have an id that another has too/);
  said.length = 0;
  assert.is(read({ ...file, annotations: [{ ...one, score: undefined }] })[1].findings?.[0].score, 1);
  assert.match(said.join(), /no box has a score/);
});

test('JSON that is nested too deeply is refused in every kind of file', () => {
  const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const result = (bbox: string) => `[{"image_id":"a","category_id":"M","bbox":${bbox},"score":1}]`;
  refused(() => parseJson(result(deep(10_000)), 'c.json'), /c\.json is nested too deeply/);
  refused(() => parseJson('{"a":'.repeat(200_000), 'c.json'), /nested too deeply/);
  assert.equal(
    parseJson(`["\\\\","${'['.repeat(500)}\\"${'{'.repeat(500)}",${deep(50)}]`, 'c.json') as string[],
    JSON.parse(`["\\\\","${'['.repeat(500)}\\"${'{'.repeat(500)}",${deep(50)}]`),
    'brackets in text do not nest',
  );
  // Long values from other sources than files are shortened in messages too.
  let nested: unknown = 1;
  for (let i = 0; i < 100_000; i++) nested = [nested];
  refused(() => readCoco([{ image_id: 'a', category_id: 'M', bbox: nested }]), /has no box/);
  refused(() => readCoco([{ image_id: nested, category_id: 'M' }]), /belongs to no image/);
  refused(() => readCoco([{ image_id: 'a', category_id: nested }]), /belongs to no category/);
  refused(() => readCoco({ images: [{ id: 1, file_name: 'a', probabilities: nested }] }), /numbers by label/);
  refused(() => lines(`{"image":"a","points":{"Mass":${deep(5000)}}}`), /nested too deeply/);
});

test('box scores in another unit, names without endings, and too many boxes', () => {
  const box = { x: 1, y: 2, width: 3, height: 4 };
  const all = (score: number) => images.map((image) => ({ image, findings: [{ label: 'Mass', score, box }] }));
  const saidOf = (predictions: Prediction[]) =>
    scored(predictions)
      .warnings.map(({ message }) => message)
      .join('\n');
  assert.match(saidOf(all(97)), /Scores of boxes reach 97, as in percent\. They were taken as they are/);
  assert.match(saidOf(all(255)), /reach 255, as in something else than probabilities/);
  assert.not.match(saidOf(all(1)), /Scores of boxes/);
  const bare = all(1).map((one) => ({ ...one, image: one.image.replace('.png', '') }));
  refused(
    () => scored(bare),
    /No predicted image is in the label file.*The label file has "0\.png": names are compared with their endings/,
  );
  assert.match(
    saidOf([...all(1).slice(1), bare[0]]),
    /1 predicted image is not in .*: "0"\. The label file has "0\.png"/,
  );
  const listed = () =>
    evaluate({ table, predictions: all(1) }, { replicates: 0, test: images.map((one) => one.replace('png', 'jpg')) });
  refused(listed, /No predicted image is left to score.*The label file has "0\.png"/);
  const many = (count: number) => new Array(count).fill({ label: 'Mass', score: 1, box });
  const truth = many(20).map((one) => ({ ...one, image: '0.png' }));
  const crowd = (count: number) => () =>
    evaluate({ table, boxes: truth, predictions: [{ image: '0.png', findings: many(count) }] }, { replicates: 0 });
  assert.is(crowd(20)().localization?.truthBoxes, 20);
  refused(crowd(50_001), /0\.png has too many boxes.*1000000 pairs.*given 50001 predicted and 20 truth boxes/);
  refused(crowd(65_536), /65535 boxes of a kind/);
});

test('images in only one of the two files give a warning; probabilities for only some images are refused', () => {
  const all = csv(PLAIN).predictions;
  const messages = (predictions: Prediction[], options = {}) =>
    evaluate({ table, predictions }, { replicates: 0, ...options })
      .warnings.map(({ message }) => message)
      .join('\n');
  const some = [...all.slice(2), { ...all[0], image: 'x.png' }];
  assert.match(messages(some), /1 predicted image is not in the label file and was not scored: "x\.png"/);
  assert.match(messages(some), /2 images to score have no prediction: "0\.png", "1\.png"/);
  const lists = { test: ['0.png', '1.png', '2.png', 'y.png'], validation: ['2.png', '3.png', 'z.png'] };
  assert.match(messages(all, lists), /1 name of the test list is not in the label file: "y\.png"/);
  assert.match(messages(all, lists), /1 name of the validation list is not in the label file: "z\.png"/);
  assert.match(messages(all, lists), /1 image is in the test and in the validation list: .*"2\.png"/);
  assert.match(messages(all.slice(0, 3), lists), /1 image of the validation list has no prediction: "3\.png"/);
  const boxesOnly = { image: '0.png', findings: [] };
  refused(() => scored([boxesOnly, ...all.slice(1)]), /0\.png has boxes but no probabilities.*none for 1 of 14 images/);
  assert.is(
    evaluate({ table, predictions: [boxesOnly, ...all.slice(1)] }, { replicates: 0, test: images.slice(1) }).images,
    13,
  );
  const { patients } = scored(all);
  assert.is(patients, 5);
});

test('classes may have names such as constructor, because only own keys of objects are read', () => {
  const classes = ['constructor', '__proto__', 'toString'];
  const rows = images.map((image, i) => `${image},${classes[i % 3]},p${i}`);
  const odd = readDataEntry(['Image Index,Finding Labels,Patient ID', ...rows].join('\n'), { classes });
  const values = images.map((image, i) => `${image},${classes.map((_, k) => (i % 3 === k ? 0.9 : 0.1)).join(',')}`);
  const reader = predictionCsvReader({ classes });
  reader.write(['image,constructor,__proto__,toString', ...values].join('\n'));
  reader.end();
  const { overall, operatingThresholds } = evaluate(
    { table: odd, predictions: reader.predictions() },
    { replicates: 0 },
  );
  assert.equal(
    overall.map(({ label, auc }) => [label, auc]),
    classes.map((label) => [label, 1]),
  );
  assert.ok(classes.every((label) => Object.hasOwn(operatingThresholds, label)));
});

test('lists: columns, headers, quotes, comments and paths are understood with warnings; errors name the line', () => {
  const list = (text: string) => {
    const said: string[] = [];
    const names = readImageList(text, 'l.txt', ({ message }) => said.push(message));
    return { names, said: said.join('\n') };
  };
  const names = ['0.png', '1.png'];
  const silent = [
    '0.png\n1.png',
    '\ufeff0.png\r\n\r\n1.png  \r\n',
    '  0.png\t\n1.png\n',
    'images_001/0.png\nx\\1.png',
    '"0.png"\n"1.png"',
  ];
  for (const text of silent) assert.equal(list(text), { names, said: '' }, JSON.stringify(text));
  for (const text of [
    '0.png,1,0,0\n1.png,0,0,1\n',
    '0.png 0 1 0 0\n1.png 0 0 0 1\n',
    '0.png\t1\n1.png\t0\n',
    '0.png;Mass\n1.png;Nodule\n',
    '0,0.png\n1,1.png\n',
    ',Image Index,Finding Labels\n0,0.png,Mass\n1,1.png,"Mass, large"\n',
    '0.png,images_001/0.png\n1.png,images_001/1.png\n',
  ]) {
    const { names: found, said } = list(text);
    assert.equal(found, names, text);
    assert.match(said, /l\.txt: .*the columns beside the image’s name were ignored/);
  }
  assert.equal(list('Image Index\n0.png\n1.png\n'), { names, said: 'l.txt: the header "Image Index" was ignored.' });
  assert.equal(list('# mine\n0.png\n#2.png\n1.png\n'), { names, said: 'l.txt: 2 comment lines were ignored.' });
  assert.match(list('0.png\n1.png\n0.png\n').said, /names that come again \("0\.png"\) were ignored/);
  refused(() => list('0.png\n1.png,2.png\n'), /l\.txt: line 2: more than one image.*given "1\.png,2\.png"/);
  refused(() => list('0.png 1.png\n'), /line 1: more than one image/);
  refused(() => list('0.png\na,b\n'), /line 2: which column is the image/);
  refused(() => list('0.png\n"1.png\n'), /line 2: a quote that is not closed/);
  refused(() => list('0.png\n\n..\n'), /line 3: no image name/);
  refused(() => list(`0.png\n${'x'.repeat(1e6)}`), /line 2: longer than 4096 characters/);
  const odd = ['a,1.png', 'b "c".png', '#1.png', ' d.png ', 'e;f.png', 'g.png h.png', '=i.png', "'j.png", 'k l.png'];
  assert.equal(list(writeImageList(odd)), { names: odd.map((name) => name.trim()), said: '' });
  assert.is(writeImageList(names), '0.png\n1.png\n', 'plain where it can be');
});

test('CSV: raybox writes no cell that is a formula, and everything is read back unchanged', () => {
  const cells = [
    "=cmd|' /C calc'!A0",
    '+1+1',
    '-2+3',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    ' =1',
    '＝1',
    "'=1",
    "''-a",
    "'a",
    '-',
    '=',
    "'",
    '',
  ];
  const line = csvLine(['x', ...cells]);
  const rows: string[][] = [];
  readCsv(`${line}\n`, (fields) => rows.push(fields));
  assert.equal(rows, [['x', ...cells]]);
  for (const cell of cells) {
    const written = csvLine([cell]).replace(/^"|"$/g, '');
    assert.not.match(written, /^[\s"]*[=+\-@＝]|^[\t\r]/, JSON.stringify(cell));
  }
  assert.is(csvLine([-1, -0.5, 1e-7, '-3', '+4', '058Y', 'a=b', '1-2']), '-1,-0.5,1e-7,-3,+4,058Y,a=b,1-2');
  assert.is(csvLine(['a;=1', 'b\t=1']), '"a;=1","b\t=1"', 'also where semicolons or tabs separate');

  const box = { x: 1, y: 2, width: 3, height: 4 };
  const image = "=cmd|' !A0.png";
  const text = writeBoxList([{ image, label: 'Mass', box, score: 0.5 }]);
  assert.match(text, /\n'=cmd\|' !A0\.png,Mass,1,2,3,4,0\.5\n/);
  assert.equal(readBoxList(text), [{ image, label: 'Mass', box }]);
  assert.is(csv(text).predictions[0].image, image);
  const labels = readDataEntry(`Image Index,Finding Labels,Patient ID\n${csvLine([image, 'Mass', '@7'])}\n`);
  assert.equal([labels.images[0], labels.patients[0]], [image, '@7']);
  for (const name of ['../a.png', '..', '.', 'a/../../b.png', '..\\a.png']) {
    refused(() => readDataEntry(`Image Index,Finding Labels,Patient ID\n${name},Mass,1\n`), /row 2: no image name/);
  }
});

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'raybox-inputs-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a mined table holds no formula and no path out of a folder, and is read back to the same identifiers', () =>
  inFolder(async (folder) => {
    const ids = ["=cmd|' !A0", '@b', '-c', '../../d', 'e'];
    const rows = ids.map((id) => `"${id}",Large mass.,${id.replaceAll('.', '')}`);
    writeFileSync(join(folder, 'reports.csv'), ['id,report,patient id', ...rows].join('\n'));
    const told: string[] = [];
    const out = join(folder, 'mined.csv');
    const { problems } = await mine([join(folder, 'reports.csv')], {
      ...{ out, suffix: '.png' },
      onProblem: ({ message }) => told.push(message),
    });
    assert.is(problems, 1);
    assert.match(told.join(), /reports\.csv: row 5: its identifier is not an image name: "\.\.\/\.\.\/d"/);
    const text = readFileSync(out, 'utf8');
    assert.not.match(text, /(?:^|,)"?[=+\-@]/m);
    const { images: mined, patients } = readDataEntry(text);
    assert.equal(mined, ["=cmd|' !A0.png", '@b.png', '-c.png', 'e.png']);
    assert.equal(patients, ["=cmd|' !A0", '@b', '-c', 'e']);
  }));

/** Runs `raybox evaluate` and returns what it printed. */
async function run(...args: string[]): Promise<string> {
  const program = new Command('raybox').exitOverride();
  addEvaluateCommand(program);
  const write = process.stdout.write;
  let printed = '';
  process.stdout.write = ((text: string) => {
    printed += text;
    return true;
  }) as typeof write;
  try {
    await program.parseAsync(['evaluate', '--bootstrap', '0', ...args], { from: 'user' });
  } finally {
    process.stdout.write = write;
  }
  return printed;
}

test('evaluate reports how it read the files on the terminal, in JSON and on the page', () =>
  inFolder(async (folder) => {
    const at = (name: string) => join(folder, name);
    writeFileSync(at('Data_Entry_2017.csv'), labelFile);
    writeFileSync(at('test_list.txt'), ['Image Index,split', ...images.map((image) => `${image},test`)].join('\n'));
    writeFileSync(at('p.csv'), PLAIN.replace('Mass,Nodule', 'mass,Gout'));
    const printed = await run('--data', folder, '--predictions', at('p.csv'), '--out', at('out'));
    const { warnings, patients, meanAuc } = JSON.parse(readFileSync(join(at('out'), 'evaluation.json'), 'utf8'));
    const page = readFileSync(join(at('out'), 'evaluation.html'), 'utf8');
    assert.is(patients, 5);
    const messages = (warnings as { message: string }[]).map(({ message }) => message);
    for (const wanted of [
      /test_list\.txt: the header "Image Index,split", the columns beside the image’s name were ignored/,
      /p\.csv: columns were taken for classes: "mass" as Mass/,
      /p\.csv: columns that are not classes were not used: "Gout"/,
      /Classes that nothing was predicted for are not scored: .*"Nodule"/,
    ]) {
      const message = messages.find((each) => wanted.test(each));
      assert.ok(message, `${wanted} in ${messages.join('\n')}`);
      assert.ok(printed.includes(`note: ${message}`));
      assert.ok(page.includes(message.replaceAll('"', '&quot;').replaceAll("'", '&#39;')), message);
    }
    assert.not.equal(meanAuc, null);

    writeFileSync(at('t.json'), '{"masss":0.5}');
    const operatingThresholds = [
      '--data',
      folder,
      '--predictions',
      at('p.csv'),
      '--no-html',
      '--operating-thresholds',
      at('t.json'),
    ];
    await refusedLater(run(...operatingThresholds, '--out', at('o')), /t\.json: masss is not a class of the data set/);
    writeFileSync(at('t.json'), '{"mass":0.25}');
    await run(...operatingThresholds, '--out', at('o'));
    const { operatingThresholds: used } = JSON.parse(readFileSync(join(at('o'), 'evaluation.json'), 'utf8'));
    assert.equal(used.Mass, { value: 0.25, source: 'given' });
    writeFileSync(at('t.json'), '{"mass":0.25,"Mass":0.5}');
    await refusedLater(run(...operatingThresholds, '--out', at('o')), /two operating thresholds are of one class/);
  }));

test('warnings do not get into the page as HTML', async () => {
  const { warnings, ...result } = scored(csv(PLAIN).predictions);
  const hostile = { ...result, warnings: [...warnings, { code: 'ignored-data' as const, message: '<script>x' }] };
  const page = await evaluationPage(hostile);
  assert.not.match(page, /<script/);
  assert.match(page, /&lt;script&gt;x/);
});

/** A data set of images of 32 pixels, with these boxes. */
async function smallDataset(folder: string, boxes: readonly (readonly [string, number, number, number, number])[]) {
  const { PNG } = (await import('pngjs')).default;
  mkdirSync(join(folder, 'images'), { recursive: true });
  for (const image of images)
    writeFileSync(join(folder, 'images', image), PNG.sync.write(new PNG({ width: 32, height: 32 })));
  writeFileSync(join(folder, 'Data_Entry_2017.csv'), labelFile);
  const rows = boxes.map(([image, x, y, width, height]) => ({ image, label: 'Mass', box: { x, y, width, height } }));
  writeFileSync(join(folder, 'BBox_List_2017.csv'), writeBoxList(rows));
}

test('check: boxes in a larger frame give one note that names the option, and not a line for each box', () =>
  inFolder(async (folder) => {
    const published = images.map((image, i) => [image, 60 * i, 700 - 40 * i, 150, 200 + i] as const);
    await smallDataset(folder, published);
    const faults = async (boxFrame?: number) => {
      const { problems, boxFrame: used } = await checkDataset(folder, { boxFrame });
      const said = problems.filter(({ message }) => !/is not among its labels/.test(message));
      return { said: said.map(({ kind, file, message }) => `${kind}: ${file}: ${message}`), used };
    };
    const found = await faults();
    assert.is(found.said.length, 1);
    assert.match(
      found.said[0],
      /^note: BBox_List_2017\.csv: boxes are probably in a frame of 1024, .* 32×32: give --box-frame 1024 here/,
    );
    assert.is(found.used, 1024);
    assert.equal(await faults(1024), { said: [], used: 1024 });
    assert.is((await faults(512)).said.length > 3, true, 'a frame that is wrong is not believed');

    await smallDataset(folder, [...published, ['0.png', 1000, 900, 100, 100]]);
    const [note, one, ...rest] = (await faults(1024)).said;
    assert.match(
      note,
      /^inconsistent: 0\.png: its box of Mass \(1000, 900, 100, 100\) leaves the image, in a frame of 1024/,
    );
    assert.equal([one, rest], [undefined, []]);
    await smallDataset(folder, [
      ['0.png', 1, 1, 9, 9],
      ['1.png', 2, 2, 9, 9],
      ['2.png', 30, 30, 9, 9],
    ]);
    const slip = await faults();
    assert.equal([slip.said.length, slip.used], [1, undefined]);
    assert.match(slip.said[0], /^inconsistent: 2\.png/);
  }));

test('boxes whose centre is outside their image are refused; boxes that only pass an edge give a warning', () =>
  inFolder(async (folder) => {
    const at = (name: string) => join(folder, name);
    await smallDataset(folder, [
      ['0.png', 4, 4, 10, 10],
      ['3.png', 20, 20, 15, 10],
    ]);
    const evaluateBoxes = async (...rows: string[]) => {
      writeFileSync(at('b.csv'), ['image,label,x,y,w,h,score', ...rows].join('\n'));
      return run('--data', folder, '--predictions', at('b.csv'), '--no-html', '--out', at('o'));
    };
    const printed = await evaluateBoxes(
      '0.png,mass,-5,4,12,10,0.5',
      '3.png,mass,4,4,10,10,0.25',
      '4.png,Gout,1,1,2,2,1',
    );
    assert.match(printed, /1 image has predicted boxes that reach beyond an edge; the first: 0\.png/);
    assert.match(printed, /1 image has truth boxes that reach beyond an edge; the first: 3\.png/);
    assert.match(printed, /Labels of the predictions were taken for classes: "mass" as Mass/);
    assert.match(printed, /not scored: "Gout"/);
    await refusedLater(
      evaluateBoxes('0.png,Mass,500,400,120,100,0.5'),
      /a predicted box of Mass lies outside 0\.png.*32×32/,
    );
    await refusedLater(
      evaluateBoxes('0.png,Mass,-50,4,12,10,0.5'),
      /lies outside 0\.png.*--box-frame 1024 for published/,
    );
    await refusedLater(
      evaluateBoxes('0.png,Mass,500,400,120,100,0.5', '3.png,Mass,900,800,100,200,0.5'),
      /predicted boxes seem to be in a frame of 1024: give "width": 1024, .*--box-frame 1024/,
    );
    const corner = images.map((image) => `${image},Mass,2,3,9,9,0.5`);
    assert.match(await evaluateBoxes(...corner), /All 14 predicted boxes lie in the first quarter .* within 12 pixels/);
    assert.not.match(await evaluateBoxes(...corner, '5.png,Mass,10,10,9,9,0.5'), /first quarter/);
    await refusedLater(
      evaluateBoxes('0.png,Mass,0.1,0.2,0.3,0.3,0.5', '3.png,Mass,0.5,0.5,0.5,0.5,0.5'),
      /no predicted box reaches beyond the first pixel.*0\.png: 0\.1, 0\.2, 0\.3, 0\.3.*fractions/,
    );
    const box = { x: 4, y: 4, width: 9, height: 9 };
    const line = { image: '0.png', findings: [{ label: 'Mass', score: 1, box }] };
    const evaluateLine = async (width: number) => {
      writeFileSync(at('b.jsonl'), JSON.stringify({ ...line, width, height: 32 }));
      return run('--data', folder, '--predictions', at('b.jsonl'), '--no-html', '--out', at('o'));
    };
    assert.match(await evaluateLine(64), /another size than their files have; the first: 0\.png, 64×32 for 32×32/);
    assert.not.match(await evaluateLine(32), /another size/);
    await smallDataset(folder, [
      ['0.png', 400, 400, 100, 100],
      ['3.png', 600, 700, 250, 300],
    ]);
    await refusedLater(
      evaluateBoxes('0.png,Mass,4,4,10,10,0.5', '3.png,Mass,1,1,9,9,1'),
      /seem to be in a frame of 1024: --box-frame 1024/,
    );
  }));

test('check: a list or a box file that cannot be read is named as a problem, and the other files are checked', () =>
  inFolder(async (folder) => {
    await smallDataset(folder, []);
    writeFileSync(join(folder, 'BBox_List_2017.csv'), 'image,label,a,b,c,d\n0.png,Mass,1,2,3,4\n');
    writeFileSync(join(folder, 'test_list.txt'), '0.png\n1.png,2.png\n');
    rmSync(join(folder, 'images', '5.png'));
    const said = (await checkDataset(folder)).problems.map(({ kind, file, message }) => `${kind}: ${file}: ${message}`);
    assert.match(said.join('\n'), /^unreadable: BBox_List_2017\.csv: .*the header names no boxes/m);
    assert.match(said.join('\n'), /^unreadable: test_list\.txt: .*line 2: more than one image/m);
    assert.match(said.join('\n'), /^missing: 5\.png/m);
    assert.is(said.length, 3);
  }));

test('resized copies of the images do not give a warning for each image', async () => {
  const real = join(process.env.RAYBOX_DATA ?? '../shared/data', 'nih', '256');
  if (!existsSync(real)) {
    console.log(`skipped: ${real} is missing`);
    return;
  }
  const { problems, boxFrame } = await checkDataset(real);
  assert.is(boxFrame, 1024);
  assert.equal(
    problems.map(({ kind }) => kind),
    ['note'],
  );
  assert.equal((await checkDataset(real, { boxFrame: 1024 })).problems, []);
});

test.run();
