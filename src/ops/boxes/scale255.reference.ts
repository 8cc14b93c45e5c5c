import type { Case, Reference } from '../../graph/ir/operation.js';
import { type HeatFrame, mapCount } from './heat.js';
import { heatOfImage } from './heat_on_cpu.js';
import type { Scale255Inputs } from './scale255.js';

export const reference: Reference<HeatFrame, Scale255Inputs> = ([heatmaps, ranges], { inputs: [maps], attributes }) => {
  const [, , mapHeight, mapWidth] = maps.shape;
  const { width, height } = attributes;
  const y = new Float64Array(mapCount(maps) * width * height);
  for (let map = 0; map < mapCount(maps); map++) {
    const [shift, low, factor, state] = ranges.subarray(map * 4);
    if (state !== 0) continue;
    const cells = heatmaps.subarray(map * mapHeight * mapWidth, (map + 1) * mapHeight * mapWidth);
    const heat = heatOfImage(cells, mapHeight, mapWidth, attributes);
    heat.values.forEach((value, i) => {
      const [x, row] = [heat.left + (i % heat.width), heat.top + Math.floor(i / heat.width)];
      y[(map * height + row) * width + x] = Math.min(Math.max((value - shift - low) * factor, 0), 255);
    });
  }
  return [y];
};

function caseOf(shape: readonly number[], frame: Partial<HeatFrame>): Case<HeatFrame> {
  // Every third map is closed.
  const range = (i: number) => [0.125, -2, 64, Math.floor(i / 4) % 3 === 2 ? 2 : 0][i % 4];
  const maps = shape[0] * shape[1];
  return {
    inputs: [
      { shape, layout: 'dense', kind: 'input' },
      { shape: [maps, 4], kind: 'input', fill: range },
    ],
    attributes: { width: 50, height: 40, size: 32, fit: 'stretch', ...frame },
  };
}

export const cases = (): Case<HeatFrame>[] => [
  caseOf([1, 1, 1, 1], { width: 1, height: 1 }),
  caseOf([2, 3, 5, 7], {}),
  caseOf([1, 2, 7, 7], { fit: 'crop' }),
  caseOf([1, 2, 7, 7], { fit: 'pad', width: 133, height: 141 }),
  caseOf([1, 1, 20, 30], { width: 7, height: 3 }),
];
