/**
 * `npm run kills -- --count 100`: kill trials of `localize` (three formats, overlays) and `train`; see bench/robustness/README.md.
 * The exit code is 1 if a continued run left other files than a run that was not killed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { wholeNumber } from '../../src/cli/terminal.js';
import { markdownTable } from '../markdown.js';
import { makeSubjects } from './kill_subjects.js';
import { killTrials, type TrialCounts } from './kill_trials.js';

interface Options {
  count: number;
  seed: number;
  only?: string;
}

async function main({ count, seed, only = '' }: Options): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'raybox-kills-'));
  const all: TrialCounts[] = [];
  try {
    const subjects = (await makeSubjects(join(folder, 'inputs'))).filter(({ name }) => name.includes(only));
    for (const subject of subjects) {
      const counts = await killTrials(subject, {
        ...{ folder, count, seed },
        onTrial: ({ kills, failures }) =>
          process.stderr.write(`${subject.name}: ${kills}/${count} kills, ${failures.length} failures\n`),
      });
      all.push(counts);
      for (const failure of counts.failures) process.stderr.write(`${subject.name}: ${failure}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const head = ['killed', 'kills', 'before anything was written', 'at a change of the folder', 'compared', 'wrong'];
  const rows = all.map(({ name, kills, early, atChange, compared, failures }) => [
    name,
    ...[kills, early, atChange, compared, failures.length].map(String),
  ]);
  process.stdout.write(`${markdownTable(head, rows)}\n`);
  if (all.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}

const command = new Command('kills')
  .option('--count <n>', 'kills of each command', wholeNumber(1, 1e6), 10)
  .option(
    '--seed <n>',
    'seed of the moments of the kills; a machine repeats them only roughly',
    wholeNumber(0, 2 ** 32),
    1,
  )
  .option('--only <name>', 'only commands whose names contain this: jsonl, csv, coco, overlays, train');
command.parse();
await main(command.opts<Options>());
