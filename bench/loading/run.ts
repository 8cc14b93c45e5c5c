/**
 * What loading weights takes: main memory above that of a process which only has a device, and time until the first probabilities.
 *
 *     node dist/bench/loading/run.js [--network resnet50] [--size 224] [--weights FILE] [--builds FOLDER,FOLDER] [--rounds 3]
 *                                    [--from file|blob|server] [--rate 20] [--cache] [--integrity]
 *
 * Each round starts a fresh process for each build, in turns, so that what else the machine does falls on all. A build is a folder with `dist` and
 * `package.json`, such as a copy of an earlier version. Their probabilities must be equal bit for bit, or it is said. Numbers are medians.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { table } from '../../src/cli/terminal.js';
import { median } from '../measure.js';
import { architectureOf } from '../networks.js';
import { weightsFile } from '../weights_file.js';
import type { Loading, Moment } from './child.js';

const here = fileURLToPath(new URL('../../../', import.meta.url));
const options = new Command('loading')
  .option('--network <name>', 'a standard network, with a transition layer of 1024 channels', 'resnet50')
  .option('--size <pixels>', 'width and height of the image', '224')
  .option('--weights <file>', 'a file of weights in place of random ones')
  .option('--builds <folders>', 'folders of builds to compare', here)
  .option('--rounds <count>', 'processes for each build', '3')
  .option(
    '--from <source>',
    'what weights are loaded from: the file, a Blob of it, or a server in this process',
    'file',
  )
  .option('--rate <megabytes>', 'megabytes a second that the server sends', '20')
  .option('--cache', 'weights from the server are kept in a new folder each time')
  .option('--integrity', 'their hash is given')
  .parse()
  .opts<
    Record<'network' | 'size' | 'builds' | 'rounds' | 'from' | 'rate', string> & { weights?: string } & Partial<
        Record<'cache' | 'integrity', true>
      >
  >();

const folder = mkdtempSync(join(tmpdir(), 'raybox-loading-'));
const builds = options.builds.split(',').map((path) => resolve(path));
const rounds = new Map<string, Loading[]>(builds.map((build) => [build, []]));
try {
  const file = resolve(options.weights ?? (await randomWeights()));
  const weights = options.from === 'server' ? await serve(file) : file;
  const hash = options.integrity && createHash('sha256').update(readFileSync(file)).digest('base64');
  const integrity = hash && `sha256-${hash}`;
  for (let round = 0; round < Number(options.rounds); round++)
    for (const build of round % 2 ? [...builds].reverse() : builds)
      rounds.get(build)!.push(await load(build, weights, integrity));
} finally {
  rmSync(folder, { recursive: true });
}
report();
process.exit(0);

async function randomWeights(): Promise<string> {
  const { backbone, head } = architectureOf(options.network);
  const narrow = { ...head, transition: { channels: 1024, kernel: 1, activation: 'relu' } };
  const path = join(folder, 'weights.safetensors');
  writeFileSync(
    path,
    await weightsFile({ backbone, head: narrow } as ReturnType<typeof architectureOf>, Number(options.size)),
  );
  return path;
}

/** Serves a file at the rate of the options. Returns its address. */
async function serve(file: string): Promise<string> {
  const { size } = statSync(file);
  const server = createServer(async (_, answer) => {
    answer.writeHead(200, { 'content-length': size });
    const begun = performance.now();
    let sent = 0;
    for await (const piece of createReadStream(file)) {
      sent += piece.length;
      answer.write(piece);
      const due = sent / (Number(options.rate) * 1e3);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, begun + due - performance.now())));
    }
    answer.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights`;
}

async function load(build: string, weights: string, integrity: string | undefined): Promise<Loading> {
  const cache = options.cache && mkdtempSync(join(folder, 'cache-'));
  const child = fileURLToPath(new URL('child.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    child,
    build,
    weights,
    options.from,
    JSON.stringify({ cache, integrity }),
  ]);
  if (cache) rmSync(cache, { recursive: true });
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

function report(): void {
  const all = [...rounds.values()].flat();
  const names = builds.map((build) => (build === resolve(here) ? 'this build' : build));
  const mebibytes = (value: (one: Loading) => number) =>
    builds.map((build) => (middle(build, value) / 2 ** 20).toFixed(0));
  const milliseconds = (value: (one: Loading) => number) => builds.map((build) => middle(build, value).toFixed(0));
  const above = (at: (one: Loading) => Moment) => mebibytes((one) => at(one).peak - one.bare);
  const rows = [
    ['MiB above a bare device, at most, until weights are read', ...above((one) => one.read)],
    ['until they are on the GPU', ...above((one) => one.ready)],
    ['until the first probabilities', ...above((one) => one.first)],
    [
      'the most of these',
      ...mebibytes((one) => Math.max(...[one.read, one.ready, one.first].map(({ peak }) => peak)) - one.bare),
    ],
    ['MiB of buffers of JavaScript when weights are read', ...mebibytes((one) => one.read.buffers)],
    ['at the first probabilities', ...mebibytes((one) => one.first.buffers)],
    ['MiB of packed weights on the GPU', ...mebibytes((one) => one.gpu.weights)],
    ['MiB of activations', ...mebibytes((one) => one.gpu.work)],
    ['MiB written to the GPU', ...mebibytes((one) => one.written.bytes)],
    ['kernels', ...milliseconds((one) => one.compiled.kernels)],
    ['characters of their sources', ...milliseconds((one) => one.compiled.characters)],
    ['ms until weights are read', ...milliseconds((one) => one.read.ms)],
    ['ms until the first kernel is asked for', ...milliseconds((one) => one.compiled.from)],
    ['ms until weights are on the GPU', ...milliseconds((one) => one.ready.ms)],
    ['ms until the first probabilities', ...milliseconds((one) => one.first.ms)],
    ['processor ms until weights are on the GPU', ...milliseconds((one) => one.ready.cpuMs)],
    ['processor ms until the first probabilities', ...milliseconds((one) => one.first.cpuMs)],
  ];
  console.log(
    `${all[0].adapter}, ${options.weights ?? `${options.network} ${options.size}²`} from a ${options.from}${options.cache ? ' to a cache' : ''}${options.integrity ? ' with integrity' : ''}, ${options.rounds} rounds`,
  );
  console.log(table([['', ...names], ...rows]));
  const different = all.some((one) => one.probabilities.join() !== all[0].probabilities.join());
  console.log(different ? 'The probabilities differ.' : 'All probabilities are equal bit for bit.');
}

function middle(build: string, value: (one: Loading) => number): number {
  return median(rounds.get(build)!.map(value));
}
