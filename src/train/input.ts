/** Brings stored images into the trainer's input: it uploads them, and augments and normalises them in one dispatch. */

import type { Gpu } from '../gpu/device.js';
import { createGraph } from '../graph/ir/graph.js';
import type { Plan } from '../graph/plan/types.js';
import { augmentedInput, storedWords } from '../ops/images/augment.js';
import { createCheckedPlan } from '../verify/checked_plan.js';
import { prefetch } from './prefetch.js';
import type { InputSettings } from './settings.js';
import type { Images } from './step.js';

/** Gives the image of a row of the data, as `networkImage` makes it. */
export type ImageSource = (row: number) => Promise<Uint16Array>;

export interface BatchInput {
  /** Gives images for `Trainer.step`. `stored` are those of a batch, `views` how to augment each. */
  of(stored: Uint16Array, views: Float32Array): Images;
  close(): void;
}

export function createBatchInput(gpu: Gpu, { size, mean, std }: InputSettings, batch: number): BatchInput {
  const g = createGraph();
  const { images, views: viewed, y } = augmentedInput(g, batch, { size, mean, std });
  const graph = g.finish([y]);
  let plan: Plan | undefined;
  return {
    of: (stored, views) => async (location) => {
      plan ??= await createCheckedPlan(gpu, graph, { external: new Map([[y, location.buffer]]) });
      plan.write(images, new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
      plan.write(viewed, views);
      await plan.run();
    },
    close: () => plan?.close(),
  };
}

/** Joins the images of a batch into one array. */
export function joinImages(images: readonly Uint16Array[], size: number): Uint16Array {
  const length = 2 * storedWords(size);
  const joined = new Uint16Array(images.length * length);
  for (const [i, image] of images.entries()) joined.set(image, i * length);
  return joined;
}

/** Images of a batch, joined for the GPU. */
export interface WholeBatch {
  /** The place of its first image among the rows. */
  first: number;
  /** Images that are rows; only the last batch can have fewer than the network takes. It is filled up with images whose results are not used. */
  count: number;
  joined: Uint8Array;
}

/** Loads rows, from `from` on, in batches of one size. While one is used, the next two are loaded. */
export async function* wholeBatches(
  rows: Int32Array,
  images: ImageSource,
  { batch, size, from = 0 }: { batch: number; size: number; from?: number },
): AsyncGenerator<WholeBatch, void, undefined> {
  const starts = Array.from({ length: Math.ceil((rows.length - from) / batch) }, (_, i) => from + i * batch);
  const load = (first: number) => Promise.all(Array.from(rows.subarray(first, first + batch), images));
  for await (const [first, loaded] of prefetch(starts, load, 2)) {
    const filled = Array.from({ length: batch }, (_, i) => loaded[i] ?? loaded[0]);
    yield { first, count: loaded.length, joined: new Uint8Array(joinImages(filled, size).buffer) };
  }
}
