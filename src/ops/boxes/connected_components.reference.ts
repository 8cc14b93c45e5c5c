import { heatThresholdRows } from '../../formats/heat_thresholds.js';
import type { Case, Reference } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';
import type { ComponentAttributes } from './components.js';
import { type ComponentInputs, NO_COMPONENT, seenBy } from './connected_components.js';
import { mapCount } from './heat.js';
import { heatOfImage } from './heat_on_cpu.js';
import { labelRegions } from './regions_on_cpu.js';

export const reference: Reference<ComponentAttributes, ComponentInputs> = (
  [heatmaps, ranges],
  { inputs: [maps], outputs, attributes },
) => {
  const [, , mapHeight, mapWidth] = maps.shape;
  const y = new Float64Array(elementCount(outputs[0])).fill(NO_COMPONENT);
  const { width, height } = seenBy(attributes);
  const rows = heatThresholdRows(attributes.heatThresholds);
  for (let map = 0; map < mapCount(maps); map++) {
    const [shift, low, factor, state] = ranges.subarray(map * 4);
    if (state !== 0) continue;
    const cells = heatmaps.subarray(map * mapHeight * mapWidth, (map + 1) * mapHeight * mapWidth);
    const heat = heatOfImage(cells, mapHeight, mapWidth, attributes).values.map((v) => (v - shift - low) * factor);
    const heatThresholds = rows[map % rows.length];
    heatThresholds.forEach((threshold, t) => {
      const first = (map * heatThresholds.length + t) * width * height;
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
  caseOf([2, 2, 21, 40], noise, { heatThresholds: [[200, 100], [250]] }),
  caseOf([1, 1, 8, 8], (i) => noise(i), { width: 64, height: 32 }), // distances of cells are powers of two, so this is exact too
];
