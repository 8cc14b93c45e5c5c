/** `raybox evaluate --weights` from the first image to the report, with a small network of random weights. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addEvaluateCommand } from '../../src/cli/evaluate/evaluate.js';
import { CHEST_XRAY8_LABELS, writeBoxList } from '../../src/formats/data_sets/chestxray.js';
import type { Prediction } from '../../src/formats/findings.js';
import { encodePng } from '../../src/formats/images/png.js';
import { readSafetensors } from '../../src/formats/weights/safetensors.js';
import { parseWeightsMetadata } from '../../src/formats/weights/weights.js';
import { untrainedWeights } from '../../src/nets/untrained.js';
import { DISEASES, drawPhantom } from '../../src/phantom/index.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-evaluate-'));
const at = (...parts: string[]) => join(folder, ...parts);
const names = Array.from({ length: 10 }, (_, i) => `${i}.png`);

async function evaluate(...args: string[]): Promise<void> {
  const program = new Command('raybox').exitOverride();
  addEvaluateCommand(program);
  const write = process.stdout.write;
  process.stdout.write = (() => true) as typeof write;
  try {
    await program.parseAsync(['evaluate', '--data', folder, '--bootstrap', '20', ...args], { from: 'user' });
  } finally {
    process.stdout.write = write;
  }
}

const read = (...parts: string[]) => readFileSync(at(...parts), 'utf8');

test.before(async () => {
  mkdirSync(at('images'));
  const rows = ['Image Index,Finding Labels,Patient ID'];
  for (const [i, name] of names.entries()) {
    writeFileSync(at('images', name), await encodePng(drawPhantom({ seed: 3, index: i, size: 64 }).image));
    rows.push(`${name},${CHEST_XRAY8_LABELS[i % 2]},${i >> 1}`);
  }
  writeFileSync(at('images', '9.png'), 'no image');
  writeFileSync(at('Data_Entry_2017.csv'), rows.join('\n'));
  const box = { x: 16, y: 16, width: 32, height: 32 };
  const boxes = [0, 1, 2, 3].map((i) => ({ image: `${i}.png`, label: CHEST_XRAY8_LABELS[i % 2], box }));
  writeFileSync(at('BBox_List_2017.csv'), writeBoxList(boxes));
  writeFileSync(at('validation.txt'), '4.png\n5.png\n');
  writeFileSync(at('w.safetensors'), untrainedWeights(3, DISEASES));
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test('every readable image is predicted with all its boxes, scored, and can be scored again', async () => {
  const { classes } = parseWeightsMetadata(readSafetensors(readFileSync(at('w.safetensors'))).metadata);
  const fit = ['--validation', at('validation.txt'), '--no-html'];
  await evaluate(
    '--weights',
    at('w.safetensors'),
    ...fit,
    '--out',
    at('out'),
    '--store-operating-thresholds',
    '--batch',
    '3',
  );
  assert.equal(readdirSync(at('out')).sort(), ['evaluation.csv', 'evaluation.json', 'predictions.jsonl']);

  const lines = read('out', 'predictions.jsonl').trim().split('\n');
  const predictions = lines.map((line) => JSON.parse(line) as Required<Prediction>);
  assert.equal(
    predictions.map(({ image }) => image),
    names.slice(0, 9),
    '9.png is not an image',
  );
  for (const { width, height, probabilities, findings, points } of predictions) {
    assert.equal([width, height], [64, 64]);
    assert.equal(Object.keys(probabilities), classes);
    const boxed = new Set(findings.map(({ label }) => label));
    // A heatmap that is not constant has a box; its maximum lies in one of them.
    for (const label of boxed) {
      const [x, y] = points[label];
      const inside = findings.some(
        ({ label: of, box }) =>
          of === label && x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height,
      );
      assert.ok(inside, `${label}: ${x}, ${y}`);
    }
    assert.ok(boxed.size > 0);
  }
  const result = JSON.parse(read('out', 'evaluation.json'));
  assert.equal([result.images, result.validationImages], [7, 2]);
  assert.equal([result.localization.images, result.localization.pointSource], [4, 'maximum']);

  const { operatingThresholds } = parseWeightsMetadata(readSafetensors(readFileSync(at('w.safetensors'))).metadata);
  for (const label of CHEST_XRAY8_LABELS.slice(0, 2)) {
    assert.is(operatingThresholds?.[label], result.operatingThresholds[label].value);
  }
  await evaluate('--predictions', at('out', 'predictions.jsonl'), ...fit, '--out', at('again'));
  // A file of predictions does not say how heatmaps were computed. All else is the same.
  const again = JSON.parse(read('again', 'evaluation.json'));
  assert.is(result.heatmapMethod, 'cam');
  assert.equal({ ...again, heatmapMethod: 'cam' }, result, 'the same from the file');

  await evaluate('--weights', at('w.safetensors'), '--no-html', '--test', 'all', '--out', at('kept'));
  const kept = JSON.parse(read('kept', 'evaluation.json'));
  assert.is(kept.operatingThresholds.Atelectasis.source, 'given', 'thresholds of the weights hold');
});

test('an evaluation that cannot run leaves no files', async () => {
  const refusal = async (file: string, content: Uint8Array | string) => {
    writeFileSync(at(file), content);
    let message = '';
    await evaluate('--weights', at(file), '--out', at('none')).catch((error: Error) => {
      message = error.message;
    });
    assert.throws(() => readdirSync(at('none')), /ENOENT/);
    return message;
  };
  assert.match(await refusal('broken.safetensors', 'no weights'), /not a checkpoint/);
  assert.match(
    await refusal('foreign.safetensors', untrainedWeights(3, ['Fracture', 'Scoliosis'])),
    /the weights predict no class of the data set; expected Atelectasis, .*; given Fracture, Scoliosis; if .*--names/,
  );
});

test.run();
