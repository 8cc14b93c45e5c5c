/** Localizes the images of `raybox localize`, and records each of them when it is done: in the results, and as an overlay. */
import { InputError } from '../../errors.js';
import type { DecodeOptions, Image } from '../../formats/images/pixels.js';
import type { Localizer } from '../../localizer/localizer.js';
import type { LocalizeOptions } from '../../localizer/request.js';
import type { Localization } from '../../localizer/results.js';
import { type ImageFile, readImage } from '../../node/image_files.js';
import { writeOverlay } from '../../node/overlay_file.js';
import { backendNote, runOptions } from '../adapter_option.js';
import { decodeOptions } from '../image_options.js';
import { loadNamed, ofImage } from '../named_weights.js';
import { type Progress, startProgress, UsageError } from '../terminal.js';
import { modelOptions } from '../weights_options.js';
import type { Options } from './options.js';
import type { ResultLine, Results } from './results.js';

/** An image to localize, and the path of its overlay. */
export interface Task extends ImageFile {
  overlay?: string;
}

/** Loads the weights and localizes all images. Returns how many failed. */
export async function localizeTasks(
  tasks: readonly Task[],
  results: Results,
  options: Options,
  signal: AbortSignal,
): Promise<number> {
  const { weights, precision, classes } = options;
  const localizer = await loadNamed(weights, classes, {
    ...(await modelOptions(options)),
    ...runOptions(options),
    ...(precision ? { precision } : {}),
    signal,
  });
  const progress = startProgress('localizing', tasks.length, 'images');
  try {
    const note = backendNote(localizer);
    if (note) progress.note(note);
    for (const { message } of localizer.warnings) progress.note(`raybox: ${weights}: ${message}`);
    checkClasses(localizer, results, options);
    return await recordAll(localizer, tasks, results, progress, options, signal);
  } finally {
    progress.stop();
    await localizer.close();
  }
}

/** Returns how many images failed. */
async function recordAll(
  localizer: Localizer,
  tasks: readonly Task[],
  results: Results,
  progress: Progress,
  options: Options,
  signal: AbortSignal,
): Promise<number> {
  const pictures = new Map<Task, Image>();
  let [done, failed] = [0, 0];
  const all = localizer.localizeAll(imagesOf(tasks, pictures, options), {
    ...requestOf(localizer, options, signal),
    batch: options.batch,
    async onError(error, index) {
      if (!(error instanceof InputError)) throw error;
      const task = tasks[index];
      pictures.delete(task);
      failed += 1;
      const message = error.message.replace(/\s*\n\s*/g, ' ');
      progress.note(`raybox: ${task.path}: ${message}`);
      await results.add({ image: task.name, file: task.path, error: message });
      progress.update(++done);
    },
  });
  for await (const result of all) {
    const task = tasks[result.index];
    for (const { message } of ofImage(result, localizer)) progress.note(`raybox: ${task.path}: ${message}`);
    // The overlay is written first, because an image counts as done when the results list it.
    if (task.overlay) {
      const picture = pictures.get(task)!;
      pictures.delete(task);
      await writeOverlay(task.overlay, picture, result, {
        ...{ metadata: localizer.metadata, title: task.name, boxes: options.allBoxes ? 'all' : 'strongest' },
        ...(options.operatingThresholds ? { operatingThresholds: options.operatingThresholds } : {}),
      });
    }
    if (!results.has(task)) await results.add(resultLine(task, result));
    progress.update(++done);
  }
  return failed;
}

/** For each task a function that reads its image. The images of tasks with an overlay stay in `pictures`, because overlays show them. */
function* imagesOf(
  tasks: readonly Task[],
  pictures: Map<Task, Image>,
  options: DecodeOptions,
): Generator<() => Promise<Image>> {
  for (const task of tasks) {
    yield async () => {
      const image = await readImage(task.path, decodeOptions(options));
      if (task.overlay) pictures.set(task, image);
      return image;
    };
  }
}

function resultLine({ name, path }: Task, result: Localization): ResultLine {
  const { width, height, probabilities, logits, findings, truncated, warnings, method } = result;
  return {
    ...{ image: name, file: path, width, height, probabilities, logits, findings: [...findings] },
    ...(method === 'cam' ? {} : { method }),
    ...(truncated.length > 0 ? { truncated: [...truncated] } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

function requestOf(localizer: Localizer, options: Options, signal: AbortSignal): LocalizeOptions {
  const { classes, operatingThresholds, heatThresholds, maxBoxes, minRegion, bits, maxImageBytes, overlay } = options;
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
