/** The programs of bench/ that train, from end to end on a few phantoms. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writePhantoms } from '../../src/cli/phantom/files.js';
import { load } from '../../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-studies-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: string[]) => join(folder, ...names);
const text = (...names: string[]) => readFileSync(at(...names), 'utf8');
const run = promisify(execFile);
const program = (name: string, ...args: string[]) =>
  run(process.execPath, [fileURLToPath(new URL(`../../bench/studies/${name}/run.js`, import.meta.url)), ...args], {
    timeout: 400_000,
  });
const failure = (work: Promise<unknown>) =>
  work.then(
    () => assert.unreachable('nothing was refused'),
    (error: { code: number; stderr: string }) => error,
  ) as Promise<{ code: number; stderr: string }>;

/** Studies that train several networks take a minute each, so that they run with `--whole` alone. */
const whenWhole = process.env.RAYBOX_CASES === 'all' ? test : test.skip;

const classes = ['Cardiomegaly', 'Effusion'];
const prevalence = Object.fromEntries(classes.map((name) => [name, 0.5]));

whenWhole('a cross-validation runs the missing parts and compares its arms', async () => {
  await writePhantoms({ count: 80, size: 64, seed: 3, out: at('data'), prevalence, threads: 2 });
  await writePhantoms({ count: 8, size: 64, seed: 4, out: at('boxed'), prevalence, threads: 2, boxes: 'all' });
  const common = ['--data', at('data'), '--out', at('out'), '--folds', '2', '--classes', classes.join()];
  const network = ['--epochs', '1', '--batch', '8', '--size', '32', '--bootstrap', '50'];
  const plain = ['--backbone', '{"family":"vgg","layers":[8,"M",8],"batchNorm":true}'];
  const arm = (name: string, ...own: string[]) =>
    program('real_images', '--arm', name, ...common, ...network, '--boxed', at('boxed'), ...own);

  const shared = await failure(arm('plain', ...plain));
  assert.is(shared.code, 1);
  assert.match(shared.stderr, /the images with boxes show patients that are trained on/);
  const labels = text('boxed', 'Data_Entry_2017.csv');
  writeFileSync(at('boxed', 'Data_Entry_2017.csv'), labels.replace(/^(\S+?,[^,]*,\d+),/gm, '$1,9000'));

  const first = await arm('plain', ...plain);
  assert.match(first.stderr, /plain, fold 2 of 2: \d+ to train/);
  assert.match(first.stdout, /^\d+ images in 2 folds by patient/);
  const weights = at('out', 'plain', 'fold-1.safetensors');
  assert.ok(existsSync(weights));
  const again = await arm('plain', ...plain);
  assert.not.match(again.stderr, /to train/);
  assert.is(again.stdout, first.stdout);
  const changed = await failure(arm('plain', ...plain, '--lr', '1'));
  assert.match(changed.stderr, /belongs to another study: lr differs/);

  const second = await arm('known', '--init', weights, '--reference', 'plain');
  assert.match(second.stdout, /\| AUC less plain’s \| +known \|/);
  assert.match(second.stdout, /^\| Effusion +\| +\d+ \|( +[01]\.\d{3} \(.*?\) \| +[01]\.\d{3} \|){2}$/m);
  assert.match(second.stdout, /^\| median box +\|/m);
  assert.is(second.stdout, text('out', 'cross_validation.md'));
});

whenWhole('an ablation trains its backbones, then its configurations, and draws the results', async () => {
  // With this seed each disease has at least four images in 100, so that every AUC is defined.
  const what = [
    '--data',
    at('phantoms'),
    '--out',
    at('ablations'),
    ...'--only loss --seeds 1 --first-seed 123'.split(' '),
  ];
  const small = '--count 100 --size 64 --epochs 1 --pretrain 1 --batch 16 --threads 2'.split(' ');
  const { stdout } = await program('ablations', ...what, ...small);
  assert.match(stdout, /^\| W-CEL +\|/m);
  assert.match(stdout, /^\| CEL +\|/m);
  assert.match(text('ablations', 'ablations.svg'), /^<svg/);
  const other = await failure(program('ablations', ...what, ...small, '--epochs', '2'));
  assert.match(other.stderr, /belongs to another study: epochs differs/);
});

test('weights are made by a recipe: members, their mean, calibration, thresholds and scores', async () => {
  const set = { count: 40, size: 64, prevalence, threads: 2 };
  await writePhantoms({ ...set, seed: 5, out: at('set'), boxes: 'all' });
  // Images with boxes would not be trained on. Here the boxes are those of others, on training images.
  renameSync(at('set', 'BBox_List_2017.csv'), at('boxes.csv'));
  const backbone = '{"family":"vgg","layers":[8,"M",8],"batchNorm":true}';
  const recipe = {
    train: ['--classes', classes.join(), '--size', '32', '--batch', '8', '--epochs', '1'],
    members: {
      first: { train: ['--backbone', backbone, '--transition', '0'] },
      second: { startsFrom: 'first', train: ['--lr', '1e-4', '--transition', '0'] },
    },
    mirror: true,
    metadata: { imageKind: 'phantoms' },
  };
  const make = (content: unknown, ...more: string[]) => {
    writeFileSync(at('recipe.json'), JSON.stringify(content));
    return program('weights', '--recipe', at('recipe.json'), '--data', at('set'), '--out', at('made'), ...more);
  };
  const refused = await failure(make({ ...recipe, ensemble: ['third'] }));
  assert.match(refused.stderr, /recipe\.json: ensemble is wrong; expected a list of first, second/);
  const shared = await failure(make({ ...recipe, train: ['--seed', '3'] }));
  assert.match(shared.stderr, /first\.train: --seed is wrong; expected no such option/);

  await make(recipe, '--boxes', at('boxes.csv'));
  assert.equal(text('made', 'first', 'validation.txt'), text('made', 'second', 'validation.txt'));
  const localizer = await load(at('made', 'weights.safetensors'));
  const { imageKind, operatingThresholds, heatThresholds, minRegion, boxRules = {} } = localizer.metadata;
  await localizer.close();
  assert.is(imageKind, 'phantoms');
  assert.equal(Object.keys(operatingThresholds!), classes);
  const { chosen, byClass } = JSON.parse(text('made', 'boxes.json'));
  assert.equal([heatThresholds, minRegion, boxRules], [chosen.heatThresholds, chosen.minRegion, byClass.rules]);
  const scores = text('made', 'scores', 'evaluation.json');
  const again = await make(recipe);
  assert.not.match(again.stderr, /training/);
  assert.is(text('made', 'scores', 'evaluation.json'), scores);
  const other = await failure(make({ ...recipe, mirror: false }));
  assert.match(other.stderr, /belongs to another study: mirror differs/);
});

test.run();
