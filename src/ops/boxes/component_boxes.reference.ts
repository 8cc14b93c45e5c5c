import { heatThresholdRows } from '../../formats/heat_thresholds.js';
import type { Case, Reference } from '../../graph/ir/operation.js';
import { product } from '../../graph/ir/tensor.js';
import { BOX_WORDS, type ComponentBoxesAttributes, type ComponentBoxesInputs } from './component_boxes.js';
import { exactInputs, noise } from './connected_components.reference.js';
import { mapCount } from './heat.js';
import { heatOfImage } from './heat_on_cpu.js';
import { findRegions } from './regions_on_cpu.js';

export const reference: Reference<ComponentBoxesAttributes, ComponentBoxesInputs> = ([heatmaps, ranges], node) => {
  const { maxBoxes } = node.attributes;
  const rows = heatThresholdRows(node.attributes.heatThresholds);
  const [, , mapHeight, mapWidth] = node.inputs[0].shape;
  const [boxes, counts] = node.outputs.map(({ shape }) => new Float64Array(product(shape)));
  for (let map = 0; map < mapCount(node.inputs[0]); map++) {
    const [shift, low, factor, state] = ranges.subarray(map * 4);
    const heatThresholds = rows[map % rows.length];
    counts[map * (heatThresholds.length + 1) + heatThresholds.length] = state;
    if (state !== 0) continue;
    const cells = heatmaps.subarray(map * mapHeight * mapWidth, (map + 1) * mapHeight * mapWidth);
    const heat = heatOfImage(cells, mapHeight, mapWidth, node.attributes);
    const scaled = heat.values.map((value) => Math.min(Math.max((value - shift - low) * factor, 0), 255));
    heatThresholds.forEach((threshold, t) => {
      const regions = findRegions(scaled, heat.width, heat.height, threshold);
      counts[map * (heatThresholds.length + 1) + t] = regions.length;
      regions.slice(0, maxBoxes).forEach(({ x, y, width, height, area, peak }, i) => {
        const [left, top] = [heat.left + x, heat.top + y];
        const [bits] = new Uint32Array(Float32Array.of(peak).buffer);
        boxes.set(
          [left, top, left + width, top + height, area, bits],
          ((map * heatThresholds.length + t) * maxBoxes + i) * BOX_WORDS,
        );
      });
    });
  }
  return [boxes, counts];
};

function caseOf(
  shape: readonly number[],
  fill: (index: number) => number,
  attributes: Partial<ComponentBoxesAttributes> = {},
): Case<ComponentBoxesAttributes> {
  const [height, width] = shape.slice(2);
  return {
    inputs: exactInputs(shape, fill),
    attributes: { width, height, size: width, fit: 'stretch', heatThresholds: [60, 180], maxBoxes: 8, ...attributes },
    exact: true,
  };
}

export const cases = (): Case<ComponentBoxesAttributes>[] => [
  caseOf([1, 1, 1, 1], () => 200),
  caseOf([1, 1, 1, 133], noise, { maxBoxes: 100 }),
  caseOf([1, 1, 133, 1], noise, { maxBoxes: 1 }),
  caseOf([2, 2, 37, 67], noise, { maxBoxes: 300 }),
  caseOf([1, 1, 133, 141], noise, { heatThresholds: [250], maxBoxes: 600 }),
  caseOf([2, 3, 19, 45], noise, { heatThresholds: [[200], [60, 180, 240], [255, 30]], maxBoxes: 200 }),
  caseOf([1, 1, 8, 8], noise, { width: 64, height: 32 }),
  caseOf([1, 1, 16, 16], noise, { width: 20, height: 16, size: 16, fit: 'crop' }),
  // Several words between two columns of cells, and few pixels between them in a last word.
  caseOf([1, 3, 3, 4], noise, { width: 613, height: 97, heatThresholds: [20, 130, 250] }),
  caseOf([1, 1, 7, 5], noise, { width: 300, height: 200, size: 64, fit: 'pad', heatThresholds: [90, 91] }),
  caseOf([1, 1, 16, 16], noise, { width: 16, height: 8, size: 16, fit: 'pad' }),
  { ...caseOf([1, 8, 32, 32], noise, { width: 1024, height: 1024, size: 1024 }), full: true, bench: true },
];
