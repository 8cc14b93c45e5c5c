/** The command `raybox`, run as a user runs it: exit codes, streams, files, and everything that can be wrong with an image. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { iobb } from '../../src/evaluate/localization.js';
import { decodeImage } from '../../src/formats/images/image.js';
import { encodePng } from '../../src/formats/images/png.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { untrainedWeights } from '../../src/nets/untrained.js';
import { DISEASES, drawPhantom } from '../../src/phantom/index.js';
import { tinyWeights } from '../support/tiny.js';

const test = suite('cli');
const bin = join(dirname(fileURLToPath(import.meta.url)), '../../src/cli/cli.js');
const folder = mkdtempSync(join(tmpdir(), 'raybox-cli-'));
const at = (...parts: string[]) => join(folder, ...parts);
const weights = at('small.safetensors');
/** For commands of which not the network is tested. */
const tiny = at('tiny.safetensors');

interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

function raybox(
  args: string[],
  { env = {}, onOutput }: { env?: NodeJS.ProcessEnv; onOutput?: (stop: (signal: NodeJS.Signals) => void) => void } = {},
): Promise<Run> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env: { ...process.env, DEBUG: '', ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      onOutput?.((signal) => child.kill(signal));
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

/** Runs several calls one after the other in one process, and writes what they wrote and how they ended as JSON. */
const SEVERAL = `
  const [cli, ...calls] = process.argv.slice(1);
  const written = process.stdout.write.bind(process.stdout);
  const runs = [];
  for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0); // each call adds one
  for (const [index, call] of calls.entries()) {
    const run = { code: 0, stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'])
      process[name].write = (text, ...rest) => {
        run[name] += text;
        rest.at(-1)?.();
        return true;
      };
    process.exitCode = 0;
    process.argv = [process.execPath, cli, ...JSON.parse(call)];
    await import(cli + '?' + index);
    runs.push({ ...run, code: process.exitCode });
  }
  process.exitCode = 0;
  written(JSON.stringify(runs));`;

/** For calls that end at once. Starting a process for each takes far longer than the rest. */
function several(calls: readonly string[][]): Run[] {
  const args = ['--input-type=module', '-e', SEVERAL, pathToFileURL(bin).href];
  const env = { ...process.env, DEBUG: '' };
  const options = { cwd: folder, env, encoding: 'utf8' } as const;
  return JSON.parse(execFileSync(process.execPath, [...args, ...calls.map((call) => JSON.stringify(call))], options));
}

const lines = (text: string) => text.split('\n').filter(Boolean);
const parsed = (text: string) => lines(text).map((line) => JSON.parse(line));
/** The lines of stderr that raybox wrote. Drivers write lines of their own. */
const said = (stderr: string) => lines(stderr).filter((line) => line.startsWith('raybox'));

test.before(async () => {
  writeFileSync(weights, untrainedWeights(3, DISEASES, 64));
  writeFileSync(tiny, tinyWeights(3, [...DISEASES]));
  mkdirSync(at('in/images/deep'), { recursive: true });
  mkdirSync(at('in/more'));
  for (let i = 0; i < 14; i++) symlinkSync(at('in/images/b.png'), at(`in/more/${100 + i}.png`));
  const phantom = async (index: number) => encodePng(drawPhantom({ seed: 5, index, size: 64 }).image);
  writeFileSync(at('in/images/b.png'), await phantom(0));
  writeFileSync(at('in/images/a b ü.png'), await phantom(1));
  writeFileSync(at('in/images/deep/c.PNG'), await phantom(2));
  writeFileSync(
    at('in/images/deep/one.png'),
    await encodePng({ data: Uint8Array.of(9), width: 1, height: 1, channels: 1 }),
  );
  writeFileSync(at('in/Data_Entry_2017.csv'), 'not an image');
  writeFileSync(at('in/images/.hidden.png'), 'not looked at');
  mkdirSync(at('bad/empty'), { recursive: true });
  writeFileSync(at('bad/half.png'), (await phantom(3)).subarray(0, 900));
  writeFileSync(at('bad/text.png'), 'these are words');
  writeFileSync(at('bad/nothing.png'), '');
  const dicom = Buffer.alloc(400);
  dicom.write('DICM', 128, 'latin1');
  writeFileSync(at('bad/scan.dcm'), dicom);
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test('help and version do not load the commands', async () => {
  const help = await raybox(['--help']);
  assert.is(help.code, 0);
  for (const name of ['localize', 'info', 'verify', 'inspect', 'demo', 'mine', 'phantom', 'check', 'evaluate'])
    assert.match(help.stdout, new RegExp(`^  ${name} `, 'm'));
  const { version } = JSON.parse(readFileSync(join(dirname(bin), '../../../package.json'), 'utf8'));
  assert.equal(await raybox(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});

test('each command has its own help', () => {
  const names = ['localize', 'verify', 'mine', 'check'];
  for (const { code, stdout } of several(names.map((name) => [name, '--help']))) {
    assert.is(code, 0);
    assert.match(stdout, /^Usage: raybox \w+ /);
  }
});

test('wrong usage: one line, exit code 2', async () => {
  const wrong: [string[], RegExp][] = [
    [['nonsense'], /unknown command 'nonsense'/],
    [['localize', '--weights', weights], /missing required argument 'images'/],
    [['localize', 'x.png', '--weights', weights, '--batch', '0'], /whole number from 1 to 1024/],
    [['localize', 'x.png', '--weights', weights, '--precision', 'f64'], /Allowed choices are f32, f16, int8/],
    [['localize', 'x.png', '--weights', weights, '--operating-thresholds', 'Mass'], /NAME=NUMBER/],
    [['localize', 'x.png', '--weights', weights, '--operating-thresholds', 'Mass=7'], /numbers from 0 to 1/],
    [['localize', 'x.png', '--weights', weights, '--thresholds', 'Mass=0.5'], /--thresholds is called --operating-th/],
    [['evaluate', '--data', '.', '--store-thresholds'], /--store-thresholds is called --store-operating-thresholds/],
    [['localize', 'x.png', '--weights', weights, '--heat-thresholds', '60,300'], /up to 255/],
    [['localize', 'x.png', '--weights', weights, '--min-region', '-1'], /a number from 0/],
    [['localize', 'in', '--weights', weights, '--out', 'r.txt'], /must end in \.jsonl, \.csv or \.coco\.json/],
    [['localize', 'in', '--weights', weights, '--overlay', 'in/images'], /is one of the images/],
    [['verify', '--case', '1'], /give --op too/],
    [['inspect', weights, '--size', 'big'], /whole number/],
    [
      ['inspect', '--weights', weights],
      /inspect has no option --weights: give the weights without it, raybox inspect /,
    ],
    [['check', '--data', 'in'], /check has no option --data: give the data without it, raybox check \[options\] <dir>/],
    [['quantize', weights, '--out', 'x.txt'], /x\.txt: a safetensors file is written; give a name that ends in/],
  ];
  const [[first], ...others] = wrong;
  const runs = [await raybox(first), ...several(others.map(([args]) => args))];
  runs.forEach(({ code, stdout, stderr }, i) => {
    assert.equal([code, stdout], [2, ''], wrong[i][0].join(' '));
    assert.match(stderr, wrong[i][1]);
    assert.is(lines(stderr).length, 1, stderr);
  });
});

test('failures: one line, exit code 1, and a stack only with DEBUG', async () => {
  const [missing, told] = await Promise.all([
    raybox(['inspect', 'nowhere.safetensors']),
    raybox(['inspect', 'nowhere.safetensors'], { env: { DEBUG: '1' } }),
  ]);
  assert.equal([missing.code, missing.stdout, lines(missing.stderr).length], [1, '', 1]);
  assert.match(missing.stderr, /^raybox: .*nowhere\.safetensors.*no such file/);
  assert.match(told.stderr, /\n\s+at /);
});

const ORDER = ['a b ü.png', 'b.png', 'c.PNG', 'one.png', ...Array.from({ length: 14 }, (_, i) => `${100 + i}.png`)];
// A pattern, a folder and a file that name the same images, and many files that are not images.
const EVERYTHING = ['in', 'in/images/b.png', 'in/**/b.png', 'bad', 'gone.png', 'bad/empty', '*.jpg'];
const LOCALIZE = ['localize', ...EVERYTHING, '--weights', tiny, '--classes', 'Mass,Nodule', '--batch', '1'];

test('after Ctrl-C the output has whole lines only', async () => {
  let signalled = false;
  const { code, stdout, stderr } = await raybox(LOCALIZE, {
    onOutput(stop) {
      if (!signalled) stop('SIGINT');
      signalled = true;
    },
  });
  assert.is(code, 130, stderr);
  assert.is(said(stderr).at(-1), 'raybox: interrupted');
  assert.ok(stdout.endsWith('\n'));
  const done = parsed(stdout);
  assert.ok(done.length >= 1 && done.length < ORDER.length, `${done.length}`);
  // The state that a kill at another moment would leave.
  writeFileSync(at('results.jsonl'), `${stdout}{"image":"b.png","file":"in/ima`);
});

test('the same command does the remaining images in a fixed order, reports bad files, and draws overlays', async () => {
  const before = parsed(readFileSync(at('results.jsonl'), 'utf8').replace(/.*$/, ''));
  const run = await raybox([...LOCALIZE, '--out', 'results.jsonl', '--overlay', 'o/p']);
  assert.equal([run.code, run.stdout], [1, ''], run.stderr);
  const results = parsed(readFileSync(at('results.jsonl'), 'utf8'));
  assert.equal(results.slice(0, before.length), before);
  const good = results.filter(({ error }) => error === undefined);
  assert.equal(
    good.map(({ image }) => image),
    ORDER,
  );
  assert.equal([good[0].file, good[2].file], ['in/images/a b ü.png', 'in/images/deep/c.PNG']);
  assert.equal(
    good.slice(0, 5).map(({ width }) => width),
    [64, 64, 64, 1, 64],
  );
  for (const { probabilities, logits, findings } of good) {
    assert.is(Object.keys(probabilities).length, 8);
    for (const [label, probability] of Object.entries<number>(probabilities))
      assert.ok(Math.abs(probability - 1 / (1 + Math.exp(-logits[label]))) < 1e-5);
    for (const { label, box, threshold, score } of findings) {
      assert.ok(['Mass', 'Nodule'].includes(label) && [60, 180].includes(threshold) && score === probabilities[label]);
      assert.ok(box.x >= 0 && box.width > 0 && box.x + box.width <= 64 && box.y + box.height <= 64);
    }
  }
  assert.ok(good[0].findings.length >= 4);
  // The same image under another name, before and after the interruption.
  assert.equal(good.at(-1).findings, good[1].findings);

  const bad = Object.fromEntries(results.filter(({ error }) => error).map(({ image, error }) => [image, error]));
  assert.equal(Object.keys(bad).sort(), ['half.png', 'nothing.png', 'scan.dcm', 'text.png']);
  assert.match(bad['half.png'], /cut/);
  assert.match(bad['text.png'], /not a PNG/);
  assert.match(bad['scan.dcm'], /DICOM/);
  const told = said(run.stderr);
  for (const name of ['half.png', 'text.png', 'nothing.png', 'scan.dcm', 'gone.png', 'bad/empty', '*.jpg'])
    assert.is(told.filter((line) => line.includes(`${name}: `)).length, 1, name);
  assert.not.match(run.stderr, /\n\s+at /);

  const overlays = readdirSync(at('o/p'));
  assert.is(overlays.length, ORDER.length);
  const overlay = await decodeImage(readFileSync(at('o/p/a b ü.png')));
  assert.ok(overlay.channels === 3 && overlay.width > 1000 && overlay.height > 700);
});

test('a file of results is only continued with the weights and options of its results', async () => {
  const [image, out] = ['in/images/b.png', 'made.coco.json'];
  const first = await raybox(['localize', image, '--weights', tiny, '--min-region', '2', '--out', out]);
  assert.is(first.code, 0, first.stderr);
  const whole = readFileSync(at(out), 'utf8');
  const { madeBy } = JSON.parse(whole).info;
  const hash = createHash('sha256').update(readFileSync(tiny)).digest('hex').slice(0, 16);
  assert.equal([madeBy.weights, madeBy.options], [hash, { '--min-region': '2' }]);

  writeFileSync(at('other.safetensors'), tinyWeights(4, [...DISEASES]));
  const again = (file: string, ...more: string[]) => ['localize', image, '--weights', file, '--out', out, ...more];
  const [same, moved, ...others] = several([
    again(tiny, '--min-region', '2', '--threads', '1', '--all-boxes'),
    again(pathToFileURL(tiny).href, '--min-region', '2'),
    again(tiny),
    again('other.safetensors', '--min-region', '2'),
    [...again(tiny, '--lung-mask', 'drop', '--min-region', '2'), 'in/images/deep/c.PNG'],
  ]);
  for (const { code, stderr } of [same, moved]) {
    assert.is(code, 0, stderr);
    assert.match(stderr, /^1 of 1 images are done already\.$/m);
  }
  const messages = [
    /^raybox: made\.coco\.json was written with --min-region 2, now it is not given; name another file/,
    /^raybox: made\.coco\.json was written with other weights \(their SHA-256 begins with \w+, now with \w+\)/,
    /^raybox: made\.coco\.json was written without --lung-mask, now --lung-mask drop is given/,
  ];
  others.forEach(({ code, stdout, stderr }, i) => {
    assert.equal([code, stdout, lines(stderr).length], [1, '', 1], stderr);
    assert.match(stderr, messages[i]);
  });
  assert.is(readFileSync(at(out), 'utf8'), whole);
  assert.equal(
    readdirSync(folder).filter((name) => name.startsWith('made.')),
    [out],
  );
});

test('it is not a failure if the reader of the output stops reading', async () => {
  const child = spawn('sh', ['-c', `"${process.execPath}" "${bin}" verify --op lse_pool | head -c 1; exit 0`], {
    cwd: folder,
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  await new Promise((done) => child.on('close', done));
  assert.not.match(stderr, /EPIPE|\n\s+at /);
});

test('verify: a table of errors for one operation, and unknown ones refused', async () => {
  const [one, none] = await Promise.all([raybox(['verify', '--op', 'linear']), raybox(['verify', '--op', 'nonsense'])]);
  assert.is(one.code, 0, one.stderr);
  assert.match(one.stdout, /^operation +type +variant +cases +worst NMSE +bound\n/);
  assert.match(one.stdout, /^linear +f32 +\w+ +\d+ +\S+ +\S+ +ok$/m);
  assert.is(none.code, 2);
  assert.match(said(none.stderr)[0], /there are .*conv2d.*linear/);
});

test('info: the adapter and the kernels that it would run', async () => {
  const { code, stdout } = await raybox(['info', '--json']);
  assert.is(code, 0);
  const info = JSON.parse(stdout);
  assert.ok(info.adapters.includes(info.used));
  assert.ok(info.limits.maxStorageBufferBindingSize >= 128 << 20);
  assert.ok(info.kernels.some((one: { operation: string }) => one.operation === 'conv2d'));
});

test('inspect: architecture, parameters, work and memory, without a GPU', async () => {
  const [small, large, text] = await Promise.all([
    raybox(['inspect', weights, '--json']),
    raybox(['inspect', weights, '--json', '--size', '512']),
    raybox(['inspect', weights, '--layers']),
  ]);
  const [at64, at512] = [small, large].map(({ stdout }) => JSON.parse(stdout));
  assert.equal(at64.heatmap, [2, 2]);
  assert.equal(at512.heatmap, [16, 16]);
  // Prediction layer: 8 × 32 + 8; transition: 32 × 64 + 32.
  assert.is(at64.parameters.head, 264 + 2080);
  assert.ok(at512.flops > 60 * at64.flops && at512.flops <= 64 * at64.flops);
  assert.ok(at512.memory.f32.activations > 50 * at64.memory.f32.activations);
  assert.is(at512.memory.f32.weights, at64.memory.f32.weights);
  assert.ok(at64.memory.f16.activations < 0.6 * at64.memory.f32.activations);
  assert.match(text.stdout, /^Training +none: the weights are random$/m);
  assert.match(text.stdout, /^features\.conv1|^conv1/m);
  const broken = at('broken.safetensors');
  writeFileSync(broken, readFileSync(weights).subarray(0, 5000));
  const refused = await raybox(['inspect', broken]);
  assert.equal([refused.code, refused.stdout], [1, '']);
  assert.is(lines(refused.stderr).length, 1);
});

test('convert: half the bytes, the same network, and only what belongs to it', async () => {
  const { code, stdout, stderr } = await raybox(['convert', weights, '--out', 'half.safetensors']);
  assert.is(code, 0, stderr);
  assert.match(stdout, /half\.safetensors: \d+ tensors as F16, [\d,]+ bytes/);
  const [full, half] = [weights, at('half.safetensors')].map((path) => readSafetensors(readFileSync(path)));
  assert.equal([...half.tensors.keys()].sort(), [...full.tensors.keys()].sort());
  assert.equal(half.metadata, full.metadata);
  for (const [name, { data }] of full.tensors) {
    const other = half.tensors.get(name)!.data;
    const near = data.every((value, i) => Math.abs(value - other[i]) <= Math.abs(value) * 2 ** -11 + 2 ** -25);
    assert.ok(near, name);
  }
  assert.ok(statSync(at('half.safetensors')).size < 0.6 * statSync(weights).size);

  const named = ['convert', weights, '--out', 'named.safetensors', '--metadata', '{"heatmapScaling":"relu"}'];
  assert.is((await raybox(named)).code, 0);
  assert.is(readSafetensors(readFileSync(at('named.safetensors'))).metadata.heatmap_scaling, 'relu');
  const again = await raybox(named);
  assert.is(again.code, 2, 'nothing is written over');
  assert.match(again.stderr, /is there already/);
  writeFileSync(at('text.pth'), 'no weights');
  const broken = await raybox(['convert', 'text.pth', '--out', 'none.safetensors']);
  assert.is(broken.code, 1);
  assert.match(broken.stderr, /^raybox: text\.pth: /);
  assert.not(existsSync(at('none.safetensors')));
});

test('weights from elsewhere: convert names the tensors that it leaves out, and stores what was assumed', async () => {
  const { tensors } = readSafetensors(readFileSync(weights));
  const more = new Map(tensors).set('loss_fn.pos_weight', { shape: [8], data: new Float32Array(8) });
  writeFileSync(at('bare.safetensors'), writeSafetensors(more));
  const converted = await raybox(['convert', 'bare.safetensors', '--out', 'others.safetensors', '--mean', '0.25']);
  assert.is(converted.code, 0, converted.stderr);
  assert.match(converted.stderr, /left out, .*: loss_fn\.pos_weight/);
  assert.match(converted.stderr, /do not name their 8 outputs/);
  const { metadata } = readSafetensors(readFileSync(at('others.safetensors')));
  assert.ok(JSON.parse(metadata.assumed).includes('classes') && !JSON.parse(metadata.assumed).includes('mean'));
  const inspected = await raybox(['inspect', 'others.safetensors', '--names', '8']);
  assert.match(inspected.stdout, /^Classes +Atelectasis, .* \(given\)$/m);
  assert.match(inspected.stdout, /^Input .*mean 0\.25.*std .* \(assumed\)$/m);
  writeFileSync(
    at('se.safetensors'),
    writeSafetensors(new Map([...tensors, ['layer1.0.se.fc1.weight', { shape: [1], data: new Float32Array(1) }]])),
  );
  const refused = await raybox(['convert', 'se.safetensors', '--out', 'none.safetensors']);
  assert.equal([refused.code, existsSync(at('none.safetensors'))], [1, false]);
  assert.match(refused.stderr, /layer1\.0\.se\.fc1/);
});

test('demo: the shipped weights find what was drawn', async () => {
  const { code, stdout, stderr } = await raybox(['demo', '--out', 'demo/phantom.png']);
  assert.is(code, 0, stderr);
  assert.match(stderr, /weights\/phantom8\.safetensors/);
  assert.not.match(stderr, /UNTRAINED/);
  const boxOf = ([x, y, width, height]: number[]) => ({ x, y, width, height });
  for (const drawn of /^In the picture: (.*)$/m.exec(stdout)![1].split('; ')) {
    const [label] = drawn.split(' ');
    const rows = [...stdout.matchAll(new RegExp(`^${label} +[01]\\.\\d\\d +\\d+ +(\\d.*)$`, 'gm'))];
    const inside = rows.map(([, box]) =>
      iobb(boxOf(box.split(/ +/).map(Number)), boxOf(drawn.match(/\d+/g)!.map(Number))),
    );
    assert.ok(Math.max(...inside) > 0.25, `${drawn}: ${inside}\n${stdout}`);
  }
  assert.ok(existsSync(at('demo/phantom.png')));
});

test('demo: an image gets the weights for X-rays of patients, which say that this one is a phantom', async () => {
  const { image } = drawPhantom({ seed: 9, index: 0, size: 128 });
  writeFileSync(at('drawn.png'), await encodePng({ ...image, channels: 1 }));
  const { code, stdout, stderr } = await raybox(['demo', 'drawn.png', '--out', 'demo/drawn.png']);
  assert.is(code, 0, stderr);
  assert.match(stderr, /weights\/chest8\.safetensors/);
  assert.match(stderr, /looks like a phantom that raybox draws/);
  assert.match(stdout, /^Picture: demo\/drawn\.png$/m);
});

test('demo: a picture, a table, and a notice about untrained weights', async () => {
  const { code, stdout, stderr } = await raybox(['demo', '--weights', weights, '--out', 'demo/x.png']);
  assert.is(code, 0, stderr);
  assert.match(stdout, /^In the picture: /);
  assert.match(stdout, /^finding \(meaningless\) +score/m);
  assert.match(stdout, /^Picture: demo\/x\.png$/m);
  assert.match(stderr, /UNTRAINED WEIGHTS/);
  assert.ok(existsSync(at('demo/x.png')));
});

test.run();
