/** `raybox train`: trains weights that localize from a data set in the layout of ChestX-ray8/14. */

import type { Command } from '../../node/vendor/commander.js';
import { dashed, interruptible, print, say, table, UsageError } from '../terminal.js';
import { addTrainingOptions } from './add_options.js';
import { beginOptions, machineOf, type TrainingOptions } from './options.js';
import { beginRun, resumeRun } from './run.js';
import type { RunOutcome } from './run_types.js';

interface Options extends TrainingOptions {
  data?: string;
  out: string;
  resume?: true;
  acceptChangedImages?: true;
}

/** The options that can be given together with `--resume`. A resumed run has all others from its folder. */
const RESUMABLE = [
  'out',
  'resume',
  'acceptChangedImages',
  'data',
  'epochs',
  'patience',
  'checkpointMinutes',
  'threads',
  'cache',
  'imageCache',
  'activationCache',
  'memory',
  'adapter',
];

/** The options of training in epochs. They have no effect with `--ridge`, which has no epochs. */
const OF_EPOCHS = [
  ...[
    'epochs',
    'accumulate',
    'optimizer',
    'lr',
    'momentum',
    'nesterov',
    'weightDecay',
    'schedule',
    'warmUp',
    'decayEvery',
  ],
  ...[
    'loss',
    'perClass',
    'clipNorm',
    'average',
    'freeze',
    'rates',
    'batchNorm',
    'augment',
    'patience',
    'checkpointMinutes',
    'activationCache',
    'activationType',
    'memory',
  ],
];

/** Adds `raybox train`. */
export function addTrainCommand(program: Command): void {
  const command = program
    .command('train')
    .description('train a localizer from image-level labels: weights, checkpoints, log and curves in one folder')
    .requiredOption('--out <dir>', 'folder of the run, new or empty')
    .option('--data <dir>', 'data set in the ChestX-ray8/14 layout')
    .option('--resume', 'go on with the run in --out, to the same bits; it keeps its settings')
    .option(
      '--accept-changed-images',
      'with --resume: go on although images have other pixels than when the run began',
    );
  addTrainingOptions(command);
  command.action(async (options: Options) => {
    const given = Object.keys(options).filter((name) => command.getOptionValueSource(name) === 'cli');
    const outcome = await interruptible((signal) => run(options, given, signal)).catch((error: Error) => {
      if (['Interrupted', 'DeviceLostError'].includes(error.name))
        say(`Go on with: raybox train --out ${options.out} --resume`);
      throw error;
    });
    await print(summaryOf(outcome));
  });
}

async function run(options: Options, given: readonly string[], signal: AbortSignal): Promise<RunOutcome> {
  const machine = { ...machineOf(options), signal };
  if (options.resume) {
    const fixed = given.find((name) => !RESUMABLE.includes(name));
    if (fixed) throw new UsageError(`--${dashed(fixed)}: a run that is resumed keeps its settings`);
    const changed = (name: 'epochs' | 'patience') => (given.includes(name) ? { [name]: options[name] } : {});
    return resumeRun({
      out: options.out,
      data: options.data,
      acceptChangedImages: options.acceptChangedImages,
      ...changed('epochs'),
      ...changed('patience'),
      ...machine,
    });
  }
  const unused = options.ridge && given.find((name) => OF_EPOCHS.includes(name));
  if (unused) throw new UsageError(`--${dashed(unused)}: --ridge has no epochs, and trains the prediction layer alone`);
  if (!options.ridge && given.includes('ridgeFolds')) throw new UsageError('--ridge-folds belongs to --ridge');
  if (options.acceptChangedImages) throw new UsageError('--accept-changed-images: it belongs to --resume');
  if (options.data === undefined) throw new UsageError('--data: name a data set, or --resume a run');
  return beginRun({ ...(await beginOptions(options, options.data, options.out)), ...machine });
}

function summaryOf({ best, history, stoppedEarly, weights, run }: RunOutcome): string {
  const figure = (value: number | null) => (value === null ? '–' : value.toFixed(3));
  const rows = run.counts.map(({ label, train, validation }) => [label, train, validation, figure(best.auc[label])]);
  const ended = stoppedEarly ? `, ended early after ${history.length}` : ` of ${history.length}`;
  return [
    `${weights}: epoch ${best.epoch}${ended}; mean validation AUC ${best.meanAuc.toFixed(3)}`,
    '',
    table([['', 'training', 'validation', 'AUC'], ...rows]),
  ].join('\n');
}
