/** Localizes the images of `raybox localize` with the weights and options of its command line. */
import { InputError } from '../../errors.js';
import type { Localizer } from '../../localizer/localizer.js';
import type { LocalizeOptions } from '../../localizer/request.js';
import { openImageThreads } from '../../node/image_threads.js';
import { backendNote, runOptions } from '../adapter_option.js';
import { decodeOptions } from '../image_options.js';
import { loadNamed } from '../named_weights.js';
import { startProgress, UsageError } from '../terminal.js';
import { modelOptions } from '../weights_options.js';
import type { Options } from './options.js';
import { recordAll, type Task } from './pipeline.js';
import type { Results } from './results.js';

/** Loads the weights and localizes all images. Returns how many failed. */
export async function localizeTasks(
  tasks: readonly Task[],
  results: Results,
  options: Options & { weights: string },
  signal: AbortSignal,
): Promise<number> {
  const { weights, precision, classes } = options;
  const localizer = await loadNamed(weights, classes, {
    ...(await modelOptions(options)),
    ...runOptions(options),
    ...(precision ? { precision } : {}),
    signal,
  });
  const threads = openImageThreads(options.threads);
  const progress = startProgress('localizing', tasks.length, 'images');
  try {
    const note = backendNote(localizer);
    if (note) progress.note(note);
    for (const { message } of localizer.warnings) progress.note(`raybox: ${weights}: ${message}`);
    checkClasses(localizer, results, options);
    const { batch, allBoxes, operatingThresholds } = options;
    return await recordAll(tasks, {
      ...{ localizer, threads, results, progress, decode: decodeOptions(options) },
      request: { ...requestOf(localizer, options, signal), batch },
      overlays: { boxes: allBoxes ? 'all' : 'best', ...(operatingThresholds ? { operatingThresholds } : {}) },
    });
  } finally {
    progress.stop();
    await threads.close();
    await localizer.close();
  }
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
