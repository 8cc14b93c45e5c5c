/**
 * 8-connected components of heatmaps at or above heat thresholds: each pixel's label is the index, in reading order, of its component's
 * first pixel.
 */
import { component_labels } from '../../generated/kernels/component_labels.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { frameOf, seenPixels } from '../images/frame.js';
import { type ComponentAttributes, componentsOf } from './components.js';
import { checkHeatmaps, checkHeatThresholds, mapCount } from './heat.js';
import { heatOfImage } from './heat_on_cpu.js';
import { labelRegions } from './regions_on_cpu.js';

/** The label of pixels outside all components. */
export const NO_COMPONENT = 0xffffffff;

const seenBy = ({ width, height, size, fit }: ComponentAttributes) => seenPixels(frameOf(width, height, size, fit));

const INPUTS = ['heatmaps', 'ranges'] as const;

/**
 * heatmaps: dense [n, classes, h, w]. ranges: dense [n · classes, 4] from heatmap_range. y: dense u32
 * [n · classes, heat thresholds, seen height, seen width], over the pixels of the image that the network saw.
 */
export const forward: Operation<ComponentAttributes, typeof INPUTS> = {
  name: 'connected_components',
  inputs: INPUTS,
  infer([heatmaps, ranges], attributes) {
    checkHeatmaps(attributes, heatmaps, ranges);
    checkHeatThresholds(attributes.heatThresholds);
    const { width, height } = seenBy(attributes);
    const shape = [mapCount(heatmaps), attributes.heatThresholds.length, height, width];
    return [{ shape, layout: 'dense', type: 'u32' }];
  },
  flops: ({ outputs: [y] }) => 10 * elementCount(y),
  lower({ inputs: [heatmaps, ranges], outputs: [y], attributes }, context) {
    const found = componentsOf(context, heatmaps, ranges, attributes);
    const { seen, rowWords, words, masks, labels } = found;
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
          span: found.span,
          chunk_heat_thresholds: chunk.heatThresholdCount,
          first_map: chunk.firstMap,
          first_heat_threshold: chunk.firstHeatThreshold,
          all_heat_thresholds: attributes.heatThresholds.length,
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

export const reference: Reference<ComponentAttributes, typeof INPUTS> = (
  [heatmaps, ranges],
  { inputs: [maps], outputs, attributes },
) => {
  const [, , mapHeight, mapWidth] = maps.shape;
  const y = new Float64Array(elementCount(outputs[0])).fill(NO_COMPONENT);
  const { width, height } = seenBy(attributes);
  for (let map = 0; map < mapCount(maps); map++) {
    const [shift, low, factor, state] = ranges.subarray(map * 4);
    if (state !== 0) continue;
    const cells = heatmaps.subarray(map * mapHeight * mapWidth, (map + 1) * mapHeight * mapWidth);
    const heat = heatOfImage(cells, mapHeight, mapWidth, attributes).values.map((v) => (v - shift - low) * factor);
    attributes.heatThresholds.forEach((threshold, t) => {
      const first = (map * attributes.heatThresholds.length + t) * width * height;
      labelRegions(heat, width, height, threshold).forEach((label, i) => {
        if (label >= 0) y[first + i] = label;
      });
    });
  }
  return [y];
};

/** Heat is in whole numbers at the image's own size, and ranges scale by 1, so that every step is exact. Every third map is closed. */
export function exactInputs(shape: readonly number[], fill: (index: number) => number): Case['inputs'] {
  const range = (i: number) => [0, 0, 1, Math.floor(i / 4) % 3 === 2 ? 2 : 0][i % 4];
  return [
    { shape, layout: 'dense', kind: 'input', fill },
    { shape: [shape[0] * shape[1], 4], kind: 'input', fill: range },
  ];
}

/** Repeatable noise of whole numbers, 0 … 255. */
export const noise = (index: number) => Math.imul(index + 17, 0x9e3779b1) >>> 24;

function caseOf(
  shape: readonly number[],
  fill: (index: number) => number,
  attributes: Partial<ComponentAttributes> = {},
): Case<ComponentAttributes> {
  const [height, width] = shape.slice(2);
  return {
    inputs: exactInputs(shape, fill),
    attributes: { width, height, size: width, fit: 'stretch', heatThresholds: [60, 180], ...attributes },
    exact: true,
  };
}

export const cases = (): Case<ComponentAttributes>[] => [
  caseOf([1, 1, 1, 1], () => 60),
  caseOf([1, 1, 1, 1], () => 59),
  caseOf([1, 1, 1, 133], noise),
  caseOf([1, 1, 133, 1], noise),
  caseOf([2, 2, 37, 67], noise),
  caseOf([1, 1, 64, 64], () => 200),
  caseOf([1, 1, 33, 65], (i) => (((i % 65) + Math.floor(i / 65)) % 2 === 0 ? 255 : 0)), // a checkerboard is one component, by its diagonals
  caseOf([1, 2, 133, 141], noise, { heatThresholds: [150, 200, 250] }),
  caseOf([1, 1, 8, 8], (i) => noise(i), { width: 64, height: 32 }), // distances of cells are powers of two, so this is exact too
];
