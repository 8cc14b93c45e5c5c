/** A network's predictions on a data set, scored while they are kept for later. */
import { join } from 'node:path';
import { counted, InputError } from '../errors.js';
import type { EvaluationResult } from '../evaluate/evaluate.js';
import type { Prediction } from '../formats/findings.js';
import type { DecodeOptions } from '../formats/pixels.js';
import type { Localizer } from '../localizer/localizer.js';
import type { Heatmap } from '../localizer/results.js';
import type { Dataset } from '../node/dataset.js';
import { tallyWarnings } from '../node/image_reading.js';
import { openBeside } from '../node/text_files.js';
import { type WriteEvaluationOptions, writeEvaluation } from './evaluation.js';
import { decodeOptions } from './image_options.js';
import { isUnnamed, loadNamed } from './named_weights.js';
import { say, startProgress } from './terminal.js';
import { modelOptions, type WeightsOptions } from './weights_options.js';

export interface EvaluateWeightsOptions extends WriteEvaluationOptions, DecodeOptions, WeightsOptions {
  batch?: number;
  adapter?: string;
  /** A device to work on, instead of one that is opened. */
  device?: GPUDevice;
  signal?: AbortSignal;
}

/**
 * Runs weights over the images to score and to fit on, and evaluates what they say. All boxes of all classes are asked
 * for: which of them count is decided by the evaluation. Predictions stay in `predictions.jsonl` of the folder `out`, so
 * that they can be scored again without the network.
 */
export async function evaluateWeights(
  weights: string,
  data: Dataset,
  options: EvaluateWeightsOptions,
): Promise<EvaluationResult> {
  const { adapter, device, classes, signal, validation, test } = options;
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
    ...(device ? { device } : adapter ? { adapter } : {}),
    signal,
  });
  try {
    if (isUnnamed(localizer) && localizer.classes.includes('output 0')) throw noNames(localizer.classes.length);
    const predictions = keepLines(predict(localizer, images, data, options), join(options.out, 'predictions.jsonl'));
    // Thresholds that the weights carry hold where none can be fitted.
    const operatingThresholds =
      options.operatingThresholds ?? (validation ? undefined : localizer.metadata.operatingThresholds);
    const warnings = [...(options.warnings ?? []), ...localizer.warnings];
    return await writeEvaluation(predictions, data, { ...options, operatingThresholds, warnings });
  } finally {
    await localizer.close();
  }
}

// Which output is which disease would be a guess, and every score with it.
function noNames(outputs: number): InputError {
  return new InputError('the weights do not name their outputs, so they cannot be scored against labels', {
    expected: `${counted(outputs, 'name')} in the order of the outputs`,
    hint: 'give them with --names (or --classes)',
  });
}

async function* predict(
  localizer: Localizer,
  images: readonly string[],
  { paths }: Dataset,
  options: EvaluateWeightsOptions,
): AsyncGenerator<Prediction> {
  const progress = startProgress('predicting', images.length, 'images');
  const tally = tallyWarnings();
  let done = 0;
  try {
    const results = localizer.localizeAll(
      images.map((image) => paths.get(image) as string),
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
    const covers = localizer.metadata.fit === 'stretch';
    for await (const { index, width, height, probabilities, logits, findings, warnings, heatmaps = {} } of results) {
      tally.add(images[index], warnings.slice(localizer.warnings.length));
      const points = Object.entries(heatmaps).map(([label, map]) => [label, maximumOf(map, width, height)]);
      yield {
        ...{ image: images[index], width, height, probabilities, logits, findings: [...findings] },
        // The raw map covers the whole image only where the image was stretched to the network's input.
        ...(covers ? { points: Object.fromEntries(points) } : {}),
      };
      progress.update(++done);
    }
  } finally {
    progress.stop();
    for (const line of tally.lines()) say(`raybox: ${line}`);
  }
}

/** The centre of the highest cell, in pixels of the image. */
function maximumOf({ data, width, height }: Heatmap, imageWidth: number, imageHeight: number): [number, number] {
  let best = 0;
  for (let i = 1; i < data.length; i++) if (data[i] > data[best]) best = i;
  const column = best % width;
  return [((column + 0.5) * imageWidth) / width, (((best - column) / width + 0.5) * imageHeight) / height];
}

/** Hands predictions on and writes each as a line; the file gets its name when all are there. */
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
