/** Localizes image files as a pipeline: threads decode the next images and draw the overlays of the last ones, while the GPU works. */
import { InputError } from '../../errors.js';
import type { DecodeOptions, Image } from '../../formats/images/pixels.js';
import type { LocalizeAllOptions } from '../../localizer/load_options.js';
import type { Localizer } from '../../localizer/localizer.js';
import type { Localization } from '../../localizer/results.js';
import type { ImageFile } from '../../node/images/image_files.js';
import type { DrawOptions } from '../../node/images/overlay_png.js';
import { writeWhole } from '../../node/text_files.js';
import { memoryOf } from '../../node/threads/image_tasks.js';
import type { ImageThreads } from '../../node/threads/image_threads.js';
import { ofImage } from '../named_weights.js';
import type { Progress } from '../terminal.js';
import type { MadeBy, ResultLine, Results } from './results.js';
import { warningNotes } from './warning_notes.js';

/** An image to localize, and the path of its overlay. */
export interface Task extends ImageFile {
  overlay?: string;
}

/** What all steps of the pipeline need. */
interface Pipeline {
  readonly localizer: Localizer;
  readonly threads: ImageThreads;
  readonly results: Results;
  readonly madeBy: MadeBy;
  readonly progress: Progress;
  /** How files are decoded. */
  readonly decode: DecodeOptions;
  readonly request: LocalizeAllOptions;
  readonly overlays: Pick<DrawOptions, 'boxes' | 'operatingThresholds' | 'text'>;
}

/** Localizes all images, and records each of them when it is done: in the results, and as an overlay. Returns how many failed. */
export async function recordAll(tasks: readonly Task[], pipeline: Pipeline): Promise<number> {
  const { localizer, threads, results, progress, madeBy } = pipeline;
  const pictures = new Map<Task, Image>();
  // Each overlay that is not finished holds its picture, so only a few may wait.
  const recording = inOrder(threads.size + 1);
  const notes = warningNotes((line) => progress.note(line));
  let [done, failed] = [0, 0];
  const all = localizer.localizeAll(imagesOf(tasks, pictures, pipeline), {
    ...pipeline.request,
    async onError(error, index) {
      if (!(error instanceof InputError)) throw error;
      const task = tasks[index];
      pictures.delete(task);
      failed += 1;
      const message = error.message.replace(/\s*\n\s*/g, ' ');
      await recording.add(undefined, async () => {
        progress.note(`raybox: ${task.path}: ${message}`);
        await results.add({ image: task.name, file: task.path, error: message });
        progress.update(++done);
      });
    },
  });
  try {
    for await (const result of all) {
      const task = tasks[result.index];
      const picture = pictures.get(task);
      pictures.delete(task);
      const overlay = picture && drawOverlay(task, picture, result, pipeline);
      await recording.add(overlay, async (png) => {
        notes.add(task.path, ofImage(result, localizer));
        // The overlay is written first, because an image counts as done when the results list it.
        if (png) await writeWhole(task.overlay!, png);
        if (!results.has(task)) await results.add({ ...resultLine(task, result), madeBy });
        progress.update(++done);
      });
    }
    await recording.end();
    return failed;
  } catch (error) {
    // What has been localized is recorded, also if the work was interrupted.
    await recording.end().catch(() => {});
    throw error;
  } finally {
    notes.end();
  }
}

/** For each task a function that reads its image. The images of tasks with an overlay stay in `pictures`, because overlays show them. */
function* imagesOf(
  tasks: readonly Task[],
  pictures: Map<Task, Image>,
  { threads, decode }: Pipeline,
): Generator<() => Promise<Image>> {
  for (const task of tasks) {
    yield async () => {
      const image = await threads.run('read', [task.path, decode]);
      if (task.overlay) pictures.set(task, image);
      return image;
    };
  }
}

/** Draws an overlay in a thread, which gets the picture's memory. */
function drawOverlay(
  { name }: Task,
  picture: Image,
  { width, height, probabilities, findings, heatmaps = {} }: Localization,
  { localizer, threads, overlays }: Pipeline,
): Promise<Uint8Array> {
  const { operatingThresholds, heatmapScaling, trainingData } = localizer.metadata;
  // Only heatmaps of classes with findings are drawn. Those at the image's size are large.
  const found = new Set(findings.map(({ label }) => label));
  const drawn = Object.fromEntries(Object.entries(heatmaps).filter(([label]) => found.has(label)));
  return threads.run(
    'draw',
    [
      picture,
      { width, height, probabilities, findings, heatmaps: drawn },
      { ...overlays, title: name, metadata: { operatingThresholds, heatmapScaling, trainingData } },
    ],
    memoryOf(picture.data),
  );
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

/**
 * Finishes pieces of work in the order in which they came, while at most `most` of them are under way. After one that fails, no later one is
 * finished.
 */
export function inOrder(most: number) {
  const pending: Promise<void>[] = [];
  let last = Promise.resolve();
  return {
    /**
     * @param begun work that may end in any order, with the others
     * @param finish is called with its value when all work before is finished
     * @throws what an earlier piece of work has failed with
     */
    async add<Value>(begun: Value | Promise<Value>, finish: (value: Value) => Promise<void>): Promise<void> {
      const before = last;
      last = Promise.all([begun, before]).then(([value]) => finish(value));
      last.catch(() => {}); // it is awaited later, here or in `end`
      pending.push(last);
      if (pending.length >= most) await pending.shift();
    },
    /** Waits for all work. @throws what the first piece of work that failed has failed with */
    async end(): Promise<void> {
      for (const one of pending.splice(0)) await one;
    },
  };
}
