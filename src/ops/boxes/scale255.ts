/** Resizes heatmaps to their image and scales them to 0 … 255, without rounding. */
import { scale255 } from '../../generated/kernels/scale255.js';
import { ALIGNMENT } from '../../gpu/buffers.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { type Operation, spread } from '../../graph/ir/operation.js';
import { elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { checkHeatmaps, type HeatFrame, heatTables, mapCount } from './heat.js';

const INPUTS = ['heatmaps', 'ranges'] as const;
export type Scale255Inputs = typeof INPUTS;

/**
 * heatmaps: dense [n, classes, h, w]. ranges: dense [n · classes, 4] from heatmap_range. y: dense [n, classes, height, width]; zero in
 * maps whose state is not scaled, and at pixels that the network did not see.
 */
export const forward: Operation<HeatFrame, typeof INPUTS> = {
  name: 'scale255',
  inputs: INPUTS,
  infer([heatmaps, ranges], attributes) {
    checkHeatmaps(attributes, heatmaps, ranges);
    const [images, classes] = heatmaps.shape;
    return [{ shape: [images, classes, attributes.height, attributes.width], layout: 'dense', type: 'f32' }];
  },
  flops: ({ outputs: [y] }) => 12 * elementCount(y),
  lower({ inputs: [heatmaps, ranges], outputs: [y], attributes }, context) {
    const [, , mapHeight, mapWidth] = heatmaps.shape;
    const { width, height } = attributes;
    const maps = mapCount(heatmaps);
    const { whole } = heatTables(attributes, mapHeight, mapWidth);
    // If the adapter cannot bind all maps, a dispatch takes some of them. A pixel of a dense tensor is one of its rows. The start of a
    // binding may be rounded down by up to ALIGNMENT bytes, which are then bound too.
    const perMap = width * height * 4;
    const atOnce = Math.max(1, Math.floor((context.traits.maxBindingBytes - ALIGNMENT) / perMap));
    for (let first = 0; first < maps; first += atOnce) {
      const count = Math.min(atOnce, maps - first);
      const output = context.write(y, [first * height, (first + count) * height]);
      const [across, down] = spread(Math.ceil((width * height) / 64));
      context.dispatch({
        kernel: scale255,
        constants: {},
        bindings: [context.read(heatmaps), context.read(ranges), context.read(whole), output],
        params: { map_h: mapHeight, map_w: mapWidth, width, height, first, y_offset: output.offset },
        workgroups: [across, down, count],
      });
    }
  },
};

/** Adds the scaled heatmaps of an image: see `forward`. `ranges` comes from `extractBoxes`. */
export function scaleHeatmaps(
  g: GraphBuilder,
  heatmaps: Tensor,
  ranges: Tensor,
  frame: HeatFrame,
  name?: string,
): Tensor {
  const { width, height, size, fit } = frame;
  return g.apply(forward, [heatmaps, ranges], { width, height, size, fit }, name);
}
