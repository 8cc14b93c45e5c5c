/**
 * Compares raybox with other engines: `npm run bench:peers -- --help`. bench/peers/README.md explains how, and has the results.
 *
 * The peers are in a package of their own, which is installed when it is missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError, Option } from 'commander';
import { adapterOption } from '../../src/cli/adapter_option.js';
import { nameList, wholeNumber } from '../../src/cli/terminal.js';
import { InputError } from '../../src/errors.js';
import { openGpu } from '../../src/gpu/device.js';
import { fileNameFrom } from '../collected/shared.js';
import { describeMachine, writeJson } from '../machine.js';
import { positiveNumber } from '../options.js';
import { nodeEngines, serveNamed } from './child.js';
import { contest, type Entrant } from './contest.js';
import { downloadsOf } from './downloads.js';
import { peersFolder, root } from './installed.js';
import { PEER_NETWORKS } from './networks.js';
import { type Comparison, formatDownloads, formatStandings, type PeerResults } from './standings.js';
import { type Choice, writeTask } from './task.js';
import { writeTrainingTask } from './training.js';

interface Options {
  networks: string[];
  size: number[];
  batch: number[];
  type: 'f32' | 'f16';
  engines: string[];
  seconds: number;
  minutes: number;
  adapter?: string;
  install: boolean;
  training: boolean;
  json?: string;
}

const PYTORCH = ['pytorch cpu', 'pytorch cuda'];
/** They share an adapter, which is not that of the others. */
const IN_PAGE = ['raybox chromium', 'onnxruntime-web webgpu'];
const ENGINES = [...nodeEngines, ...PYTORCH];

/** The largest difference of logits and heatmaps from raybox's, relative to their range. */
const BOUNDS = { f32: 1e-3, f16: 3e-2 } as const;

function readOptions(args: readonly string[]): Options {
  const wholeNumbers = (text: string) => text.split(',').map(wholeNumber(1, 2 ** 20));
  return new Command('npm run bench:peers --')
    .description('raybox beside other engines: results compared first, then timed in turns')
    .option('--networks <names>', 'some of the networks', nameList, [...PEER_NETWORKS])
    .option('--size <pixels>', 'sides of the images', wholeNumbers, [224, 512, 1024])
    .option('--batch <list>', 'images in a batch', wholeNumbers, [1, 16])
    .addOption(new Option('--type <type>', 'of activations and weights').choices(['f32', 'f16']).default('f32'))
    .option('--engines <names>', 'peers; default: all', nameList, ENGINES)
    .option('--no-training', 'only inference')
    .option('--seconds <s>', 'of each comparison', positiveNumber, 10)
    .option('--minutes <m>', 'after which no further comparison is started', positiveNumber, 60)
    .addOption(adapterOption())
    .option('--no-install', 'compare only with what is installed')
    .option('--json <file>', 'of the results; default: out/bench/<adapter>.peers.json')
    .exitOverride()
    .parse([...args], { from: 'user' })
    .opts<Options>();
}

/** Checks the names of networks and engines. @throws InputError for one that is not known */
function checkNames({ networks, engines }: Options): void {
  const check = (what: string, names: readonly string[], known: readonly string[]) => {
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined) throw new InputError(what, { expected: known.join(', '), given: unknown });
  };
  check('--networks', networks, PEER_NETWORKS);
  check('--engines', engines, ENGINES);
}

/** Installs the package of the peers, unless it is there. */
function install(): void {
  if (existsSync(join(peersFolder, 'node_modules')) || !existsSync(join(peersFolder, 'package-lock.json'))) return;
  console.log('installing the peers in bench/peers …\n');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: peersFolder,
    stdio: 'inherit',
  });
  if (status !== 0) console.log('they could not be installed: raybox is compared with what is there\n');
}

const self = fileURLToPath(import.meta.url);

/** The commands that start the engines, raybox first. */
function entrantsOf(engines: readonly string[]): Entrant[] {
  const names = ['raybox', ...engines.filter((name) => name !== 'raybox')];
  return names.map((name) => {
    if (!PYTORCH.includes(name))
      return {
        name,
        command: [process.execPath, self, '--engine', name],
        ...(name === IN_PAGE[1] ? { beside: IN_PAGE[0] } : {}),
      };
    return { name, command: [pythonWithTorch(), join(root, 'bench/peers/pytorch.py'), name.split(' ')[1]] };
  });
}

let python: string | undefined;

/** The Python that can import PyTorch: the first in the path, or the system's. */
function pythonWithTorch(): string {
  const candidates = [process.env.PYTHON ?? 'python3', '/usr/bin/python3'];
  python ??= candidates.find((one) => spawnSync(one, ['-c', 'import torch']).status === 0) ?? candidates[0];
  return python;
}

/** Caches of compiled shaders are off, so that each first run is one. */
const environment = (adapter: string | undefined) => ({
  ...process.env,
  ...(adapter ? { RAYBOX_ADAPTER: adapter } : {}),
  MESA_SHADER_CACHE_DISABLE: 'true',
  __GL_SHADER_DISK_CACHE: '0',
});

type Work = Choice & { work: 'run' | 'train' };

async function compare(work: Work, { engines, seconds, adapter }: Options): Promise<Comparison> {
  const folder = mkdtempSync(join(tmpdir(), 'raybox-peers-'));
  try {
    await (work.work === 'train' ? writeTrainingTask : writeTask)(folder, work);
    const options = { folder, seconds, bound: BOUNDS[work.type], env: environment(adapter) };
    return { ...work, standings: await contest(entrantsOf(engines), options) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs all comparisons, and returns the exit code: 1 if anything was wrong. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  checkNames(options);
  const { networks, size: sizes, batch: batches, type, minutes, adapter } = options;
  if (options.install) install();
  const ends = performance.now() + minutes * 60_000;
  const gpu = await openGpu(adapter ? { adapter } : {});
  const machine = describeMachine(gpu);
  const path = options.json ?? join('out/bench', `${fileNameFrom(machine.adapter.name)}.peers.json`);
  gpu.close();
  console.log(`${machine.adapter.name}, Node ${machine.versions.node}, ${machine.date}\n`);
  const downloads = await downloadsOf(['raybox', ...options.engines]);
  const results: PeerResults = { ...machine, downloads, comparisons: [] };
  console.log(`${formatDownloads(downloads)}\n`);
  const works: Work[] = sizes.flatMap((size) =>
    batches.flatMap((batch) => networks.map((network) => ({ network, size, batch, type, work: 'run' as const }))),
  );
  const trained = {
    network: 'resnet18',
    size: sizes[0],
    batch: machine.adapter.software ? 2 : 32,
    type: 'f32' as const,
  };
  if (options.training) works.push({ ...trained, work: 'train' });
  for (const work of works) {
    if (performance.now() > ends) {
      console.log('the rest is left out for lack of time');
      break;
    }
    results.comparisons.push(await compare(work, options));
    console.log(`${formatStandings(results.comparisons.at(-1)!)}\n`);
    writeJson(path, results);
  }
  console.log(`written to ${path}`);
  return results.comparisons.some(({ standings }) => standings.some(({ failure }) => failure)) ? 1 : 0;
}

if (process.argv[1] === self) {
  const [, , first, name, folder] = process.argv;
  if (first === '--engine') await serveNamed(name, folder);
  else {
    try {
      process.exit(await main(process.argv.slice(2)));
    } catch (error) {
      if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
      console.error((error as Error).message);
      process.exit(2);
    }
  }
}
