/** The shape of a patient: body, lungs, heart and diaphragm in chest coordinates. */
import { at, bulge, type Curve, clamp, curveThrough, lerp, smooth, tabulate } from './math.js';
import type { Patient } from './patient.js';
import type { Random } from './random.js';
import type { Frame } from './raster.js';

/** −1 is the patient's right side, which is on the left of the picture. 1 is the patient's left side. */
export type Side = -1 | 1;

/** One lung, in chest coordinates (see `Frame`). `a` is the distance from the midline, |u|. */
export interface Lung {
  side: Side;
  /** a of the outer border for each v. */
  lateral: Curve;
  /** a of the border towards the spine for each v. */
  medial: Curve;
  /** v of the diaphragm for each a. */
  base: Curve;
  /** v of the top of the diaphragm's dome. */
  domeV: number;
  /** v of the deepest point, where diaphragm and chest wall meet. */
  angleV: number;
}

/** The shape of one chest in chest coordinates. The unit is the height of the picture, about 36 cm at zoom 1. */
export interface Anatomy {
  right: Lung;
  left: Lung;
  apexV: number;
  /** Half the inner width of the chest at its widest row. */
  halfWidth: number;
  hilumV: number;
  /** Silhouette of heart and great vessels: distance of its right border from the midline for each v. */
  heartRight: Curve;
  heartLeft: Curve;
  /** v of the heart's widest row. */
  heartV: number;
  heartTopV: number;
  heartBottomV: number;
  cardiothoracicRatio: number;
  bodyHalfWidth: number;
  shoulderV: number;
  /** Relative thickness of soft tissue. */
  stoutness: number;
  breast: { a: number; v: number; width: number; height: number; density: number } | undefined;
  armA: number;
  clavicleV: number;
  /** v of the diaphragm for each u. Its halves are joined over the spine. */
  diaphragm: Curve;
}

/** How diseases change the anatomy itself, before anything is drawn. */
export interface Deformation {
  /** The cardiothoracic ratio, if the heart is enlarged. */
  cardiothoracicRatio?: number;
  /** How far each half of the diaphragm is pulled up. */
  raised: { right: number; left: number };
  /** The side of a lung that has lost volume. */
  atelectasis?: Side;
}

export const lungOf = (anatomy: Anatomy, side: Side): Lung => (side < 0 ? anatomy.right : anatomy.left);

/** The distance of (a, v) from the lung's outline along rows and columns; negative outside of the lung. */
export function lungMargin(lung: Lung, a: number, v: number): number {
  return Math.min(at(lung.lateral, v) - a, at(lung.base, a) - v, a - at(lung.medial, v));
}

/** Values that are the same for all points of one row of a lung. */
export interface LungRow {
  lung: Lung;
  v: number;
  lateral: number;
  medial: number;
}
export const lungRow = (lung: Lung, v: number): LungRow => ({
  lung,
  v,
  lateral: at(lung.lateral, v),
  medial: at(lung.medial, v),
});

/** How much air the beam passes at distance a from the midline, 0 to 1, if there were neither heart nor vessels. */
export function lungDepth({ lung, v, lateral, medial }: LungRow, a: number): number {
  if (a >= lateral || a <= medial) return 0;
  const base = at(lung.base, a) - v;
  if (base <= 0) return 0;
  return bulge((lateral - a) / 0.09) * bulge(base / 0.03) * bulge((a - medial) / 0.05);
}

/** Distance from the midline to the border of the heart's silhouette on one side. */
export const heartBorder = (anatomy: Anatomy, side: Side, v: number): number =>
  at(side < 0 ? anatomy.heartRight : anatomy.heartLeft, v);

export function drawFrame(visit: Random, size: number, variation: number): Frame {
  return {
    size,
    zoom: 1.09 + visit.normal(0, 0.05) * variation,
    centreU: 0.5 + visit.normal(0, 0.02) * variation,
    centreV: 0.5 + visit.normal(0, 0.02) * variation,
    lean: visit.normal(0, 0.045) * variation,
  };
}

/**
 * Draws the shape of a chest. `person` gives the numbers that a patient keeps, and `visit` those that depend on breath and posture at a
 * visit.
 */
export function drawAnatomy(
  person: Random,
  visit: Random,
  patient: Patient,
  variation: number,
  deformation: Deformation,
): Anatomy {
  const vary = (random: Random, mean: number, deviation: number) => random.normal(mean, deviation * variation);
  const stoutness = clamp(vary(person, 1, 0.22), 0.6, 1.6);
  const halfWidth = vary(person, patient.sex === 'F' ? 0.35 : 0.366, 0.02);
  const apexV = vary(person, 0.12, 0.016);
  const domeGap = vary(person, 0.022, 0.012);
  const personDome = vary(person, 0.735, 0.024);
  const ratio = vary(person, 0.435, 0.028);
  const breastWidth = vary(person, 0.155, 0.022);
  const breastDensity = vary(person, 0.15, 0.04) * stoutness;
  const breath = vary(visit, patient.view === 'AP' ? -0.035 : 0, 0.02);
  const domeRight = personDome + breath - domeGap - deformation.raised.right;
  const domeLeft = personDome + breath - deformation.raised.left;
  const magnified = patient.view === 'AP' ? 1.06 : 1;
  const cardiothoracicRatio =
    deformation.cardiothoracicRatio ?? clamp(ratio * magnified, 0.36, patient.view === 'AP' ? 0.51 : 0.495);
  const heart = drawHeart(person, apexV, halfWidth, domeLeft, cardiothoracicRatio);
  const lung = (side: Side, domeV: number): Lung => {
    const angleV = domeV + clamp(vary(visit, 0.1, 0.012), 0.07, 0.14);
    return { side, domeV, angleV, ...lungBorders(side, apexV, halfWidth, domeV, angleV) };
  };
  const right = lung(-1, domeRight);
  const left = lung(1, domeLeft);
  return {
    right,
    left,
    diaphragm: tabulate(-0.5, 0.5, 400, (u) =>
      lerp(at(right.base, Math.abs(u)), at(left.base, Math.abs(u)), smooth((u + 0.08) / 0.16)),
    ),
    apexV,
    halfWidth,
    hilumV: apexV + 0.275,
    ...heart,
    cardiothoracicRatio,
    bodyHalfWidth: halfWidth + 0.035 + 0.05 * stoutness,
    shoulderV: vary(person, 0.085, 0.015),
    stoutness,
    breast:
      patient.sex === 'F'
        ? {
            a: halfWidth * 0.57,
            v: vary(visit, 0.71, 0.03),
            width: breastWidth,
            height: breastWidth * 0.95,
            density: clamp(breastDensity, 0.05, 0.26),
          }
        : undefined,
    armA: halfWidth + 0.13 + 0.05 * stoutness + (visit.chance(0.4) ? 0.08 : 0) * variation,
    clavicleV: apexV + vary(visit, patient.view === 'AP' ? 0.06 : 0.09, 0.012),
  };
}

/** The outlines of one lung. The numbers were measured on ordinary frontal radiographs. */
function lungBorders(side: Side, apexV: number, halfWidth: number, domeV: number, angleV: number) {
  const height = angleV - apexV;
  const down = (t: number) => apexV + t * height;
  const across = (points: [number, number][]) =>
    curveThrough(points.map(([t, share]) => [down(t), share * halfWidth] as const));
  const lateral = across([
    [-0.02, 0],
    [0, 0.3],
    [0.008, 0.38],
    [0.03, 0.46],
    [0.08, 0.565],
    [0.16, 0.675],
    [0.3, 0.81],
    [0.5, 0.925],
    [0.72, 0.985],
    [0.88, 1],
    [1, 0.985],
  ]);
  const medial = across([
    [0, 0.3],
    [0.008, 0.235],
    [0.03, 0.19],
    [0.08, 0.15],
    [0.16, 0.125],
    [0.4, 0.1],
    [1, 0.09],
  ]);
  const peak = side < 0 ? 0.45 : 0.5;
  const base = tabulate(0, halfWidth * 1.02, 300, (a) => {
    const from = a / halfWidth - peak;
    const q = from / (from < 0 ? peak : 1 - peak);
    const x = Math.abs(q);
    if (q < 0) return domeV + 0.035 * x * x;
    return domeV + (angleV - domeV) * (0.55 * x * x + 0.45 * x * x * x * x * x * x);
  });
  return { lateral, medial, base };
}

/** The silhouette of the heart and great vessels. About a third of the heart is to the right of the midline. */
function drawHeart(person: Random, apexV: number, halfWidth: number, domeLeft: number, ratio: number) {
  const width = ratio * 2 * halfWidth;
  const shift = person.between(-0.012, 0.012);
  const right = width * 0.35 + shift;
  const left = width - right;
  const knob = person.between(0.078, 0.1);
  const knobV = apexV + person.between(0.125, 0.145);
  const top = apexV + 0.3 - Math.max(0, ratio - 0.5) * 0.35;
  const bottom = domeLeft + 0.055;
  const down = (t: number) => top + t * (bottom - top);
  const neck = 0.052;
  const heartRight = curveThrough([
    [0, neck],
    [knobV - 0.08, neck],
    [knobV, neck + 0.008],
    [top - 0.02, 0.062],
    [down(0.12), lerp(0.062, right, 0.3)],
    [down(0.4), right * 0.92],
    [down(0.62), right],
    [down(0.85), right * 0.93],
    [bottom, right * 0.7],
    [bottom + 0.06, 0.055],
  ]);
  const heartLeft = curveThrough([
    [0, neck - 0.006],
    [knobV - 0.06, neck],
    [knobV - 0.035, knob * 0.78],
    [knobV, knob],
    [knobV + 0.035, knob * 0.85],
    [knobV + 0.06, 0.066],
    [top - 0.02, 0.084],
    [down(0.1), Math.max(0.09, left * 0.5)],
    [down(0.35), left * 0.72],
    [down(0.6), left * 0.92],
    [down(0.78), left],
    [down(0.9), left * 0.95],
    [bottom, left * 0.72],
    [bottom + 0.05, 0.06],
  ]);
  return { heartRight, heartLeft, heartV: down(0.7), heartTopV: top, heartBottomV: bottom };
}

/** Values that are the same for all points of one row of the body. */
export interface BodyRow {
  neck: number;
  /** How far the row is below the height of the shoulders at the neck. */
  below: number;
  trunk: number;
  thickness: number;
}
export const bodyRow = (anatomy: Anatomy, v: number): BodyRow => ({
  neck: 0.115 + 0.02 * anatomy.stoutness,
  below: v - anatomy.shoulderV + 0.06,
  trunk: lerp(0.62, anatomy.bodyHalfWidth, smooth((v - 0.2) / 0.22)) + 0.02 * smooth((v - 0.75) / 0.3),
  thickness: lerp(0.8, 1, smooth((v + 0.02) / 0.25)),
});

/** The thickness of the body without the arms at distance a from the midline, as a share of the full thickness. */
export function bodyDepth({ neck, below, trunk, thickness }: BodyRow, a: number): number {
  if (a >= trunk) return 0;
  // The shoulder's line falls outwards from the neck; below the armpit the trunk is narrower than the shoulders.
  const out = Math.max(0, a - neck);
  const shoulder = Math.max(bulge((below - 0.34 * out * (0.4 + out)) / 0.13), 0.8 * bulge((neck - a) / 0.07));
  return shoulder * bulge((1 - a / trunk) / 0.36) * thickness;
}
