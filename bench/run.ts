/**
 * Runs the benchmarks: `npm run bench -- --help`. bench/README.md explains what they measure and how.
 *
 * Patterns are compared with a line for each benchmark, such as `conv2d #34 (1×28×28×128, …) f32 direct` or `resnet50 224×224 f32 batch 1`,
 * in upper or lower case.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { adapterOption } from '../src/cli/adapter_option.js';
import { nameList, wholeNumber } from '../src/cli/terminal.js';
import { InputError } from '../src/errors.js';
import { describe, type Gpu, openGpu } from '../src/gpu/device.js';
import { benchLocalizer } from './localizer.js';
import { benchNetwork, NETWORKS, networkLabel } from './networks.js';
import { benchOperation, listBenchmarks } from './operations.js';
import { describeMachine, fileNameOf, formatRoofs, formatTable, type Results, type Row, writeJson } from './results.js';
import { measureRoofs, type Roofs } from './roofs.js';
import { benchTraining, trainingLabel } from './training.js';
import { formatVerification, verify } from './verify.js';

/** Options for Dawn. The first switches off the rounding of timestamps to 65 µs, and the others allow f16 on NVIDIA's drivers. */
const DAWN = [
  'disable-dawn-features=timestamp_quantization',
  'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia',
];

export interface Settings {
  suites: readonly string[];
  patterns: readonly string[];
  adapter?: string | undefined;
  types: readonly ('f32' | 'f16')[];
  sizes: readonly number[];
  /** Default: 1 and 4, on a software adapter only 1. */
  batches?: readonly number[] | undefined;
  seconds: number;
  /** No suite is started after this time. */
  minutes: number;
  verify: boolean;
  json?: string | undefined;
  out?: string | undefined;
}

const SUITES = ['operations', 'networks', 'localizer', 'training'];

/** @throws CommanderError for an option that cannot be understood, and after printing the text of `--help`. */
export function readSettings(args: readonly string[]): Settings {
  const program = new Command('npm run bench --')
    .description(
      'checks, then times; ends with 1 where anything was wrong, and so was not timed, with 2 for wrong options',
    )
    .argument('[pattern...]', 'words that must all occur in a benchmark’s line; default: everything')
    .option('--suite <names>', `some of ${SUITES.join(',')}, or none`, suiteList, SUITES)
    .option('--verify', 'every kernel against its reference first', false)
    .addOption(adapterOption())
    .addOption(new Option('--type <type>', 'default: both').choices(['f32', 'f16']))
    .option('--size <pixels>', 'sides of the networks’ images', wholeNumbers, [224])
    .option('--batch <list>', 'default: 1,4; on a software adapter 1', wholeNumbers)
    .option('--seconds <s>', 'of each measurement', positive, 1)
    .option('--minutes <m>', 'after which no further suite is started', positive, 60)
    .option('--json <file>', 'of the results')
    .option('--out <dir>', 'folder of the results; default: bench/results')
    .configureOutput({ writeErr: () => {} })
    .exitOverride()
    .parse([...args], { from: 'user' });
  const { suite, type, size, batch, ...others } = program.opts<
    Omit<Settings, 'suites' | 'patterns' | 'types' | 'sizes' | 'batches'> & {
      suite: string[];
      type?: 'f32' | 'f16';
      size: number[];
      batch?: number[];
    }
  >();
  const patterns = program.args.flatMap((text) => text.toLowerCase().split(/\s+/));
  return { ...others, suites: suite, patterns, types: type ? [type] : ['f32', 'f16'], sizes: size, batches: batch };
}

function suiteList(text: string): string[] {
  const names = text === 'none' ? [] : nameList(text);
  if (names.every((name) => SUITES.includes(name))) return names;
  throw new InvalidArgumentError(`It must be some of ${SUITES.join(',')}, or none.`);
}

function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

const wholeNumbers = (text: string): number[] => text.split(',').map(wholeNumber(1, 2 ** 20));

const say = (text: string) => console.log(`${text}\n`);

/** Runs everything that was asked for, and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const settings = readSettings(args);
  const open = () => openGpu({ dawn: DAWN, ...(settings.adapter ? { adapter: settings.adapter } : {}) });
  const ends = performance.now() + settings.minutes * 60_000;
  const gpu = await open();
  const machine = describeMachine(gpu);
  const path = settings.json ?? join(settings.out ?? 'bench/results', `${fileNameOf(gpu)}.json`);
  say(`${describe(gpu.info)}, Node ${machine.versions.node}, webgpu ${machine.versions.webgpu}, ${machine.date}`);

  let wrong = 0;
  if (settings.verify) {
    const outcome = await verify(open, (line) => wanted(settings, line), ends);
    wrong += outcome.failures.length;
    writeJson(path.replace(/(\.json)?$/, '.verify.json'), { ...machine, ...outcome });
    say(formatVerification(outcome));
  }
  if (settings.suites.length === 0) return wrong > 0 ? 1 : 0;

  const suites = listSuites(settings, gpu, open);
  if (suites.length === 0) throw new InputError('nothing matches', { given: args.join(' ') });
  const roofs = await measureRoofs(gpu, Math.min(1, settings.seconds));
  say(formatRoofs(roofs));
  const rows: Row[] = [];
  for (const { name, run } of suites) {
    if (performance.now() > ends) {
      say(`left out for lack of time: ${name}`);
      continue;
    }
    try {
      const made = await run(roofs);
      rows.push(...made);
      wrong += made.filter((row) => row.failure !== undefined).length;
      say(formatTable(made));
    } catch (error) {
      // If a suite throws or loses its device, only its own rows are lost.
      wrong++;
      say(`failed: ${name}: ${(error as Error).message}`);
    }
    writeJson(path, { ...machine, roofs, rows } satisfies Results);
  }
  gpu.close();
  say(`written to ${path}`);
  return wrong > 0 || rows.length === 0 ? 1 : 0;
}

const wanted = ({ patterns }: Settings, line: string) => patterns.every((word) => line.toLowerCase().includes(word));

interface Suite {
  readonly name: string;
  run(roofs: Roofs): Promise<Row[]>;
}

/** The suites with their workloads that match the patterns, in the order in which they run. Each suite opens a device of its own. */
function listSuites(settings: Settings, gpu: Gpu, open: () => Promise<Gpu>): Suite[] {
  const { suites, seconds, adapter } = settings;
  const types = settings.types.filter((type) => type === 'f32' || gpu.features.has('shader-f16'));
  const batches = settings.batches ?? (gpu.software ? [1] : [1, 4]);
  const matches = (line: string) => wanted(settings, line);
  const found: Suite[] = [];
  if (suites.includes('operations')) {
    for (const [name, all] of listBenchmarks(gpu, matches)) {
      const checks = all.filter((check) => types.includes(check.type));
      if (checks.length > 0)
        found.push({ name, run: (roofs) => benchOperation(open, name, checks, roofs, { seconds }) });
    }
  }
  for (const size of settings.sizes) {
    for (const type of types) {
      for (const network of suites.includes('networks') ? NETWORKS : []) {
        const chosen = batches.filter((batch) => matches(networkLabel(network, size, batch, type)));
        const run = (roofs: Roofs) => benchNetwork(open, { network, size, type, batches: chosen }, roofs, seconds);
        if (chosen.length > 0) found.push({ name: `${network} ${size}×${size} ${type}`, run });
      }
    }
  }
  for (const size of settings.sizes) {
    for (const type of suites.includes('localizer') ? types : []) {
      const name = `localizer ${size}×${size} ${type}`;
      const run = () => benchLocalizer({ size, type, batches, adapter, dawn: DAWN }, seconds);
      if (matches(name)) found.push({ name, run });
    }
  }
  const trained = settings.batches ?? [gpu.software ? 2 : 32];
  for (const size of suites.includes('training') && types.includes('f32') ? settings.sizes : []) {
    for (const batch of trained) {
      const name = trainingLabel(size, batch);
      if (matches(`${name} f32`)) found.push({ name, run: () => benchTraining(open, { size, batch, seconds }) });
    }
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exit(await main(process.argv.slice(2)));
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
    console.error((error as Error).message);
    process.exit(2);
  }
}
