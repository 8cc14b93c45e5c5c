/** Files that `raybox localize` reads and writes, tested without a network: which images arguments name, and how results are continued. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openResults } from '../../src/cli/localize/result_files.js';
import type { ErrorLine, ResultLine } from '../../src/cli/localize/results.js';
import { loadNamed } from '../../src/cli/named_weights.js';
import {
  duration,
  nameList,
  numberList,
  numbersByName,
  table,
  UsageError,
  wholeNumber,
} from '../../src/cli/terminal.js';
import { InputError } from '../../src/errors.js';
import { findImageFiles, readImage } from '../../src/node/image_files.js';

const test = suite<{ folder: string }>('command line files', { folder: '' });

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'raybox-files-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

function lineOf(image: string, folder = ''): ResultLine {
  const findings = [
    { label: 'Mass', score: 0.75, threshold: 60, area: 6, peak: 255, box: { x: 1, y: 2, width: 3, height: 4 } },
  ];
  const probabilities = { Mass: 0.75, Nodule: 0.25 };
  return {
    image,
    file: join(folder, image),
    width: 9,
    height: 9,
    probabilities,
    logits: { Mass: 1, Nodule: -1 },
    findings,
  };
}
const fileOf = (line: ResultLine | ErrorLine) => ({ path: line.file, name: line.image });

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('nothing was refused'),
    (reason) => reason as Error,
  );
  assert.ok(error instanceof InputError || error instanceof UsageError, error.message);
  return error.message;
}

test('files, folders and patterns, each image once and in one order', async ({ folder }) => {
  mkdirSync(join(folder, 'set/images/deep'), { recursive: true });
  mkdirSync(join(folder, 'set/other'));
  const names = [
    'set/images/b.png',
    'set/images/a.JPG',
    'set/images/deep/c.jpeg',
    'set/other/b.png',
    'set/.d.png',
    'set/notes.txt',
  ];
  for (const name of names) writeFileSync(join(folder, name), '');
  writeFileSync(join(folder, 'a[1].png'), '');
  symlinkSync(join(folder, 'set'), join(folder, 'set/images/deep/loop'));
  symlinkSync(join(folder, 'nowhere'), join(folder, 'set/images/broken.png'));
  const problems: string[] = [];
  const find = (...args: string[]) =>
    findImageFiles(
      args.map((arg) => join(folder, arg)),
      (path, message) => problems.push(`${path.slice(folder.length + 1)}: ${message}`),
    );
  const relative = (files: { path: string }[]) => files.map(({ path }) => path.slice(folder.length + 1));

  const set = [
    'set/images/a.JPG',
    'set/images/b.png',
    'set/images/broken.png',
    'set/images/deep/c.jpeg',
    'set/other/b.png',
  ];
  assert.equal(relative(await find('set')), set);
  assert.equal(relative(await find('set/other/b.png', 'set', 'set/images')), [set[4], ...set.slice(0, 4)]);
  assert.equal(relative(await find('set/*/b.png')), [set[1], set[4]]);
  assert.equal(relative(await find('a[1].png', 'set/notes.txt')), ['a[1].png', 'set/notes.txt']);
  assert.equal(problems, []);
  const twins = await find('set');
  assert.equal([twins[0].name, twins[1].name], ['a.JPG', join(folder, 'set/images/b.png')], 'two are called b.png');

  mkdirSync(join(folder, 'empty'));
  assert.equal(await find('gone.png', 'empty', '*.tiff'), []);
  assert.equal(problems.length, 3);
  assert.match(
    problems.join('\n'),
    /gone\.png: there is no such file\nempty: there is no image in this folder.*\n\*\.tiff: no file matches/,
  );
  assert.match(await refusal(readImage(folder)), /not a file/);
  assert.match(await refusal(readImage(join(folder, 'set/images/broken.png'))), /no such file/);
});

test('JSON lines: an incomplete line is removed, failed images are tried again, finished ones are skipped', async ({
  folder,
}) => {
  const path = join(folder, 'new/results.jsonl');
  const bad: ErrorLine = { image: 'bad.png', file: 'bad.png', error: 'cut' };
  const first = await openResults(path);
  await first.add(lineOf('a.png'));
  await first.add(bad);
  await first.suspend();
  const whole = readFileSync(path, 'utf8');
  appendFileSync(path, JSON.stringify(lineOf('größe.png')).slice(0, 20));
  appendFileSync(path, Buffer.from([0xc3])); // the first byte of a character

  const second = await openResults(path);
  assert.is(readFileSync(path, 'utf8'), whole);
  assert.equal(second.classes, ['Mass', 'Nodule']);
  assert.ok(second.has(fileOf(lineOf('a.png'))));
  assert.not(second.has(fileOf(bad)));
  assert.not(second.has({ path: 'elsewhere/a.png', name: 'a.png' }));
  await second.add(bad);
  assert.is(readFileSync(path, 'utf8'), whole, 'the same error is not told twice');
  await second.add(lineOf('bad.png'));
  assert.ok(second.has(fileOf(bad)));
  await second.suspend();
  const both = `${whole}${JSON.stringify(lineOf('bad.png'))}\n`;
  assert.is(readFileSync(path, 'utf8'), both, 'as long as the run may go on, lines are only added');
  const third = await openResults(path);
  await third.add({ ...bad, image: 'c.png', file: 'c.png' });
  await third.finish();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const kept = lines.map((line) => JSON.parse(line) as { file: string; error?: string });
  assert.equal(
    kept.map(({ file, error }) => `${file} ${error ?? 'done'}`),
    ['a.png done', 'bad.png done', 'c.png cut'],
    'an error that a later line replaces is gone, one that still holds stays',
  );
  assert.equal(readdirSync(join(folder, 'new')), ['results.jsonl']);
});

test('weights that cannot be read are named, once', async ({ folder }) => {
  const [cut, missing] = [join(folder, 'cut.safetensors'), join(folder, 'missing.pt')];
  writeFileSync(cut, Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0, 123));
  for (const path of [cut, missing]) {
    const message = await refusal(loadNamed(path, undefined, {}));
    assert.is(message.split(path).length, 2, message);
  }
});

test('a file with only an incomplete first line is replaced; any other file is refused and not changed', async ({
  folder,
}) => {
  const path = join(folder, 'r.jsonl');
  writeFileSync(path, '{"image":"a.p');
  await (await openResults(path)).finish();
  assert.is(readFileSync(path, 'utf8'), '');
  for (const text of [
    'my notes',
    'my notes\n',
    '{"id":1}\n{"id":2',
    '[1]\n',
    '{"image":"a.png","file":"a.png"}\nnotes\n',
  ]) {
    writeFileSync(path, text);
    await refusal(openResults(path));
    assert.is(readFileSync(path, 'utf8'), text);
  }
  assert.match(await refusal(openResults(join(folder, 'r.xml'))), /must end in/);
});

test('CSV and COCO: until all is done there is only a .part.jsonl, from which a later run continues', async ({
  folder,
}) => {
  for (const name of ['r.csv', 'r.coco.json']) {
    const path = join(folder, name);
    const first = await openResults(path);
    await first.add(lineOf('a.png'));
    await first.suspend();
    assert.equal(readdirSync(folder), [`${name}.part.jsonl`]);
    const second = await openResults(path);
    assert.ok(second.has(fileOf(lineOf('a.png'))));
    await second.add({ image: 'bad.png', file: 'bad.png', error: 'cut' });
    await second.add(lineOf('b.png'));
    await second.finish();
    assert.equal(readdirSync(folder), [name]);
    const third = await openResults(path);
    assert.ok(third.has(fileOf(lineOf('a.png'))) && third.has(fileOf(lineOf('b.png'))));
    await third.add(lineOf('c.png'));
    await third.finish();
    const text = readFileSync(path, 'utf8');
    if (name === 'r.csv') {
      const rows = ['a', 'b', 'c'].map((image) => `${image}.png,Mass,1,2,3,4,0.75\n`);
      assert.is(text, `Image Index,Finding Label,Bbox [x,y,w,h],Score\n${rows.join('')}`);
    } else {
      const { images, annotations, categories } = JSON.parse(text);
      assert.equal([images.length, annotations.length, categories.length], [3, 3, 2]);
      assert.equal(annotations[2].bbox, [1, 2, 3, 4]);
    }
    rmSync(path);
  }
});

test('a CSV or JSON file with other content is refused and not changed', async ({ folder }) => {
  for (const [name, text] of [
    ['r.csv', 'name,age\nx,3\n'],
    ['r.coco.json', '{"a'],
    ['s.coco.json', '7'],
  ]) {
    writeFileSync(join(folder, name), text);
    await refusal(openResults(join(folder, name)));
    assert.is(readFileSync(join(folder, name), 'utf8'), text);
    assert.not(existsSync(join(folder, `${name}.part.jsonl`)));
  }
});

test('numbers and lists in options are read, and wrong ones are refused', () => {
  assert.equal(numberList('60, 180'), [60, 180]);
  assert.equal(nameList('Mass, Pleural_Thickening'), ['Mass', 'Pleural_Thickening']);
  assert.equal(numbersByName('Mass=0.4,a=b=1'), { Mass: 0.4, 'a=b': 1 });
  assert.is(wholeNumber(1, 9)('9'), 9);
  const wrong = [() => numberList('1,,2'), () => numberList('x'), () => nameList('a,'), () => numbersByName('=1')];
  for (const read of [
    ...wrong,
    () => numbersByName('a='),
    () => wholeNumber(1, 9)('10'),
    () => wholeNumber(1, 9)('1.5'),
  ])
    assert.throws(read, /It must be/);
});

test('tables are aligned, and durations are written in words', () => {
  assert.is(
    table([
      ['a', 'number'],
      ['größer', 7],
      ['b', 12],
    ]),
    'a       number\ngrößer       7\nb           12\n',
  );
  assert.equal([4_400, 65_000, 3_900_000].map(duration), ['4 s', '1 min 5 s', '1 h 5 min']);
});

test.run();
