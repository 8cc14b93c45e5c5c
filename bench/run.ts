/**
 * Runs the benchmarks: `npm run bench -- --help`. bench/README.md explains what they measure and how.
 *
 * Patterns are compared with a line for each benchmark, such as `conv2d #34 (1×28×28×128, …) f32 direct` or `resnet50 224×224 f32 batch 1`,
 * in upper or lower case.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { adapterOption } from '../src/cli/adapter_option.js';
import { nameList, wholeNumber } from '../src/cli/terminal.js';
import { InputError } from '../src/errors.js';
import { parseJson } from '../src/formats/json.js';
import { describe, type Gpu, openGpu } from '../src/gpu/device.js';
import { otherThreadsMs } from '../src/node/runtime/processor_time.js';
import { sampleWithBenny } from './benny_sampler.js';
import { formatAgainst } from './collected/against.js';
import { checkResults } from './collected/layout.js';
import { fileNameFrom, SHARED_CONTENTS, shared } from './collected/shared.js';
import { benchLocalizer } from './localizer.js';
import { describeMachine, writeJson } from './machine.js';
import { useProcessorClock, useSampler } from './measure.js';
import { benchNetwork, NETWORKS, networkLabel } from './networks.js';
import { benchOperation, listBenchmarks } from './operations.js';
import { positiveNumber } from './options.js';
import { formatRoofs, formatTable, type Results, type Row } from './results.js';
import { measureRoofs, type Roofs } from './roofs.js';
import { formatKernels, formatShares } from './shares.js';
import { benchTraining, trainingLabel } from './training.js';
import { formatVerification } from './verification.js';
import { verify } from './verify.js';

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
  /** Networks are also timed with tuned kernels: seconds of tuning for each network and batch size. */
  tune?: number | undefined;
  /** No suite is started after this time. */
  minutes: number;
  verify: boolean;
  json?: string | undefined;
  out?: string | undefined;
  /** Keeps what other suites have written to the file. */
  add: boolean;
  /** A file of a former run. */
  against?: string | undefined;
  share: boolean;
  shareTo?: string | undefined;
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
    .option('--seconds <s>', 'of each measurement', positiveNumber, 1)
    .option('--tune <s>', 'time networks also with tuned kernels, after so many seconds of tuning each', positiveNumber)
    .option('--minutes <m>', 'after which no further suite is started', positiveNumber, 60)
    .option('--json <file>', 'of the results')
    .option('--out <dir>', 'folder of the results; default: out/bench')
    .option('--add', 'keep what other suites have written to the file', false)
    .option('--against <file>', 'compare with the results of a former run')
    .option('--share', 'also write the results to bench/results, without personal data', false)
    .option('--share-to <file>', 'the same, to this file')
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

const wholeNumbers = (text: string): number[] => text.split(',').map(wholeNumber(1, 2 ** 20));

const say = (text: string) => console.log(`${text}\n`);

/** Runs everything that was asked for, and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const settings = readSettings(args);
  useProcessorClock(otherThreadsMs);
  useSampler(sampleWithBenny);
  const former = settings.against === undefined ? undefined : readResults(settings.against);
  const open = () => openGpu({ dawn: DAWN, ...(settings.adapter ? { adapter: settings.adapter } : {}) });
  const ends = performance.now() + settings.minutes * 60_000;
  const gpu = await open();
  const machine = describeMachine(gpu);
  const path = settings.json ?? join(settings.out ?? 'out/bench', `${fileNameFrom(machine.adapter.name)}.json`);
  const before = settings.add ? readBefore(path) : undefined;
  say(`${describe(gpu.info)}, Node ${machine.versions.node}, webgpu ${machine.versions.webgpu}, ${machine.date}`);
  const suites = listSuites(settings, gpu, open);
  if (suites.length === 0 && settings.suites.length > 0)
    throw new InputError('nothing matches', { given: args.join(' ') });

  let results: Results = { ...machine, ...kept(before, settings) };
  let wrong = 0;
  if (settings.verify) {
    const verification = await verify(open, { wanted: (line) => wanted(settings, line), ends });
    wrong += verification.failures.length;
    results = { ...results, verification };
    writeJson(path, results);
    say(formatVerification(verification));
  }
  if (suites.length > 0) {
    const roofs = await measureRoofs(gpu, Math.min(1, settings.seconds));
    say(formatRoofs(roofs));
    results = { ...results, roofs };
    const own: Row[] = [];
    for (const suite of suites) {
      const rows = await runSuite(suite, roofs, ends);
      if (rows === undefined) wrong++;
      own.push(...(rows ?? []));
      results = { ...results, rows: [...results.rows, ...(rows ?? [])] };
      writeJson(path, results);
    }
    wrong += own.filter((row) => row.failure !== undefined).length + (own.length === 0 ? 1 : 0);
    for (const text of [formatShares(own), formatKernels(own)]) if (text !== '') say(text);
    if (former) {
      const rows = former.rows.filter(({ suite }) => settings.suites.includes(suite));
      say(formatAgainst({ ...results, rows: own }, { ...former, rows }));
    }
  }
  gpu.close();
  if (settings.verify || suites.length > 0) say(`written to ${path}`);
  if (settings.share)
    share(settings.verify || suites.length > 0 ? results : readResults(path), fileNameFrom(machine.adapter.name));
  return wrong > 0 ? 1 : 0;
}

/** The rows of a suite; none for lack of time, undefined if it failed. If it throws or loses its device, only its own rows are lost. */
async function runSuite({ name, run }: Suite, roofs: Roofs, ends: number): Promise<Row[] | undefined> {
  if (performance.now() > ends) {
    say(`left out for lack of time: ${name}`);
    return [];
  }
  try {
    const rows = await run(roofs);
    say(formatTable(rows));
    return rows;
  } catch (error) {
    say(`failed: ${name}: ${(error as Error).message}`);
    return undefined;
  }
}

/** @throws InputError if the file cannot be read, or is not one of results */
function readResults(path: string): Results {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InputError(`${path} cannot be read`, { given: (cause as Error).message, cause });
  }
  return checkResults(parseJson(text, path), path);
}

const readBefore = (path: string): Results | undefined => (existsSync(path) ? readResults(path) : undefined);

/** What is kept of a file to which a run is added: the rows of other suites, and the verification. */
function kept(before: Results | undefined, { suites }: Settings): Pick<Results, 'rows' | 'roofs' | 'verification'> {
  if (!before) return { rows: [] };
  const { rows, roofs, verification } = before;
  return { rows: rows.filter(({ suite }) => !suites.includes(suite)), roofs, verification };
}

/** @param file default: a file in bench/results that is named by the adapter and the day */
function share(results: Results, file: string | undefined): void {
  const content = shared(results);
  const path = file ?? join('bench/results', `${fileNameFrom(content.adapter.name)}-${content.date}.json`);
  writeJson(path, checkResults(JSON.parse(JSON.stringify(content)), path));
  say(`written to ${path}, to be sent as bench/results/README.md says. It has:\n- ${SHARED_CONTENTS.join('\n- ')}`);
}

const wanted = ({ patterns }: Settings, line: string) => patterns.every((word) => line.toLowerCase().includes(word));

interface Suite {
  readonly name: string;
  run(roofs: Roofs): Promise<Row[]>;
}

/** The suites with their workloads that match the patterns, in the order in which they run. Each suite opens a device of its own. */
function listSuites(settings: Settings, gpu: Gpu, open: () => Promise<Gpu>): Suite[] {
  const { suites, seconds, adapter, tune } = settings;
  const types = settings.types.filter((type) => type === 'f32' || gpu.features.has('shader-f16'));
  const batches = settings.batches ?? (gpu.software ? [1] : [1, 4]);
  const matches = (line: string) => wanted(settings, line);
  const found: Suite[] = [];
  if (suites.includes('operations')) {
    for (const [name, all] of listBenchmarks(gpu, matches)) {
      const checks = all.filter((check) => types.includes(check.type));
      if (checks.length > 0) found.push({ name, run: (roofs) => benchOperation(open, checks, roofs, { seconds }) });
    }
  }
  for (const size of settings.sizes) {
    for (const type of types) {
      for (const network of suites.includes('networks') ? NETWORKS : []) {
        const chosen = batches.filter((batch) => matches(networkLabel(network, size, batch, type)));
        const given = { network, size, type, batches: chosen, tune };
        const run = (roofs: Roofs) => benchNetwork(open, given, roofs, { seconds });
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
