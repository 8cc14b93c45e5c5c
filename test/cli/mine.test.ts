/** `raybox mine` on files: every format, and everything that can be wrong with one. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Command } from 'commander';
import { extract, pack } from 'tar-stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addMineCommand, type MineFilesOptions, mine } from '../../src/cli/mine/mine.js';
import { InputError } from '../../src/errors.js';
import { readDataEntry } from '../../src/formats/data_sets/chestxray.js';

const test = suite<{ folder: string }>('mine', { folder: '' });

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'raybox-mine-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

const xml = (id: string, findings: string, rest = '') =>
  `<?xml version="1.0"?><eCitation><uId id="${id}"/><Abstract><AbstractText Label="FINDINGS">${findings}</AbstractText></Abstract>${rest}</eCitation>`;

async function archive(entries: Record<string, string | Buffer>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(entries)) tar.entry({ name }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Mines `content` as a file called `name` and gives back the table, the summary and the problems. */
async function mineFile(
  folder: string,
  name: string,
  content: string | Buffer,
  options: Partial<MineFilesOptions> = {},
) {
  writeFileSync(join(folder, name), content);
  return mineAll(folder, [join(folder, name)], options);
}

async function mineAll(folder: string, paths: string[], options: Partial<MineFilesOptions> = {}) {
  const out = join(folder, 'labels.csv');
  const problems: string[] = [];
  const summary = await mine(paths, { out, onProblem: ({ message }) => problems.push(message), ...options });
  const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
  return { lines, rows: options.format === 'wide' ? lines : lines.map(essence), summary, problems };
}

/** Image, labels and Normal of a row in the layout of `Data_Entry_2017.csv`. */
function essence(line: string): string {
  const fields = line.split(',');
  return [fields[0], fields[1], fields.at(-1)].join();
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

const noTraces = (folder: string) =>
  assert.equal(
    readdirSync(folder).filter((name) => /labels|part/.test(name)),
    [],
  );

test('text files, one report each, in a folder with folders', async ({ folder }) => {
  mkdirSync(join(folder, 'in/deep'), { recursive: true });
  writeFileSync(join(folder, 'in/b.txt'), 'FINDINGS: No effusion.\nIMPRESSION: Small nodule.');
  writeFileSync(join(folder, 'in/deep/a.txt'), 'Lungs are clear.');
  writeFileSync(join(folder, 'in/picture.png'), 'not looked at');
  const { rows, summary } = await mineAll(folder, [join(folder, 'in')]);
  assert.equal(rows, ['Image Index,Finding Labels,Normal', 'b,Nodule,0', 'deep/a,No Finding,1']);
  assert.equal([summary.reports, summary.normal, summary.problems, summary.counts.Nodule], [2, 1, 0, 1]);
});

test('CSV: byte-order mark, CRLF, quoted line ends, and columns found by name', async ({ folder }) => {
  const csv =
    '\ufeffstudy_id,sex,Report\r\ns1,F,"FINDINGS:\r\nSmall ""left"" effusion,\r\nno nodule."\r\ns2,M,Clear lungs.\r\n';
  const { rows } = await mineFile(folder, 'reports.csv', csv);
  assert.equal(rows.slice(1), ['s1,Effusion,0', 's2,No Finding,1']);
});

test('CSV: findings and impression in separate columns, chosen columns, gzip, Latin-1', async ({ folder }) => {
  const sections = 'uid,indication,findings,impression\n1,mass,Small effusion.,Effusion.\n2,mass,,Nodule.\n3,mass,,\n';
  const { rows, summary } = await mineFile(folder, 'a.csv.gz', gzipSync(sections));
  assert.equal(rows.slice(1), ['1,Effusion,0', '2,Nodule,0', '3,No Finding,1']);
  assert.is(summary.empty, 1);
  const skipping = await mineFile(folder, 'a.csv', sections, { empty: 'skip' });
  assert.is(skipping.rows.length, 3);
  const named = await mineFile(folder, 'b.csv', 'key,x\n7,Mass.\n', {
    idColumn: 'key',
    textColumns: ['x'],
  });
  assert.equal(named.rows.slice(1), ['7,Mass,0']);
  const latin = await mineFile(folder, 'c.csv', Buffer.from('id,report\n\xe9,Nodule.\n', 'latin1'), {
    encoding: 'latin1',
  });
  assert.equal(latin.rows.slice(1), ['é,Nodule,0']);
});

test('the data set reader reads the table; columns of a CSV are copied', async ({ folder }) => {
  const csv = 'id,report,patient id,patient gender,age\na,Nodule.,12,F,61\nb,Clear lungs.,12,F,62\n';
  const { lines } = await mineFile(folder, 'a.csv', csv, { suffix: '.png' });
  assert.equal(lines, [
    'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,Normal',
    'a.png,Nodule,,12,61,F,,0',
    'b.png,No Finding,,12,62,F,,1',
  ]);
  const table = readDataEntry(lines.join('\n'));
  assert.equal(table.patients, ['12', '12']);
  assert.equal([...table.ages], [61, 62]);

  mkdirSync(join(folder, 'in'));
  for (const name of ['00000007_002', '00000007_003', 'other'])
    writeFileSync(join(folder, 'in', `${name}.txt`), 'Mass.');
  const named = await mineAll(folder, [join(folder, 'in')]);
  assert.equal(named.lines.slice(1), [
    '00000007_002,Mass,2,7,,,,0',
    '00000007_003,Mass,3,7,,,,0',
    'other,Mass,0,other,,,,0',
  ]);
});

test('the table of an earlier run is refused as input', async ({ folder }) => {
  writeFileSync(join(folder, 'a.txt'), 'Mass.');
  await mineAll(folder, [folder]);
  const { rows, summary } = await mineAll(folder, [folder]);
  assert.equal([rows.slice(1), summary.problems], [['a,Mass,0'], 0]);
});

test('the wide table: 1 present, -1 uncertain, 0 negated, empty not mentioned', async ({ folder }) => {
  const text = 'No effusion. Possible nodule. Cardiomegaly.';
  const { rows } = await mineFile(folder, 'r.txt', text, { format: 'wide', classes: 'eight' });
  assert.equal(rows, [
    'Image Index,Atelectasis,Cardiomegaly,Effusion,Infiltration,Mass,Nodule,Pneumonia,Pneumothorax,Normal',
    'r,,1,0,,,-1,,,0',
  ]);
  const kept = await mineFile(folder, 'r.txt', text, { format: 'wide', classes: 'eight', uncertain: 'keep' });
  assert.is(kept.rows[1], 'r,,1,0,,,1,,,0');
});

test('the columns of the CheXpert labeller', async ({ folder }) => {
  const text = 'INDICATION: fracture.\n\nNo effusion. Possible pneumonia. PICC line. Right basilar opacity.';
  const explain = join(folder, 'why.jsonl');
  const { lines, summary } = await mineFile(folder, 'r.txt', text, { classes: 'chexpert', suffix: '.png', explain });
  assert.equal(lines, [
    'Image Index,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Lesion,Lung Opacity,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices',
    'r.png,,,,,1,,,-1,,,0,,,1',
  ]);
  assert.equal([summary.counts['Lung Opacity'], summary.counts.Pneumonia, summary.normal], [1, 0, 0]);
  assert.is(JSON.parse(readFileSync(explain, 'utf8')).values['Pleural Effusion'], 0);
  const clear = await mineFile(folder, 'r.txt', 'Lungs clear.', { classes: 'chexpert', format: 'wide' });
  assert.is(clear.lines[1], 'r,1,,,,,,,,,,,,,');
  const refused = mineFile(folder, 'r.txt', text, { classes: 'chexpert', format: 'data-entry' });
  assert.match(await refusal(refused), /do not go together.*wide.*data-entry/);
  const dropped = mineFile(folder, 'r.txt', text, { classes: 'chexpert', uncertain: 'drop' });
  assert.match(await refusal(dropped), /do not go together.*drop/);
});

test('the explanation has a JSON line for each report', async ({ folder }) => {
  const explain = join(folder, 'why.jsonl');
  await mineFile(folder, 'r.txt', 'No effusion.', { explain });
  const line = JSON.parse(readFileSync(explain, 'utf8'));
  assert.is(line.id, 'r');
  assert.equal(line.labels, { Effusion: 'negative' });
  assert.is(line.evidence[0].rule, 'no');
  assert.is(line.evidence[0].sentence, 'No effusion.');
});

test('archives of OpenI XML are read; after a bad entry the rest is read too', async ({ folder }) => {
  const bomb = `<!DOCTYPE a [<!ENTITY a "${'x'.repeat(50)}"><!ENTITY b "&a;&a;&a;&a;">]><Abstract>&b;&b;</Abstract>`;
  const tar = await archive({
    'in/1.xml': xml('CXR1', 'Small effusion.'),
    'in/2.xml': bomb,
    'in/3.xml': xml('CXR3', 'x').slice(0, 60),
    'in/4.xml': Buffer.concat([Buffer.from('<a>'), Buffer.from([0xff, 0xfe, 0x80])]),
    'in/5.xml': xml('CXR5', 'Nodule.').padEnd((4 << 20) + 1),
    'in/6.xml': xml('CXR6', 'Nodule.'),
    'in/7.txt': 'Mass.',
    'in/8.jpg': 'not looked at',
  });
  for (const [name, bytes] of [
    ['a.tgz', gzipSync(tar)],
    ['a.tar', tar],
  ] as const) {
    const { rows, problems, summary } = await mineFile(folder, name, bytes);
    assert.equal(rows.slice(1), ['CXR1,Effusion,0', 'CXR6,Nodule,0', 'in/7,Mass,0']);
    assert.is(summary.problems, 4);
    for (const [at, message] of [/declares entities/, /no well-formed XML/, /is not UTF-8/, /too long/].entries()) {
      assert.match(problems[at], message);
      assert.match(problems[at], new RegExp(`${name}:in/${at + 2}.xml`));
    }
  }
});

test('the entries of a truncated archive before the cut are read, with an error', async ({ folder }) => {
  const entries = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [`${at}.xml`, xml(`CXR${at}`, `Nodule ${'z'.repeat(700)}.`)]),
  );
  const tar = await archive(entries);
  const inside = await mineFile(folder, 'cut.tar', tar.subarray(0, 1536 * 20 + 700));
  assert.ok(inside.rows.length > 10 && inside.rows.length < 40);
  assert.match(inside.problems.join(), /cut\.tar.*cut off/);
  const zipped = gzipSync(tar, { level: 0 });
  const { rows, problems } = await mineFile(folder, 'cut.tgz', zipped.subarray(0, zipped.length / 2));
  assert.ok(rows.length > 10 && rows.length < 40);
  assert.is(problems.length, 1);
  assert.match(problems[0], /cut\.tgz.*cut off/);
});

/** Where in an archive the header of a member is. */
const headerAt = (tar: Buffer, name: string): number => tar.indexOf(`${name}\0`);

/** Corrects the checksum of a header that was changed. */
function sign(tar: Buffer, at: number): void {
  tar.write('        ', at + 148);
  const sum = tar.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
}

test('a member with a damaged tar header is named and counted; the rest is read', async ({ folder }) => {
  const tar = await archive({
    'a.txt': 'Mass.',
    'b.txt': `Nodule. ${'z'.repeat(3000)}`,
    'c.txt': 'Effusion.',
    'd.txt': 'Edema.',
    'e.txt': 'Hernia.',
  });
  const damages: [name: string, damage: (copy: Buffer) => void, message: RegExp][] = [
    ['b.txt', (copy) => copy.write('x', headerAt(copy, 'b.txt') + 148), /:b\.txt: .*checksum/],
    [
      'd.txt',
      (copy) => copy.fill(0xff, headerAt(copy, 'd.txt'), headerAt(copy, 'd.txt') + 512),
      /the member at byte \d+: .*checksum/,
    ],
    ['a.txt', (copy) => copy.write('9', 130), /:a\.txt: .*checksum/],
    [
      'c.txt',
      (copy) => {
        const at = headerAt(copy, 'c.txt');
        copy.fill(0, at + 124, at + 136);
        copy.set([0x80, 0, 0, 0, 0x40], at + 124);
        sign(copy, at);
      },
      /:c\.txt: .*size that no file has/,
    ],
  ];
  for (const [lost, damage, message] of damages) {
    const copy = Buffer.from(tar);
    damage(copy);
    for (const [name, bytes] of [
      ['x.tar', copy],
      ['x.tgz', gzipSync(copy)],
    ] as const) {
      const { rows, problems, summary } = await mineFile(folder, name, bytes);
      const wanted = ['a.txt', 'b.txt', 'c.txt', 'd.txt', 'e.txt'].filter((one) => one !== lost);
      assert.equal(
        rows.slice(1).map((row) => `${row[0]}.txt`),
        wanted,
        lost,
      );
      assert.is(summary.problems, 1, lost);
      assert.match(problems[0], message);
    }
  }
  // Several damaged members in a row are lost, and the next undamaged one is found.
  const two = Buffer.from(tar);
  for (const name of ['b.txt', 'c.txt']) two[headerAt(two, name) + 150] ^= 1;
  const { rows } = await mineFile(folder, 'y.tar', two);
  assert.equal(
    rows.slice(1).map((row) => row[0]),
    ['a', 'd', 'e'],
  );
});

test('a link in a tar archive is named and counted; a member of an unknown type is read', async ({ folder }) => {
  const tar = await archive({ 'a.txt': 'Mass.', 'b.txt': '', 'c.txt': '', 'd.txt': 'Nodule.', 'e.txt': 'Edema.' });
  for (const [name, type] of Object.entries({ 'b.txt': '1', 'c.txt': '2', 'd.txt': '7', 'e.txt': 'Z' })) {
    const at = headerAt(tar, name);
    tar.write(type, at + 156);
    sign(tar, at);
  }
  const { rows, problems } = await mineFile(folder, 'links.tar', tar);
  assert.equal(rows.slice(1), ['a,Mass,0', 'd,Nodule,0', 'e,Edema,0']);
  assert.equal(
    problems.map((problem) => /:(.\.txt): is a link/.exec(problem)?.[1]),
    ['b.txt', 'c.txt'],
  );
});

test('extended headers: long names are read; members whose header is too long or damaged are left out', async ({
  folder,
}) => {
  const long = `${'in/'.repeat(60)}${'n'.repeat(120)}.txt`;
  const plain = await archive({ [long]: 'Mass.', 'b.txt': 'Nodule.' });
  const read = await mineFile(folder, 'a.tar', plain);
  assert.equal(read.rows.slice(1), [`${long.slice(0, -4)},Mass,0`, 'b,Nodule,0']);
  const extended = (body: Buffer): Buffer => {
    const header = Buffer.from(plain.subarray(0, 512));
    header.fill(0, 0, 100);
    header.write('x', 0);
    header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('x', 156);
    sign(header, 0);
    return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
  };
  const rest = await archive({ 'b.txt': 'Nodule.', 'c.txt': 'Mass.' });
  for (const [body, message] of [
    [Buffer.alloc(8 << 20), /b\.txt: its extended header has 8388608 bytes/],
    [Buffer.from('1\n'.repeat(400_000)), /b\.txt: its extended header is damaged/],
    [Buffer.from('99 path=x\n'), /b\.txt: its extended header is damaged/],
    [Buffer.from('15 size=-12345\n'), /b\.txt: its extended header is damaged/],
  ] as const) {
    const { rows, problems } = await mineFile(folder, 'b.tar', Buffer.concat([extended(body), rest]));
    assert.equal(rows.slice(1), ['c,Mass,0']);
    assert.is(problems.length, 1, problems.join());
    assert.match(problems[0], message);
  }
  const cut = Buffer.concat([rest.subarray(0, 2048), extended(Buffer.alloc(4096, 'a')).subarray(0, 2000)]);
  assert.match((await mineFile(folder, 'c.tar', cut)).problems.join(), /cut off/);
});

test('a file that is not an archive, gzip or text is refused, and no table is left behind', async ({ folder }) => {
  const cases: [name: string, content: string | Buffer, message: RegExp][] = [
    ['a.tgz', 'plain text', /damaged|cannot be read/],
    ['b.tar', 'x'.repeat(2000), /tar|archive/],
    ['c.tar', '', /no archive/],
    ['d.txt', Buffer.from([0x46, 0xff, 0xfe]), /is not UTF-8.*--encoding/],
    ['i.txt', Buffer.from('report\0\0of bytes'), /is not text/],
    ['j.csv', Buffer.from('report text,id\n\x01\x02\x03\x04,1\n'), /is not text/],
    ['e.xml', '<a>&lt;</a>', /no report/],
    ['f.csv', '', /is empty/],
    ['g.csv', 'id,words\n1,Effusion.\n', /a column is missing; expected "report text".*given the header "id", "words"/],
    ['h.csv', 'report\nEffusion.\n', /a column is missing; expected "image index"/],
  ];
  for (const [name, content, message] of cases) {
    assert.match(await refusal(mineFile(folder, name, content)), message, name);
    noTraces(folder);
  }
  assert.match(await refusal(mineFile(folder, 'r.txt', 'x', { encoding: 'klingon' })), /encoding: unknown/);
  assert.match(await refusal(mineAll(folder, [join(folder, 'nowhere')])), /no such file/);
  writeFileSync(join(folder, 'r.txt'), 'x');
  const explain = join(folder, 'r.txt/no/folder.jsonl');
  assert.match(await refusal(mineAll(folder, [join(folder, 'r.txt')], { explain })), /cannot be written/);
  const out = join(folder, 'd.txt/labels.csv');
  assert.match(await refusal(mineAll(folder, [join(folder, 'r.txt')], { out })), /cannot be written/);
  noTraces(folder);
});

test('CSV rows before a damaged place are read', async ({ folder }) => {
  const open = await mineFile(folder, 'a.csv', `id,report\n1,Nodule.\n2,"Mass.\n${'x'.repeat(3 << 20)}`);
  assert.equal(open.rows.slice(1), ['1,Nodule,0']);
  assert.match(open.problems[0], /row 3 is too long.*never closed/);
  const bytes = Buffer.concat([
    Buffer.from(`id,report\n1,Nodule.\n${'2,Mass.\n'.repeat(60_000)}3,`),
    Buffer.from([0xc3, 0x28]),
  ]);
  const broken = await mineFile(folder, 'b.csv', bytes);
  assert.match(broken.problems[0], /is not UTF-8/);
  assert.ok(broken.rows.length > 30_000);
  const nameless = await mineFile(folder, 'c.csv', 'id,report\n,Nodule.\n2,Mass.\n');
  assert.equal(nameless.rows.slice(1), ['2,Mass,0']);
  assert.match(nameless.problems[0], /row 2: has no identifier/);
});

test('ten gigabytes are refused, before memory runs out', async ({ folder }) => {
  for (const [name, message] of [
    ['a.txt', /too long for one report/],
    ['b.xml', /too long for one report/],
    ['c.csv', /is not text/],
  ] as const) {
    const path = join(folder, name);
    writeFileSync(path, '');
    truncateSync(path, 10e9); // sparse
    const before = process.memoryUsage().rss;
    assert.match(await refusal(mineAll(folder, [path])), message);
    assert.ok(process.memoryUsage().rss - before < 200e6, `${name}: memory`);
    rmSync(path);
  }
});

test('memory does not grow with the number of rows', async ({ folder }) => {
  const report = 'The heart is normal in size. No effusion or pneumothorax. Mild scoliosis of the spine.';
  const path = join(folder, 'many.csv');
  writeFileSync(path, `id,report\n${Array.from({ length: 20_000 }, (_, at) => `${at},${report}\n`).join('')}`);
  let highest = 0;
  const { summary } = await mineAll(folder, [path], {
    onProgress: () => (highest = Math.max(highest, process.memoryUsage().heapUsed)),
  });
  assert.is(summary.reports, 20_000);
  assert.ok(highest < 300e6, `${highest}`);
});

test('after an abort there is no table', async ({ folder }) => {
  const controller = new AbortController();
  const csv = `id,report\n${'1,Nodule.\n'.repeat(200_000)}`;
  const work = mineFile(folder, 'a.csv', csv, { signal: controller.signal, onProgress: () => controller.abort() });
  await work.then(
    () => assert.unreachable(),
    (error) => assert.is(error.name, 'AbortError'),
  );
  noTraces(folder);
});

test('the command: options, summary, exit code', async ({ folder }) => {
  writeFileSync(join(folder, 'a.txt'), 'Small effusion.');
  writeFileSync(join(folder, 'b.txt'), Buffer.from([0xff]));
  const out = join(folder, 'labels.csv');
  const write = process.stderr.write;
  let heard = '';
  process.stderr.write = ((text: string) => {
    heard += text;
    return true;
  }) as typeof write;
  try {
    const program = new Command('raybox').exitOverride();
    addMineCommand(program);
    await program.parseAsync(['mine', folder, '--out', out, '--format', 'wide'], { from: 'user' });
  } finally {
    process.stderr.write = write;
  }
  assert.is(process.exitCode, 1);
  process.exitCode = 0;
  assert.match(heard, /b\.txt: is not UTF-8/);
  assert.match(heard, /1 reports?, 0 normal/);
  assert.ok(existsSync(out));
});

const openI = join(process.env.RAYBOX_DATA ?? '../shared/data', 'openi/reports_dev.tgz');

test('real reports: without their MeSH codes and captions the labels are the same', async ({ folder }) => {
  if (!existsSync(openI)) return console.log(`skipped: ${openI} is missing`);
  const stripped = pack();
  const chunks: Buffer[] = [];
  const collected = (async () => {
    for await (const chunk of stripped) chunks.push(chunk as Buffer);
  })();
  const reading = extract();
  reading.end(gunzipSync(readFileSync(openI)));
  let removed = 0;
  let kept = 0;
  for await (const entry of reading) {
    const parts: Buffer[] = [];
    for await (const part of entry) parts.push(part as Buffer);
    // Every eighth report is enough.
    if (kept++ % 8 > 0) continue;
    const text = Buffer.concat(parts).toString();
    const without = text.replace(/<MeSH>[\s\S]*?<\/MeSH>/g, '').replace(/<caption>[\s\S]*?<\/caption>/g, '');
    removed += Number(without.length < text.length);
    stripped.entry({ name: `with/${entry.header.name}` }, text);
    stripped.entry({ name: `without/${entry.header.name}` }, without);
  }
  stripped.finalize();
  await collected;
  assert.ok(removed > 300);
  const { rows } = await mineFile(folder, 'both.tar', Buffer.concat(chunks), { format: 'wide' });
  assert.is(rows.length, 2 * Math.ceil(kept / 8) + 1);
  for (let at = 1; at < rows.length; at += 2) assert.is(rows[at], rows[at + 1]);
});

test('rows with the same identifier are all written, and the first is named', async ({ folder }) => {
  const { lines, summary } = await mineFile(
    folder,
    'reports.csv',
    'id,report\n1,Effusion.\n2,No effusion.\n1,Edema.\n2,Mass.\n3,Mass.\n',
  );
  assert.is(lines.length, 6);
  assert.equal(summary.repeated, { count: 2, first: '1' });
  const program = new Command();
  addMineCommand(program);
  const { write } = process.stderr;
  let said = '';
  process.stderr.write = (text: string | Uint8Array) => {
    said += text;
    return true;
  };
  try {
    const args = ['mine', join(folder, 'reports.csv'), '--out', join(folder, 'again.csv')];
    await program.parseAsync(args, { from: 'user' });
  } finally {
    process.stderr.write = write;
  }
  assert.match(said, /^ {2}warning: 2 rows with an identifier that an earlier row has, the first: 1$/m);
  const { summary: single } = await mineFile(folder, 'others.csv', 'id,report\n1,Effusion.\n2,Edema.\n');
  assert.is(single.repeated, undefined);
});

test.run();
