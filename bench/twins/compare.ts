/**
 * Compares raybox's logits and class activation maps with PyTorch's, for twins of public checkpoints. `make.py` makes the twins, in the form in
 * which the checkpoints are downloaded, and each is loaded by one call; JF Healthcare's is loaded with its preset.
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

for (const twin of twins) {
  const { file, side, logits, heatmaps } = twin;
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
  const bytes = readFileSync(join(folder, `${file}.f32`));
  const maps = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const cells = heatmaps[1] * heatmaps[2];
  const scale = Math.max(1, ...logits.map(Math.abs));
  let [logitError, mapError] = [0, 0];
  classes.forEach((label, index) => {
    const own = maps.subarray(kept[index] * cells, (kept[index] + 1) * cells);
    const range = Math.max(...own) - Math.min(...own);
    logitError = Math.max(logitError, Math.abs(result.logits[label] - logits[kept[index]]) / scale);
    result.heatmaps![label].data.forEach((value, cell) => {
      mapError = Math.max(mapError, Math.abs(value - own[cell]) / range);
    });
  });
  const isRight = logitError <= LOGITS && mapError <= MAPS;
  if (!isRight) process.exitCode = 1;
  console.log(
    `${isRight ? 'ok  ' : 'FAIL'} ${file}: ${classes.length} outputs (${classes.slice(0, 3).join(', ')}, …), logits within ${logitError.toExponential(1)} of ${scale.toFixed(1)}, maps within ${mapError.toExponential(1)} of their range`,
  );
}
