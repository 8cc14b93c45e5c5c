/** 8-connected components of thresholded heatmaps, found by runs of pixels: the dispatches that labels and boxes share. */

import { type HeatThresholds, heatThresholdRows } from '../../formats/heat_thresholds.js';
import { component_merge } from '../../generated/kernels/component_merge.js';
import { component_roots } from '../../generated/kernels/component_roots.js';
import { component_runs } from '../../generated/kernels/component_runs.js';
import { createTensor } from '../../graph/ir/graph.js';
import { type Lowering, spread, type View } from '../../graph/ir/operation.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { type HeatFrame, heatTables, mapCount } from './heat.js';

export interface ComponentAttributes extends HeatFrame {
  /** On the scale from 0 to 255, for all classes or for each; a pixel at a threshold belongs to a component. */
  readonly heatThresholds: HeatThresholds;
}

/** Some maps at some heat thresholds that share dispatches: `maps · heatThresholdCount` layers. */
export interface Chunk {
  readonly firstMap: number;
  readonly maps: number;
  readonly firstHeatThreshold: number;
  readonly heatThresholdCount: number;
}

/** Limit in bytes of the labels of a chunk, unless a single layer takes more. */
const LABEL_BYTES = 64 << 20;

/** Pixels of a word, and threads of a workgroup, which takes a block of words. */
const WORD = 32;
const THREADS = 64;

/** Workgroups for each layer on software adapters. There, starting a workgroup costs more than processing a word, most of all for closed maps. */
const SOFTWARE_BLOCKS = 16;

/** What the dispatches of all chunks share. */
export interface Components {
  readonly chunks: readonly Chunk[];
  readonly places: View;
  readonly seen: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Words of a row, words of a layer, words of all layers of a chunk, words for each thread, and blocks of a layer. */
  readonly rowWords: number;
  readonly words: number;
  readonly wordsInAll: number;
  readonly span: number;
  readonly blocks: number;
  /** [layers, words]: binary images. */
  readonly masks: Tensor;
  /** [16, layers, words]: a node for each run that a word may have. After `label` it holds the root of each run. */
  readonly labels: Tensor;
  /** [layers, blocks]: roots in each block. */
  readonly blockRoots: Tensor;
  /** Workgroups for the words of each layer. */
  workgroups(layers: number): [number, number, number];
  /** Dispatches the thresholding and labelling of a chunk. */
  label(chunk: Chunk): void;
}

export function componentsOf(
  context: Lowering,
  heatmaps: Tensor,
  ranges: Tensor,
  { heatThresholds, ...frame }: ComponentAttributes,
): Components {
  const [, , mapHeight, mapWidth] = heatmaps.shape;
  const { seen, places } = heatTables(frame, mapHeight, mapWidth);
  const rowWords = Math.ceil(seen.width / WORD);
  const words = rowWords * seen.height;
  const span = context.traits.software ? Math.ceil(words / (THREADS * SOFTWARE_BLOCKS)) : 1;
  const blocks = Math.ceil(words / (THREADS * span));
  const rows = heatThresholdRows(heatThresholds);
  const chunks = chunksOf(context, mapCount(heatmaps), rows[0].length, words * 16 * 4);
  const layers = Math.max(...chunks.map((chunk) => chunk.maps * chunk.heatThresholdCount));
  const scratch = (name: string, shape: number[]) => context.scratch(name, { shape, layout: 'dense', type: 'u32' });
  const [masks, labels] = [scratch('masks', [layers, words]), scratch('labels', [16, layers, words])];
  const blockRoots = scratch('block roots', [layers, blocks]);
  const spec = { shape: [rows.length, rows[0].length], layout: 'dense', type: 'f32' } as const;
  const limits = createTensor('heat thresholds', 'constant', spec, rows.flat());
  const workgroups = (count: number): [number, number, number] => {
    const [across, down] = spread(blocks);
    return [across, down, count];
  };
  const components: Components = {
    chunks,
    places: context.read(places),
    seen,
    rowWords,
    words,
    wordsInAll: layers * words,
    span,
    blocks,
    masks,
    labels,
    blockRoots,
    workgroups,
    label: (chunk) => dispatchLabelling(context, { heatmaps, ranges, limits }, components, chunk),
  };
  return components;
}

/** Dispatches the kernels that turn a chunk's maps into binary images and find the runs that belong together. */
function dispatchLabelling(
  context: Lowering,
  { heatmaps, ranges, limits }: { heatmaps: Tensor; ranges: Tensor; limits: Tensor },
  { places, seen, rowWords, words, wordsInAll, span, blocks, masks, labels, blockRoots, workgroups }: Components,
  chunk: Chunk,
): void {
  const [, , mapHeight, mapWidth] = heatmaps.shape;
  const { firstMap, maps, firstHeatThreshold } = chunk;
  context.dispatch({
    kernel: component_runs,
    constants: { CHUNK_HEAT_THRESHOLDS: chunk.heatThresholdCount },
    bindings: [
      context.read(heatmaps),
      context.read(ranges),
      places,
      context.read(limits),
      context.write(masks),
      context.write(labels),
    ],
    params: {
      map_h: mapHeight,
      map_w: mapWidth,
      width: seen.width,
      height: seen.height,
      row_words: rowWords,
      words_in_all: wordsInAll,
      first_map: firstMap,
      first_heat_threshold: firstHeatThreshold,
      lists: limits.shape[0],
      list_length: limits.shape[1],
      span,
    },
    workgroups: workgroups(maps),
  });
  const shared = {
    words,
    words_in_all: wordsInAll,
    chunk_heat_thresholds: chunk.heatThresholdCount,
    first_map: firstMap,
    span,
  };
  const all = workgroups(maps * chunk.heatThresholdCount);
  context.dispatch({
    kernel: component_merge,
    constants: {},
    bindings: [context.read(ranges), context.read(masks), context.write(labels)],
    params: { row_words: rowWords, ...shared },
    workgroups: all,
  });
  context.dispatch({
    kernel: component_roots,
    constants: {},
    bindings: [context.read(ranges), context.read(masks), context.write(labels), context.write(blockRoots)],
    params: { blocks, ...shared },
    workgroups: all,
  });
}

// A chunk has as many maps with all heat thresholds as fit, or else some heat thresholds of one map. A single layer that is too large for
// the adapter is refused when it is bound.
function chunksOf({ traits }: Lowering, maps: number, heatThresholdCount: number, layerBytes: number): Chunk[] {
  const layers = Math.max(1, Math.min(65_535, Math.floor(Math.min(traits.maxBindingBytes, LABEL_BYTES) / layerBytes)));
  const together = heatThresholdCount * layerBytes <= traits.maxBindingBytes ? heatThresholdCount : 1;
  const atOnce = Math.max(1, Math.floor(layers / together));
  const chunks: Chunk[] = [];
  for (let firstMap = 0; firstMap < maps; firstMap += atOnce) {
    for (let firstHeatThreshold = 0; firstHeatThreshold < heatThresholdCount; firstHeatThreshold += together) {
      chunks.push({
        firstMap,
        maps: Math.min(atOnce, maps - firstMap),
        firstHeatThreshold,
        heatThresholdCount: together,
      });
    }
  }
  return chunks;
}
