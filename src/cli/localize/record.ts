/** Localizes the images of `raybox localize` with the weights and options of its command line. */
import { InputError } from '../../errors.js';
import type { Localizer } from '../../localizer/localizer.js';
import type { LocalizeOptions } from '../../localizer/request.js';
import { openImageThreads } from '../../node/threads/image_threads.js';
import { backendNote, runOptions } from '../adapter_option.js';
import { decodeOptions } from '../image_options.js';
import { loadNamed } from '../named_weights.js';
import { startProgress, UsageError } from '../terminal.js';
import { modelOptions } from '../weights_options.js';
import { refuseOthers } from './made_by.js';
import type { Options } from './options.js';
import { drawnBy } from './overlays.js';
import { recordAll, type Task } from './pipeline.js';
import type { MadeBy, Results } from './results.js';
import { hashOfWeights, watchWeights } from './weights_hash.js';

/**
 * Loads the weights and localizes all images. Returns how many failed.
 * @param made what the results are made by, besides the weights
 * @throws InputError if the file has results of other weights
 */
export async function localizeTasks(
  tasks: readonly Task[],
  results: Results,
  options: Options & { weights: string },
  made: Omit<MadeBy, 'weights'>,
  signal: AbortSignal,
): Promise<number> {
  const { weights, precision, classes } = options;
  const hash = watchWeights(weights);
  const load = {
    ...(await modelOptions(options)),
    ...runOptions(options),
    ...(precision ? { precision } : {}),
    signal,
  };
  const localizer = await loadNamed(weights, classes, load, hash.onFile);
  const threads = openImageThreads(options.threads);
  const progress = startProgress('localizing', tasks.length, 'images');
  try {
    const note = backendNote(localizer);
    if (note) progress.note(note);
    for (const { message } of localizer.warnings) progress.note(`raybox: ${weights}: ${message}`);
    const madeBy = { ...made, weights: hash.value() };
    refuseOthers(options.out, results, madeBy);
    checkClasses(localizer, results, options);
    const { batch, allBoxes, operatingThresholds } = options;
    return await recordAll(tasks, {
      ...{ localizer, threads, results, progress, madeBy, decode: decodeOptions(options) },
      request: { ...requestOf(localizer, options, signal), batch },
      overlays: {
        boxes: allBoxes ? 'all' : 'best',
        text: drawnBy(madeBy, allBoxes),
        ...(operatingThresholds ? { operatingThresholds } : {}),
      },
    });
  } finally {
    progress.stop();
    await threads.close();
    await localizer.close();
  }
}

/** Compares the weights with those that a file of results says. Nothing is run. @throws InputError if they are others */
export async function checkWeights(
  results: Results,
  options: Options & { weights: string },
  made: Omit<MadeBy, 'weights'>,
  signal: AbortSignal,
): Promise<void> {
  if (results.madeBy.length === 0) return;
  const weights = await hashOfWeights(options.weights, { ...(await modelOptions(options)), signal });
  refuseOthers(options.out, results, { ...made, weights });
}

function requestOf(localizer: Localizer, options: Options, signal: AbortSignal): LocalizeOptions {
  const { classes, operatingThresholds, heatThresholds, maxBoxes, minRegion, lungMask, bits, maxImageBytes, overlay } =
    options;
  // The network's own map is small. It can be drawn if it covers the whole image, which it does if images are stretched to the input.
  const heatmaps = !overlay ? 'none' : localizer.metadata.fit === 'stretch' ? 'raw' : 'scaled';
  return {
    heatmaps,
    signal,
    ...(classes ? { classes } : {}),
    ...(operatingThresholds ? { operatingThresholds } : {}),
    ...(heatThresholds ? { heatThresholds } : {}),
    ...(maxBoxes ? { maxBoxes } : {}),
    ...(minRegion === undefined ? {} : { minRegion }),
    ...(lungMask ? { lungMask } : {}),
    ...(bits ? { bits } : {}),
    ...(maxImageBytes ? { maxImageBytes } : {}),
  };
}

function checkClasses(
  localizer: Localizer,
  results: Results,
  { classes = [], operatingThresholds = {}, out }: Options,
): void {
  const unknown = [...classes, ...Object.keys(operatingThresholds)].find((name) => !localizer.classes.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`the weights have no class ${unknown}; they have ${localizer.classes.join(', ')}`);
  if (results.classes && results.classes.join() !== localizer.classes.join()) {
    throw new InputError(`${out} was written with other weights`, {
      expected: localizer.classes.join(', '),
      given: results.classes.join(', '),
      hint: 'name another file, or move this one away',
    });
  }
}
