/** Draws the soft tissue, the vessels and the texture of a chest. */
import { type Anatomy, bodyDepth, bodyRow, heartBorder, type Lung, lungDepth, lungOf, lungRow } from './anatomy.js';
import { at, bulge, cos, lerp, sin, smooth, TAU } from './math.js';
import type { Random } from './random.js';
import {
  addAndClear,
  addNoise,
  createLayer,
  createNoise,
  type Frame,
  type Layer,
  PROFILES,
  paintMax,
  rowU,
  rowV,
  stepU,
  stroke,
} from './raster.js';

/**
 * The picture while it is being drawn. `density` is how much the beam has been weakened: its negative logarithm, on a scale on which the soft
 * tissue of the trunk is about 1. So the densities of things behind one another are simply added.
 */
export interface Canvas {
  frame: Frame;
  anatomy: Anatomy;
  density: Float32Array;
  /** How much air the beam passes in the lungs, 0 to 1. An opacity can fill this much. */
  air: Float32Array;
  scratch: Layer;
}

/** By how much a full thickness of air reduces the density. */
export const AIR = 0.56;
const HEART = 0.4;
const VESSELS = 0.27;

export function createCanvas(frame: Frame, anatomy: Anatomy): Canvas {
  const { size } = frame;
  return {
    frame,
    anatomy,
    density: new Float32Array(size * size),
    air: new Float32Array(size * size),
    scratch: createLayer(size),
  };
}

/** Trunk, neck, arms, lungs, heart and great vessels, abdomen, breasts, windpipe. */
export function drawSoftTissue(canvas: Canvas, visit: Random): void {
  const { frame, anatomy, scratch } = canvas;
  for (const side of [-1, 1]) {
    const arm = [
      [side * (anatomy.armA - 0.1), 0.17],
      [side * anatomy.armA, 0.3],
      [side * (anatomy.armA + 0.07), 1.05],
    ] as const;
    stroke(scratch, frame, arm, 0.085, 0.075, PROFILES.tube, 0.62);
  }
  drawTrunk(canvas);
  drawBreasts(canvas);
  drawAirways(canvas);
  drawStomach(canvas, visit);
}

function drawTrunk({ frame, anatomy, density, air, scratch }: Canvas): void {
  const { size } = frame;
  const step = stepU(frame);
  for (let y = 0; y < size; y++) {
    const v = rowV(frame, y);
    const body = bodyRow(anatomy, v);
    const lungs = [lungRow(anatomy.right, v), lungRow(anatomy.left, v)] as const;
    const [heartRight, heartLeft] = [at(anatomy.heartRight, v), at(anatomy.heartLeft, v)];
    const heartDensity = Math.max(VESSELS, HEART * smooth((v - anatomy.heartTopV + 0.05) / 0.12));
    const apex = lerp(0.8, 1, smooth((v - anatomy.apexV) / 0.25));
    let u = rowU(frame, v) + step / 2;
    for (let i = y * size; i < (y + 1) * size; i++, u += step) {
      const a = Math.abs(u);
      const trunk = bodyDepth(body, a);
      let value = Math.max(trunk * (0.82 + 0.1 * smooth(1 - a / 0.3)), scratch.data[i]);
      if (trunk > 0) {
        const heart = bulge(Math.min(u + heartRight, heartLeft - u) / 0.1);
        const depth = lungDepth(lungs[u < 0 ? 0 : 1], a) * (1 - 0.88 * heart) * apex;
        air[i] = depth;
        value -= AIR * depth;
        const under = v - at(anatomy.diaphragm, u);
        // Below the dome the heart is among organs of the same density. Beside the lungs the diaphragm has no visible edge.
        const edge = smooth(under / 0.006 + 1) * smooth((anatomy.halfWidth * 0.99 - a) / 0.05);
        const organs = under > -0.006 ? 0.12 * edge + 0.13 * smooth(under / 0.1) : 0;
        const inside = heart * heartDensity * (1 - smooth(under / 0.12));
        value += Math.max(inside, organs * trunk * bulge((anatomy.bodyHalfWidth - a) / 0.12));
      }
      density[i] = value;
    }
  }
  scratch.data.fill(0);
}

function drawBreasts({ anatomy, frame, density, scratch }: Canvas): void {
  const { breast } = anatomy;
  if (!breast) return;
  for (const side of [-1, 1]) {
    const centre = side * breast.a;
    const { width, height, v } = breast;
    paintMax(scratch, frame, [centre - width, v - 1.3 * height, centre + width, v + height], (u, row) => {
      const x = (u - centre) / width;
      // The breast fades upwards into the chest wall, and ends in a fold below.
      const y = (row - v) / (row < v ? 1.3 * height : height);
      const r2 = x * x + y * y;
      if (r2 >= 1) return 0;
      return Math.sqrt(1 - r2) * (row < v ? lerp(1, 0.25, smooth(-y)) : 1);
    });
  }
  addAndClear(density, scratch, breast.density);
}

/** Draws windpipe and main bronchi as columns of air in the middle. */
function drawAirways({ anatomy, frame, density, scratch }: Canvas): void {
  const carina = anatomy.hilumV - 0.045;
  const trachea = [
    [0, -0.05],
    [0.002, carina - 0.1],
    [-0.006, carina],
  ] as const;
  stroke(scratch, frame, trachea, 0.021, 0.019, PROFILES.band, 1);
  stroke(scratch, frame, [trachea[2], [-0.062, carina + 0.05]], 0.014, 0.01, PROFILES.band, 0.75);
  stroke(
    scratch,
    frame,
    [trachea[2], [0.03, carina + 0.028], [0.075, carina + 0.05]],
    0.012,
    0.009,
    PROFILES.band,
    0.75,
  );
  addAndClear(density, scratch, -0.13);
}

function drawStomach({ anatomy, frame, density, scratch }: Canvas, visit: Random): void {
  const a = visit.between(0.1, 0.17);
  const width = visit.between(0.035, 0.075);
  const height = visit.between(0.015, 0.04);
  const v = at(anatomy.left.base, a) + 0.022 + height;
  if (!visit.chance(0.6)) return;
  paintMax(scratch, frame, [a - width, v - height, a + width, v + height * 0.7], (u, row) => {
    const x = (u - a) / width;
    const y = (row - v) / height;
    return smooth((1 - Math.sqrt(x * x + y * y)) * 3) * smooth((v + height * 0.45 - row) / 0.006);
  });
  addAndClear(density, scratch, -0.22);
}

/**
 * Draws the pulmonary vessels: trees from each hilum, which get thinner towards the border. They are returned as a layer of their own, because
 * a pneumothorax pushes them away.
 */
export function drawVessels({ anatomy, frame }: Canvas, person: Random): Layer {
  const vessels = createLayer(frame.size);
  for (const side of [-1, 1] as const) {
    const lung = lungOf(anatomy, side);
    const hilum = [Math.max(0.07, heartBorder(anatomy, side, anatomy.hilumV) - 0.004), anatomy.hilumV] as const;
    const lift = side > 0 ? -0.018 : 0;
    const branches = 12;
    for (let k = 0; k < branches; k++) {
      // Branches go in all directions from nearly straight up to nearly straight down. Those of the lower lobes are thicker.
      const t = (k + person.between(0.2, 0.8)) / branches;
      const angle = lerp(-0.22, 0.235, t) * TAU;
      const radius = lerp(0.0062, 0.0098, t) * person.between(0.8, 1.15);
      const start = [hilum[0], hilum[1] + lift + 0.07 * (t - 0.45)] as const;
      growBranch(vessels, frame, lung, person, start, angle, radius, 0);
    }
    // The shadow of the hilum itself, which is that of the large arteries.
    const artery = [
      [side * (hilum[0] - 0.012), hilum[1] + lift - 0.035],
      [side * (hilum[0] + 0.016), hilum[1] + lift],
      [side * (hilum[0] + 0.018), hilum[1] + lift + 0.065],
    ] as const;
    stroke(vessels, frame, artery, 0.018, 0.01, PROFILES.tube, 0.2);
  }
  return vessels;
}

function growBranch(
  layer: Layer,
  frame: Frame,
  lung: Lung,
  random: Random,
  [startA, startV]: readonly [number, number],
  startAngle: number,
  startRadius: number,
  generation: number,
): void {
  const steps = 3 + Math.floor(random.unit() * 2);
  let a = startA;
  let v = startV;
  let angle = startAngle;
  let radius = startRadius;
  const curl = random.normal(0, 0.14);
  for (let k = 0; k < steps; k++) {
    const length = random.between(0.018, 0.03);
    angle += curl + random.normal(0, 0.13);
    const nextA = a + length * cos(angle);
    const nextV = v + length * sin(angle);
    if (lungDepth(lungRow(lung, nextV), nextA) < 0.3) return;
    const next = radius * 0.93;
    const ends = [
      [lung.side * a, v],
      [lung.side * nextA, nextV],
    ] as const;
    stroke(layer, frame, ends, radius, next, PROFILES.tube, 0.02 + 14 * radius);
    a = nextA;
    v = nextV;
    radius = next;
  }
  if (generation >= 5 || radius < 0.0011) return;
  const spread = random.between(0.3, 0.55);
  growBranch(layer, frame, lung, random, [a, v], angle - spread * 0.7, radius * 0.74, generation + 1);
  growBranch(layer, frame, lung, random, [a, v], angle + spread * 0.7, radius * 0.74, generation + 1);
}

/** Draws the unevenness of tissue, and the fine net of small vessels in the lung. */
export function drawTexture({ frame, density, air }: Canvas, random: Random): void {
  const { size } = frame;
  for (const [cells, tissue, lung] of [
    [2, 0.05, 0.03],
    [6, 0.025, 0.02],
    [26, 0.012, 0.026],
    [70, 0.003, 0.021],
    [150, 0.002, 0.016],
  ]) {
    addNoise(density, air, size, createNoise(random, cells), tissue, lung);
  }
}
