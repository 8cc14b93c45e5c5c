/**
 * Compares raybox's logits and class activation maps with what PyTorch computes in float64, for twins of public checkpoints. `make.py` makes the twins, in
 * the form in which the checkpoints are downloaded, and each is loaded by one call; JF Healthcare's is loaded with its preset. How far PyTorch's own float32 is
 * from both is told as well.
 *
 *   npm run twins -- OUT
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../../src/index.js';

interface Twin {
  file: string;
  side: number;
  logits: number[];
  /** Computed in float64. */
  exactLogits: number[];
  heatmaps: [classes: number, height: number, width: number];
  /** What the file does not say. */
  options: { preset?: string };
}

const LOGITS = 1e-5;
const MAPS = 1e-4;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('say which folder bench/twins/make.py wrote');
const twins = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name): Twin => JSON.parse(readFileSync(join(folder, name), 'utf8')));
if (twins.length === 0) throw new Error(`${folder} has no twins`);

/** The indexes of the outputs that raybox has, in the same order. It leaves out those that were never trained. */
function trainedOf(twin: Twin, labels: readonly string[], untrained: readonly number[]): number[] {
  const kept = twin.logits.map((_, index) => index).filter((index) => !untrained.includes(index));
  if (kept.length !== labels.length)
    throw new Error(`${twin.file}: ${kept.length} outputs, but ${labels.length} labels`);
  return kept;
}

interface Outputs {
  readonly logits: readonly number[];
  readonly maps: readonly ArrayLike<number>[];
}

/** The largest differences: of logits as a share of the largest one, if that is above 1, and of maps as a share of the map's range. */
function apart(actual: Outputs, expected: Outputs): { logits: number; maps: number } {
  const scale = Math.max(1, ...expected.logits.map(Math.abs));
  const logits = actual.logits.map((value, index) => Math.abs(value - expected.logits[index]) / scale);
  const maps = actual.maps.map((map, index) => {
    const [theirs, ours] = [Array.from(expected.maps[index]), Array.from(map)];
    const range = Math.max(...theirs) - Math.min(...theirs);
    return Math.max(...ours.map((value, cell) => Math.abs(value - theirs[cell]))) / range;
  });
  return { logits: Math.max(...logits), maps: Math.max(...maps) };
}

for (const twin of twins) {
  const { file, side, logits, exactLogits, heatmaps } = twin;
  const localizer = await load(join(folder, file), { ...twin.options, backend: 'webgpu' });
  const { classes } = localizer.metadata;
  const image = {
    data: new Uint8Array(readFileSync(join(folder, `${file}.u8`))),
    width: side,
    height: side,
    channels: 1 as const,
  };
  const result = await localizer.localize(image, { classes, heatmaps: 'raw' });
  await localizer.close();
  const untrained = result.warnings
    .find(({ code }) => code === 'untrained-outputs')
    ?.message.match(/number ([\d, ]+),/)?.[1];
  const kept = trainedOf(twin, classes, (untrained ?? '').split(', ').filter(Boolean).map(Number));
  const read = (end: string) => Uint8Array.from(readFileSync(join(folder, file + end))).buffer;
  const own = {
    logits: classes.map((label) => result.logits[label]),
    maps: classes.map((label) => result.heatmaps![label].data),
  };
  const cells = heatmaps[1] * heatmaps[2];
  const keptOf = (
    values: readonly number[],
    maps: ArrayLike<number> & { subarray(from: number, to: number): ArrayLike<number> },
  ): Outputs => ({
    logits: kept.map((index) => values[index]),
    maps: kept.map((index) => maps.subarray(index * cells, (index + 1) * cells)),
  });
  const torch = keptOf(logits, new Float32Array(read('.f32')));
  const exact = keptOf(exactLogits, new Float64Array(read('.f64')));
  const [ours, oursExact, theirsExact] = [apart(own, torch), apart(own, exact), apart(torch, exact)];
  const isRight = oursExact.logits <= LOGITS && oursExact.maps <= MAPS;
  if (!isRight) process.exitCode = 1;
  const text = (what: keyof typeof ours) => {
    const [a, b, c] = [oursExact, theirsExact, ours].map((one) => one[what].toExponential(1));
    return `${what} within ${a} of PyTorch's in float64 (its float32: ${b}; raybox and its float32: ${c})`;
  };
  const named = `${classes.length} outputs (${classes.slice(0, 3).join(', ')}, …)`;
  console.log(`${isRight ? 'ok  ' : 'FAIL'} ${file}: ${named}, ${text('logits')}, ${text('maps')}`);
}
