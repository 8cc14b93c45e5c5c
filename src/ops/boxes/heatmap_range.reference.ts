import type { Case, CaseInput, Reference } from '../../graph/ir/operation.js';
import { MAP_STATES, mapCount } from './heat.js';
import { heatOfImage, rangeOfHeat } from './heat_on_cpu.js';
import type { HeatmapRangeAttributes, HeatmapRangeInputs } from './heatmap_range.js';

export const reference: Reference<HeatmapRangeAttributes, HeatmapRangeInputs> = (
  inputs,
  { inputs: [maps], attributes },
) => {
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
