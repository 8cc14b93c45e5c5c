/** Resizing in float64, one axis after the other, and its table of cases. */
import type { Case, CaseInput, Reference } from '../../graph/ir/operation.js';
import type { ResizeAttributes, ResizeInputs, ResizeMode } from './resize.js';

/** Which input positions an output position is made of. */
type Taps = readonly (readonly [position: number, weight: number])[];

export function tapsOf(mode: ResizeMode, size: number, count: number, o: number): Taps {
  if (mode === 'nearest') return [[Math.floor((o * size) / count), 1]];
  if (mode === 'bilinear_antialiased') return triangle(size, count, o);
  const corners = count > 1 ? (o * (size - 1)) / (count - 1) : 0;
  const position = mode === 'bilinear_corners' ? corners : Math.max(0, ((o + 0.5) * size) / count - 0.5);
  const low = Math.min(Math.floor(position), size - 1);
  const fraction = Math.min(position - low, 1);
  return [
    [low, 1 - fraction],
    [Math.min(low + 1, size - 1), fraction],
  ];
}

// Pillow's bilinear: a triangle of half-width `scale` around the centre, cut off at the edges and normalised.
function triangle(size: number, count: number, o: number): Taps {
  const centre = ((o + 0.5) * size) / count;
  const scale = Math.max(1, size / count);
  const first = Math.max(0, Math.floor(centre - scale + 0.5));
  const end = Math.min(size, Math.floor(centre + scale + 0.5));
  const weights = Array.from({ length: end - first }, (_, i) =>
    Math.max(0, 1 - Math.abs(first + i + 0.5 - centre) / scale),
  );
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight, i) => [first + i, weight / sum]);
}

// Values as [outer, size, inner] → [outer, count, inner].
function along(values: Float64Array, mode: ResizeMode, size: number, count: number, inner: number): Float64Array {
  const outer = values.length / (size * inner);
  const result = new Float64Array(outer * count * inner);
  for (let o = 0; o < count; o++) {
    for (const [position, weight] of tapsOf(mode, size, count, o)) {
      for (let image = 0; image < outer; image++) {
        for (let i = 0; i < inner; i++) {
          result[(image * count + o) * inner + i] += weight * values[(image * size + position) * inner + i];
        }
      }
    }
  }
  return result;
}

export const reference: Reference<ResizeAttributes, ResizeInputs> = (
  [x],
  { inputs, attributes: { height, width, mode } },
) => {
  const { shape, layout } = inputs[0];
  const [oldHeight, oldWidth] = layout === 'dense' ? shape.slice(2) : shape.slice(1);
  const inner = layout === 'dense' ? 1 : shape[3];
  return [along(along(x, mode, oldWidth, width, inner), mode, oldHeight, height, width * inner)];
};

const modes: ResizeMode[] = ['nearest', 'bilinear', 'bilinear_corners', 'bilinear_antialiased'];

const caseOf = (
  shape: readonly number[],
  size: readonly [height: number, width: number],
  mode: ResizeMode,
  more: Partial<CaseInput> = {},
): Case<ResizeAttributes> => ({
  inputs: [{ shape, ...more }],
  attributes: { height: size[0], width: size[1], mode },
});

const dense = { layout: 'dense' } as const;
const full = { full: true, bench: true };

export const cases = (): Case<ResizeAttributes>[] => [
  ...modes.flatMap((mode) => [
    caseOf([1, 1, 1, 1], [1, 1], mode),
    caseOf([2, 1, 1, 3], [3, 5], mode),
    caseOf([2, 5, 7, 6], [11, 9], mode),
    caseOf([2, 13, 11, 5], [5, 7], mode),
    caseOf([1, 4, 9, 3], [9, 4], mode), // one axis grows, the other shrinks
    caseOf([1, 133, 3, 4], [141, 1], mode),
    caseOf([1, 141, 5, 2], [7, 5], mode),
    caseOf([1, 6, 5, 11], [4, 8], mode, { segments: [3, 7, 1] }),
    caseOf([2, 3, 5, 7], [13, 11], mode, dense),
    caseOf([1, 2, 31, 133], [5, 7], mode, dense),
  ]),
  caseOf([1, 7, 12, 5], [7, 5], 'bilinear_antialiased'),
  caseOf([1, 2, 8, 8], [70, 66], 'bilinear', dense),
  { ...caseOf([1, 8, 32, 32], [1024, 1024], 'bilinear', dense), ...full },
  { ...caseOf([1, 56, 56, 64], [112, 112], 'bilinear'), ...full },
  { ...caseOf([1, 1, 2500, 2048], [224, 224], 'bilinear_antialiased', dense), ...full },
];
