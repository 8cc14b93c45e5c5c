/** A box around each 8-connected component of heatmaps at or above heat thresholds. */

import { InputError } from '../../errors.js';
import { DEFAULT_HEAT_THRESHOLDS, type HeatThresholds, heatThresholdRows } from '../../formats/heat_thresholds.js';
import { component_extents } from '../../generated/kernels/component_extents.js';
import { component_ranks } from '../../generated/kernels/component_ranks.js';
import { component_scan } from '../../generated/kernels/component_scan.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Operation } from '../../graph/ir/operation.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { checkOptions, optionKinds } from '../../options.js';
import { type ComponentAttributes, componentsOf } from './components.js';
import {
  checkHeatmaps,
  checkHeatThresholds,
  type HeatFrame,
  type HeatScaling,
  MAP_STATES,
  type MapState,
  mapCount,
} from './heat.js';
import { forward as heatmapRange } from './heatmap_range.js';
import type { Region } from './regions_on_cpu.js';

export interface ComponentBoxesAttributes extends ComponentAttributes {
  /** Rows of the table for each map and heat threshold. */
  readonly maxBoxes: number;
}

export const DEFAULT_MAX_BOXES = 64;

/** More boxes than anybody reads. With this limit, the table of one map and heat threshold takes 1.5 MiB. */
export const MAX_BOXES = 65_536;

/** @throws InputError if a table cannot have this number of rows for each map and heat threshold. */
export function checkMaxBoxes(maxBoxes: number): void {
  if (Number.isInteger(maxBoxes) && maxBoxes >= 1 && maxBoxes <= MAX_BOXES) return;
  throw new InputError('maxBoxes', { expected: `a whole number from 1 to ${MAX_BOXES}`, given: String(maxBoxes) });
}

/** Words of a box in the table: left, top, right, bottom (half-open, pixels of the image), area, bits of the peak's f32. */
export const BOX_WORDS = 6;

const INPUTS = ['heatmaps', 'ranges'] as const;
export type ComponentBoxesInputs = typeof INPUTS;

/**
 * heatmaps: dense [n, classes, h, w]. ranges: dense [n · classes, 4] from heatmap_range.
 * boxes: dense u32 [n · classes, heat thresholds, maxBoxes, 6], components in the order of their first pixels; the remaining rows are
 * zeros. counts: dense u32 [n · classes, heat thresholds + 1]: the number of components at each heat threshold, which may be more than the
 * table holds; then the map's state. If classes have lists of different lengths, the longest decides the shape, and shorter ones end with
 * thresholds that have no components.
 */
export const forward: Operation<ComponentBoxesAttributes, typeof INPUTS> = {
  name: 'component_boxes',
  inputs: INPUTS,
  infer([heatmaps, ranges], attributes) {
    checkHeatmaps(attributes, heatmaps, ranges);
    const { heatThresholds, maxBoxes } = attributes;
    checkHeatThresholds(heatThresholds, heatmaps.shape[1]);
    checkMaxBoxes(maxBoxes);
    const maps = mapCount(heatmaps);
    const thresholds = heatThresholdRows(heatThresholds)[0].length;
    return [
      { shape: [maps, thresholds, maxBoxes, BOX_WORDS], layout: 'dense', type: 'u32' },
      { shape: [maps, thresholds + 1], layout: 'dense', type: 'u32' },
    ];
  },
  flops: ({ inputs: [heatmaps], outputs: [boxes], attributes: { width, height } }) =>
    mapCount(heatmaps) * (10 + 3 * boxes.shape[1]) * width * height,
  lower({ inputs: [heatmaps, ranges], outputs: [boxes, counts], attributes }, context) {
    const [, , mapHeight, mapWidth] = heatmaps.shape;
    const found = componentsOf(context, heatmaps, ranges, attributes);
    const { places, seen, rowWords, words, wordsInAll, span, blocks, masks, labels, blockRoots } = found;
    for (const chunk of found.chunks) {
      found.label(chunk);
      const layers = chunk.maps * chunk.heatThresholdCount;
      const shared = { chunk_heat_thresholds: chunk.heatThresholdCount, first_map: chunk.firstMap };
      const table = {
        ...shared,
        first_heat_threshold: chunk.firstHeatThreshold,
        all_heat_thresholds: boxes.shape[1],
        max_boxes: attributes.maxBoxes,
      };
      context.dispatch({
        kernel: component_scan,
        constants: { LANES: 64 },
        bindings: [context.read(ranges), context.write(blockRoots), context.write(boxes), context.write(counts)],
        params: { blocks, ...table },
        workgroups: [layers, 1, 1],
      });
      context.dispatch({
        kernel: component_ranks,
        constants: {},
        bindings: [context.read(ranges), context.read(masks), context.read(blockRoots), context.write(labels)],
        params: { words, words_in_all: wordsInAll, blocks, span, ...shared },
        workgroups: found.workgroups(layers),
      });
      context.dispatch({
        kernel: component_extents,
        constants: {},
        bindings: [
          context.read(heatmaps),
          context.read(ranges),
          places,
          context.read(masks),
          context.read(labels),
          context.write(boxes),
        ],
        params: {
          map_h: mapHeight,
          map_w: mapWidth,
          width: seen.width,
          row_words: rowWords,
          words,
          words_in_all: wordsInAll,
          span,
          left: seen.x,
          top: seen.y,
          ...table,
        },
        workgroups: found.workgroups(layers),
      });
    }
  },
};

/** A map is used only if the probability of its class reaches the threshold of the class. */
export interface Gates {
  /** Dense [n, classes]. */
  readonly probabilities: Tensor;
  /** Dense [classes], or a list of numbers. */
  readonly operatingThresholds: Tensor | readonly number[];
}

/** How heatmaps become boxes: see `extractBoxes`. */
export interface BoxOptions extends HeatFrame {
  /** On the scale from 0 to 255, one list for all classes, or one for each. Default: 60 and 180. */
  readonly heatThresholds?: HeatThresholds;
  /** Default: min_max. */
  readonly scaling?: HeatScaling;
  /** Limit of the boxes of each map and heat threshold. Default: 64. */
  readonly maxBoxes?: number;
}

const OPTIONS = optionKinds<BoxOptions>({
  width: 'a number',
  height: 'a number',
  size: 'a number',
  fit: 'a text',
  heatThresholds: 'anything',
  scaling: 'a text',
  maxBoxes: 'a number',
});

/** The results of `extractBoxes`, on the GPU. */
export interface Boxes {
  /** u32 [n · classes, heat thresholds, maxBoxes, 6] and [n · classes, heat thresholds + 1]: what `decodeBoxes` reads. */
  readonly table: Tensor;
  readonly counts: Tensor;
  /** [n · classes, 4]: what `scaleHeatmaps` and `connectedComponents` need. */
  readonly ranges: Tensor;
}

/**
 * Adds all steps from heatmaps to boxes: heat is interpolated at the image's pixels (bilinear, half-pixel centres), scaled to
 * 0 … 255 and thresholded, and each 8-connected component gets a box. With `crop`, only the pixels that the network saw are used; with
 * `pad`, the border around the image is not. Boxes are in pixels of the original image, and inside it.
 * @param heatmaps dense f32 [n, classes, h, w], all of images of one size.
 * @param gates if undefined, every map is used.
 */
export function extractBoxes(
  g: GraphBuilder,
  heatmaps: Tensor,
  gates: Gates | undefined,
  options: BoxOptions,
  name = 'boxes',
): Boxes {
  checkOptions('extractBoxes', options, OPTIONS);
  const { width, height, size, fit } = options;
  const { heatThresholds = DEFAULT_HEAT_THRESHOLDS, scaling = 'min_max', maxBoxes = DEFAULT_MAX_BOXES } = options;
  const frame = { width, height, size, fit };
  const limits =
    gates &&
    (Array.isArray(gates.operatingThresholds) ? asTensor(g, gates.operatingThresholds) : gates.operatingThresholds);
  const inputs = [heatmaps, gates?.probabilities, limits as Tensor | undefined];
  const ranges = g.apply(heatmapRange, inputs, { ...frame, scaling }, `${name}.ranges`);
  const [table, counts] = g.applyAll(forward, [heatmaps, ranges], { ...frame, heatThresholds, maxBoxes }, name);
  return { table, counts, ranges };
}

const asTensor = (g: GraphBuilder, values: readonly number[]) =>
  g.constant('operating thresholds', { shape: [values.length], layout: 'dense', type: 'f32' }, values);

/** A box of one map at one heat threshold. */
export interface HeatBox extends Region {
  /** image · classes + class. */
  readonly map: number;
  /** On the scale from 0 to 255. */
  readonly threshold: number;
}

/** Boxes of a batch of heatmaps, as `decodeBoxes` reads them. */
export interface DecodedBoxes {
  /** Sorted by map, then by heat threshold in the given order, then by first pixel in reading order. */
  readonly boxes: readonly HeatBox[];
  /** The state of each map. Only `scaled` maps have boxes. */
  readonly states: readonly MapState[];
  /** The number of components, for each map and heat threshold. */
  readonly found: readonly (readonly number[])[];
  /** Maps that have more than maxBoxes components at some heat threshold. `boxes` then has only the first maxBoxes of them. */
  readonly truncated: ReadonlySet<number>;
}

/**
 * Decodes `table` and `counts` of `extractBoxes`.
 * @throws InputError if their lengths do not fit.
 */
export function decodeBoxes(
  table: ArrayLike<number>,
  counts: ArrayLike<number>,
  options: { heatThresholds?: HeatThresholds; maxBoxes?: number } = {},
): DecodedBoxes {
  const { heatThresholds = DEFAULT_HEAT_THRESHOLDS, maxBoxes = DEFAULT_MAX_BOXES } = options;
  const rows = heatThresholdRows(heatThresholds);
  const thresholds = rows[0].length;
  const columns = thresholds + 1;
  const maps = counts.length / columns;
  const expected = maps * thresholds * maxBoxes * BOX_WORDS;
  if (!Number.isInteger(maps) || table.length !== expected) {
    throw new InputError('a table of boxes of the wrong length', {
      expected: `${expected} words beside ${counts.length} counts`,
      given: String(table.length),
    });
  }
  const peaks = new Float32Array(Uint32Array.from(table).buffer);
  const boxes: HeatBox[] = [];
  const states: MapState[] = [];
  const found: number[][] = [];
  const truncated = new Set<number>();
  for (let map = 0; map < maps; map++) {
    states.push(MAP_STATES[counts[map * columns + thresholds]]);
    const row = rows[map % rows.length];
    found.push(row.map((_, t) => counts[map * columns + t]));
    for (const [t, threshold] of row.entries()) {
      if (found[map][t] > maxBoxes) truncated.add(map);
      for (let i = 0; i < Math.min(found[map][t], maxBoxes); i++) {
        const at = ((map * thresholds + t) * maxBoxes + i) * BOX_WORDS;
        const [x, y] = [table[at], table[at + 1]];
        const [width, height] = [table[at + 2] - x, table[at + 3] - y];
        boxes.push({ map, threshold, x, y, width, height, area: table[at + 4], peak: peaks[at + 5] });
      }
    }
  }
  return { boxes, states, found, truncated };
}
