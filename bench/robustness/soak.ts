/**
 * A soak test: very many calls of one Localizer, with images of many sizes and kinds, all options, and aborts and errors in between. Memory
 * must not grow. bench/robustness/README.md says what is measured and what it has found.
 *
 *   npm run soak -- --calls 10000
 */
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { duration, number, print, say, startProgress, table, wholeNumber } from '../../src/cli/terminal.js';
import { InputError } from '../../src/errors.js';
import { encodePng } from '../../src/formats/images/png.js';
import { type ImageInput, type LocalizeOptions, type Localizer, load } from '../../src/index.js';
import { untrainedWeights } from '../../src/nets/untrained.js';
import { writeWhole } from '../../src/node/text_files.js';
import { Command } from '../../src/node/vendor/commander.js';
import { createDice, type Dice } from './fuzz/mutate.js';
import { type Trend, trendOf } from './trend.js';

export interface SoakOptions {
  calls: number;
  seed: number;
  /** Calls between two measurements of the memory. */
  every: number;
  /** Milliseconds after which the test ends, even if not all calls were made. */
  time?: number;
  onProgress?: (done: number) => void;
}

const MEASURES = ['gpu', 'heap', 'external', 'rss'] as const;
type Measure = (typeof MEASURES)[number];

/** The resolution of each measure. Buffers are measured exactly, but V8 allocates pages and the allocator arenas. */
const GRAIN: Record<Measure, number> = { gpu: 0, heap: 1 << 20, external: 1 << 20, rss: 24 << 20 };

export interface SoakResult {
  calls: number;
  /** How calls ended. Another error ends the run. */
  outcomes: { results: number; refused: number; aborted: number };
  /** The numbers of calls after which memory was measured, and the bytes. */
  samples: ({ calls: number } & Record<Measure, number>)[];
  trends: Record<Measure, Trend>;
  seconds: number;
}

const CLASSES = ['Atelectasis', 'Cardiomegaly', 'Effusion', 'Mass'];
const SIDES = [1, 7, 33, 64, 97, 128, 200, 311];

function pixelsOf(dice: Dice) {
  const [width, height] = [dice.pick(SIDES), dice.pick(SIDES)];
  const channels = dice.pick([1, 3, 4] as const);
  const length = width * height * channels;
  const step = dice.below(1000);
  const data = dice.chance(0.5)
    ? Uint8Array.from({ length }, (_, i) => (i * step) >> 4)
    : Uint16Array.from({ length }, (_, i) => (i * step) & 4095);
  return { data, width, height, channels };
}

/** An image in any form that a caller may use. One in ten is not an image. */
async function imageOf(dice: Dice): Promise<ImageInput> {
  const image = pixelsOf(dice);
  if (dice.chance(0.1)) {
    const png = await encodePng(image);
    png[dice.below(png.length)] ^= 255;
    return dice.pick<ImageInput>([png, png.subarray(0, png.length >> 1), { ...image, width: 0 }, '/no/such/file.png']);
  }
  return dice.chance(0.3) ? encodePng(image) : image;
}

function optionsOf(dice: Dice): LocalizeOptions {
  return {
    ...(dice.chance(0.5) ? { classes: CLASSES.slice(0, 1 + dice.below(4)) } : {}),
    ...(dice.chance(0.3) ? { operatingThresholds: { Mass: dice.pick([0, 0.5, 1]) } } : {}),
    ...(dice.chance(0.3) ? { heatThresholds: dice.pick([[60, 180], [127.5], [20, 100, 200]]) } : {}),
    ...(dice.chance(0.3) ? { maxBoxes: dice.pick([1, 8, 64]) } : {}),
    ...(dice.chance(0.2) ? { minRegion: dice.pick([0, 1, 2.5]) } : {}),
    ...(dice.chance(0.4) ? { heatmaps: dice.pick(['raw', 'scaled'] as const) } : {}),
    ...(dice.chance(0.03) ? { classes: ['Nothing'] } : {}),
    ...(dice.chance(0.03) ? { maxBoxes: -1 } : {}),
  };
}

/** A signal that is aborted before the call, immediately after it, or while it runs. */
function signalOf(dice: Dice): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const when = dice.below(3);
  if (when === 0) abort();
  else if (when === 1) queueMicrotask(abort);
  else setTimeout(abort, dice.below(30));
  return controller.signal;
}

/** One to four calls, of every kind. Returns how many. */
async function callSome(localizer: Localizer, dice: Dice, outcomes: SoakResult['outcomes']): Promise<number> {
  const settle = async (call: Promise<unknown>) => {
    try {
      await call;
      outcomes.results += 1;
    } catch (error) {
      if (error instanceof InputError) outcomes.refused += 1;
      else if ((error as Error).name === 'AbortError') outcomes.aborted += 1;
      else throw error;
    }
  };
  const options = () => ({ ...optionsOf(dice), ...(dice.chance(0.1) ? { signal: signalOf(dice) } : {}) });
  const kind = dice.below(10);
  if (kind === 0) {
    await settle(localizer.classify(await imageOf(dice)));
    return 1;
  }
  if (kind === 1) {
    const images = [await imageOf(dice), await imageOf(dice), await imageOf(dice)];
    const all = async () => {
      const each = localizer.localizeAll(images, { ...options(), batch: 2, onError: () => {} });
      for await (const result of each) void result;
    };
    await settle(all());
    return images.length;
  }
  const overlapping = kind === 2 ? 4 : 1;
  const inputs = await Promise.all(Array.from({ length: overlapping }, () => imageOf(dice)));
  await Promise.all(inputs.map((image) => settle(localizer.localize(image, options()))));
  return overlapping;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** The memory after everything that can be freed was freed. */
async function sampleOf(localizer: Localizer, calls: number): Promise<SoakResult['samples'][number]> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10)); // finalizers run between tasks
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { calls, gpu: localizer.memory().bytes, heap: heapUsed, external, rss };
}

/** @throws the error of a call, unless the call was refused or aborted on purpose */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { calls, seed, every, time = Number.POSITIVE_INFINITY, onProgress } = options;
  const localizer = await load(untrainedWeights(seed, CLASSES, 64), { backend: 'webgpu' });
  const started = performance.now();
  const outcomes = { results: 0, refused: 0, aborted: 0 };
  const samples: SoakResult['samples'] = [];
  let done = 0;
  try {
    for (let round = 0; done < calls && performance.now() - started < time; round++) {
      done += await callSome(localizer, createDice(`soak ${seed} ${round}`), outcomes);
      onProgress?.(done);
      if (Math.floor(done / every) > samples.length) samples.push(await sampleOf(localizer, done));
    }
  } finally {
    await localizer.close();
  }
  const trends = Object.fromEntries(
    MEASURES.map((measure) => {
      const series = { calls: samples.map((each) => each.calls), values: samples.map((each) => each[measure]) };
      return [measure, trendOf(series, GRAIN[measure])];
    }),
  ) as Record<Measure, Trend>;
  return { calls: done, outcomes, samples, trends, seconds: (performance.now() - started) / 1000 };
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MiB`;

function report({ calls, outcomes, samples, trends, seconds }: SoakResult): string {
  const { results, refused, aborted } = outcomes;
  const rows = MEASURES.map((measure) => {
    const { rise, allowed, flat } = trends[measure];
    const at = (i: number) => mebibytes(samples[i][measure]);
    const ends = [at(0), at(samples.length >> 1), at(samples.length - 1)];
    return [measure, ...ends, mebibytes(rise), mebibytes(allowed), flat ? 'flat' : 'GROWS'];
  });
  return [
    `${calls} calls in ${duration(seconds * 1000)}: ${results} gave results, ${refused} were refused, ${aborted} aborted`,
    table([['memory', 'first', 'middle', 'last', 'rise in the second half', 'allowed', ''], ...rows]),
  ].join('\n');
}

export async function main(args: readonly string[]): Promise<number> {
  const { calls, seed, every, minutes, json } = new Command('npm run soak --')
    .description('calls one Localizer very many times, with aborts and errors in between: memory must stay flat')
    .option('--calls <number>', 'images that are handed in', wholeNumber(40, 2 ** 31), 10_000)
    .option('--every <number>', 'calls between two measurements of the memory', wholeNumber(5, 2 ** 31), 50)
    .option('--minutes <number>', 'ends after this time, even if calls are left', number(0.01))
    .option('--seed <number>', 'seed of images, options and aborts', wholeNumber(0, 2 ** 32), 1)
    .option('--json <path>', 'writes all measurements')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .parse(args as string[], { from: 'user' })
    .opts<{ calls: number; seed: number; every: number; minutes?: number; json?: string }>();
  const progress = startProgress('soak', calls, 'calls');
  const time = minutes === undefined ? undefined : minutes * 60_000;
  const result = await soak({ calls, seed, every, time, onProgress: (done) => progress.update(Math.min(done, calls)) });
  progress.stop();
  if (json !== undefined) await writeWhole(json, `${JSON.stringify(result)}\n`);
  await print(report(result));
  const growing = MEASURES.filter((measure) => !result.trends[measure].flat);
  say(growing.length === 0 ? 'memory stays flat' : `memory grows: ${growing.join(', ')}`);
  return growing.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
