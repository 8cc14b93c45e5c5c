/** `raybox localize`: image files → probabilities, boxes and overlays. */

import { join, resolve } from 'node:path';
import { InputError } from '../../errors.js';
import type { DecodeOptions, Image } from '../../formats/images/pixels.js';
import { isProbability } from '../../formats/operating_thresholds.js';
import { DEFAULT_BATCH } from '../../localizer/batches.js';
import type { LoadOptions } from '../../localizer/load_options.js';
import type { Localizer } from '../../localizer/localizer.js';
import type { LocalizeOptions } from '../../localizer/request.js';
import type { Localization } from '../../localizer/results.js';
import {
  besideKnown,
  findImageFiles,
  goneNamesakes,
  type ImageFile,
  isFile,
  readImage,
} from '../../node/image_files.js';
import { type Lock, lockFolder } from '../../node/lock.js';
import { writeOverlay } from '../../node/overlay_file.js';
import { type Command, Option } from '../../node/vendor/commander.js';
import { DEFAULT_HEAT_THRESHOLDS, DEFAULT_MAX_BOXES, MAX_BOXES } from '../../ops/boxes/component_boxes.js';
import { checkHeatThresholds } from '../../ops/boxes/heat.js';
import { adapterOption, backendNote, backendOption, runOptions } from '../adapter_option.js';
import { addImageOptions, decodeOptions } from '../image_options.js';
import { loadNamed, ofImage } from '../named_weights.js';
import {
  duration,
  interruptible,
  number,
  numberList,
  numbersByName,
  type Progress,
  refuseFormerOption,
  say,
  startProgress,
  UsageError,
  wholeNumber,
} from '../terminal.js';
import {
  addWeightsOptions,
  classList,
  modelOptions,
  WEIGHTS_FORMATS,
  type WeightsOptions,
} from '../weights_options.js';
import { openResults, standardOutput } from './result_files.js';
import type { ResultLine, Results } from './results.js';

interface Options extends DecodeOptions, WeightsOptions {
  weights: string;
  out?: string;
  overlay?: string;
  allBoxes?: true;
  classes?: readonly string[];
  operatingThresholds?: Record<string, number>;
  heatThresholds?: number[];
  maxBoxes?: number;
  minRegion?: number;
  batch?: number;
  precision?: 'f32' | 'f16';
  adapter?: string;
  backend?: LoadOptions['backend'];
}

/** An image to localize, and the path of its overlay. */
interface Task extends ImageFile {
  overlay?: string;
}

async function localizeFiles(args: readonly string[], options: Options, signal: AbortSignal): Promise<boolean> {
  const started = performance.now();
  let failed = 0;
  const files = await findImageFiles(args, (path, message) => {
    failed += 1;
    say(`raybox: ${path}: ${message}`);
  });
  const results = options.out ? await openResults(options.out, files) : standardOutput;
  let overlays: Lock | undefined;
  let finished = false;
  try {
    const tasks = overlayPaths(besideKnown(files, results.files), options.overlay);
    overlays = options.overlay ? await lockFolder(options.overlay) : undefined;
    const todo = tasks.filter((task) => !results.has(task) || (task.overlay && !isFile(task.overlay)));
    const gone = goneNamesakes(todo, results.files);
    if (gone.length > 0) {
      say(
        `raybox: ${options.out} has results of ${gone[0]}${gone.length > 1 ? ` and ${gone.length - 1} more` : ''}, which is not there, seen from this folder, and an image of that name is to be done: if raybox was started in another folder then, stop it and start it there.`,
      );
    }
    if (todo.length < tasks.length) say(`${tasks.length - todo.length} of ${tasks.length} images are done already.`);
    if (todo.length > 0) failed += await localizeTasks(todo, results, options, signal);
    const note = await results.finish();
    finished = true;
    if (note) say(note);
    const took = duration(performance.now() - started);
    const told = failed > 0 ? `, ${failed} could not be read` : '';
    say(
      `${todo.length} ${todo.length === 1 ? 'image' : 'images'} in ${took}${told}${options.out ? `; results in ${options.out}` : ''}.`,
    );
    return failed === 0;
  } finally {
    await overlays?.release();
    if (!finished) await results.suspend();
  }
}

/** Loads the weights and localizes all images. Returns how many failed. */
async function localizeTasks(
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

/** Localizes all images, and records each of them when it is done: in the results, and as an overlay. Returns how many failed. */
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

/** Gives each image a file of its own in the folder. @throws UsageError if such a file is one of the images to read */
function overlayPaths(files: readonly ImageFile[], folder: string | undefined): Task[] {
  if (folder === undefined) return [...files];
  const inputs = new Set(files.map(({ path }) => resolve(path)));
  const taken = new Set<string>();
  return files.map((file) => {
    const flat = file.name.replace(/^(\.*[/\\])+/, '').replace(/[/\\:]+/g, '_');
    const stem = flat.replace(/\.png$/i, '');
    let overlay = join(folder, `${stem}.png`);
    for (let number = 2; taken.has(overlay.toLowerCase()); number++) overlay = join(folder, `${stem}-${number}.png`);
    taken.add(overlay.toLowerCase());
    if (inputs.has(resolve(overlay)))
      throw new UsageError(`--overlay ${folder}: ${overlay} is one of the images; name another folder`);
    return { ...file, overlay };
  });
}

function heatThresholdList(text: string): number[] {
  const values = numberList(text);
  try {
    checkHeatThresholds(values);
  } catch (error) {
    throw new UsageError(`--heat-thresholds ${text}: ${(error as Error).message}`);
  }
  return values;
}

/** Adds `raybox localize`. The exit code is 1 if an image could not be localized. */
export function addLocalizeCommand(program: Command): void {
  const command = addWeightsOptions(program.command('localize'))
    .description('X-rays → probabilities, boxes and overlays')
    .argument('<images...>', 'PNG or JPEG files, folders (with all folders in them), patterns')
    .requiredOption('--weights <file>', WEIGHTS_FORMATS)
    .option('--out <file>', 'results as .jsonl, .csv or .coco.json; default: JSON lines on stdout')
    .option('--overlay <dir>', 'folder for a PNG of each image: heatmap, boxes, probabilities')
    .option('--all-boxes', 'overlays show all boxes, not only the strongest one of each class and heat threshold')
    .option('--classes <names>', 'localize these classes, whatever their probability: Mass,Nodule', classList)
    .option(
      '--operating-thresholds <list>',
      'operating thresholds to use instead of those of the weights: Mass=0.4,Nodule=0.3',
      numbersByName,
    )
    .option(
      '--heat-thresholds <list>',
      `values at which heatmaps, scaled to 0 … 255, are cut into regions; default: ${DEFAULT_HEAT_THRESHOLDS}`,
      heatThresholdList,
    )
    .option(
      '--max-boxes <n>',
      `the most boxes of a class at one heat threshold; default: ${DEFAULT_MAX_BOXES}`,
      wholeNumber(1, MAX_BOXES),
    )
    .option(
      '--min-region <cells>',
      'regions with fewer cells of the heatmap get no box; default: as the weights say, else 0',
      number(0),
    )
    .option('--batch <n>', 'images in one run of the network', wholeNumber(1, 1024), DEFAULT_BATCH)
    .addOption(
      new Option('--precision <type>', 'element type of weights and activations; default: f32').choices(['f32', 'f16']),
    )
    .addOption(backendOption())
    .addOption(adapterOption());
  refuseFormerOption(command, '--thresholds', '--operating-thresholds');
  addImageOptions(command).action(async (images: string[], options: Options) => {
    if (!Object.values(options.operatingThresholds ?? {}).every(isProbability))
      throw new UsageError('--operating-thresholds: probabilities are numbers from 0 to 1');
    if (!(await interruptible((signal) => localizeFiles(images, options, signal)))) process.exitCode = 1;
  });
}
