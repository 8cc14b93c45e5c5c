/**
 * 8-connected components of heatmaps at or above heat thresholds: each pixel's label is the index, in reading order, of its component's
 * first pixel.
 */

import { heatThresholdRows } from '../../formats/heat_thresholds.js';
import { component_labels } from '../../generated/kernels/component_labels.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Operation } from '../../graph/ir/operation.js';
import { elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { frameOf, seenPixels } from '../images/frame.js';
import { type ComponentAttributes, componentsOf } from './components.js';
import { checkHeatmaps, checkHeatThresholds, mapCount } from './heat.js';

/** The label of pixels outside all components. */
export const NO_COMPONENT = 0xffffffff;

export const seenBy = ({ width, height, size, fit }: ComponentAttributes) =>
  seenPixels(frameOf(width, height, size, fit));

const INPUTS = ['heatmaps', 'ranges'] as const;
export type ComponentInputs = typeof INPUTS;

/**
 * heatmaps: dense [n, classes, h, w]. ranges: dense [n · classes, 4] from heatmap_range. y: dense u32
 * [n · classes, heat thresholds, seen height, seen width], over the pixels of the image that the network saw.
 */
export const forward: Operation<ComponentAttributes, typeof INPUTS> = {
  name: 'connected_components',
  inputs: INPUTS,
  infer([heatmaps, ranges], attributes) {
    checkHeatmaps(attributes, heatmaps, ranges);
    checkHeatThresholds(attributes.heatThresholds, heatmaps.shape[1]);
    const { width, height } = seenBy(attributes);
    const shape = [mapCount(heatmaps), heatThresholdRows(attributes.heatThresholds)[0].length, height, width];
    return [{ shape, layout: 'dense', type: 'u32' }];
  },
  flops: ({ outputs: [y] }) => 10 * elementCount(y),
  lower({ inputs: [heatmaps, ranges], outputs: [y], attributes }, context) {
    const [, thresholds] = y.shape;
    const found = componentsOf(context, heatmaps, ranges, attributes);
    const { seen, rowWords, words, wordsInAll, masks, labels } = found;
    for (const chunk of found.chunks) {
      found.label(chunk);
      context.dispatch({
        kernel: component_labels,
        constants: {},
        bindings: [context.read(ranges), context.read(masks), context.read(labels), context.write(y)],
        params: {
          width: seen.width,
          height: seen.height,
          row_words: rowWords,
          words,
          words_in_all: wordsInAll,
          span: found.span,
          chunk_heat_thresholds: chunk.heatThresholdCount,
          first_map: chunk.firstMap,
          first_heat_threshold: chunk.firstHeatThreshold,
          all_heat_thresholds: thresholds,
        },
        workgroups: found.workgroups(chunk.maps * chunk.heatThresholdCount),
      });
    }
  },
};

/** Adds labels of the components of each heatmap at each heat threshold: see `forward`. */
export function connectedComponents(
  g: GraphBuilder,
  heatmaps: Tensor,
  ranges: Tensor,
  attributes: ComponentAttributes,
  name?: string,
): Tensor {
  return g.apply(forward, [heatmaps, ranges], attributes, name);
}
