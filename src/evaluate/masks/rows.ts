/** The rows of a comparison with masks: one for each finding, one for their means, and one for all pairs of an image and a finding together. */

import { type BootstrapOptions, bootstrap } from '../intervals.js';
import { LEVELS } from './box_levels.js';
import type { MaskScore, MaskValue } from './evaluation.js';
import {
  BOX_CRITERIA,
  bestBoxLevels,
  type FigureSums,
  figuresOf,
  joinSums,
  MASK_FIGURES,
  type MaskFigure,
  type ScoredPair,
  summing,
} from './figures.js';
import { pixelCurve } from './pixel_levels.js';

interface RowOptions extends Omit<BootstrapOptions, 'clusters'> {
  /** Whether the truth says where a finding was looked for and not found. */
  exhaustive: boolean;
  /** For each δ, the level that was best on the validation images. */
  boxLevels: readonly number[] | undefined;
  isHeat: boolean;
}

/** @param rows the pairs of each label @param patients the number of patients; each pair has the number of its patient */
export function maskRows(
  labels: readonly string[],
  rows: readonly ScoredPair[][],
  patients: number,
  options: RowOptions,
): MaskScore[] {
  const width = MASK_FIGURES.length;
  const sums = rows.map(summing);
  const all = (drawn: ArrayLike<number>) => {
    const parts = sums.map((sum) => sum(drawn));
    const figures = parts.map((part) => figuresOf(part, options));
    return { parts, figures: [...figures, meansOf(figures), figuresOf(joinSums(parts), options)] };
  };
  const whole = all(new Uint8Array(patients).fill(1));
  const intervals = bootstrap(patients, (drawn) => all(drawn).figures.flat(), options);
  const total = joinSums(whole.parts);
  const names = [...labels, 'Mean', 'All'];
  return names.map((label, row): MaskScore => {
    const pairs = rows[row] ?? rows.flat();
    const mine = row < labels.length ? whole.parts[row] : row > labels.length ? total : undefined;
    const figures = MASK_FIGURES.map((name, i): [MaskFigure, MaskValue] => [
      name,
      { value: whole.figures[row][i], interval: intervals[row * width + i] },
    ]);
    return {
      label,
      images: pairs.filter(({ counts }) => counts).length,
      without: pairs.filter(({ counts }) => !counts).length,
      figures: Object.fromEntries(figures) as Record<MaskFigure, MaskValue>,
      ...(mine && options.isHeat && { boxes: boxesOf(mine), curve: pixelCurve(mine.pixels) }),
    };
  });
}

const boxesOf = (sums: FigureSums) =>
  bestBoxLevels(sums).map(({ level, accuracy }, k) => {
    return { iou: BOX_CRITERIA[k], level: level / (LEVELS - 1), accuracy };
  });

/** The mean of each figure over the findings of which it is known. */
function meansOf(figures: readonly number[][]): number[] {
  return MASK_FIGURES.map((_, i) => {
    const known = figures.map((row) => row[i]).filter((value) => !Number.isNaN(value));
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  });
}
