/** Brings what the network is trained and scored on to the GPU: images, or in their place the activations of frozen first layers. */
import type { Gpu } from '../gpu/device.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import type { Plan } from '../graph/plan/types.js';
import { networkFrom } from '../nets/written/graphs.js';
import { augmentedInput, VIEW_NUMBERS } from '../ops/images/augment.js';
import type { Activations } from './activations.js';
import { plainViews } from './augmentation.js';
import { addRest, type SplitNetwork } from './frozen_layers.js';
import { createBatchInput, type ImageSource, joinImages } from './input.js';
import type { TrainSettings } from './settings.js';
import type { Images } from './step.js';

/** What an update trains on, in memory. */
export interface Loaded {
  /** The micro-batch that begins with the image at this place of the update. */
  batch(first: number): Images;
}

/** The input of a plan that scores images as they are. */
export interface ScoredInput {
  readonly logits: Tensor;
  /** Loads images. The function that it gives writes them into the plan. There can be fewer than the plan takes; the rest is filled up. */
  load(rows: Int32Array): Promise<(plan: Plan) => void>;
}

export interface Feed {
  /** @param views how each image is changed; see `drawViews` */
  load(rows: Int32Array, views: Float32Array): Promise<Loaded>;
  /** Adds the network to a graph that scores a batch of images. */
  addScored(g: GraphBuilder): ScoredInput;
  close(): Promise<void>;
}

/** Feeds images. */
export function feedImages(gpu: Gpu, settings: TrainSettings, images: ImageSource): Feed {
  const { input: form, batch, architecture } = settings;
  const { size, mean, std } = form;
  const input = createBatchInput(gpu, form, batch);
  const loadAll = (rows: Int32Array) => Promise.all(Array.from(rows, images));
  return {
    async load(rows, views) {
      const loaded = await loadAll(rows);
      return {
        batch: (first) =>
          input.of(
            joinImages(loaded.slice(first, first + batch), size),
            views.subarray(first * VIEW_NUMBERS, (first + batch) * VIEW_NUMBERS),
          ),
      };
    },
    addScored(g) {
      const { images: stored, views, y } = augmentedInput(g, batch, { size, mean, std });
      return {
        logits: networkFrom(architecture)(g, y).logits,
        async load(rows) {
          const joined = joinImages(filledUp(await loadAll(rows), batch), size);
          return (plan) => {
            plan.write(views, plainViews(batch));
            plan.write(stored, new Uint8Array(joined.buffer));
          };
        },
      };
    },
    async close() {
      input.close();
    },
  };
}

/**
 * Feeds activations, which have been prepared for all images.
 * @param scored the network as it is scored, split at the same border: all of its batch norms use the running statistics
 */
export function feedActivations({ batch }: TrainSettings, scored: SplitNetwork, activations: Activations): Feed {
  return {
    async load(rows, views) {
      const tasks = Array.from(rows, (row, i) => ({ row, mirrored: views[i * VIEW_NUMBERS] < 0 }));
      const records = await Promise.all(tasks.map(activations.read));
      return {
        batch:
          (first) =>
          (...locations) =>
            activations.write(records.slice(first, first + batch), locations),
      };
    },
    addScored(g) {
      const { inputs, logits } = addRest(g, scored);
      return {
        logits,
        async load(rows) {
          const tasks = Array.from(rows, (row) => ({ row, mirrored: false }));
          const records = filledUp(await Promise.all(tasks.map(activations.read)), batch);
          return (plan) => activations.write(records, inputs.map(plan.locate));
        },
      };
    },
    close: activations.close,
  };
}

const filledUp = <T>(some: readonly T[], count: number): T[] =>
  Array.from({ length: count }, (_, i) => some[i] ?? some[0]);
