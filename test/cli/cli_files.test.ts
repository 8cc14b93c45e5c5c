/** Files that `raybox localize` reads and writes, tested without a network: which images arguments name, and how results are continued. */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readPredictions } from '../../src/cli/evaluate/files.js';
import { DECIDES, decidingOptions, notesOn, refuseOthers } from '../../src/cli/localize/made_by.js';
import { addLocalizeOptions, type Options } from '../../src/cli/localize/options.js';
import { drawnBefore, drawnBy } from '../../src/cli/localize/overlays.js';
import { openResults } from '../../src/cli/localize/result_files.js';
import type { ErrorLine, MadeBy, ResultLine } from '../../src/cli/localize/results.js';
import { warningNotes } from '../../src/cli/localize/warning_notes.js';
import { watchWeights } from '../../src/cli/localize/weights_hash.js';
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
import { decodeImage } from '../../src/formats/images/image.js';
import type { Image } from '../../src/formats/images/pixels.js';
import { encodePng } from '../../src/formats/images/png.js';
import { changedSince, findImageFiles, modifiedMs, readImage } from '../../src/node/images/image_files.js';
import { Command } from '../../src/node/vendor/commander.js';

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

test('every option of localize either decides results or is known not to, and those that do are readable in the results', async ({
  folder,
}) => {
  const { options } = addLocalizeOptions(new Command());
  const names = options.filter(({ hidden }) => !hidden).map((option) => option.attributeName());
  assert.equal(
    names.filter((name) => !Object.hasOwn(DECIDES, name)),
    [],
    'say in made_by.ts whether this option changes results',
  );
  assert.equal(Object.keys(DECIDES).sort(), names.sort());

  const metadata = join(folder, 'm.json');
  writeFileSync(metadata, '{ "pooling": "max" }');
  const given: Options = {
    ...{
      out: 'r.jsonl',
      batch: 4,
      maxBoxes: 64,
      precision: 'f32',
      minRegion: 0,
      transformInput: true as const,
      metadata,
    },
    operatingThresholds: { Mass: 0.4, Nodule: 0.3 },
    names: Array.from({ length: 99 }, (_, i) => `name ${i}`),
  };
  const { '--names': long, ...others } = await decidingOptions(given);
  assert.equal(others, {
    '--metadata': '{"pooling":"max"}',
    '--min-region': '0',
    '--operating-thresholds': 'Mass=0.4,Nodule=0.3',
    '--transform-input': '',
  });
  const sets = (classes: string[], operatingThresholds: Record<string, number>) =>
    decidingOptions({ ...given, classes, operatingThresholds });
  const swapped = await sets(['B', 'A', 'B'], { Nodule: 0.3, Mass: 0.4 });
  assert.equal(swapped, await sets(['A', 'B'], { Mass: 0.4, Nodule: 0.3 }), 'the order of classes decides nothing');
  assert.match(long, /^name 0,name 1,.{46}… \(sha256 [0-9a-f]{16}\)$/);
});

test('results of other weights or options are refused with the first difference, in all formats and at any time', async ({
  folder,
}) => {
  const made = { raybox: '1.0.0', weights: 'ab12', options: { '--min-region': '4' } };
  const marked = (image: string, madeBy = made) => ({ ...lineOf(image), madeBy });
  for (const name of ['r.jsonl', 'r.csv', 'r.coco.json']) {
    const path = join(folder, name);
    const first = await openResults(path);
    assert.equal([first.madeBy, first.isUnmarked], [[], false]);
    await first.add(marked('a.png'));
    await first.suspend();
    const second = await openResults(path);
    assert.equal([second.madeBy, second.isUnmarked], [[made], false], 'before it is finished, any format says it');
    assert.equal(notesOn(path, second, made), []);
    assert.match(notesOn(path, second, { raybox: '2.0.0' }).join(), /has results of raybox '1\.0\.0', and this is 2/);
    const difference = async (now: Partial<MadeBy>) =>
      refusal(Promise.resolve().then(() => refuseOthers(path, second, { ...made, ...now })));
    refuseOthers(path, second, made);
    refuseOthers(path, second, { options: made.options }); // before the weights are read
    assert.match(
      await difference({ options: { '--min-region': '8' } }),
      /with --min-region 4, now it is 8; name another file with --out, or give/,
    );
    assert.match(await difference({ options: {} }), /with --min-region 4, now it is not given/);
    const more = { ...made.options, '--transform-input': '' };
    assert.match(await difference({ options: more }), /without --transform-input, now --transform-input is given/);
    assert.match(
      await difference({ weights: 'cd34' }),
      /other weights \(their SHA-256 begins with ab12, now with cd34\)/,
    );
    await second.finish();
    const third = await openResults(path);
    const isTable = name === 'r.csv';
    assert.equal([third.madeBy, third.isUnmarked], [isTable ? [] : [made], isTable]);
    await third.add(lineOf('b.png')); // as an earlier version has written it
    await third.finish();
    const fourth = await openResults(path);
    assert.equal(fourth.madeBy, name === 'r.jsonl' ? [made] : [], 'nothing is said of results that may be others');
    assert.match(notesOn(path, fourth, made).join(), /do not say by which weights/);
    await fourth.suspend();
    assert.equal(readdirSync(folder), [name], 'opening leaves nothing behind');
    if (name !== 'r.csv') assert.is((await readPredictions(path, { classes: ['Mass', 'Nodule'] })).length, 2);
    rmSync(path);
  }
});

test('a line that raybox could not have written is refused by its number and field, and the file is not changed', async ({
  folder,
}) => {
  const whole = lineOf('b.png');
  const [finding] = whole.findings;
  const wrong: [change: object, message: RegExp][] = [
    [{ image: undefined }, /image is wrong; expected the name of an image; given nothing/],
    [{ width: '9' }, /width is wrong; expected a number of pixels; given '"9"'/],
    [{ probabilities: undefined }, /probabilities is wrong/],
    [{ probabilities: { Mass: 2 } }, /probabilities is wrong; expected a number from 0 to 1 by class/],
    [{ findings: undefined }, /findings is wrong; expected a list of findings/],
    [{ findings: [{ ...finding, label: 'Foo' }] }, /label of a finding is wrong; expected Mass, Nodule/],
    [{ findings: [{ ...finding, score: '0.5' }] }, /score of a finding is wrong/],
    [{ findings: [{ ...finding, box: null }] }, /box of a finding is wrong/],
    [{ findings: [{ ...finding, box: { ...finding.box, width: -3 } }] }, /box of a finding is wrong/],
    [{ error: 5 }, /error is wrong; expected a message; given '?5/],
    [{ madeBy: 5 }, /madeBy is wrong/],
    [{ madeBy: { raybox: '1.0.0', weights: 'ab12', options: { '--classes': 5 } } }, /madeBy is wrong/],
  ];
  const own = { ...whole, width: 100_000, probabilities: { Mass: 1, Nodule: 0.25 } };
  writeFileSync(join(folder, 'own.jsonl'), `${JSON.stringify(own)}\n`);
  await (await openResults(join(folder, 'own.jsonl'))).suspend();
  const coco = { info: { madeBy: 5 }, images: [], categories: [], annotations: [] };
  writeFileSync(join(folder, 'r.coco.json'), JSON.stringify(coco));
  assert.match(await refusal(openResults(join(folder, 'r.coco.json'))), /something else than results.*madeBy/);
  for (const [name, lines] of [
    ['r.jsonl', 'r.jsonl'],
    ['r.csv', 'r.csv.part.jsonl'],
  ]) {
    for (const [change, expected] of wrong) {
      const text = `${JSON.stringify(lineOf('a.png'))}\n${JSON.stringify({ ...whole, ...change })}\n`;
      writeFileSync(join(folder, lines), text);
      const message = await refusal(openResults(join(folder, name)));
      assert.match(message, /line 2 is no result of raybox localize/);
      assert.match(message, expected);
      assert.is(readFileSync(join(folder, lines), 'utf8'), text);
    }
    rmSync(join(folder, lines));
  }
});

test('an overlay counts as drawn if it was drawn by the same weights and options as the results', async ({
  folder,
}) => {
  const made = { raybox: '1.0.0', weights: 'ab12', options: { '--classes': 'Größe' } };
  const path = join(folder, 'o.png');
  const picture: Image = { data: Uint8Array.of(1, 2, 3, 4), width: 2, height: 2, channels: 1 };
  const png = await encodePng(picture, { text: drawnBy(made) });
  writeFileSync(path, png);
  assert.equal(await decodeImage(png), picture);
  const results = { madeBy: [made] };
  assert.ok(drawnBefore(results, made, undefined)(path));
  assert.ok(drawnBefore(results, made, undefined)(undefined), 'no overlay is asked for');
  assert.not(drawnBefore(results, made, undefined)(join(folder, 'other.png')), 'it is not there');
  assert.not(drawnBefore(results, made, true)(path), 'it does not show all boxes');
  assert.not(drawnBefore({ madeBy: [{ ...made, weights: 'cd34' }] }, made, undefined)(path));
  writeFileSync(path, await encodePng(picture));
  assert.not(drawnBefore(results, made, undefined)(path), 'it does not say it');
  assert.ok(drawnBefore({ madeBy: [] }, made, undefined)(path), 'the results do not say it either');
  writeFileSync(path, '');
  assert.not(drawnBefore(results, made, undefined)(path));
});

test('the hash of weights is that of their bytes, however they are read, and a file that changes is noticed', async ({
  folder,
}) => {
  const path = join(folder, 'w.safetensors');
  const bytes = new Uint8Array(2_500_000).map((_, i) => i % 251);
  writeFileSync(path, bytes);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  assert.is(watchWeights(path).value(), hash);
  assert.is(watchWeights(pathToFileURL(path).href).value(), hash);
  const fetched = watchWeights('https://localhost/w.safetensors');
  fetched.onFile('', bytes);
  assert.is(fetched.value(), hash);
  const [one, other] = [watchWeights('https://localhost/model.json'), watchWeights('https://localhost/model.json')];
  for (const name of ['', 'a.bin', 'b.bin']) one.onFile(name, bytes);
  for (const name of ['b.bin', '', 'a.bin']) other.onFile(name, bytes);
  assert.is(one.value(), other.value(), 'the order in which files are read does not matter');
  assert.is.not(one.value(), hash);
  const watched = watchWeights(path);
  appendFileSync(path, 'more');
  assert.throws(() => watched.value(), /has changed while it was read/);
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

test('images that were changed after a time are found', ({ folder }) => {
  const files = ['old.png', 'new.png'].map((name) => ({ name, path: join(folder, name) }));
  for (const { path } of files) writeFileSync(path, 'image');
  utimesSync(files[0].path, 1000, 1000);
  utimesSync(files[1].path, 3000, 3000);
  assert.equal(changedSince(files, 2000 * 1000), [files[1]]);
  assert.equal([modifiedMs(files[1].path), modifiedMs(join(folder, 'gone'))], [3000 * 1000, 0]);
});

test('a warning that many images have is said for three of them, and then counted', () => {
  const lines: string[] = [];
  const notes = warningNotes((line) => lines.push(line));
  const turned = { code: 'image-turned', message: 'It looks turned.' } as const;
  const inverted = { code: 'image-inverted', message: 'It looks inverted.' } as const;
  for (const name of ['a', 'b', 'c', 'd', 'e']) notes.add(name, name === 'b' ? [turned, inverted] : [turned]);
  notes.end();
  assert.equal(lines, [
    'raybox: a: It looks turned.',
    'raybox: b: It looks turned.',
    'raybox: b: It looks inverted.',
    'raybox: c: It looks turned.',
    'raybox: 2 more images, as the results say: It looks turned.',
  ]);
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
