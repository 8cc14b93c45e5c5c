/** Runs a network on a data set, scores its predictions, and writes them into a file. */
import { join } from 'node:path';
import { counted, InputError } from '../../errors.js';
import { type Size, scaledBox } from '../../evaluate/box_frame.js';
import type { EvaluationResult } from '../../evaluate/evaluate.js';
import type { HeatmapValues } from '../../evaluate/masks/heatmap_size.js';
import type { MaskScorer } from '../../evaluate/masks/scores.js';
import { labelNames } from '../../formats/data_sets/label_names.js';
import type { Box, Prediction } from '../../formats/findings.js';
import type { DecodeOptions } from '../../formats/images/pixels.js';
import type { LoadOptions } from '../../localizer/load_options.js';
import type { Localizer } from '../../localizer/localizer.js';
import type { Heatmap } from '../../localizer/results.js';
import type { Dataset } from '../../node/dataset.js';
import { tallyWarnings } from '../../node/images/image_reading.js';
import { openBeside } from '../../node/text_files.js';
import { openImageThreads } from '../../node/threads/image_threads.js';
import { frameOf, toImage } from '../../ops/images/frame.js';
import { backendNote, runOptions } from '../adapter_option.js';
import { decodeOptions } from '../image_options.js';
import { isUnnamed, loadNamed, ofImage } from '../named_weights.js';
import { say, startProgress } from '../terminal.js';
import { modelOptions, type WeightsOptions } from '../weights_options.js';
import { type WriteEvaluationOptions, writeEvaluation } from './files.js';

/** The options of `raybox evaluate` if it runs weights on images. */
export interface EvaluateWeightsOptions extends WriteEvaluationOptions, DecodeOptions, WeightsOptions {
  batch?: number;
  adapter?: string;
  backend?: LoadOptions['backend'];
  /** How many threads decode images. */
  threads?: number;
  /** The device to run on. Default: one is opened. */
  device?: GPUDevice;
  signal?: AbortSignal;
}

/**
 * Runs weights on the images to score and on those to fit thresholds on, and evaluates the predictions. Boxes are computed for all classes,
 * and the evaluation decides which of them count. The predictions stay in `predictions.jsonl` in the folder `out`, so that they can be
 * scored again without the network.
 */
export async function evaluateWeights(
  weights: string,
  data: Dataset,
  options: EvaluateWeightsOptions,
): Promise<EvaluationResult> {
  const { device, classes, signal, validation, test } = options;
  const wanted = test && new Set([...test, ...(validation ?? [])]);
  const images = data.table.images.filter((image) => data.paths.has(image) && (!wanted || wanted.has(image)));
  if (images.length === 0) {
    throw new InputError(`${data.folder} has none of the images to score`, {
      expected: `files like ${data.table.images[0] ?? '(the label file is empty)'}`,
      given: [...data.paths.keys()][0] ?? 'no image files',
    });
  }
  const localizer = await loadNamed(weights, classes, {
    ...(await modelOptions(options)),
    ...(device ? { device } : runOptions(options)),
    signal,
  });
  try {
    if (isUnnamed(localizer) && localizer.classes.includes('output 0')) throw noNames(localizer.classes.length);
    refuseForeign(localizer.classes, data.table.classes);
    if (options.masks) refuseForMasks(localizer, options.masks, data.table.classes);
    const predictions = keepLines(predict(localizer, images, data, options), join(options.out, 'predictions.jsonl'));
    // If no thresholds can be fitted, those of the weights are used.
    const operatingThresholds =
      options.operatingThresholds ?? (validation ? undefined : localizer.metadata.operatingThresholds);
    const note = backendNote(localizer);
    if (note) say(note);
    // A slow backend does not affect the results, so that warning is printed but does not become part of them.
    const [slow, assumed] = [true, false].map((is) =>
      localizer.warnings.filter(({ code }) => (code === 'slow-backend') === is),
    );
    for (const { message } of slow) say(`raybox: ${message}`);
    const warnings = [...(options.warnings ?? []), ...assumed];
    const { heatmapMethod = 'cam' } = localizer.metadata;
    return await writeEvaluation(predictions, data, { ...options, operatingThresholds, warnings, heatmapMethod });
  } finally {
    await localizer.close();
  }
}

/** @throws InputError before the network runs, if it predicts no class of the data set */
function refuseForeign(predicted: readonly string[], classes: readonly string[]): void {
  const names = labelNames(classes);
  if (predicted.some((label) => names.match(label) !== undefined)) return;
  throw new InputError('the weights predict no class of the data set', {
    expected: classes.join(', '),
    given: predicted.join(', '),
    hint: 'if outputs have other names than the same findings in the data set: --names (or --classes)',
  });
}

/** @throws InputError before the network runs, if it predicts none of the findings that are marked */
export function refuseForMasks(
  localizer: Pick<Localizer, 'classes'>,
  scorers: readonly MaskScorer[],
  classes: readonly string[],
): void {
  const names = labelNames(classes);
  const predicted = new Set(localizer.classes.map((label) => names.match(label)));
  for (const { truth } of scorers) {
    if (truth.labels.some((label) => predicted.has(label))) continue;
    throw new InputError(`${truth.source}: the weights predict none of the findings that are marked`, {
      expected: truth.labels.join(', '),
      given: localizer.classes.join(', '),
      hint: 'a finding may be scored as a class of another name: --mask-labels "FINDING=CLASS"',
    });
  }
}

/**
 * The rectangle of an image that a network's heatmaps cover, in shares of the image: the whole of one that is stretched, the middle of one that
 * is cropped, and more than the whole of one that gets a border.
 */
export function coveredPart(
  width: number,
  height: number,
  { inputWidth, fit }: Pick<Localizer['metadata'], 'inputWidth' | 'fit'>,
): Box {
  // This is exact, and not rounded.
  if (fit === 'stretch') return { x: 0, y: 0, width: 1, height: 1 };
  const square = { x: 0, y: 0, width: inputWidth, height: inputWidth };
  return scaledBox(toImage(frameOf(width, height, inputWidth, fit), square), 1 / width, 1 / height);
}

/** Gives heatmaps by the data set's names of classes. */
function heatmapsByClass({ classes }: Localizer, known: readonly string[]) {
  const names = labelNames(known);
  const labelOf = new Map(classes.map((label) => [label, names.match(label)]));
  return (heatmaps: Readonly<Record<string, Heatmap>>, covers: Box): Record<string, HeatmapValues> =>
    Object.fromEntries(
      Object.entries(heatmaps).flatMap(([name, map]): [string, HeatmapValues][] => {
        const label = labelOf.get(name);
        return label === undefined ? [] : [[label, { ...map, covers }]];
      }),
    );
}

// Without names one would have to guess which output belongs to which disease.
function noNames(outputs: number): InputError {
  return new InputError('the weights do not name their outputs, so they cannot be scored against labels', {
    expected: `${counted(outputs, 'name')} in the order of the outputs`,
    hint: 'give them with --names (or --classes)',
  });
}

async function* predict(
  localizer: Localizer,
  images: readonly string[],
  { paths, table }: Dataset,
  options: EvaluateWeightsOptions,
): AsyncGenerator<Prediction> {
  const progress = startProgress('predicting', images.length, 'images');
  const tally = tallyWarnings();
  const threads = openImageThreads(options.threads);
  let done = 0;
  try {
    const results = localizer.localizeAll(
      images.map((image) => () => threads.run('read', [paths.get(image) as string, decodeOptions(options)])),
      {
        classes: localizer.classes,
        heatmaps: 'raw',
        batch: options.batch,
        signal: options.signal,
        ...decodeOptions(options),
        onError(error, index) {
          progress.note(`raybox: ${images[index]}: ${error.message}`);
          progress.update(++done);
        },
      },
    );
    const byClass = heatmapsByClass(localizer, table.classes);
    for await (const { index, width, height, probabilities, logits, findings, warnings, heatmaps = {} } of results) {
      const covers = coveredPart(width, height, localizer.metadata);
      for (const scorer of options.masks ?? []) scorer.addHeatmaps(images[index], byClass(heatmaps, covers));
      tally.add(images[index], ofImage({ warnings }, localizer));
      const inImage = scaledBox(covers, width, height);
      const points = Object.entries(heatmaps).map(([label, map]) => [
        label,
        maximumOf(map, inImage, { width, height }),
      ]);
      yield {
        ...{ image: images[index], width, height, probabilities, logits, findings: [...findings] },
        points: Object.fromEntries(points),
      };
      progress.update(++done);
    }
  } finally {
    progress.stop();
    await threads.close();
    for (const line of tally.lines()) say(`raybox: ${line}`);
  }
}

/**
 * The centre of the heatmap's highest cell, in pixels of the image. A cell whose centre lies in the border around an image does not count.
 * @param covers the rectangle that the map covers, in pixels of the image
 */
export function maximumOf({ data, width, height }: Heatmap, covers: Box, image: Size): [number, number] | undefined {
  let best: { value: number; point: [number, number] } | undefined;
  for (let i = 0; i < data.length; i++) {
    if (best && data[i] <= best.value) continue;
    const column = i % width;
    const x = covers.x + ((column + 0.5) * covers.width) / width;
    const y = covers.y + (((i - column) / width + 0.5) * covers.height) / height;
    if (x >= 0 && y >= 0 && x < image.width && y < image.height) best = { value: data[i], point: [x, y] };
  }
  return best?.point;
}

/** Yields the predictions again and writes each into a file, as a line. The file gets its name when it has all of them. */
async function* keepLines(predictions: AsyncIterable<Prediction>, path: string): AsyncGenerator<Prediction> {
  const file = await openBeside(path);
  let whole = false;
  try {
    for await (const prediction of predictions) {
      await file.write(`${JSON.stringify(prediction)}\n`);
      yield prediction;
    }
    whole = true;
  } finally {
    await (whole ? file.keep() : file.discard());
  }
}
