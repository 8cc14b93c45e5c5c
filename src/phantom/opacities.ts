/** Draws the diseases that make the lung denser: nodule, mass, infiltration, pneumonia, effusion and atelectasis. */
import { heartBorder, lungOf, type Side } from './anatomy.js';
import { AIR } from './chest.js';
import { drawSide, type Lesion, place, sideName, zoneOf } from './lesion.js';
import { at, bulge, clamp, lerp, smooth } from './math.js';
import type { Random } from './random.js';
import { bezier, createLayer, createNoise, noiseAt, PROFILES, paintMax, stroke } from './raster.js';

/** Centimetres in a chest unit. */
const CENTIMETRES = 36;

/** The depth of the lung behind the heart, as a share of the depth of a whole lung. */
const BEHIND_HEART = 0.4;

/** A closed outline: a circle with bumps of two and three lobes. It gives the radius for a direction (cosine, sine). */
function outline(random: Random, roughness: number): (c: number, s: number) => number {
  const [k2, l2, k3, l3] = [0, 0, 0, 0].map(() => random.between(-roughness, roughness));
  return (c, s) => 1 + k2 * (c * c - s * s) + l2 * 2 * c * s + k3 * c * (4 * c * c - 3) + l3 * s * (3 - 4 * s * s);
}

/** Draws a nodule (under 3 cm) or a mass (over 3 cm): a round body that is as thick as it is wide. */
export function drawRound(lesion: Lesion, label: 'Nodule' | 'Mass'): void {
  const { canvas, random, severity, commit } = lesion;
  const mass = label === 'Mass';
  const count = mass || !random.chance(0.2) ? 1 : 2;
  for (let k = 0; k < count; k++) {
    const radius = mass
      ? lerp(0.052, 0.095, clamp(severity * 0.6 + random.unit() * 0.4, 0, 1))
      : lerp(0.021, 0.0395, clamp(severity * 0.8 + random.unit() * 0.2, 0, 1));
    const { side, a, v } = place(lesion, radius);
    const shape = outline(random, mass ? 0.08 : 0.04);
    const u0 = side * a;
    const reach = radius * 1.35;
    paintMax(canvas.scratch, canvas.frame, [u0 - reach, v - reach, u0 + reach, v + reach], (u, row) => {
      const x = u - u0;
      const y = row - v;
      const d = Math.sqrt(x * x + y * y);
      return d === 0 ? 1 : bulge(1 - d / (radius * shape(x / d, y / d)));
    });
    const strength = mass ? lerp(0.05, 0.46, severity) : lerp(0.04, 0.38, severity);
    const finding = { side: sideName(side), zone: zoneOf(canvas.anatomy, v), centimetres: 2 * radius * CENTIMETRES };
    const box = commit(canvas.scratch, finding, strength);
    if (box) lesion.occupied = [...lesion.occupied, box];
  }
}

/** Draws an infiltration: several soft, uneven clouds that run into one another, without a border. */
export function drawInfiltration(lesion: Lesion): void {
  const { canvas, random, severity, commit } = lesion;
  const { frame, air, scratch } = canvas;
  const spread = lerp(0.06, 0.11, clamp(severity * 0.7 + random.unit() * 0.3, 0, 1));
  const { side, a, v } = place(lesion, spread * 0.8, 0.15);
  const clouds = Array.from({ length: 9 }, () => ({
    u: side * a + random.normal(0, spread * 0.5),
    v: v + random.normal(0, spread * 0.55),
    r: spread * random.between(0.4, 0.75),
    weight: random.between(0.35, 0.75),
  }));
  const coarse = createNoise(random, 44);
  const fine = createNoise(random, 96);
  const reach = spread * 2.4;
  const u0 = side * a;
  paintMax(scratch, frame, [u0 - reach, v - reach, u0 + reach, v + reach], (u, row, pixel) => {
    const depth = air[pixel];
    if (depth <= 0) return 0;
    let sum = 0;
    for (const cloud of clouds) {
      const x = (u - cloud.u) / cloud.r;
      const y = (row - cloud.v) / cloud.r;
      const d2 = x * x + y * y;
      if (d2 < 1) sum += cloud.weight * (1 - d2) * (1 - d2);
    }
    if (sum <= 0) return 0;
    const mottle = 0.75 + 0.5 * noiseAt(coarse, u + 0.5, row) + 0.35 * noiseAt(fine, u + 0.5, row);
    return clamp(sum, 0, 1) * clamp(mottle, 0, 1.5) * depth;
  });
  commit(scratch, { side: sideName(side), zone: zoneOf(canvas.anatomy, v) }, AIR * lerp(0.08, 0.75, severity));
}

/** Draws a pneumonia: an even consolidation of one lobe, with a straight border at the fissure and air-filled bronchi inside. */
export function drawPneumonia(lesion: Lesion): void {
  const { canvas, random, severity, commit } = lesion;
  const { anatomy, frame, air, scratch } = canvas;
  const side = drawSide(random);
  const lung = lungOf(anatomy, side);
  const upper = random.chance(0.4);
  const fissure = anatomy.hilumV + random.between(0.015, 0.05);
  const slope = random.between(-0.12, 0.18);
  const height = lerp(0.1, 0.2, clamp(severity * 0.6 + random.unit() * 0.4, 0, 1));
  const centreV = upper ? fissure - height * 0.42 : fissure + height * 0.42;
  const inner = heartBorder(anatomy, side, centreV);
  const outer = at(lung.lateral, centreV);
  const centreA = lerp(inner, outer, random.between(0.4, 0.62));
  const halfWidth = (outer - inner) * random.between(0.5, 0.68);
  const shape = outline(random, 0.1);
  const uneven = createNoise(random, 30);

  const bronchi = createLayer(frame.size);
  const root = [Math.max(0.07, inner - 0.015), anatomy.hilumV + 0.01] as const;
  for (let k = 0; k < 3; k++) {
    const end = [
      centreA + halfWidth * random.between(0.15, 0.8),
      centreV + height * lerp(-0.5, 0.5, (k + random.unit()) / 3),
    ] as const;
    const towards = (t: number, bow: number) =>
      [lerp(root[0], end[0], t), lerp(root[1], end[1], t) + random.normal(0, 0.02) + bow] as const;
    const path = bezier(root, towards(0.4, 0.015), towards(0.7, -0.01), end, 12);
    const fork = path[7];
    const twig = bezier(
      fork,
      [fork[0] + 0.02, fork[1] + 0.005],
      [fork[0] + 0.03, fork[1] + 0.015],
      [fork[0] + random.between(0.025, 0.05), fork[1] + random.between(0.02, 0.045)],
      8,
    );
    const mirrored = ([a, v]: readonly [number, number]) => [side * a, v] as const;
    stroke(bronchi, frame, path.map(mirrored), 0.0058, 0.0026, PROFILES.soft, 1);
    stroke(bronchi, frame, twig.map(mirrored), 0.0038, 0.002, PROFILES.soft, 0.9);
  }
  const u0 = side * centreA;
  const reach = [halfWidth * 1.4, height * 1.1];
  paintMax(scratch, frame, [u0 - reach[0], centreV - reach[1], u0 + reach[0], centreV + reach[1]], (u, v, pixel) => {
    if (air[pixel] <= 0) return 0;
    const a = side * u;
    const x = (a - centreA) / halfWidth;
    const y = (v - centreV) / (height * 0.75);
    const d = Math.sqrt(x * x + y * y);
    const inside = d === 0 ? 1 : smooth((1.06 - d / shape(x / d, y / d)) / 0.34);
    if (inside <= 0) return 0;
    const beyond = v - (fissure + slope * (a - centreA));
    const lobe = smooth((upper ? -beyond : beyond) / 0.009);
    const even = 0.92 + 0.12 * noiseAt(uneven, u + 0.5, v);
    return air[pixel] * inside * lobe * even * (1 - 0.36 * bronchi.data[pixel]);
  });
  const zone = upper ? 'upper' : 'lower';
  commit(scratch, { side: sideName(side), zone }, AIR * lerp(0.08, 0.95, severity));
}

/** Draws an effusion: fluid at the bottom, whose upper border is a meniscus that rises along the side wall. It blunts the costophrenic angle. */
export function drawEffusion(lesion: Lesion): void {
  const { canvas, random, severity } = lesion;
  const first = drawSide(random);
  const both = random.chance(0.25);
  const size = clamp(severity * random.between(0.8, 1.25), 0, 1);
  fillPleura(lesion, first, lerp(0.045, 0.34, size), random);
  if (both)
    fillPleura({ ...lesion, canvas }, first < 0 ? 1 : -1, lerp(0.05, 0.26, size * random.between(0.4, 0.9)), random);
}

function fillPleura({ canvas, commit }: Lesion, side: Side, height: number, random: Random): void {
  const { anatomy, frame, air, scratch } = canvas;
  const lung = lungOf(anatomy, side);
  const flat = random.between(0.3, 0.5);
  const top = lung.angleV - height;
  const inner = side < 0 ? -0.42 : 0;
  paintMax(scratch, frame, [inner, top - 0.02, inner + 0.42, lung.angleV + 0.01], (u, v, pixel) => {
    const depth = air[pixel];
    if (depth <= 0) return 0;
    const q = clamp((side * u) / at(lung.lateral, v), 0, 1);
    const surface = lung.angleV - height * (flat + (1 - flat) * q * q * q);
    // Fluid is as dense as the organs below it. In the heart's shadow, and in the rows where the diaphragm's edge begins, that density has
    // been drawn already.
    const besideHeart = smooth((side * u - heartBorder(anatomy, side, v)) / 0.02 + 0.5);
    const aboveEdge = 1 - smooth((v - at(lung.base, side * u)) / 0.006 + 1);
    const extra = 0.12 * smooth(depth / 0.5) * besideHeart * aboveEdge;
    return smooth((v - surface) / 0.02 + 0.4) * (0.94 * AIR * depth + extra);
  });
  commit(scratch, { side: sideName(side), zone: 'lower', centimetres: height * CENTIMETRES });
}

/** Draws an atelectasis: plates (thin, straight, nearly level bands) or a collapsed lobe (a wedge with straight borders). */
export function drawAtelectasis(lesion: Lesion, side: Side): void {
  const { canvas, random, severity, commit } = lesion;
  const { anatomy, frame, air, scratch } = canvas;
  const lung = lungOf(anatomy, side);
  if (random.chance(0.62)) {
    const low = lung.domeV - random.between(0.03, 0.09);
    const plates = severity > 0.5 ? 2 + Math.floor(random.unit() * 2) : 1;
    const inner = heartBorder(anatomy, side, low) + random.between(0.005, 0.03);
    const slope = random.between(-0.3, 0.22);
    for (let k = 0; k < plates; k++) {
      const v = low - k * random.between(0.03, 0.045);
      const from = inner + random.between(0, 0.04);
      const to = Math.min(from + lerp(0.13, 0.22, random.unit()), at(lung.lateral, v) - 0.012);
      const drop = slope * (to - from) + random.normal(0, 0.004);
      const path = bezier(
        [side * from, v],
        [side * lerp(from, to, 0.3), v + drop * 0.2 + random.normal(0, 0.004)],
        [side * lerp(from, to, 0.7), v + drop * 0.6 + random.normal(0, 0.004)],
        [side * to, v + drop],
        12,
      );
      const radius = lerp(0.006, 0.0125, clamp(severity + random.normal(0, 0.15), 0, 1));
      const gain = random.between(0.85, 1);
      // Plates are thickest in the middle and thin at both ends.
      stroke(scratch, frame, path.slice(0, 7).reverse(), radius, radius * 0.3, PROFILES.band, gain);
      stroke(scratch, frame, path.slice(6), radius, radius * 0.3, PROFILES.band, gain);
    }
    commit(scratch, { side: sideName(side), zone: 'lower', form: 'plate' }, lerp(0.04, 0.33, severity));
    return;
  }

  const upper = random.chance(0.4);
  const hilum = anatomy.hilumV;
  const width = lerp(0.08, 0.17, clamp(severity * 0.7 + random.unit() * 0.3, 0, 1));
  const tip = hilum + (upper ? 0.005 : -0.01);
  const end = upper ? anatomy.apexV : lung.angleV;
  const bow = random.between(0.2, 0.5);
  paintMax(scratch, frame, [-0.42, Math.min(tip, end), 0.42, Math.max(tip, end)], (u, v, pixel) => {
    const a = side * u;
    // Much of the left lower lobe is behind the heart. If it has collapsed, it shows through the heart as a denser wedge.
    const behind = upper || side < 0 || a > heartBorder(anatomy, side, v) ? 0 : smooth((a - 0.02) / 0.03);
    const depth = Math.max(air[pixel], BEHIND_HEART * behind * smooth((at(lung.base, a) - v) / 0.01));
    if (depth <= 0 || a <= 0) return 0;
    // The wedge lies between the mediastinum and a line from the hilum outwards to the far end of the lobe.
    const t = (v - tip) / (end - tip);
    const border = heartBorder(anatomy, side, tip) - 0.02 + width * t * (1 - bow + bow * t) * (upper ? 1.25 : 1.35);
    return smooth((border - a) / 0.01) * depth * smooth(t / 0.06);
  });
  commit(
    scratch,
    { side: sideName(side), zone: upper ? 'upper' : 'lower', form: 'lobar' },
    AIR * lerp(0.1, 0.95, severity),
  );
}
