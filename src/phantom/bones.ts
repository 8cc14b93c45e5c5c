/** Draws the bones of a chest. */
import { type Anatomy, lungOf, type Side } from './anatomy.js';
import type { Canvas } from './chest.js';
import { at, lerp, smooth } from './math.js';
import type { Random } from './random.js';
import { addAndClear, bezier, type Frame, type Layer, PROFILES, paintMax, stroke } from './raster.js';

/** Spine, ribs, collar bones, shoulder blades and upper arms. */
export function drawBones(canvas: Canvas, person: Random): void {
  drawSpine(canvas);
  const calcified = person.between(0.85, 1.15);
  for (const side of [-1, 1] as const) {
    for (let rib = 0; rib < 10; rib++) drawRib(canvas, person, side, rib, calcified);
    drawClavicle(canvas, person, side);
    drawShoulder(canvas, person, side);
  }
}

function drawSpine({ anatomy, frame, density, scratch }: Canvas): void {
  const top = -0.03;
  const height = (v: number) => lerp(0.03, 0.056, smooth(v / 0.9));
  paintMax(scratch, frame, [-0.07, -0.05, 0.07, 1.05], (u, v) => {
    const half = lerp(0.032, 0.044, smooth(v));
    return smooth((half + 0.004 - Math.abs(u)) / 0.014) * lerp(1, 0.6, smooth(v));
  });
  addAndClear(density, scratch, 0.06);
  for (let v = top; v < 1.05; v += height(v)) drawVertebra(scratch, frame, v, height(v));
  addAndClear(density, scratch, 0.075);
  drawAorta(scratch, frame, anatomy);
  addAndClear(density, scratch, 0.04);
}

/** A vertebra from `v` on, `h` high: its end plates, pedicles and spinous process. */
function drawVertebra(scratch: Layer, frame: Frame, v: number, h: number): void {
  const half = lerp(0.031, 0.043, smooth(v));
  stroke(
    scratch,
    frame,
    [
      [-half, v],
      [half, v],
    ],
    0.003,
    0.003,
    PROFILES.soft,
    0.6,
  );
  stroke(
    scratch,
    frame,
    [
      [-half, v + 0.82 * h],
      [half, v + 0.82 * h],
    ],
    0.003,
    0.003,
    PROFILES.soft,
    0.6,
  );
  for (const side of [-1, 1]) {
    const pedicle = [
      [side * half * 0.66, v + 0.3 * h],
      [side * half * 0.66, v + 0.45 * h],
    ] as const;
    stroke(scratch, frame, pedicle, 0.0075, 0.0075, PROFILES.pipe, 0.9);
  }
  stroke(
    scratch,
    frame,
    [
      [0, v + 0.5 * h],
      [0.001, v + 0.85 * h],
    ],
    0.006,
    0.0075,
    PROFILES.soft,
    0.7,
  );
}

/** The descending aorta's left border, seen through the heart. */
function drawAorta(scratch: Layer, frame: Frame, anatomy: Anatomy): void {
  const knobV = anatomy.apexV + 0.15;
  stroke(
    scratch,
    frame,
    [
      [0.078, knobV],
      [0.062, knobV + 0.15],
      [0.05, knobV + 0.5],
    ],
    0.004,
    0.003,
    PROFILES.soft,
    1,
  );
}

/** Draws one of ribs 1 to 10 (`rib` counts from 0): its back part from the spine to the side wall, and its front part back towards the middle. */
function drawRib(
  { anatomy, frame, density, scratch }: Canvas,
  random: Random,
  side: Side,
  rib: number,
  calcified: number,
) {
  const lung = lungOf(anatomy, side);
  const spacing = (lung.angleV - anatomy.apexV) / 11.2;
  const startV = anatomy.apexV - 0.035 + rib * spacing + random.between(-0.004, 0.004);
  const drop = [0.03, 0.055, 0.075, 0.09, 0.1, 0.105, 0.105, 0.1, 0.095, 0.085][rib];
  const wallV = Math.min(startV + drop + 0.02, lung.angleV + 0.02);
  const wallA = rib === 0 ? 0.185 : at(lung.lateral, Math.max(wallV, anatomy.apexV + 0.05)) + 0.004;
  const radius = [0.0125, 0.0125, 0.012, 0.012, 0.0118, 0.0115, 0.0115, 0.011, 0.0105, 0.0095][rib];
  const back = bezier(
    [side * 0.04, startV],
    [side * lerp(0.04, wallA, 0.38), startV - 0.022],
    [side * wallA * 0.97, startV - 0.012],
    [side * wallA, wallV],
    26,
  );
  // The profile of a bone is brighter on the right-hand side of the stroke's direction. This side must be the lower margin of the rib on both
  // sides of the picture.
  if (side < 0) back.reverse();
  stroke(scratch, frame, back, radius * 0.9, radius, PROFILES.bone, 1);
  addAndClear(density, scratch, 0.16 * calcified);
  if (rib > 6) return;

  const endA = lerp(0.1, 0.25, rib / 7) + random.between(-0.008, 0.008);
  const endV = wallV + (rib === 0 ? 0.035 : lerp(0.075, 0.15, rib / 7));
  const front = bezier(
    [side * wallA, wallV],
    [side * (wallA + 0.004), wallV + 0.03],
    [side * lerp(wallA, endA, 0.5), endV - 0.035],
    [side * endA, endV],
    22,
  );
  if (side > 0) front.reverse();
  stroke(scratch, frame, front, radius * 0.95, radius * 1.12, PROFILES.bone, 1);
  addAndClear(density, scratch, 0.075 * calcified);
}

function drawClavicle({ anatomy, frame, density, scratch }: Canvas, random: Random, side: Side): void {
  const v = anatomy.clavicleV + random.between(-0.006, 0.006);
  const outerV = anatomy.shoulderV + 0.035;
  const points = bezier(
    [side * 0.028, v],
    [side * 0.13, v - 0.012],
    [side * 0.21, outerV - 0.045],
    [side * 0.385, outerV],
    24,
  );
  if (side < 0) points.reverse();
  stroke(scratch, frame, points, 0.0155, 0.0135, PROFILES.bone, 1);
  addAndClear(density, scratch, 0.17);
}

function drawShoulder({ anatomy, frame, density, scratch }: Canvas, random: Random, side: Side): void {
  const a = anatomy.halfWidth + random.between(0.055, 0.085);
  const tip = random.between(-0.06, -0.02);
  const v = anatomy.shoulderV;
  const at2 = (x: number, y: number) => [side * (a + x), v + y] as const;
  // The shoulder blade: its inner border and body, which are faint, then its spine and the rim of the socket.
  const blade = bezier(at2(-0.04, 0.07), at2(-0.13, 0.14), at2(-0.11, 0.26), at2(tip, 0.37), 16);
  stroke(scratch, frame, blade, 0.006, 0.005, PROFILES.soft, 0.3);
  stroke(
    scratch,
    frame,
    bezier(at2(0.005, 0.14), at2(-0.01, 0.2), at2(-0.03, 0.28), at2(tip, 0.37), 12),
    0.008,
    0.005,
    PROFILES.soft,
    0.45,
  );
  stroke(
    scratch,
    frame,
    bezier(at2(-0.1, 0.1), at2(-0.04, 0.05), at2(0, 0.03), at2(0.05, 0.03), 12),
    0.011,
    0.013,
    PROFILES.bone,
    0.9,
  );
  // The upper arm: head, neck and shaft.
  const head = at2(0.06, 0.1);
  stroke(scratch, frame, [head, at2(0.062, 0.105)], 0.042, 0.042, PROFILES.bone, 0.95);
  const arm = anatomy.armA;
  stroke(
    scratch,
    frame,
    [at2(0.07, 0.13), [side * arm, 0.34], [side * (arm + 0.06), 1.05]],
    0.026,
    0.019,
    PROFILES.pipe,
    0.9,
  );
  addAndClear(density, scratch, 0.15);
}
