/** Draws a pneumothorax, which changes the lung itself. */
import { type Lung, lungOf, type Side } from './anatomy.js';
import { drawSide, type Lesion, sideName } from './lesion.js';
import { at, lerp, smooth } from './math.js';
import { createLayer, type Layer, rowU, rowV, stepU } from './raster.js';

/**
 * Draws a pneumothorax: the lung has shrunk towards its root, and between it and the chest wall is air without vessels. The outline of the
 * shrunken lung is that of the whole lung, made smaller. Its border is the thin pleural line.
 */
export function collapseLung({ canvas, random, severity, commit }: Lesion, vessels: Layer): Side {
  const { anatomy, frame, density, air } = canvas;
  const { size } = frame;
  const side = drawSide(random);
  const lung = lungOf(anatomy, side);
  const scale = 1 - lerp(0.045, 0.34, severity * random.between(0.8, 1));
  const pivotA = random.between(0.03, 0.06);
  const pivotV = lung.domeV - random.between(0, 0.05);
  const lineStrength = 0.2 * lerp(0.3, 1, severity);
  const gap = createLayer(size);
  Object.assign(gap, { x0: 0, y0: 0, x1: size, y1: size });
  const step = stepU(frame);
  for (let y = 0; y < size; y++) {
    const v = rowV(frame, y);
    // The row of the lung before it shrank that is now in this row.
    const wholeV = pivotV + (v - pivotV) / scale;
    const border = at(lung.lateral, wholeV);
    const steepness = Math.sqrt(1 + slopeOf(lung, wholeV));
    // Rows in which the air is only a thin rim count less, so that the box does not include them.
    const rim = smooth((at(lung.lateral, v) - (pivotA + (border - pivotA) * scale)) / 0.05);
    let a = side * (rowU(frame, v) + step / 2);
    for (let i = y * size; i < (y + 1) * size; i++, a += side * step) {
      const depth = air[i];
      if (depth <= 0 || a <= 0) continue;
      const inside = ((border - (pivotA + (a - pivotA) / scale)) * scale) / steepness;
      const empty = smooth(0.5 - inside / 0.006);
      if (empty > 0) {
        gap.data[i] = empty * depth * rim;
        vessels.data[i] *= 1 - empty;
      }
      density[i] += depth * (0.06 * (1 - empty) - 0.1 * empty);
      const line = 1 - Math.abs(inside) / 0.004;
      if (line > 0) density[i] += lineStrength * smooth(line * 1.5);
    }
  }
  commit(gap, { side: sideName(side), zone: 'upper', centimetres: (1 - scale) * (pivotV - anatomy.apexV) * 36 }, 0);
  return side;
}

/** The squared slope of the lung's outer border. It is needed to draw the line equally thin where the border is nearly level. */
function slopeOf(lung: Lung, v: number): number {
  const slope = (at(lung.lateral, v + 0.002) - at(lung.lateral, v - 0.002)) / 0.004;
  return slope * slope;
}
