/** Outputs: only one process at a time writes them, a kill neither loses nor repeats results, and errors say what cannot be written. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
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
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readPredictions } from '../../src/cli/evaluate/files.js';
import { openResults } from '../../src/cli/localize/result_files.js';
import type { ResultLine } from '../../src/cli/localize/results.js';
import { writePhantoms } from '../../src/cli/phantom/files.js';
import { refuseUsedFolder } from '../../src/cli/train/run_folder.js';
import { InputError } from '../../src/errors.js';
import { besideKnown, goneNamesakes } from '../../src/node/images/image_files.js';
import { FOLDER_LOCK, lockFile, lockFolder } from '../../src/node/lock.js';
import { isRunning, lookUp, ownIdentity } from '../../src/node/runtime/processes.js';
import { openBeside, sweepParts, writeWhole } from '../../src/node/text_files.js';

const test = suite<{ folder: string }>('outputs', { folder: '' });
const source = (name: string) => new URL(`../../src/${name}`, import.meta.url).href;
const cli = fileURLToPath(source('cli/cli.js'));

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'raybox-outputs-'));
});
test.after.each(({ folder }) => {
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true, force: true });
});

/** A program in a process of its own. */
function program(text: string, args: readonly string[]): ChildProcess {
  const imports = `import { lockFile, lockFolder } from '${source('node/lock.js')}';`;
  return spawn(process.execPath, ['--input-type=module', '-e', `${imports}\n${text}`, ...args]);
}

/** Waits until it has written something, and returns that. */
async function said(child: ChildProcess): Promise<string> {
  const [text] = await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
  return String(text).trim();
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('nothing was refused'),
    (reason) => reason as Error,
  );
  assert.ok(error instanceof InputError, error.stack);
  return error.message;
}

const HOLD = "await lockFile(process.argv[1]); console.log('held'); setInterval(() => {}, 1000);";

test('if two processes want to write, one does and the error of the other names it; the lock of a killed process is taken over', async ({
  folder,
}) => {
  const path = join(folder, 'new/r.csv');
  const holder = program(HOLD, [path]);
  assert.is(await said(holder), 'held');
  const refused = await refusal(lockFile(path));
  assert.match(
    refused,
    new RegExp(`^${path} is being written by another process; given process ${holder.pid} on \\S+, `),
  );
  assert.match(refused, /since \d{4}-.*; wait until it has ended, or name another output$/);
  // Another path of the same file is the same output.
  writeFileSync(path, '');
  symlinkSync(path, join(folder, 'link.csv'));
  assert.match(await refusal(lockFile(join(folder, 'link.csv'))), /is being written by another process/);
  await kill(holder);
  assert.ok(existsSync(`${path}.lock`));
  const lock = await lockFile(path);
  assert.match(await refusal(openResults(path)), new RegExp(`process ${process.pid} on`));
  await lock.release();
  await lock.release();
  assert.equal(readdirSync(join(folder, 'new')), ['r.csv']);
  // A process that ends in any other way removes its locks.
  const ending = program('await lockFolder(process.argv[1]); process.exit(3);', [folder]);
  assert.equal(await once(ending, 'exit'), [3, null]);
  assert.not.ok(existsSync(join(folder, FOLDER_LOCK)));
});

test('the error explains a lock whose holder cannot be looked up; a lock whose process number is used by another process is taken over', async ({
  folder,
}) => {
  const path = join(folder, 'r.jsonl');
  const lockPath = `${path}.lock`;
  const forge = (change: object) =>
    writeFileSync(lockPath, JSON.stringify({ ...ownIdentity(), since: 'yesterday', command: 'x', ...change }));
  for (const [change, message] of [
    [
      { host: 'elsewhere' },
      /process \d+ on elsewhere, since yesterday \(x\); that is another machine, .* delete \S+r\.jsonl\.lock$/,
    ],
    [{ boot: 'before' }, /this machine has been started again since then, .* delete \S+r\.jsonl\.lock$/],
    [{ container: 'another' }, /that is another container, .* delete \S+r\.jsonl\.lock$/],
  ] as const) {
    forge(change);
    assert.match(await refusal(openResults(path)), message);
    assert.ok(existsSync(lockPath), 'it is left alone');
  }
  writeFileSync(lockPath, 'no lock');
  assert.match(await refusal(openResults(path)), /the lock \S+r\.jsonl\.lock cannot be read; .* delete the lock$/);
  const { began } = ownIdentity();
  if (began !== '') {
    forge({ began: '1' });
    await (await openResults(path)).suspend();
    assert.equal(readdirSync(folder), [], 'a file without results is not left behind');
  }
  rmSync(lockPath, { force: true });

  const own = ownIdentity();
  assert.is(lookUp(own), 'running');
  const ended = spawnSync(process.execPath, ['-e', '']);
  assert.is(lookUp({ ...own, pid: ended.pid }), 'ended');
  assert.equal([0, -1, 1.5, Number.NaN, 2 ** 40].map(isRunning), [false, false, false, false, false]);
});

test('if many processes find the lock of an ended process at the same time, only one at a time takes it', async ({
  folder,
}) => {
  const path = join(folder, 'r.csv');
  const holder = program(HOLD, [path]);
  await said(holder);
  await kill(holder);
  // The guard of a process that was killed while it took over the lock.
  const { token } = JSON.parse(readFileSync(`${path}.lock`, 'utf8'));
  writeFileSync(`${path}.lock.${token}`, JSON.stringify({ ...ownIdentity(), pid: holder.pid }));
  writeFileSync(`${path}.lock.0123456789ab`, JSON.stringify({ ...ownIdentity(), pid: holder.pid }));
  const log = join(folder, 'log');
  const contend = `
    import { appendFileSync } from 'node:fs';
    import { setTimeout } from 'node:timers/promises';
    const [path, log] = process.argv.slice(1);
    for (let turn = 0; turn < 400; turn++) {
      const lock = await lockFile(path).catch((error) => {
        if (error.name !== 'InputError') throw error;
      });
      if (lock) {
        appendFileSync(log, 'in ' + process.pid + '\\n');
        await setTimeout(5);
        appendFileSync(log, 'out ' + process.pid + '\\n');
        // Half of them are killed while they hold the lock.
        if (process.pid % 2 === 0) process.kill(process.pid, 'SIGKILL');
        return await lock.release();
      }
      await setTimeout(5);
    }
    process.exit(1);`.replace('return await lock.release();', 'await lock.release(); process.exit(0);');
  const children = Array.from({ length: 8 }, () => program(contend, [path, log]));
  const ends = await Promise.all(children.map((child) => once(child, 'exit')));
  for (const [code, signal] of ends) assert.ok(code === 0 || signal === 'SIGKILL', `${code} ${signal}`);
  const turns = readFileSync(log, 'utf8').trim().split('\n');
  assert.is(turns.length, 16);
  for (let i = 0; i < 16; i += 2) assert.is(turns[i].replace('in', 'out'), turns[i + 1]);
  await (await lockFile(path)).release();
  assert.equal(readdirSync(folder), ['log'], 'nothing stays behind');
});

test('half-written files of killed processes are removed, those of running ones are not', async ({ folder }) => {
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const parts = [`a.png.${dead}.part`, `a.png.${process.ppid}.part`, `mine.${dead}.part`, 'notes.part', 'a.png'];
  for (const name of parts) writeFileSync(join(folder, name), '');
  await (await lockFolder(folder)).release();
  assert.equal(readdirSync(folder).sort(), parts.slice(1).sort(), 'only what raybox writes');
  for (const name of [`r.csv.${dead}.part`, `other.csv.${dead}.part`]) writeFileSync(join(folder, name), '');
  await (await lockFile(join(folder, 'r.csv'))).release();
  assert.equal(readdirSync(folder).sort(), [...parts.slice(1), `other.csv.${dead}.part`].sort(), "another file's stay");
  await sweepParts(folder, (name) => name === 'other.csv');
  assert.not.ok(readdirSync(folder).includes(`other.csv.${dead}.part`));
});

function lineOf(file: string, findings = 1): ResultLine {
  const found = {
    label: 'Mass',
    score: 0.75,
    threshold: 60,
    area: 6,
    peak: 255,
    box: { x: 1, y: 2, width: 3, height: 4 },
  };
  return {
    image: file.split('/').at(-1) as string,
    file,
    width: 9,
    height: 9,
    probabilities: { Mass: 0.75, Nodule: 0.25 },
    logits: { Mass: 1, Nodule: -1 },
    findings: Array.from({ length: findings }, () => found),
  };
}
const fileOf = (path: string) => ({ path, name: path.split('/').at(-1) as string });

for (const name of ['r.csv', 'r.coco.json']) {
  test(`${name}: after a kill between the last renaming and the end, no result is written twice`, async ({
    folder,
  }) => {
    const path = join(folder, name);
    const part = `${path}.part.jsonl`;
    const files = ['a.png', 'x/b.png', 'y/b.png', 'none.png'].map((file) => join(folder, file));
    const results = await openResults(path);
    for (const file of files) await results.add(lineOf(file, file.endsWith('none.png') ? 0 : 2));
    const lines = readFileSync(part);
    await results.finish();
    const whole = readFileSync(path, 'utf8');
    writeFileSync(part, lines);
    for (let turn = 0; turn < 2; turn++) {
      const again = await openResults(path, files.map(fileOf));
      const done = files.filter((file) => again.has(fileOf(file)));
      assert.equal(done, turn === 0 || name === 'r.coco.json' ? files : files.slice(0, 3));
      await again.finish();
      assert.is(readFileSync(path, 'utf8'), whole);
      assert.equal(readdirSync(folder), [name]);
    }
  });

  test(`${name}: images with the same name in two folders are distinguished, also by a later run`, async ({
    folder,
  }) => {
    const path = join(folder, name);
    const [a, x, y, z] = ['a.png', 'x/b.png', 'y/b.png', 'z/b.png'].map((file) => join(folder, file));
    const first = await openResults(path, [a, x, y].map(fileOf));
    for (const file of [a, x, y]) await first.add(lineOf(file));
    await first.finish();
    const names = () => {
      const text = readFileSync(path, 'utf8');
      if (name === 'r.csv')
        return text
          .trim()
          .split('\n')
          .slice(1)
          .map((row) => row.split(',')[0]);
      return JSON.parse(text).images.map(({ file_name }: { file_name: string }) => file_name);
    };
    assert.equal(names(), ['a.png', x, y]);
    const second = await openResults(path, [a, x, y, z].map(fileOf));
    assert.equal(
      [a, x, y, z].map((file) => second.has(fileOf(file))),
      [true, true, true, false],
    );
    await second.add(lineOf(z));
    await second.finish();
    assert.equal(names(), ['a.png', x, y, z]);
    assert.match(
      await refusal(readPredictions(path, { classes: ['Mass'] })),
      /x\/b\.png and \S+y\/b\.png are two images/,
    );
    // A name without a folder, and then another file of that name.
    const other = join(folder, 'w/a.png');
    if (name === 'r.csv') {
      assert.match(
        await refusal(openResults(path, [a, other].map(fileOf))),
        /has a\.png without its folder, and several/,
      );
    } else {
      const third = await openResults(path, [a, other].map(fileOf));
      assert.equal(
        [a, other].map((file) => third.has(fileOf(file))),
        [true, false],
      );
      await third.add(lineOf(other));
      await third.finish();
      assert.equal(names(), [a, x, y, z, other]);
    }
  });
}

test('an image whose name is in the results from another folder is called by its path, and moved images are noticed', async ({
  folder,
}) => {
  const [a, x] = ['a.png', 'x/a.png'].map((file) => join(folder, file));
  for (const name of ['r.jsonl', 'r.coco.json']) {
    const first = await openResults(join(folder, name));
    await first.add(lineOf(a));
    await first.finish();
    const second = await openResults(join(folder, name));
    assert.equal(second.files, [a]);
    await second.suspend();
  }
  assert.equal(besideKnown([fileOf(a)], [a]), [fileOf(a)]);
  assert.equal(besideKnown([fileOf(x), fileOf(join(folder, 'b.png'))], [a])[0], { path: x, name: x });
  assert.equal(goneNamesakes([fileOf('here/a.png')], ['gone/a.png', 'gone/b.png', a]), ['gone/a.png']);
});

test('a note says that in CSV images without findings have no row', async ({ folder }) => {
  const path = join(folder, 'r.csv');
  const results = await openResults(path);
  await results.add(lineOf('a.png', 0));
  assert.match((await results.finish()) as string, /^1 image without findings has no row in \S+r\.csv, so the same/);
});

test('on a full disk results have whole lines only, and existing files do not change', async ({ folder }) => {
  const fill = `
    import { openResults } from '${source('cli/localize/result_files.js')}';
    import { writeWhole } from '${source('node/text_files.js')}';
    const [results, whole] = process.argv.slice(1);
    const say = (error) => console.log(error.name + ': ' + error.message);
    const lines = await openResults(results);
    for (let i = 0; i < 1000; i++) {
      const file = i + '.png';
      const failed = await lines.add({ image: file, file, error: 'x'.repeat(90) }).then(() => false, say);
      if (failed !== false) break;
    }
    await lines.suspend();
    await writeWhole(whole, 'x'.repeat(100000)).catch(say);`;
  writeFileSync(join(folder, 'whole.csv'), 'as it was');
  const args = ['-c', 'ulimit -f 8; exec "$0" --input-type=module -e "$@"', process.execPath, fill];
  const run = spawnSync('sh', [...args, join(folder, 'r.jsonl'), join(folder, 'whole.csv')], { encoding: 'utf8' });
  const [first, second] = run.stdout.trim().split('\n');
  assert.match(
    first,
    /^InputError: \S+r\.jsonl cannot be written: it grew larger than files may be here; what is done is in it/,
    run.stderr,
  );
  assert.match(second, /^InputError: \S+whole\.csv cannot be written: it grew larger/);
  const text = readFileSync(join(folder, 'r.jsonl'), 'utf8');
  assert.ok(text.endsWith('\n') && text.length > 3000, `${text.length}`);
  for (const line of text.trim().split('\n')) JSON.parse(line);
  assert.is(readFileSync(join(folder, 'whole.csv'), 'utf8'), 'as it was');
  assert.equal(readdirSync(folder).sort(), ['r.jsonl', 'whole.csv']);
});

test('the error names a file that cannot be written, and the reason', async ({ folder }) => {
  mkdirSync(join(folder, 'folder.csv'));
  writeFileSync(join(folder, 'file'), '');
  const reasons: (readonly [() => Promise<unknown>, RegExp])[] = [
    [() => openResults(join(folder, 'folder.csv')), /folder\.csv cannot be written: it is a folder; name a file$/],
    [
      () => openResults(join(folder, 'file/r.csv')),
      /file\/r\.csv cannot be written: a part of its path is a file, not a folder$/,
    ],
    [() => lockFolder(join(folder, 'file')), /file cannot be written: a part of its path is a file, not a folder$/],
    [() => writeWhole(join(folder, 'folder.csv'), ''), /folder\.csv cannot be written: it is a folder$/],
    [() => writeWhole(join(folder, `${'x'.repeat(300)}.csv`), ''), /cannot be written: its name is too long$/],
    [() => openBeside(join(folder, 'file/r.csv')), /file\/r\.csv cannot be written/],
    [() => refuseUsedFolder(join(folder, 'file')), /^--out \S+file is a file; expected a folder that is new or empty$/],
    [
      () => refuseUsedFolder(join(folder, 'file/run')),
      /file\/run cannot be written: a part of its path is a file, not/,
    ],
    [
      () => writePhantoms({ count: 1, size: 64, seed: 1, out: join(folder, 'file') }),
      /^phantom: \S+file is a file; exp/,
    ],
    // No folder can be made there, and Node's recursive `mkdir` would never return.
    ...(process.platform === 'linux'
      ? ([
          [() => lockFolder('/proc/raybox/r'), /^\/proc\/raybox\/r cannot be written: there is no such folder$/],
        ] as const)
      : []),
  ];
  for (const [work, message] of reasons) assert.match(await refusal(work()), message);
  assert.equal(readdirSync(folder).sort(), ['file', 'folder.csv']);
});

test('commands end with one line if an output cannot be written, and without a message if its reader has stopped', ({
  folder,
}) => {
  const weights = fileURLToPath(new URL('../../../weights/phantom8.safetensors', import.meta.url));
  writeFileSync(join(folder, 'report.txt'), 'No effusion.');
  mkdirSync(join(folder, 'taken.csv'));
  chmodSync(folder, 0o777);
  mkdirSync(join(folder, 'fixed'), { mode: 0o555 });
  // Root may write everywhere, so the test runs as another user, if that user can read the program.
  const nobody = { uid: 65534, gid: 65534 };
  const isRoot = process.getuid?.() === 0;
  const canRead = isRoot && spawnSync(process.execPath, [cli, '--version'], nobody).status === 0;
  const user = canRead ? nobody : {};
  const run = (line: string) => {
    const env = { ...process.env, NODE: process.execPath, CLI: cli, WEIGHTS: weights, HOME: folder };
    const { stdout, stderr } = spawnSync('sh', ['-c', `${line}; echo "exit $?"`], {
      cwd: folder,
      encoding: 'utf8',
      env,
      ...user,
    });
    return { code: /exit (\d+)\n$/.exec(stdout)?.[1], stderr };
  };
  const raybox = '"$NODE" "$CLI"';
  for (const [line, message] of [
    ['inspect "$WEIGHTS" --json > /dev/full', /^raybox: stdout cannot be written: no space is left on the device\n$/],
    [
      'mine report.txt --out l.csv --explain - > /dev/full',
      /^raybox: stdout cannot be written: no space is left on the device\n$/,
    ],
    ['--help > /dev/full', /^raybox: stdout cannot be written: no space is left on the device\n$/],
    ['mine report.txt --out taken.csv', /^raybox: taken\.csv cannot be written: it is a folder; name a file\n$/],
    ['mine report.txt --out fixed/l.csv', /^raybox: fixed\/l\.csv cannot be written: writing there is not allowed\n$/],
    [
      'convert "$WEIGHTS" --out fixed/w.safetensors',
      /^raybox: .*fixed\/w\.safetensors cannot be written: writing there is not allowed\n$/,
    ],
    [
      'phantom --count 2 --size 64 --out fixed/data',
      /^raybox: fixed\/data cannot be written: writing there is not allowed\n$/,
    ],
    [
      'phantom --count 2 --size 64 --out report.txt/data',
      /^raybox: phantom: report\.txt\/data cannot be written: a part of its path is a file, not a folder\n$/,
    ],
    [
      'localize report.txt --weights "$WEIGHTS" --out fixed/r.jsonl',
      /^raybox: fixed\/r\.jsonl cannot be written: writing there is not allowed\n$/,
    ],
    [
      'localize report.txt --weights "$WEIGHTS" --overlay fixed',
      /^raybox: fixed cannot be written: writing there is not allowed\n$/,
    ],
  ] as const) {
    if (isRoot && !canRead && line.includes('fixed')) continue;
    const { code, stderr } = run(`${raybox} ${line}`);
    assert.is(code, '1', `${line}\n${stderr}`);
    assert.match(stderr, message, line);
  }
  assert.equal(readdirSync(folder).sort(), ['fixed', 'report.txt', 'taken.csv'], 'nothing half-written');
  const left = run(`{ ${raybox} inspect "$WEIGHTS" --json; echo "of it $?" >&2; } | true`);
  assert.is(left.stderr, 'of it 0\n');
});

test.run();
