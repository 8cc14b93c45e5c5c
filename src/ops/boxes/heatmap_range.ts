/** Finds the numbers that scale each heatmap to 0 … 255 over its image, and the state of each heatmap. */
import { InputError } from '../../errors.js';
import { heatmap_range } from '../../generated/kernels/heatmap_range.js';
import { heatmap_range_merge } from '../../generated/kernels/heatmap_range_merge.js';
import type { Case, CaseInput, Operation, Reference } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';
import { checkHeatmaps, type HeatFrame, type HeatScaling, heatTables, MAP_STATES, mapCount } from './heat.js';
import { heatOfImage, rangeOfHeat } from './heat_on_cpu.js';

export interface HeatmapRangeAttributes extends HeatFrame {
  scaling: HeatScaling;
}

/** Samples of a map for each workgroup. */
const PART = 4096;

const INPUTS = ['heatmaps', 'probabilities?', 'operatingThresholds?'] as const;

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

export const reference: Reference<HeatmapRangeAttributes, typeof INPUTS> = (inputs, { inputs: [maps], attributes }) => {
  const [heatmaps, probabilities, operatingThresholds] = inputs;
  const [, classes, height, width] = maps.shape;
  const rows = Array.from({ length: mapCount(maps) }, (_, map) => {
    if (probabilities && operatingThresholds && !(probabilities[map] >= operatingThresholds[map % classes]))
      return [0, 0, 0, 1];
    const cells = heatmaps.subarray(map * height * width, (map + 1) * height * width);
    const heat = heatOfImage(cells, height, width, attributes);
    const { state, low, high } = rangeOfHeat(cells, heat, attributes.scaling);
    if (state !== 'scaled') return [0, 0, 0, MAP_STATES.indexOf(state)];
    const shift = attributes.scaling === 'min_max' ? cells[0] : 0;
    return [shift, low - shift, 255 / (high - low), 0];
  });
  return [Float64Array.from(rows.flat())];
};

function caseOf(
  shape: readonly number[],
  frame: Partial<HeatmapRangeAttributes>,
  more: Partial<CaseInput> & { gated?: boolean } = {},
): Case<HeatmapRangeAttributes> {
  const { gated = false, ...heat } = more;
  const gates: CaseInput[] = [
    { shape: shape.slice(0, 2), layout: 'dense', kind: 'input', fill: 'uniform' },
    { shape: [shape[1]], layout: 'dense', kind: 'input', fill: () => 0.5 },
  ];
  return {
    inputs: [{ shape, layout: 'dense', kind: 'input', ...heat }, ...(gated ? gates : [])],
    attributes: { width: 50, height: 40, size: 32, fit: 'stretch', scaling: 'min_max', ...frame },
  };
}

export const cases = (): Case<HeatmapRangeAttributes>[] => [
  caseOf([1, 1, 1, 1], {}),
  caseOf([2, 3, 5, 7], {}),
  caseOf([1, 5, 7, 7], { fit: 'crop' }, { gated: true }),
  caseOf([1, 5, 7, 7], { fit: 'pad', scaling: 'relu_max' }, { gated: true }),
  caseOf([1, 2, 133, 141], { width: 133, height: 141 }),
  caseOf([1, 2, 9, 8], { width: 1, height: 53 }),
  caseOf([1, 2, 7, 7], {}, { fill: () => 0.3 }),
  caseOf([1, 2, 7, 7], { scaling: 'relu_max' }, { fill: (i) => -1 - i }),
  caseOf([1, 3, 7, 7], {}, { fill: (i) => (i === 60 ? Number.NaN : i === 110 ? Number.POSITIVE_INFINITY : i % 5) }),
  caseOf([1, 2, 7, 7], { width: 500, height: 500 }, { fill: (i) => 1000 + Math.sin(i) }),
];
