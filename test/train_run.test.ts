/** `raybox train` on data sets on disk: runs that are killed, broken data, what a folder holds. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readSafetensors } from '../src/formats/safetensors.js';
import { parseWeightsMetadata } from '../src/formats/weights.js';
import { openImageStore } from '../src/node/image_store.js';
import { writePhantoms } from '../src/node/phantom.js';
import { openTrainingData } from '../src/node/training_data.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-train-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: string[]) => join(folder, ...names);
const text = (...names: string[]) => readFileSync(at(...names), 'utf8');
const bytes = (...names: string[]) => readFileSync(at(...names), 'base64');
const cli = fileURLToPath(new URL('../src/node/cli.js', import.meta.url));

const classes = ['Cardiomegaly', 'Effusion'];
await writePhantoms({
  ...{ count: 48, size: 64, seed: 2, out: at('data'), threads: 2 },
  prevalence: Object.fromEntries(classes.map((name) => [name, 0.5])),
});

const COMMON = [
  'train',
  '--data',
  at('data'),
  '--classes',
  classes.join(),
  '--size',
  '32',
  '--batch',
  '8',
  '--epochs',
  '2',
];
const NETWORK = ['--backbone', '{"family":"vgg","layers":[4,"M",8],"batchNorm":true}', '--checkpoint-minutes', '0'];
const command = (...args: string[]) => spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });

async function refused(work: Promise<unknown>, message: RegExp): Promise<void> {
  const failure = await work.then(
    () => assert.unreachable('nothing was refused'),
    (error: Error) => error,
  );
  assert.match((failure as Error).message, message, (failure as Error).message);
}

test('a run that is killed goes on to the bits of an unbroken one', async () => {
  const whole = command(...COMMON, ...NETWORK, '--out', at('whole'));
  assert.is(whole.status, 0, whole.stderr);
  assert.match(whole.stdout, /best\.safetensors: epoch [12] of 2; mean validation AUC [01]\.\d{3}\n/);

  const child = spawn(process.execPath, [cli, ...COMMON, ...NETWORK, '--out', at('killed')], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const updates = () =>
    existsSync(at('killed', 'log.jsonl')) ? text('killed', 'log.jsonl').split('"update"').length - 1 : 0;
  while (updates() < 2 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  await ended;
  // As a power cut would leave it.
  writeFileSync(at('killed', 'log.jsonl'), `${text('killed', 'log.jsonl')}{"event":"upda`);
  const resumed = command('train', '--out', at('killed'), '--resume');
  assert.is(resumed.status, 0, resumed.stderr);

  const checkpoints = readdirSync(at('whole', 'checkpoints'));
  assert.is(checkpoints.length, 3);
  assert.is(bytes('killed', 'best.safetensors'), bytes('whole', 'best.safetensors'));
  const [last] = checkpoints.sort().slice(-1);
  assert.is(bytes('killed', 'checkpoints', last), bytes('whole', 'checkpoints', last));
  const losses = (run: string) =>
    text(run, 'log.jsonl')
      .split('\n')
      .filter((line) => line.includes('"update"'))
      .map((line) => JSON.parse(line).loss);
  assert.equal(losses('killed'), losses('whole'));
});

test('the folder holds what a person needs', () => {
  const entries = ['best.md', 'best.safetensors', 'checkpoints', 'config.json', 'curves.html', 'log.jsonl', 'test.txt'];
  assert.equal(readdirSync(at('whole')).sort(), [...entries, 'train.txt', 'validation.txt']);
  const { trainingData, thresholds } = parseWeightsMetadata(
    readSafetensors(readFileSync(at('whole', 'best.safetensors'))).metadata,
  );
  assert.is(trainingData, 'data');
  assert.equal(Object.keys(thresholds ?? {}), classes);
  assert.match(text('whole', 'best.md'), /\| Effusion \| \d+ \| \d+ \| [01]\.\d{3} \|/);
  const page = text('whole', 'curves.html');
  assert.is(page.match(/<svg/g)?.length, 2);
  assert.not.match(page, /https?:\/\/(?!www\.w3\.org)/);
  // No patient in two parts, no boxed image outside the test images.
  const patients = ['train.txt', 'validation.txt', 'test.txt'].map(
    (name) =>
      new Set(
        text('whole', name)
          .split('\n')
          .filter(Boolean)
          .map((image) => image.slice(0, 8)),
      ),
  );
  for (const [i, some] of patients.entries()) {
    for (const others of patients.slice(i + 1)) assert.not.ok([...some].some((patient) => others.has(patient)));
  }
});

test('a folder is never written over, and wrong usage is told', () => {
  const again = command(...COMMON, ...NETWORK, '--out', at('whole'));
  assert.is(again.status, 1);
  assert.match(again.stderr, /is not empty; given \d+ entries.*--resume goes on with the run in it/);
  const changed = command('train', '--out', at('whole'), '--resume', '--lr', '1');
  assert.is(changed.status, 2);
  assert.match(changed.stderr, /--lr: a run that is resumed keeps its settings/);
  const nothing = command('train', '--out', at('nothing'), '--resume');
  assert.match(nothing.stderr, /holds no run to resume/);
  const useless = command(...COMMON, '--out', at('useless'), '--backbone', 'resnet18', '--augment', 'zoom=1');
  assert.match(useless.stderr, /there is no zoom; there are flip, crop, rotate/);
  const small = command(...COMMON, '--out', at('useless'), '--backbone', 'resnet18', '--memory', '1');
  assert.match(small.stderr, /a training step does not fit .* expected at least \d+ MiB.*; given 1\.00 MiB/);
  assert.not.ok(existsSync(at('useless')));
});

test('broken data is told before anything runs, or left out and counted', async () => {
  const names = text('data', 'train_val_list.txt').trim().split('\n');
  const image = at('data', 'images', names[0]);
  const kept = readFileSync(image);
  const labels = text('data', 'Data_Entry_2017.csv');
  const options = { classes, seed: 0 };
  const open = (more = {}) => openTrainingData(at('data'), { ...options, ...more });

  writeFileSync(image, kept.subarray(0, 100));
  await refused(open(), /1 of \d+ images cannot be used; the first: \S+ is a PNG that ends too early; --skip-broken/);
  rmSync(image);
  await refused(open(), /the first: \S+ is in none of the image folders/);
  const { warnings, data } = await open({ skipBroken: true });
  assert.match(warnings.join('\n'), /^1 image left out: /);
  assert.is(data.train.length + data.validation.length, names.length - 1);
  writeFileSync(image, kept);

  writeFileSync(at('data', 'Data_Entry_2017.csv'), labels.replace(`${names[0]},`, `${names[0]},Gout|`));
  await refused(open(), /unknown finding label "Gout"/);
  assert.match(
    (await open({ skipBroken: true })).warnings.join('\n'),
    /1 problems in the label file; the first: .*Gout/,
  );
  writeFileSync(at('data', 'Data_Entry_2017.csv'), labels);

  await refused(open({ classes: ['Hernia'] }), /no training image has Hernia/);
  await refused(open({ classes: ['Gout'] }), /Gout is no class of the data set/);
  await refused(open({ validation: 0 }), /there are no validation images/);
  writeFileSync(at('some.txt'), `${names[0]}\nelse.png\n`);
  const lists = { train: at('some.txt'), validation: at('some.txt') };
  await refused(open({ lists }), /else\.png is not in the label file/);
});

test('images are decoded once, in threads, and kept as far as they fit', async () => {
  const names = text('data', 'train_val_list.txt').trim().split('\n').slice(0, 6);
  const paths = names.map((name) => at('data', 'images', name));
  const small = openImageStore({ size: 16, fit: 'stretch', threads: 2, cacheBytes: 4 * 512 });
  const images = await Promise.all(paths.map(small.read));
  assert.ok(images.every((image) => image.length === 256 && image.some((value) => value !== image[0])));
  assert.is(small.cachedBytes, 4 * 512);
  assert.equal(await Promise.all(paths.map(small.read)), images);
  writeFileSync(at('broken.png'), 'no image');
  await refused(small.read(at('broken.png')), /broken\.png: image: not a PNG or JPEG file/);
  assert.is((await small.read(paths[0])).length, 256);
  await small.close();
  await refused(small.read(paths[5]), /closed/);
});

test.run();
