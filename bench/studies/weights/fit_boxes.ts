/** Fits how heatmaps of weights become boxes, on truth boxes of training images. `box_rule.ts` says by which measure. */
import { join } from 'node:path';
import { runOptions } from '../../../src/cli/adapter_option.js';
import { say, startProgress } from '../../../src/cli/terminal.js';
import { InputError } from '../../../src/errors.js';
import { boxInImage } from '../../../src/evaluate/box_frame.js';
import { readBoxList, readImageList } from '../../../src/formats/data_sets/chestxray.js';
import type { LabeledBox } from '../../../src/formats/data_sets/image_table.js';
import { labelNames } from '../../../src/formats/data_sets/label_names.js';
import { type Localizer, load } from '../../../src/localizer/localizer.js';
import { innerCells } from '../../../src/nets/head/heatmap_border.js';
import { openDataset } from '../../../src/node/dataset.js';
import { readText } from '../../../src/node/text_files.js';
import { openImageThreads } from '../../../src/node/threads/image_threads.js';
import type { HeatScaling } from '../../../src/ops/boxes/heat.js';
import { boxesOfHeatmap } from '../../../src/ops/boxes/heat_on_cpu.js';
import { frameOf, toImage } from '../../../src/ops/images/frame.js';
import { bestRule, PAPER_RULE, type RuleScore, type Sample, scoreRule, TRIED, TRIED_BORDERS } from './box_rule.js';
import { type ClassRules, rulesByClass } from './class_rules.js';

export interface FitOptions {
  weights: string;
  data: string;
  /** The file of truth boxes. */
  boxes: string;
  /** Side of the square frame of the boxes. Default: the image. */
  boxFrame?: number;
  /** The folder of the run that has trained the weights. Only images in its lists of training and validation images are looked at. */
  run: string;
  adapter?: string;
  signal: AbortSignal;
}

export interface FittedBoxes {
  /** The best rule for all classes. */
  chosen: RuleScore;
  /** Rules by class, if they are better than that. */
  byClass: ClassRules;
  /** The paper's heat thresholds, with a box for every region. */
  paper: RuleScore;
  images: number;
  /** Labels of the file that are no class of the weights. Their boxes were not used. */
  leftOut: string[];
}

/** @throws InputError if no training image has a box of one of the classes */
export async function fitBoxes(options: FitOptions): Promise<FittedBoxes> {
  const { weights, boxes: path, run, adapter, signal } = options;
  const localizer = await load(weights, { signal, ...runOptions({ adapter }) });
  try {
    const lists = await Promise.all(
      ['train.txt', 'validation.txt'].map(async (name) => readImageList(await readText(join(run, name)), name)),
    );
    const trained = new Set(lists.flat());
    const names = labelNames(localizer.classes);
    const all = readBoxList(await readText(path), { source: path }).filter(({ image }) => trained.has(image));
    const known = all.flatMap((one) => {
      const label = names.match(one.label);
      return label === undefined ? [] : [{ ...one, label }];
    });
    if (known.length === 0)
      throw new InputError(`${path} has no box of a training image with one of the classes`, {
        expected: localizer.classes.join(', '),
        given: [...names.unknown.keys()].join(', ') || `boxes of ${trained.size} images, none of them`,
      });
    const samples = await samplesOf(localizer, known, options);
    const images = new Set(known.map(({ image }) => image)).size;
    say(
      `boxes: heat thresholds, minRegion and heatmapBorder are fitted on ${known.length} boxes of ${images} training images`,
    );
    const chosen = bestRule(samples);
    return {
      ...{ chosen, byClass: rulesByClass(samples, chosen), paper: scoreRule(samples, PAPER_RULE) },
      ...{ images, leftOut: [...names.unknown.keys()] },
    };
  } finally {
    await localizer.close();
  }
}

/** Localizes the images. Gives a sample for each image and label with a truth box. */
async function samplesOf(
  localizer: Localizer,
  boxes: readonly LabeledBox[],
  { data, boxFrame, signal }: FitOptions,
): Promise<Sample[]> {
  const { table, paths } = await openDataset(data);
  const patients = new Map(table.images.map((image, row) => [image, table.patients[row]]));
  const images = [...new Set(boxes.map(({ image }) => image))].filter((image) => paths.has(image));
  const threads = openImageThreads();
  const progress = startProgress('boxes', images.length, 'images');
  const samples: Sample[] = [];
  const { inputWidth, inputHeight, fit, heatmapScaling } = localizer.metadata;
  const scaling: HeatScaling = heatmapScaling === 'relu' ? 'relu_max' : 'min_max';
  // A border has the heat 0, which is the lowest one only in maps without negative heat.
  const borders = scaling === 'relu_max' ? TRIED_BORDERS : [0];
  try {
    const results = localizer.localizeAll(
      images.map((image) => () => threads.run('read', [paths.get(image) as string, {}])),
      { classes: localizer.classes, boxes: false, heatmaps: 'raw', batch: 8, signal },
    );
    for await (const { index, width, height, heatmaps = {} } of results) {
      const own = boxes.filter(({ image }) => image === images[index]);
      const frame = { width, height, size: inputWidth, fit, heatThresholds: TRIED, scaling };
      // Only the maps of findings that the image has are cut, so this is faster here than for all classes on the GPU.
      for (const label of new Set(own.map((one) => one.label))) {
        const map = heatmaps[label];
        const cell = toImage(frameOf(width, height, inputWidth, fit), {
          ...{ x: 0, y: 0, width: inputWidth / map.width, height: inputHeight / map.height },
        });
        const truth = own
          .filter((one) => one.label === label)
          .map(({ box }) => boxInImage(box, { width, height }, boxFrame));
        for (const heatmapBorder of borders) {
          const inner = innerCells(map.height, map.width, heatmapBorder);
          const data = map.data.map((value, at) => value * inner[at]);
          const { regions } = boxesOfHeatmap(data, map.height, map.width, frame);
          samples.push({
            ...{ label, patient: patients.get(images[index]) ?? images[index] },
            ...{ heatmapBorder, truth, cellArea: cell.width * cell.height },
            regions: regions.flatMap((list, at) =>
              list.map(({ area, peak, ...box }) => ({ threshold: TRIED[at], area, peak, box })),
            ),
          });
        }
      }
      progress.update(index + 1);
    }
  } finally {
    progress.stop();
    await threads.close();
  }
  return samples;
}
