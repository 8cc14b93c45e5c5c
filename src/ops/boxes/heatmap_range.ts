/** Finds the numbers that scale each heatmap to 0 … 255 over its image, and the state of each heatmap. */
import { InputError } from '../../errors.js';
import { heatmap_range } from '../../generated/kernels/heatmap_range.js';
import { heatmap_range_merge } from '../../generated/kernels/heatmap_range_merge.js';
import type { Operation } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';
import { checkHeatmaps, type HeatFrame, type HeatScaling, heatTables, mapCount } from './heat.js';

export interface HeatmapRangeAttributes extends HeatFrame {
  scaling: HeatScaling;
}

/** Samples of a map that one workgroup takes, so that several workgroups share a large map. */
const PART = 4096;

const INPUTS = ['heatmaps', 'probabilities?', 'operatingThresholds?'] as const;
export type HeatmapRangeInputs = typeof INPUTS;

/**
 * heatmaps: dense [n, classes, h, w]. probabilities: dense [n, classes] and operating thresholds: dense [classes], both or neither. A map
 * is closed if its probability is NaN or below the threshold of its class. y: dense [n · classes, 4]: shift, low, factor and state (its
 * index in `MAP_STATES`), with scaled = clamp((heat − shift − low) · factor, 0, 255).
 */
export const forward: Operation<HeatmapRangeAttributes, typeof INPUTS> = {
  name: 'heatmap_range',
  inputs: INPUTS,
  infer([heatmaps, probabilities, operatingThresholds], attributes) {
    checkHeatmaps(attributes, heatmaps);
    const { scaling } = attributes;
    const [images, classes] = heatmaps.shape;
    const gates = [probabilities?.shape.join(), operatingThresholds?.shape.join()].join(' and ');
    if ((probabilities || operatingThresholds) && gates !== `${images},${classes} and ${classes}`) {
      throw new InputError('gates', {
        expected: `probabilities [${images}, ${classes}] and operating thresholds [${classes}]`,
        given: gates,
      });
    }
    if (!['min_max', 'relu_max'].includes(scaling)) {
      throw new InputError('heat scaling', { expected: 'min_max or relu_max', given: String(scaling) });
    }
    return [{ shape: [mapCount(heatmaps), 4], layout: 'dense', type: 'f32' }];
  },
  flops: ({ inputs: [heatmaps] }) => 40 * elementCount(heatmaps),
  lower({ inputs: [heatmaps, probabilities, operatingThresholds], outputs: [y], attributes }, context) {
    const [, classes, mapHeight, mapWidth] = heatmaps.shape;
    const maps = mapCount(heatmaps);
    const { corners } = heatTables(attributes, mapHeight, mapWidth);
    const cells = mapHeight * mapWidth;
    const parts = Math.min(256, Math.ceil(Math.max(corners.columns * corners.rows, cells) / PART));
    const partials = context.scratch('partials', { shape: [maps, parts, 4], layout: 'dense', type: 'f32' });
    const gates = [context.read(probabilities), context.read(operatingThresholds)];
    const GATED = Boolean(probabilities);
    context.dispatch({
      kernel: heatmap_range,
      constants: { LANES: 64, GATED },
      bindings: [context.read(heatmaps), ...gates, context.read(corners.places), context.write(partials)],
      params: {
        map_h: mapHeight,
        map_w: mapWidth,
        columns: corners.columns,
        rows: corners.rows,
        parts,
        classes,
        shifted: attributes.scaling === 'min_max' ? 1 : 0,
      },
      workgroups: [parts, maps, 1],
    });
    context.dispatch({
      kernel: heatmap_range_merge,
      constants: { GATED },
      bindings: [context.read(heatmaps), ...gates, context.read(partials), context.write(y)],
      params: { maps, cells, parts, classes, relu: attributes.scaling === 'relu_max' ? 1 : 0 },
      workgroups: [Math.ceil(maps / 64), 1, 1],
    });
  },
};
