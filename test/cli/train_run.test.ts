/** `raybox train` on data sets on disk: runs that are killed, broken data, and the files of a run folder. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pngjs from 'pngjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writePhantoms } from '../../src/cli/phantom/files.js';
import { interruptible } from '../../src/cli/terminal.js';
import { addTrainingOptions } from '../../src/cli/train/add_options.js';
import { openTrainingData } from '../../src/cli/train/data.js';
import { featureFile } from '../../src/cli/train/feature_file.js';
import { beginOptions, machineOf, type TrainingOptions } from '../../src/cli/train/options.js';
import { beginRun, resumeRun } from '../../src/cli/train/run.js';
import { createRunFolder, openRunFolder } from '../../src/cli/train/run_folder.js';
import type { ResumeOptions } from '../../src/cli/train/run_types.js';
import { addTrainCommand } from '../../src/cli/train/train.js';
import { readSafetensors } from '../../src/formats/weights/safetensors.js';
import { parseWeightsMetadata } from '../../src/formats/weights/weights.js';
import { openGpu } from '../../src/gpu/device.js';
import { openImageStore } from '../../src/node/caches/image_store.js';
import { Command } from '../../src/node/vendor/commander.js';
import { readTrainingCheckpoint } from '../../src/train/checkpoint.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-train-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: string[]) => join(folder, ...names);
const text = (...names: string[]) => readFileSync(at(...names), 'utf8');
const bytes = (...names: string[]) => readFileSync(at(...names), 'base64');
const cli = fileURLToPath(new URL('../../src/cli/cli.js', import.meta.url));

const classes = ['Cardiomegaly', 'Effusion'];
await writePhantoms({
  ...{ count: 48, size: 64, seed: 2, out: at('data'), threads: 2 },
  prevalence: Object.fromEntries(classes.map((name) => [name, 0.5])),
});

const OPTIONS = ['--classes', classes.join(), '--size', '32', '--batch', '8', '--epochs', '2'];
const COMMON = ['train', '--data', at('data'), ...OPTIONS];
const NETWORK = ['--backbone', '{"family":"vgg","layers":[4,"M",8],"batchNorm":true}', '--checkpoint-minutes', '0'];
const command = (...args: string[]) => spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });

// Runs that need no process of their own share this one and its device, so that kernels are compiled only once.
const gpu = await openGpu();
test.after(() => gpu.close());

/** The command with options that it refuses before it does anything. */
async function usage(...options: string[]): Promise<void> {
  const program = new Command();
  addTrainCommand(program);
  await program.parseAsync(options, { from: 'user' });
}

/** The lines that are written to stderr meanwhile. */
async function saidBy(work: () => Promise<unknown>): Promise<string> {
  const { write } = process.stderr;
  let said = '';
  process.stderr.write = (piece: string | Uint8Array) => {
    said += piece;
    return true;
  };
  try {
    await work();
  } finally {
    process.stderr.write = write;
  }
  return said;
}

const begin = (name: string, ...args: string[]) =>
  saidBy(async () => {
    const options = addTrainingOptions(new Command()).parse(args, { from: 'user' }).opts<TrainingOptions>();
    return beginRun({ ...(await beginOptions(options, at('data'), at(name))), ...machineOf(options), gpu });
  });
const resume = (name: string, more: Partial<ResumeOptions> = {}) =>
  saidBy(() => resumeRun({ out: at(name), gpu, ...more }));

/** Waits until a run's log has some entries of a kind. */
async function logged(run: string, event: string, count: number): Promise<void> {
  const found = () =>
    existsSync(at(run, 'log.jsonl')) ? text(run, 'log.jsonl').split(`"event":"${event}"`).length - 1 : 0;
  for (let turn = 0; found() < count; turn++) {
    assert.ok(turn < 6000, `no ${event} in ${run}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function refused(work: Promise<unknown>, message: RegExp): Promise<void> {
  const failure = await work.then(
    () => assert.unreachable('nothing was refused'),
    (error: Error) => error,
  );
  assert.match((failure as Error).message, message, (failure as Error).message);
}

test('--init-cache and --init-integrity work like --cache and --integrity of other commands', async () => {
  writeFileSync(at('init.safetensors'), 'no weights');
  const init = ['--init', at('init.safetensors')];
  await refused(begin('never', ...OPTIONS, ...NETWORK, '--init-cache', at('kept')), /--init-cache belongs to --init/);
  await refused(begin('never', ...OPTIONS, ...init, '--init-cache', at('kept')), /--init: .*http/);
  await refused(
    begin('never', ...OPTIONS, ...init, '--init-integrity', `sha256-${'A'.repeat(43)}=`),
    /--init: .*sha256/,
  );
});

test('--init with a model that has a network of its own is refused, with the way out', async () => {
  const model = fileURLToPath(new URL('../../../test/fixtures/keras/sequential.keras', import.meta.url));
  await refused(
    begin('never', ...OPTIONS, ...NETWORK, '--init', model),
    /--init: .*sequential\.keras is a model with a network of its own.*torch\.save\(model\.state_dict/,
  );
});

test('two processes never train in the same folder, and a killed run continues to the same bits as an uninterrupted one', async () => {
  await begin('whole', ...OPTIONS, ...NETWORK);

  const child = spawn(process.execPath, [cli, ...COMMON, ...NETWORK, '--out', at('killed')], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await logged('killed', 'update', 2);
  child.kill('SIGSTOP');
  await refused(
    resume('killed'),
    new RegExp(`killed is being written by another process; given process ${child.pid} on `),
  );
  await refused(begin('killed', ...OPTIONS, ...NETWORK), /killed is not empty; .*--resume goes on/);
  child.kill('SIGKILL');
  assert.equal(await ended, [null, 'SIGKILL'], 'it was still at work');
  // The state after a power cut.
  writeFileSync(at('killed', 'log.jsonl'), `${text('killed', 'log.jsonl')}{"event":"upda`);
  await resume('killed');

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

for (const [moment, event] of [
  ['before the first update', 'start'],
  ['in an epoch', 'update'],
] as const) {
  test(`Ctrl-C ${moment} saves a checkpoint, and the run continues to the same bits`, async () => {
    const name = `interrupted at ${event}`;
    const child = spawn(process.execPath, [cli, ...COMMON, ...NETWORK, '--out', at(name)]);
    let said = '';
    child.stderr.on('data', (piece) => {
      said += piece;
    });
    const ended = once(child, 'close');
    await logged(name, event, 1);
    child.kill('SIGINT');
    assert.equal(await ended, [130, null], said);
    assert.match(said, /Go on with: raybox train --out .* --resume/);
    await resume(name);
    assert.is(bytes(name, 'best.safetensors'), bytes('whole', 'best.safetensors'));
  });
}

test('an error while a run is being ended is reported as an error, and not as the interruption', async () => {
  const interrupted = (work: (signal: AbortSignal) => Promise<never>) =>
    interruptible((signal) => {
      process.emit('SIGINT');
      return work(signal);
    }).catch((error: Error) => error);
  const ended = await interrupted(async (signal) => {
    signal.throwIfAborted();
    throw new Error('not reached');
  });
  assert.is((ended as Error).name, 'Interrupted');
  const wrapped = await interrupted(async (signal) => {
    throw new Error('the work ended', { cause: signal.reason });
  });
  assert.is((wrapped as Error).name, 'Interrupted');
  const failed = await interrupted(async () => {
    throw new Error('no space left on the device');
  });
  assert.is((failed as Error).message, 'no space left on the device');
});

test('options given when a run is resumed also hold when it is resumed again, and broken checkpoints are skipped', async () => {
  await resume('killed', { epochs: 3 });
  const { settings, checkpointMs } = JSON.parse(text('killed', 'config.json'));
  assert.equal([settings.epochs, checkpointMs], [3, 0]);
  const folder = at('killed', 'checkpoints');
  const [first, ...others] = readdirSync(folder).sort();
  for (const name of others) writeFileSync(join(folder, name), 'no checkpoint');
  writeFileSync(join(folder, `${others[0]}.123.part`), 'half of one');
  const said = await resume('killed');
  assert.match(said, new RegExp(`${others[1]}: `), 'it says which one it could not read');
  const epochs = text('killed', 'log.jsonl').matchAll(/"event":"end","epochs":(\d)/g);
  assert.equal(
    [...epochs].map(([, count]) => count),
    ['2', '3', '3'],
  );
  assert.is(readdirSync(folder).length, 3);
  for (const name of readdirSync(folder)) assert.match(name, /\.safetensors$/);

  for (const name of [first, ...readdirSync(folder)]) writeFileSync(join(folder, name), 'no checkpoint');
  await refused(resume('killed'), /none of the checkpoints of \S+ can be read; given \d in .*move them away/);
});

test('a damaged checkpoint is reported, and an older one gives the same bits', async () => {
  cpSync(at('whole'), at('damaged'), { recursive: true });
  const names = readdirSync(at('whole', 'checkpoints')).sort();
  const last = at('damaged', 'checkpoints', names[2]);
  const kept = readFileSync(last);
  const flipped = Buffer.from(kept);
  flipped[flipped.length >> 1] ^= 4;
  writeFileSync(last, flipped);
  // The log lacks the entry that is written after an epoch's checkpoint.
  const lines = text('damaged', 'log.jsonl').split('\n');
  writeFileSync(at('damaged', 'log.jsonl'), lines.filter((line) => !/"event":"epoch"|"end"/.test(line)).join('\n'));
  rmSync(at('damaged', 'curves.html'));
  const said = await resume('damaged');
  assert.ok(said.includes(`${last}: the checkpoint is damaged`), said);
  assert.equal(readFileSync(last), kept);
  assert.is(bytes('damaged', 'best.safetensors'), bytes('whole', 'best.safetensors'));
  const epochs = (run: string) =>
    text(run, 'log.jsonl')
      .split('\n')
      .filter((line) => line.includes('"event":"epoch"'))
      .map((line) => JSON.parse(line).loss);
  assert.equal(epochs('damaged'), epochs('whole'));
  assert.is(text('damaged', 'curves.html').replaceAll('damaged', 'whole'), text('whole', 'curves.html'));
});

test('a run that was killed at its beginning is started again or continued', async () => {
  const whole = JSON.parse(text('whole', 'config.json'));
  mkdirSync(at('bare'));
  writeFileSync(at('bare', '.raybox.lock.abc.1.part'), '');
  writeFileSync(at('bare', 'config.json.1.part'), '{');
  await begin('bare', ...OPTIONS, ...NETWORK);
  mkdirSync(at('unlisted'));
  writeFileSync(at('unlisted', 'config.json'), JSON.stringify(whole));
  writeFileSync(at('unlisted', 'train.txt'), text('whole', 'train.txt'));
  await resume('unlisted');
  for (const run of ['bare', 'unlisted']) {
    assert.is(bytes(run, 'best.safetensors'), bytes('whole', 'best.safetensors'));
    assert.is(text(run, 'validation.txt'), text('whole', 'validation.txt'));
    assert.is(text(run, 'pixels.tsv'), text('whole', 'pixels.tsv'));
  }
});

test('images whose pixels have changed are named, and accepted only with the option for it', async () => {
  const longer = (more: Partial<ResumeOptions> = {}) => resume('whole', { epochs: 3, ...more });
  const [first, second] = text('whole', 'train.txt').trim().split('\n');
  const image = at('data', 'images', first);
  const kept = readFileSync(image);
  // A file with other bytes but the same pixels does not count as changed.
  const { PNG } = pngjs;
  const picture = PNG.sync.read(kept);
  const grey = { colorType: 0, inputHasAlpha: true } as const;
  writeFileSync(image, PNG.sync.write(picture, { ...grey, filterType: 0 }));
  assert.not.equal(readFileSync(image), kept);
  cpSync(at('whole'), at('same'), { recursive: true });
  assert.not.match(await resume('same'), /pixels/);

  for (let i = 0; i < 64 * 64; i += 7) picture.data.fill(255 - picture.data[4 * i], 4 * i, 4 * i + 3);
  writeFileSync(image, PNG.sync.write(picture, grey));
  const before = text('whole', 'log.jsonl');
  await refused(longer(), new RegExp(`^${first} has other pixels than when the run began; .*--accept-changed-images`));
  assert.is(text('whole', 'log.jsonl'), before);
  // One that is not kept in memory is decoded, and compared, when it is needed.
  await refused(longer({ cacheBytes: 0 }), new RegExp(`${first} has other pixels than when the run began`));
  const other = at('data', 'images', second);
  const keptToo = readFileSync(other);
  writeFileSync(other, PNG.sync.write(picture, grey));
  await refused(longer(), new RegExp(`2 images have other pixels .*; given ${first}, ${second}; `));
  const accepted = command('train', '--out', at('whole'), '--resume', '--epochs', '3', '--accept-changed-images');
  assert.is(accepted.status, 0, accepted.stderr);
  assert.match(accepted.stdout, /best\.safetensors: epoch [123] of 3; mean validation AUC [01]\.\d{3}\n/);
  assert.match(
    accepted.stderr,
    new RegExp(`which was accepted: ${first}, ${second}; the result is not that of an unbroken run`),
  );
  await longer(); // the accepted pixels are in the record now
  writeFileSync(image, kept);
  writeFileSync(other, keptToo);
  // A run that an older version of raybox began.
  rmSync(at('same', 'pixels.tsv'));
  assert.match(await resume('same'), /no record of its images’ pixels/);
  assert.ok(existsSync(at('same', 'pixels.tsv')));
  await refused(usage(...COMMON, '--out', at('x'), '--accept-changed-images'), /it belongs to --resume/);
});

test('a log with only broken lines is refused; empty lines and a few broken ones are skipped', async () => {
  await (await createRunFolder(at('broken log'), {})).close();
  const log = at('broken log', 'log.jsonl');
  writeFileSync(log, `{"event":"start"}\n{"event":${'\n'.repeat(400_000)}{"event":"warning"}\n`);
  const opened = await openRunFolder(at('broken log'), () => {});
  assert.equal(
    opened.entries.map(({ event }) => event),
    ['start', 'warning'],
  );
  await opened.close();
  writeFileSync(log, 'no JSON\n'.repeat(2000));
  const error: Error = await openRunFolder(at('broken log'), () => {}).catch((error) => error);
  assert.match(error.message, /log\.jsonl is not a log of a training run/);
  assert.is(readFileSync(log, 'utf8').length, 16_000, 'it stays as it was');
});

test('on a full disk the former checkpoint is kept, and the error names it', async () => {
  const folder = await createRunFolder(at('full'), {});
  const checkpoint = await readTrainingCheckpoint(
    readFileSync(at('damaged', 'checkpoints', readdirSync(at('damaged', 'checkpoints'))[0])),
  );
  const path = await folder.checkpoint(checkpoint);
  await folder.close();
  // In a damaged log, only the damaged lines are lost.
  writeFileSync(at('full', 'log.jsonl'), 'null\n5\n"x"\n{"event":"start"}\n{"event":"upd');
  const opened = await openRunFolder(at('full'), () => {});
  assert.ok(opened.entries.some(({ event }) => event === 'start'));
  assert.ok(opened.entries.every((entry) => typeof entry === 'object'));
  await opened.close();
  const save = `
    import { readFileSync } from 'node:fs';
    import { openRunFolder } from '${new URL('../../src/cli/train/run_folder.js', import.meta.url).href}';
    const folder = await openRunFolder(process.argv[1], console.log);
    const say = (error) => console.log(error.name + ': ' + error.message);
    await folder.checkpoint({ ...folder.resume, state: { ...folder.resume.state, epoch: 7 } }).catch(say);
    try {
      for (let i = 0; i < 10000; i++) folder.log({ event: 'warning', message: 'x' });
    } catch (error) {
      say(error);
    }
    await folder.close();`;
  const args = ['-c', 'ulimit -f 8; exec "$0" --input-type=module -e "$@"', process.execPath, save, at('full')];
  const { stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8' });
  const [first, second] = stdout.trim().split('\n');
  const name = basename(path);
  assert.match(
    first,
    new RegExp(`^InputError: \\S+epoch-0007-\\S+ cannot be written: .*; ${name} is kept; --resume goes on`),
    stderr,
  );
  assert.match(second, /^InputError: \S+log\.jsonl cannot be written: .*--resume goes on from the newest checkpoint$/);
  assert.equal(readdirSync(at('full', 'checkpoints')), [name]);
  await readTrainingCheckpoint(readFileSync(path));
});

test('the run folder has all files that a user needs', () => {
  const entries = [
    'best.md',
    'best.safetensors',
    'checkpoints',
    'config.json',
    'curves.html',
    'log.jsonl',
    'pixels.tsv',
  ];
  assert.equal(readdirSync(at('whole')).sort(), [...entries, 'test.txt', 'train.txt', 'validation.txt']);
  const { trainingData, operatingThresholds } = parseWeightsMetadata(
    readSafetensors(readFileSync(at('whole', 'best.safetensors'))).metadata,
  );
  assert.is(trainingData, 'data');
  assert.equal(Object.keys(operatingThresholds ?? {}), classes);
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

test('--ridge: one pass, weights and model card; options for epochs are refused', async () => {
  const options = OPTIONS.filter((one) => !['--epochs', '2'].includes(one));
  const given = ['train', '--data', at('data'), ...options];
  const network = ['--backbone', '{"family":"vgg","layers":[4,"M",8],"batchNorm":true}', '--pooling', 'average'];
  const ridge = (...more: string[]) => command(...given, ...network, '--ridge', '1,100', '--ridge-folds', '3', ...more);
  const run = ridge('--out', at('ridge'));
  assert.is(run.status, 0, run.stderr);
  assert.not.match(run.stderr, /NaN/);
  assert.match(
    run.stderr,
    /mean AUC of the cross-validation by penalty: 1: 0\.\d+, 100: 0\.\d+; chosen by class: \S+ 1(00)?, /,
  );
  assert.match(
    text('ridge', 'best.md'),
    /ridge regression .* each class's penalty chosen among 1, 100 by 3-fold cross-validation over patients/,
  );
  assert.not.match(text('ridge', 'best.md'), /Optimizer|Epoch/);
  assert.not.ok(readdirSync(at('ridge')).some((name) => name.startsWith('features')));
  await resume('ridge');
  await refused(resume('ridge', { epochs: 3 }), /has no epochs/);
  await refused(usage(...given, '--out', at('other'), '--ridge', '1', '--lr', '1'), /--lr: --ridge has no epochs/);
  await refused(usage(...given, '--out', at('other'), '--ridge-folds', '3'), /--ridge-folds belongs to --ridge/);
  await refused(
    begin('other', ...options, ...network, '--ridge', '1', '--transition', '8'),
    /ridge regression fits no transition layer/,
  );
});

test('--activation-cache: the same weights to the bit as without it; what cannot be kept is refused', async () => {
  const frozen = [...OPTIONS, ...NETWORK, '--freeze', 'features.0,features.1', '--augment', 'flip=0.5'];
  const cache = ['--activation-cache', at('activations')];
  await begin('computed', ...frozen);
  await begin('from_cache', ...frozen, ...cache);
  assert.is(bytes('from_cache', 'best.safetensors'), bytes('computed', 'best.safetensors'));
  const names = readdirSync(at('activations')).sort();
  assert.match(names.join(' '), /^activations-[0-9a-f]{16}\.bin activations-[0-9a-f]{16}\.tsv$/);
  // A map of 16 × 16 positions and 4 channels for each record.
  const records = text('activations', names[1]).trim().split('\n').length;
  assert.is(readFileSync(at('activations', names[0])).length, records * 4 * 16 * 16 * 4);
  await resume('from_cache', { epochs: 3 });
  await resume('computed', { epochs: 3, activationCache: at('activations') });
  assert.is(bytes('from_cache', 'best.safetensors'), bytes('computed', 'best.safetensors'));

  await begin('rounded', ...frozen, ...cache, '--activation-type', 'f16');
  await refused(resume('rounded', { epochs: 3 }), /nothing keeps them; .*--activation-cache DIR/);
  await refused(begin('other', ...OPTIONS, ...NETWORK, ...cache), /at most mirrored/);
  assert.not.ok(existsSync(at('other')));
  await refused(begin('other', ...frozen, '--activation-type', 'f16'), /belongs to --activation-cache/);
});

test('features on disk: whole rows are read back, and an incomplete row is removed', async () => {
  const file = featureFile(folder, 'some');
  assert.equal(await file.read(3), new Float32Array());
  await file.append(Float32Array.of(1, 2, 3, 4, 5, 6));
  await file.append(Float32Array.of(7, 8));
  assert.equal(await file.read(3), Float32Array.of(1, 2, 3, 4, 5, 6));
  await file.append(Float32Array.of(9, 10, 11));
  assert.equal([...(await file.read(3))].slice(6), [9, 10, 11]);
  assert.equal(await featureFile(folder, 'other').read(3), new Float32Array());
  await file.remove();
  assert.equal(await file.read(3), new Float32Array());
});

test('a folder is never overwritten, and wrong usage is an error', async () => {
  const again = command(...COMMON, ...NETWORK, '--out', at('whole'));
  assert.is(again.status, 1);
  assert.match(again.stderr, /is not empty; given \d+ entries.*--resume goes on with the run in it/);
  const changed = command('train', '--out', at('whole'), '--resume', '--lr', '1');
  assert.is(changed.status, 2);
  assert.match(changed.stderr, /--lr: a run that is resumed keeps its settings/);
  await refused(resume('nothing'), /holds no run to resume/);
  const useless = (...more: string[]) => begin('useless', ...OPTIONS, ...more);
  await refused(useless(...NETWORK, '--augment', 'zoom=1'), /there is no zoom; there are flip, crop, rotate/);
  for (const [option, value, message] of [
    ['--freeze', 'layr1', /no parameter belongs to layr1; expected features, head/],
    ['--rates', 'feature=0.1', /no parameter belongs to feature;/],
    ['--rates', 'head=-1', /learning rate of head\.transition; expected at least 0; given -1/],
  ] as const) {
    await refused(useless(...NETWORK, option, value), message);
  }
  await refused(
    useless('--backbone', 'squeezenet1_1', '--memory', '1'),
    /a training step does not fit .* expected at least \d+ MiB.*; given 1\.00 MiB/,
  );
  assert.not.ok(existsSync(at('useless')));
});

test('broken data is reported before the run begins, or left out and counted', async () => {
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
    /1 problem in the label file; the first: .*Gout/,
  );
  const row = labels.split('\n').find((line) => line.startsWith(names[0])) as string;
  for (const [wrong, message] of [
    [labels.replace(row, row.replace(',', ',"')), /is not valid CSV/],
    [labels.replace(row, row.split(',').with(3, '').join()), /has no patient/],
    [`${labels}${row}\n`, /is listed twice/],
  ] as const) {
    writeFileSync(at('data', 'Data_Entry_2017.csv'), wrong);
    await refused(open(), message);
  }
  writeFileSync(at('data', 'Data_Entry_2017.csv'), labels);
  // An image whose box cannot be read must not count as an image without boxes.
  const boxes = text('data', 'BBox_List_2017.csv');
  writeFileSync(at('data', 'BBox_List_2017.csv'), boxes.replace(/,\d+,/, ',x,'));
  await refused(open({ skipBroken: true }), /BBox_List_2017\.csv: row 2: /);
  writeFileSync(at('data', 'BBox_List_2017.csv'), boxes);

  await refused(open({ classes: ['Hernia'] }), /no training image has Hernia/);
  await refused(open({ classes: ['Gout'] }), /Gout is not a class of the data set/);
  await refused(open({ validation: 0 }), /there are no validation images/);
  writeFileSync(at('some.txt'), `${names[0]}\nelse.png\n`);
  const lists = { train: at('some.txt'), validation: at('some.txt') };
  await refused(open({ lists }), /else\.png is not in the label file/);
  writeFileSync(at('some.txt'), `${names.slice(0, 12).join('\n')}\nelse.png\n`);
  writeFileSync(at('train.txt'), names.slice(12).join('\n'));
  const leaking = { train: at('train.txt'), validation: at('some.txt'), test: at('train.txt') };
  const { warnings: told } = await open({ lists: leaking, skipBroken: true });
  assert.match(told.join('\n'), /^1 name in the lists is not in the label file; the first: else\.png$/m);
  assert.match(told.join('\n'), /^\d+ patients are in both the training and the test images/m);
});

test('truncated images and DICOM files are found before the run begins', async () => {
  const [name] = text('data', 'train_val_list.txt').trim().split('\n');
  const image = at('data', 'images', name);
  const kept = readFileSync(image);
  const broken = Buffer.from(kept);
  broken.fill(0, kept.length >> 1, (kept.length >> 1) + 64);
  writeFileSync(image, broken);
  const store = await openImageStore({ size: 16, fit: 'stretch', threads: 2 });
  const open = (more = {}) => openTrainingData(at('data'), { classes, seed: 0, store, ...more });
  await refused(open(), new RegExp(`1 of \\d+ images cannot be used; the first: ${name} `));
  assert.match((await open({ skipBroken: true })).warnings.join('\n'), new RegExp(`^1 image left out: ${name}$`));
  await refused(begin('never', ...OPTIONS, ...NETWORK), /1 of \d+ images cannot be used/);
  assert.not.ok(existsSync(at('never')));
  await store.close();
  writeFileSync(image, kept);

  const labels = text('data', 'Data_Entry_2017.csv');
  const list = text('data', 'train_val_list.txt');
  const renamed = (content: string) => content.replace(name, 'film.dcm');
  writeFileSync(at('data', 'Data_Entry_2017.csv'), renamed(labels));
  writeFileSync(at('data', 'train_val_list.txt'), renamed(list));
  writeFileSync(at('data', 'images', 'film.dcm'), kept);
  await refused(open({ store: undefined }), /the first: film\.dcm is a DICOM file, which training does not read/);
  rmSync(at('data', 'images', 'film.dcm'));
  writeFileSync(at('data', 'Data_Entry_2017.csv'), labels);
  writeFileSync(at('data', 'train_val_list.txt'), list);
});

test('images are decoded once, in threads, and kept as long as there is room', async () => {
  const names = text('data', 'train_val_list.txt').trim().split('\n').slice(0, 6);
  const paths = names.map((name) => at('data', 'images', name));
  const small = await openImageStore({ size: 16, fit: 'stretch', threads: 2, cacheBytes: 4 * 512 });
  const images = await Promise.all(paths.map(small.read));
  assert.ok(images.every((image) => image.length === 256 && image.some((value) => value !== image[0])));
  assert.is(small.cachedBytes, 4 * 512);
  assert.equal(await Promise.all(paths.map(small.read)), images);
  writeFileSync(at('broken.png'), 'no image');
  await refused(small.read(at('broken.png')), /broken\.png: image: not a PNG/);
  assert.is((await small.read(paths[0])).length, 256);
  await small.close();
  await refused(small.read(paths[5]), /closed/);
});

test('decoded images are kept in a folder, and are used as long as neither the image file nor the cache has changed', async () => {
  const names = text('data', 'train_val_list.txt').trim().split('\n').slice(0, 3);
  const files = names.map((name) => ({
    path: at('data', 'images', name),
    bytes: readFileSync(at('data', 'images', name)),
  }));
  const time = new Date('2020-02-02T02:02:02Z');
  const replace = (bytesOf: (bytes: Buffer) => Buffer) => {
    for (const { path, bytes } of files) {
      writeFileSync(path, bytesOf(bytes));
      utimesSync(path, time, time);
    }
  };
  const read = async (size = 16) => {
    const open = () => openImageStore({ size, fit: 'stretch', threads: 1, imageCache: at('kept') });
    const store = await open();
    try {
      await refused(open(), /images-[0-9a-f]{12}\.bin is being written by another process/);
      return {
        images: await Promise.all(files.map(({ path }) => store.read(path))),
        hashes: files.map(({ path }) => store.hashOf(path)),
      };
    } finally {
      await store.close();
    }
  };
  replace((bytes) => bytes);
  const fresh = await read();
  const [pixels, index] = readdirSync(at('kept')).map((name) => at('kept', name));
  const odd = await read(15); // an odd number of pixels is filled up to an even one
  assert.is(readFileSync(pixels).length, 3 * 16 * 16 * 2);

  // Files that look unchanged but hold no image: what is read now can only come from the cache.
  replace((bytes) => Buffer.alloc(bytes.length));
  assert.equal([await read(), await read(15)], [fresh, odd]);
  await refused(read(8), /not a PNG/); // this size is not in the cache
  replace((bytes) => Buffer.concat([bytes, Buffer.alloc(1)]));
  assert.equal(await read(), fresh); // longer files are decoded again, and added
  assert.is(readFileSync(pixels).length, 6 * 16 * 16 * 2);

  // A disk may lose pixels, and a killed process may leave an incomplete line.
  replace((bytes) => bytes);
  const damaged = readFileSync(pixels);
  damaged.fill(0, 0, 16 * 16 * 2);
  writeFileSync(pixels, damaged);
  writeFileSync(index, `${readFileSync(index, 'utf8')}0123456789abcdef\t12`);
  assert.equal(await read(), fresh);
  assert.is(readFileSync(index, 'utf8').split('\n').length - 1, 7);
});

test.run();
