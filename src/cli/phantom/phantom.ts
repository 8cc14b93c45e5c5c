/** `raybox phantom`: draws a data set of synthetic X-rays. */
import { counted } from '../../errors.js';
import { Presets, SingleBar } from '../../node/vendor/cli_progress.js';
import { type Command, InvalidArgumentError, Option } from '../../node/vendor/commander.js';
import { PRESETS, type Preset } from '../../phantom/index.js';
import { type PhantomSummary, type WritePhantomsOptions, writePhantoms } from './files.js';

function numberOption(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

function severityOption(text: string): [number, number] {
  const values = text.split(',').map(numberOption);
  if (values.length !== 2) throw new InvalidArgumentError('It must be two numbers: LOW,HIGH.');
  return [values[0], values[1]];
}

type CommandOptions = Omit<WritePhantomsOptions, 'onProgress' | 'signal'>;

/** Adds `raybox phantom`. */
export function addPhantomCommand(program: Command): void {
  program
    .command('phantom')
    .description('draw a data set of synthetic chest X-rays: images, labels, boxes, lists and reports')
    .requiredOption('--count <n>', 'number of images', numberOption)
    .requiredOption('--out <dir>', 'folder of the data set, new or empty')
    .option('--size <pixels>', 'width and height, 64 to 2048', numberOption, 512)
    .option('--seed <n>', 'each seed gives another data set; --count says how much of it is drawn', numberOption, 0)
    .addOption(
      new Option('--preset <name>', 'clear findings in balanced numbers (demo), or as in real data (hard)')
        .choices(Object.keys(PRESETS) as Preset[])
        .default('demo'),
    )
    .addOption(new Option('--prevalence <which>', 'share of each disease').choices(['real', 'balanced']))
    .option(
      '--severity <low,high>',
      'range of how visible findings are, from 0 (barely) to 1 (obvious)',
      severityOption,
    )
    .option('--co-occurrence <share>', 'how strongly diseases come together, 0 to 1', numberOption)
    .option('--label-noise <share>', 'share of the labels that are dropped; as many wrong ones are added', numberOption)
    .option('--confounder <share>', 'share of the pneumothoraces that come with a chest tube, 0 to 1', numberOption)
    .option(
      '--distractors <factor>',
      'how often there are tubes, lines and devices: a factor, 0 for never',
      numberOption,
    )
    .option(
      '--look-alikes <factor>',
      'how often there are granulomas, nipples, scars and the like: a factor, 0 for never',
      numberOption,
    )
    .option('--noise <levels>', 'standard deviation of the noise, in grey levels', numberOption)
    .option('--variation <share>', 'spread of exposure, position and build, 0 to 1', numberOption)
    .addOption(
      new Option('--boxes <which>', 'which images have their boxes in the box file')
        .choices(['test', 'all'])
        .default('test'),
    )
    .option('--threads <n>', 'worker threads', numberOption)
    .action(async (options: CommandOptions) => {
      const summary = await drawWithProgress(options);
      process.stderr.write(`${summaryLines(options.out, summary).join('\n')}\n`);
    });
}

/** Draws the data set. On a terminal a bar shows how far it is. */
async function drawWithProgress(options: CommandOptions): Promise<PhantomSummary> {
  const bar = new SingleBar(
    {
      stream: process.stderr,
      format: 'drawing [{bar}] {percentage}% | {value}/{total} images | ETA {eta_formatted}',
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  const interactive = process.stderr.isTTY === true;
  let started = false;
  return writePhantoms({
    ...options,
    onProgress(done, total) {
      if (!interactive) return;
      if (!started) bar.start(total, done);
      started = true;
      bar.update(done);
    },
  }).finally(() => bar.stop());
}

function summaryLines(out: string, summary: PhantomSummary): string[] {
  const counts = Object.entries(summary.counts).sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = [
    `${out}: ${counted(summary.images, 'image')} of ${counted(summary.patients, 'patient')}, ${summary.test} of them for testing`,
    `  ${counts.map(([label, n]) => `${label} ${n}`).join(', ') || 'no disease'}; ${summary.boxes === 1 ? '1 box' : `${summary.boxes} boxes`}`,
  ];
  if (summary.resumed > 0)
    lines.push(
      `  ${counted(summary.resumed, 'image')} ${summary.resumed === 1 ? 'was' : 'were'} there from an interrupted run`,
    );
  return lines;
}
