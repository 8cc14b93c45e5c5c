/** Draws harmless structures that look like a disease. They have no label and no box. */
import { lungOf, type Side } from './anatomy.js';
import type { Canvas } from './chest.js';
import { at, lerp, smooth } from './math.js';
import type { Random } from './random.js';
import { addAndClear, bezier, PROFILES, paintMax, stroke } from './raster.js';

/** Harmless things that a reader, or a network, may take for a disease. */
export type LookAlike = 'granuloma' | 'nipple shadows' | 'overlying shadow' | 'skin fold' | 'scar' | 'apical cap';

/** Probabilities, before they are multiplied by the option `lookAlikes`. */
const FREQUENCY: Record<LookAlike, number> = {
  granuloma: 0.06,
  'nipple shadows': 0.08,
  'overlying shadow': 0.3,
  'skin fold': 0.08,
  scar: 0.12,
  'apical cap': 0.08,
};

export function drawLookAlikes(canvas: Canvas, random: Random, factor: number): LookAlike[] {
  const drawn: LookAlike[] = [];
  for (const [name, frequency] of Object.entries(FREQUENCY) as [LookAlike, number][]) {
    const wanted = random.chance(Math.min(1, frequency * factor));
    const side: Side = random.chance(0.5) ? -1 : 1;
    if (!wanted) continue;
    const gain = DRAW[name](canvas, random, side);
    addAndClear(canvas.density, canvas.scratch, gain);
    drawn.push(name);
  }
  return drawn;
}

/** Each function draws into the scratch layer and returns the factor with which that has to be added to the picture. */
const DRAW: Record<LookAlike, (canvas: Canvas, random: Random, side: Side) => number> = {
  /** Small, dense and sharp, unlike a nodule. */
  granuloma({ anatomy, frame, scratch }, random, side) {
    const a = random.between(0.16, 0.28);
    const v = anatomy.hilumV + random.between(-0.08, 0.14);
    stroke(
      scratch,
      frame,
      [
        [side * a, v],
        [side * a, v + 0.003],
      ],
      0.0075,
      0.0065,
      PROFILES.tube,
      1,
    );
    return 0.33;
  },
  /** Always a pair, at the same height. */
  'nipple shadows'({ anatomy, frame, scratch }, random) {
    const a = anatomy.halfWidth * random.between(0.6, 0.72);
    const v = anatomy.right.domeV - random.between(0.02, 0.08);
    for (const side of [-1, 1]) {
      const [x, y] = [side * (a + random.normal(0, 0.006)), v + random.normal(0, 0.006)];
      stroke(
        scratch,
        frame,
        [
          [x, y],
          [x, y + 0.002],
        ],
        0.0145,
        0.0145,
        PROFILES.tube,
        1,
      );
    }
    return 0.1;
  },
  /** Muscle, fat or clothing: a soft veil with no border. */
  'overlying shadow'({ anatomy, frame, scratch }, random, side) {
    const [u0, v0] = [side * random.between(0.12, 0.32), random.between(anatomy.apexV + 0.08, anatomy.right.domeV)];
    const [width, height] = [random.between(0.03, 0.14), random.between(0.03, 0.14)];
    paintMax(scratch, frame, [u0 - width, v0 - height, u0 + width, v0 + height], (u, v) => {
      const d2 = ((u - u0) / width) * ((u - u0) / width) + ((v - v0) / height) * ((v - v0) / height);
      return d2 < 1 ? (1 - d2) * (1 - d2) : 0;
    });
    return random.between(0.04, 0.16);
  },
  /** A long edge like a pleural line, but dark on one side only, and vessels cross it. */
  'skin fold'({ anatomy, frame, scratch }, random, side) {
    const [top, bottom] = [anatomy.apexV + random.between(0.02, 0.12), anatomy.right.domeV + random.between(0, 0.1)];
    const a = random.between(0.2, 0.3);
    const path = bezier(
      [side * (a - 0.06), top],
      [side * (a + 0.01), lerp(top, bottom, 0.35)],
      [side * (a + 0.03), lerp(top, bottom, 0.7)],
      [side * (a + random.between(-0.02, 0.04)), bottom],
      28,
    );
    stroke(scratch, frame, path, 0.004, 0.006, PROFILES.soft, 1);
    return random.between(0.05, 0.12);
  },
  /** A thin line, thinner than a plate of atelectasis, without loss of volume. */
  scar({ anatomy, frame, scratch }, random, side) {
    const v = lerp(anatomy.apexV + 0.1, anatomy.right.domeV, random.unit());
    const from = random.between(0.13, 0.22);
    const to = from + random.between(0.05, 0.12);
    const tilt = random.normal(0, 0.03);
    stroke(
      scratch,
      frame,
      [
        [side * from, v],
        [side * to, v + tilt],
      ],
      0.0038,
      0.002,
      PROFILES.soft,
      1,
    );
    return random.between(0.08, 0.2);
  },
  /** Thickened pleura over the top of a lung. */
  'apical cap'({ anatomy, frame, scratch, air }, random, side) {
    const lung = lungOf(anatomy, side);
    const height = random.between(0.012, 0.03);
    const u0 = Math.min(0, side * 0.3);
    paintMax(scratch, frame, [u0, anatomy.apexV, u0 + 0.3, anatomy.apexV + 0.14], (u, v, pixel) => {
      if (air[pixel] <= 0) return 0;
      return smooth((height - (at(lung.lateral, v) - side * u)) / 0.012);
    });
    return random.between(0.08, 0.2);
  },
};
