/**
 * Fuzzing: every parser of untrusted files gets mutants of good inputs. For each it must give a value or an InputError, in bounded time and
 * memory. bench/robustness/README.md explains how this works and what it has found.
 *
 *   npm run fuzz -- --parser png --mutants 100000 --seed 7 --minutes 10
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nameList, number, print, say, startProgress, table, wholeNumber } from '../../../src/cli/terminal.js';
import { writeWhole } from '../../../src/node/text_files.js';
import { Command } from '../../../src/node/vendor/commander.js';
import type { Failure } from './child.js';
import { mutant } from './mutate.js';
import { PARSERS } from './parsers.js';
import { type FuzzResult, fuzz } from './run.js';

interface Options {
  parser: string[];
  mutants?: number;
  seed: number;
  minutes?: number;
  only?: number;
  file?: string;
  limit: number;
  out: string;
  json?: string;
}

const DEFAULT_MUTANTS = 1000;

function readOptions(args: readonly string[]): Options {
  const names = PARSERS.map(({ name }) => name);
  const command = new Command('npm run fuzz --')
    .description('gives mutants of good inputs to every parser: each must end in a value or an InputError')
    .option('--parser <names>', 'names of parsers, with commas between them; default: all', nameList, names)
    .option(
      '--mutants <number>',
      `mutants of each parser; default: ${DEFAULT_MUTANTS}, or as many as there is time for with --minutes`,
      wholeNumber(1, 2 ** 40),
    )
    .option('--minutes <number>', 'the most time for each parser', number(0.01))
    .option('--seed <number>', 'other seeds give other mutants', wholeNumber(0, 2 ** 32), 1)
    .option('--only <number>', 'this one mutant, to see its failure again', wholeNumber(0, 2 ** 40))
    .option('--file <path>', 'a file instead of mutants, for one parser')
    .option(
      '--limit <seconds>',
      'the most processor time of one mutant; it is stopped after twelve times as long on the clock',
      number(0.1),
      5,
    )
    .option('--out <folder>', 'folder for failing inputs', 'out/fuzz')
    .option('--json <path>', 'writes the results as JSON')
    .addHelpText('after', `\nParsers:\n${table(PARSERS.map(({ name, about }) => [`  ${name}`, about]))}`)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .parse(args as string[], { from: 'user' });
  const options = command.opts<Options>();
  const unknown = options.parser.find((name) => !names.includes(name));
  if (unknown !== undefined) command.error(`error: there is no parser ${unknown}; see --help`);
  if (options.file !== undefined && (options.parser.length > 1 || !existsSync(options.file)))
    command.error('error: --file needs one --parser, and a file that is there');
  if (options.only !== undefined && options.parser.length > 1) command.error('error: --only needs one --parser');
  return options;
}

/** Writes the failing input to a file, and says how to repeat the failure. */
async function keep(failure: Failure, name: string, { seed, out, file }: Options): Promise<string> {
  const { index, kind, message } = failure;
  const lines = [`${name}: ${kind}: ${message}`];
  if (file !== undefined || index < 0) return lines[0];
  const parser = PARSERS.find((each) => each.name === name)!;
  if (kind === 'no input') return `${lines[0]}\n  mutant ${index} of seed ${seed}: the fault is the fuzzer's`;
  const path = join(out, `${name}-${seed}-${index}.bin`);
  await writeWhole(path, mutant({ ...parser, seeds: await parser.seeds() }, seed, index));
  lines.push(`  ${path}`, `  npm run fuzz -- --parser ${name} --seed ${seed} --only ${index}`);
  return lines.join('\n');
}

const summary = ({ parser, mutants, values, refused, failures, slowest, largest, seconds }: FuzzResult) => [
  parser,
  `${mutants}`,
  `${values}`,
  `${refused}`,
  `${failures.reduce((sum, { times }) => sum + times, 0)}`,
  `${slowest.seconds.toFixed(2)} s`,
  `${(largest.bytes / 2 ** 20).toFixed(0)} MiB`,
  `${seconds.toFixed(0)} s`,
];

export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  const { seed, limit, minutes, only, file } = options;
  const one = only !== undefined || file !== undefined;
  const mutants = one ? 1 : (options.mutants ?? (minutes === undefined ? DEFAULT_MUTANTS : 2 ** 40));
  const results: FuzzResult[] = [];
  for (const name of options.parser) {
    const progress = startProgress(name, mutants, 'mutants');
    const result = await fuzz({
      parser: name,
      seed,
      limit,
      mutants,
      from: only ?? 0,
      ...(minutes === undefined ? {} : { time: minutes * 60_000 }),
      ...(file === undefined ? {} : { file }),
      onProgress: (done) => progress.update(done),
      onFailure: async (failure) => progress.note(await keep(failure, name, options)),
    });
    progress.stop();
    results.push(result);
    if (options.json !== undefined) await writeWhole(options.json, `${JSON.stringify(results, null, 2)}\n`);
  }
  const head = ['parser', 'mutants', 'values', 'refused', 'failures', 'slowest', 'most memory', 'time'];
  await print(`${table([head, ...results.map(summary)])}\n`);
  const failed = results.filter(({ failures }) => failures.length > 0).map(({ parser }) => parser);
  say(failed.length === 0 ? 'no failure' : `failures in ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
