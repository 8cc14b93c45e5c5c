/** `raybox evaluate --weights --masks`: heatmaps from gradients of a network with hidden layers, against masks of the size of its maps. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addEvaluateCommand } from '../../src/cli/evaluate/evaluate.js';
import type { MaskOptions } from '../../src/cli/evaluate/mask_options.js';
import { openMaskScorers } from '../../src/cli/evaluate/mask_scorers.js';
import { splitOf } from '../../src/cli/evaluate/split.js';
import { coveredPart, maximumOf, refuseForMasks } from '../../src/cli/evaluate/weights.js';
import { scaledBox } from '../../src/evaluate/box_frame.js';
import { encodePng } from '../../src/formats/images/png.js';
import { rleOfPixels, rleString } from '../../src/formats/masks/rle.js';
import { type LoadOptions, load } from '../../src/index.js';
import { openDataset } from '../../src/node/dataset.js';
import { seededRandom } from '../../src/random.js';
import { CLASSES, hiddenModel, MAP, SIDE } from '../support/hidden_layers.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-masks-'));
const at = (...parts: string[]) => join(folder, ...parts);
const names = Array.from({ length: 8 }, (_, i) => `${i}.png`);
const [validation, scored] = [names.slice(0, 4), names.slice(4)];
/** Two images of each patient. */
const patientOf = (name: string) => `p${Math.floor(names.indexOf(name) / 2)}`;
const METHOD = 'grad-cam';

const random = seededRandom(5);
const imageOf = (i: number) => ({
  data: Uint8Array.from({ length: SIDE * SIDE }, (_, at) => (at * at * (i + 3)) % 251),
  ...{ width: SIDE, height: SIDE, channels: 1 as const },
});
/** A rectangle of the map's cells, or nothing in every third image. */
const truth = new Map(
  names.map((name, i) => [
    name,
    new Map(
      ['Mass', 'Nodule'].map((label, c) => {
        const [left, top] = [Math.floor(random() * 4), Math.floor(random() * 4)];
        const isInside = (cell: number) =>
          (i + c) % 3 > 0 && cell % MAP >= left && cell % MAP < left + 4 && cell >= top * MAP && cell < (top + 4) * MAP;
        return [label, Array.from({ length: MAP * MAP }, (_, cell) => isInside(cell))];
      }),
    ),
  ]),
);
const segmentations = Object.fromEntries(
  [...truth].map(([name, byLabel]) => {
    const masks = [...byLabel].map(([label, pixels]) => {
      return [label, { size: [MAP, MAP], counts: rleString(rleOfPixels(pixels, MAP, MAP)) }];
    });
    return [name.replace('.png', ''), Object.fromEntries(masks)];
  }),
);

async function evaluate(...args: string[]): Promise<void> {
  const program = new Command('raybox').exitOverride();
  addEvaluateCommand(program);
  const write = process.stdout.write;
  process.stdout.write = (() => true) as typeof write;
  try {
    await program.parseAsync(
      ['evaluate', '--data', folder, '--weights', at('w.onnx'), '--out', at('out'), '--bootstrap', '20', ...args],
      { from: 'user' },
    );
  } finally {
    process.stdout.write = write;
  }
}
const refusalOf = (...args: string[]) =>
  evaluate(...args).then(
    () => 'nothing was refused',
    (error: Error) => error.message,
  );

test.before(async () => {
  mkdirSync(at('images'));
  for (const [i, name] of names.entries()) writeFileSync(at('images', name), await encodePng(imageOf(i)));
  const rows = names.map((name, i) => `${name},${i % 2 ? 'Mass|Nodule' : 'Effusion'},${patientOf(name)}`);
  writeFileSync(at('Data_Entry_2017.csv'), ['Image Index,Finding Labels,Patient ID', ...rows].join('\n'));
  writeFileSync(at('validation.txt'), validation.join('\n'));
  writeFileSync(at('shared.txt'), names.slice(0, 5).join('\n'));
  writeFileSync(at('others.txt'), scored.join('\n'));
  writeFileSync(at('w.onnx'), hiddenModel('vgg'));
  writeFileSync(at('truth.json'), JSON.stringify(segmentations));
  const only = (some: readonly string[]) =>
    JSON.stringify(Object.fromEntries(some.map((name) => [name, segmentations[name.replace('.png', '')]])));
  writeFileSync(at('scored.json'), only(scored));
  writeFileSync(at('held.json'), only(validation));
  writeFileSync(at('thresholds.csv'), 'threshold,task\n0.25,Mass\n0.75,nodule\n');
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const INPUT = ['--mean', '0.5', '--std', '0.25', '--metadata', '{"fit":"stretch"}', '--heatmaps', METHOD];
const MASKS = ['--masks', at('truth.json'), '--mask-frame', 'own'];

/** Each row of a table that raybox wrote, by the names of its columns. */
function rowsOf(...parts: string[]): Record<string, string>[] {
  const [header, ...lines] = readFileSync(at(...parts), 'utf8')
    .trim()
    .split('\n');
  const columns = header.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((field, i) => [columns[i], field])));
}

test('thresholds come from the validation images; figures, pairs, CSV and page are those of the maps that localize gives', async () => {
  // The truth is in two files, as CheXlocalize publishes it.
  const parts = ['--masks', at('scored.json'), '--mask-validation', at('held.json'), '--mask-frame', 'own'];
  await evaluate(...INPUT, ...parts, '--validation', at('validation.txt'));
  assert.equal(readdirSync(at('out')).sort(), [
    ...['evaluation.csv', 'evaluation.html', 'evaluation.json', 'masks.csv', 'predictions.jsonl'],
  ]);
  const result = JSON.parse(readFileSync(at('out', 'evaluation.json'), 'utf8'));
  assert.is(result.heatmapMethod, METHOD);
  const [evaluation] = result.masks;
  assert.equal([evaluation.source, evaluation.predictions, evaluation.form], ['scored.json', 'heatmaps', 'masks']);
  assert.equal([evaluation.images, evaluation.patients], [4, 2]);

  // The same maps without the command. They have the size of the masks, so nothing is interpolated.
  const options: LoadOptions = { mean: [0.5], std: [0.25], fit: 'stretch', heatmapMethod: METHOD };
  const localizer = await load(hiddenModel('vgg'), options);
  const heat = new Map<string, Record<string, number[]>>();
  const probabilities = new Map<string, Record<string, number>>();
  for (const [i, name] of names.entries()) {
    const found = await localizer.localize(imageOf(i), { heatmaps: 'raw', classes: CLASSES });
    assert.is(found.method, METHOD);
    const scaled = Object.entries(found.heatmaps!).map(([label, { data }]) => {
      const [low, high] = [Math.min(...data), Math.max(...data)];
      return [label, Array.from(data, (value) => (high > low ? (value - low) / (high - low) : 0))];
    });
    heat.set(name, Object.fromEntries(scaled));
    probabilities.set(name, found.probabilities);
  }
  await localizer.close();

  const count = (cells: boolean[]) => cells.filter(Boolean).length;
  const compare = (name: string, label: string, threshold: number) => {
    const mine = truth.get(name)!.get(label)!;
    const above = heat.get(name)![label].map((value) => value > threshold);
    const shared = count(mine.map((inside, i) => inside && above[i]));
    return { truth: count(mine), predicted: count(above), shared, iou: shared / (count(mine) + count(above) - shared) };
  };
  let compared = 0;
  const pairs = rowsOf('out', 'masks.csv');
  for (const label of ['Mass', 'Nodule']) {
    const marked = validation.filter((name) => count(truth.get(name)!.get(label)!) > 0);
    const means = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8].map((threshold) => {
      return { threshold, sum: marked.reduce((sum, name) => sum + compare(name, label, threshold).iou, 0) };
    });
    const { threshold } = means.reduce((best, each) => (each.sum > best.sum ? each : best));
    assert.equal(evaluation.maskThresholds[label], { value: threshold, source: 'validation' });
    const both: number[] = [];
    for (const name of scored) {
      const row = pairs.find(({ image, finding }) => image === name && finding === label)!;
      const expected = compare(name, label, threshold);
      const positive = probabilities.get(name)![label] >= result.operatingThresholds[label].value;
      assert.equal([row.patient, row.truth_pixels], [patientOf(name), `${expected.truth}`]);
      if (expected.truth === 0) continue;
      assert.equal([row.predicted_pixels, row.intersection], [`${expected.predicted}`, `${expected.shared}`]);
      const isFound = positive && expected.predicted > 0;
      assert.equal([row.predicted, row.iou_all], [`${Number(isFound)}`, `${isFound ? expected.iou : 0}`]);
      const values = heat.get(name)![label];
      assert.is(row.hit, `${Number(truth.get(name)!.get(label)![values.indexOf(1)])}`);
      if (isFound) both.push(expected.iou);
      compared += 1;
    }
    const score = evaluation.scores.find((each: { label: string }) => each.label === label);
    const mean = both.length > 0 ? both.reduce((sum, each) => sum + each, 0) / both.length : null;
    assert.is(score.figures.iouTruePositives.value, mean);
    const line = rowsOf('out', 'evaluation.csv').find(
      (row) => row.label === label && row.metric === 'iouTruePositives',
    )!;
    assert.equal([line.part, line.group, line.threshold], ['masks', 'scored.json', `${threshold}`]);
    assert.equal([line.value, line.of], [mean === null ? '' : `${mean}`, `${score.images}`]);
  }
  assert.is(compared, 6);
  const page = readFileSync(at('out', 'evaluation.html'), 'utf8');
  assert.match(
    page,
    /<section id="masks">.*<h3>scored\.json<\/h3>.*Heatmaps against masks: 4 images of 2 patients.*MaxBoxAccV2/s,
  );
  assert.match(page, /aria-label="Pixel precision over recall of Nodule"/);
});

const openScorers = async (more: MaskOptions, test = scored) => {
  const data = await openDataset(folder);
  return (await openMaskScorers({ masks: [at('truth.json')], maskFrame: 'own', ...more }, data, { test }, []))!;
};

test('given thresholds need no validation images', async () => {
  const [scorer] = await openScorers({ maskThresholds: at('thresholds.csv') });
  const rising = { data: Array.from({ length: MAP * MAP }, (_, i) => i), width: MAP, height: MAP };
  for (const name of scored) scorer.addHeatmaps(name, { Mass: rising, Nodule: rising });
  const { evaluation, warnings, pairs } = scorer.finish({ replicates: 0 });
  assert.equal(evaluation.maskThresholds, {
    Mass: { value: 0.25, source: 'given' },
    Nodule: { value: 0.75, source: 'given' },
  });
  assert.equal([evaluation.validationPairs, warnings], [0, []]);
  // Of values 0 … 63, those above 0.25 and 0.75 of the highest.
  const predicted = (label: string) => pairs.find((pair) => pair.label === label && pair.truth > 0)?.predicted;
  assert.equal([predicted('Mass'), predicted('Nodule')], [48, 16]);
});

test('--split: thresholds and levels of boxes come from its validation images alone, which are of other patients than its test images', async () => {
  const data = await openDataset(folder);
  const parts = await splitOf({ split: 1 }, data, []);
  assert.equal([parts.validation, parts.test], [names.slice(6), names.slice(4, 6)]);
  const open = async () => (await openMaskScorers({ masks: [at('truth.json')], maskFrame: 'own' }, data, parts, []))!;
  /** Heat that is the truth itself, so that every threshold is right, or its opposite. */
  const heatOf = (name: string, isRight: boolean) =>
    Object.fromEntries(
      [...truth.get(name)!].map(([label, pixels]) => {
        return [label, { data: pixels.map((inside) => Number(inside === isRight)), width: MAP, height: MAP }];
      }),
    );
  const marked = (some: readonly string[]) =>
    some.flatMap((name) => [...truth.get(name)!.values()].filter((pixels) => pixels.some(Boolean))).length;
  const results = [true, false].map(async (isRight) => {
    const [scorer] = await open();
    // Images of no part do not matter.
    for (const name of names) scorer.addHeatmaps(name, heatOf(name, names.indexOf(name) < 6 || isRight));
    return scorer.finish({ replicates: 0 }).evaluation;
  });
  const [right, wrong] = await Promise.all(results);
  assert.equal([right.images, right.patients, right.validationPairs], [2, 1, marked(names.slice(6))]);
  // What is measured without thresholds is the same whatever the validation images show.
  for (const name of ['hitRate', 'pxAp', 'maxBoxAcc'] as const)
    assert.equal(
      wrong.scores.map(({ figures }) => figures[name].value),
      right.scores.map(({ figures }) => figures[name].value),
    );
  assert.is(right.scores.at(-1)!.figures.boxAcc.value, 1);
  assert.ok(Object.values(right.maskThresholds).every(({ source, value }) => source === 'validation' && value === 0.2));
});

test('weights that predict none of the findings are refused', async () => {
  const scorers = await openScorers({ maskThresholds: at('thresholds.csv') });
  const refuse = (classes: string[]) => () => refuseForMasks({ classes }, scorers, CLASSES);
  refuse(['mass', 'Edema'])();
  assert.throws(
    refuse(['Hernia']),
    /truth\.json: the weights predict none of the findings that are marked; expected Mass, Nodule; given Hernia/,
  );
});

test('what heatmaps cover of an image that was cropped or padded, and their highest point in it', () => {
  const part = (fit: 'stretch' | 'crop' | 'pad') => coveredPart(200, 100, { inputWidth: 64, fit });
  assert.equal(part('stretch'), { x: 0, y: 0, width: 1, height: 1 });
  // The middle 100 × 100 pixels; and 200 × 200 pixels, of which the image is rows 50 to 150.
  assert.equal(part('crop'), { x: 0.25, y: 0, width: 0.5, height: 1 });
  assert.equal(part('pad'), { x: 0, y: -0.5, width: 1, height: 2 });
  const size = { width: 200, height: 100 };
  const heat = { data: new Float32Array(16).map((_, i) => [9, 0, 0, 0, 0, 3, 2, 1][i] ?? 0), width: 4, height: 4 };
  const point = (covers: ReturnType<typeof part>) => maximumOf(heat, scaledBox(covers, 200, 100), size);
  assert.equal(point(part('stretch')), [25, 12.5]);
  assert.equal(point(part('crop')), [62.5, 12.5]);
  // The highest cell lies in the border.
  assert.equal(point(part('pad')), [75, 25]);
});

test('what would mix scored and validation images, or cannot be compared, is refused before the network runs', async () => {
  rmSync(at('out'), { recursive: true, force: true });
  const masks = (...more: string[]) => refusalOf(...INPUT, ...MASKS, ...more);
  assert.match(await masks(), /truth\.json: thresholds of heatmaps cannot be chosen.*--validation, --split/);
  assert.match(await masks('--validation', at('shared.txt')), /patient p2, 4\.png/);
  const overlap = await masks('--validation', at('validation.txt'), '--test', at('shared.txt'));
  assert.match(overlap, /truth\.json: 0\.png is both to be scored and to choose thresholds on/);
  const held = ['--validation', at('validation.txt')];
  assert.match(
    await refusalOf(...INPUT, '--masks', at('truth.json'), ...held),
    /another size than the image; expected 16 × 16; given 8 × 8.*--mask-frame own/,
  );
  assert.match(await masks(...held, '--mask-frame', '16'), /masks do not have the size of the frame; expected 16 × 16/);
  assert.match(await masks(...held, '--mask-labels', 'Scar=Mass'), /no file marks Scar; expected Mass, Nodule/);
  assert.match(await masks(...held, '--mask-labels', 'Nodule=Scar'), /Scar is no class of the data set/);
  writeFileSync(at('wrong.json'), '{"Mass": 1.5}');
  assert.match(await masks('--mask-thresholds', at('wrong.json')), /wrong\.json gives no heat thresholds/);
  writeFileSync(at('wrong.json'), '{"Scar": 0.5}');
  assert.match(await masks('--mask-thresholds', at('wrong.json')), /Scar is not one of the classes/);
  const usage = await refusalOf('--mask-frame', 'own');
  assert.match(usage, /go with --masks/);
  assert.throws(() => readdirSync(at('out')), /ENOENT/);
});

test.run();
