/**
 * Proves that `raybox phantom` writes whole data sets, the same for any number of threads, that an interrupted run continues, and that
 * existing files are kept.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { PNG } from 'pngjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkDataset } from '../../src/cli/dataset_check.js';
import { type WritePhantomsOptions, writePhantoms } from '../../src/cli/phantom/files.js';
import { addPhantomCommand } from '../../src/cli/phantom/phantom.js';
import { InputError } from '../../src/errors.js';
import { labelsOf } from '../../src/formats/data_sets/chestxray.js';
import { openDataset } from '../../src/node/dataset.js';
import { drawPhantom } from '../../src/phantom/index.js';
import { mineReport } from '../../src/reports/mine.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-test-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: string[]) => join(folder, ...names);
const read = (...names: string[]) => readFileSync(at(...names), 'utf8');
const basic = { count: 30, size: 64, seed: 5, threads: 2 };

async function refused(options: WritePhantomsOptions, message: RegExp): Promise<void> {
  const failure = await writePhantoms(options).then(
    () => assert.unreachable('nothing was refused'),
    (error: Error) => error,
  );
  assert.instance(failure, InputError);
  assert.match((failure as Error).message, message);
}

/** Every file of a folder with its bytes. */
const contents = (name: string) =>
  readdirSync(at(name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => [join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name), 'base64')])
    .map(([path, bytes]) => [path.slice(at(name).length), bytes])
    .sort(([a], [b]) => (a < b ? -1 : 1));

test('a written data set is read back as it was drawn', async () => {
  const progress: number[] = [];
  const summary = await writePhantoms({
    ...basic,
    out: at('set'),
    boxes: 'all',
    onProgress: (done) => progress.push(done),
  });
  assert.is(summary.images, 30);
  assert.is(progress[0], 0);
  assert.is(progress.at(-1), 30);
  const data = await openDataset(at('set'));
  assert.is(data.table.length, 30);
  assert.is(read('set', 'BBox_List_2017.csv').split('\n')[0], 'Image Index,Finding Label,Bbox [x,y,w,h],,,');
  assert.match(read('set', 'Data_Entry_2017.csv'), /OriginalImage\[Width,Height\],OriginalImagePixelSpacing\[x,y\]\n/);
  for (let index = 0; index < 30; index++) {
    const phantom = drawPhantom({ index, size: 64, seed: 5 });
    const { id, followUp } = phantom.patient;
    const image = `${String(id).padStart(8, '0')}_${String(followUp).padStart(3, '0')}.png`;
    assert.is(data.table.images[index], image);
    assert.equal(labelsOf(data.table, index), phantom.labels);
    assert.is(data.table.patients[index], String(id));
    assert.is(data.table.ages[index], phantom.patient.age);
    assert.is(data.table.widths[index], 64);
    const boxes = data.boxes.filter((box) => box.image === image).map(({ label, box }) => ({ label, ...box }));
    assert.equal(boxes, phantom.boxes);
    const png = PNG.sync.read(readFileSync(data.paths.get(image) as string));
    assert.ok(
      phantom.image.data.every((value, i) => png.data[4 * i] === value && png.data[4 * i + 1] === value),
      image,
    );
    assert.is(read('set', 'reports', image.replace('.png', '.txt')), phantom.report);
  }
  assert.equal((await checkDataset(at('set'), { deep: true })).problems, []);
  assert.ok(read('set', 'BBox_List_2017.csv').includes(',Infiltrate,'));
});

test('only test images have boxes by default, and no patient is in both lists', async () => {
  const summary = await writePhantoms({
    ...basic,
    count: 60,
    preset: 'hard',
    prevalence: 'balanced',
    out: at('lists'),
  });
  const data = await openDataset(at('lists'));
  const [train, tested] = [data.trainValidation ?? [], data.test ?? []];
  assert.is(train.length + tested.length, 60);
  assert.is(tested.length, summary.test);
  assert.ok(train.length > 0 && tested.length > 0);
  const patient = (image: string) => image.slice(0, 8);
  const tests = new Set(tested.map(patient));
  assert.not.ok(train.some((image) => tests.has(patient(image))));
  assert.ok(data.boxes.length > 0 && data.boxes.every(({ image }) => tested.includes(image)));
});

test('the number of threads does not change the files', async () => {
  await writePhantoms({ ...basic, count: 12, threads: 1, out: at('one') });
  await writePhantoms({ ...basic, count: 12, threads: 3, out: at('three') });
  assert.equal(contents('one'), contents('three'));
});

test('an interrupted run continues where it stopped, to the same bytes', async () => {
  const options = { ...basic, count: 40 };
  const abort = new AbortController();
  const failure = await writePhantoms({
    ...options,
    out: at('halted'),
    signal: abort.signal,
    onProgress: (done) => done >= 12 && abort.abort(new Error('enough')),
  }).catch((error: Error) => error);
  assert.is((failure as Error).message, 'enough');
  assert.not.ok(existsSync(at('halted')));
  // The state after a power cut: an incomplete row and an incomplete image.
  writeFileSync(at('halted.part', 'rows.jsonl'), `${read('halted.part', 'rows.jsonl')}{"index":39,"ima`);
  writeFileSync(at('halted.part', 'images', '00000037_002.png.part'), 'half');
  await refused({ ...options, seed: 6, out: at('halted') }, /begun with other options/);
  const rows = read('halted.part', 'rows.jsonl');
  for (const damage of ['null\n', '{"index":"1"}\n', '{"ind\n']) {
    writeFileSync(at('halted.part', 'rows.jsonl'), damage + rows);
    await refused({ ...options, out: at('halted') }, /rows\.jsonl/);
  }
  writeFileSync(at('halted.part', 'rows.jsonl'), rows);
  const summary = await writePhantoms({ ...options, out: at('halted') });
  assert.ok(summary.resumed >= 12 && summary.resumed < 40, `${summary.resumed} resumed`);
  await writePhantoms({ ...options, out: at('whole') });
  assert.equal(contents('halted'), contents('whole'));
  assert.not.ok(existsSync(at('halted.part')));
});

test('existing files are not overwritten, and wrong options are refused before a file is made', async () => {
  mkdirSync(at('full'));
  writeFileSync(at('full', 'mine.txt'), 'kept');
  await refused({ ...basic, out: at('full') }, /full is not empty.*mine\.txt/);
  await refused({ ...basic, out: at('full', 'mine.txt') }, /is a file; expected a folder that is new/);
  await refused({ ...basic, count: 0, out: at('new') }, /count/);
  await refused({ ...basic, count: 1.5, out: at('new') }, /count/);
  await refused({ ...basic, threads: 0, out: at('new') }, /threads/);
  await refused({ ...basic, size: 20, out: at('new') }, /size/);
  await refused({ ...basic, labelNoise: 3, out: at('new') }, /labelNoise/);
  assert.is(read('full', 'mine.txt'), 'kept');
  assert.not.ok(existsSync(at('new.part')) || existsSync(at('new')));
  mkdirSync(at('empty'));
  await writePhantoms({ ...basic, count: 2, out: at('empty') });
  assert.ok(existsSync(at('empty', 'Data_Entry_2017.csv')));
});

test('if a drawing thread fails, the run ends with its error', async () => {
  mkdirSync(at('broken.part'));
  mkdirSync(at('broken.part', 'images', '00000001_000.png.part'), { recursive: true });
  const failure = await writePhantoms({ ...basic, count: 1, out: at('broken') }).catch((error: Error) => error);
  assert.match((failure as Error).message, /00000001_000\.png\.part/);
  assert.not.ok(existsSync(at('broken')));
});

test('the command draws, and says what is wrong with its options', async () => {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  addPhantomCommand(program);
  const command = program.commands[0].exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  const run = (...args: string[]) => program.parseAsync(['node', 'raybox', 'phantom', ...args]);
  await run(
    '--count',
    '3',
    '--size',
    '64',
    '--seed',
    '2',
    '--out',
    at('cli'),
    '--preset',
    'hard',
    '--severity',
    '0.5,1',
  );
  const settings = JSON.parse(read('cli', 'phantoms.json'));
  assert.is(settings.preset, 'hard');
  assert.equal(settings.severity, [0.5, 1]);
  assert.is(readdirSync(at('cli', 'images')).length, 3);
  for (const [args, message] of [
    [['--count', 'many', '--out', at('x')], /--count.*must be a number/],
    [['--count', '3'], /--out/],
    [['--count', '3', '--out', at('x'), '--severity', '1'], /LOW,HIGH/],
    [['--count', '3', '--out', at('x'), '--preset', 'easy'], /Allowed choices are demo, hard/],
    [['--count', '3', '--out', at('x'), '--size', '12'], /size is wrong/],
  ] as [string[], RegExp][]) {
    const failure = await run(...args).catch((error: Error) => error);
    assert.match((failure as Error)?.message ?? 'nothing was refused', message);
  }
  assert.is(command.name(), 'phantom');
});

test('a killed run leaves no complete data set, and can be continued', async () => {
  const script = `import { writePhantoms } from '${new URL('../../src/cli/phantom/files.js', import.meta.url)}';
    await writePhantoms({ count: 400, size: 256, seed: 1, threads: 1, out: ${JSON.stringify(at('killed'))},
      onProgress: (done) => done > 0 && process.kill(process.pid, 'SIGKILL') });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  await once(child, 'close');
  assert.not.ok(existsSync(at('killed')));
  assert.ok(existsSync(at('killed.part', 'rows.jsonl')));
  cpSync(at('killed.part'), at('again.part'), { recursive: true });
  const abort = new AbortController();
  const seen: number[] = [];
  await writePhantoms({
    count: 400,
    size: 256,
    seed: 1,
    threads: 1,
    out: at('again'),
    signal: abort.signal,
    onProgress: (done) => {
      seen.push(done);
      if (seen.length > 1) abort.abort(new Error('enough'));
    },
  }).catch(() => {});
  assert.ok(seen[0] >= 4, `began at ${seen[0]}`);
});

test('mining the reports gives the labels again', () => {
  for (let index = 0; index < 150; index++) {
    const { report, truth } = drawPhantom({ seed: 17, index, size: 64, coOccurrence: 0.5, distractors: 2 });
    const { labels } = mineReport(report);
    const found = Object.keys(labels).filter((label) => labels[label as keyof typeof labels] === 'positive');
    assert.equal(found.filter((label) => label !== 'Consolidation').sort(), truth, report);
  }
});

test.run();
