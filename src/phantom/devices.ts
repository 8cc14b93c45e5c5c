/** Draws devices on and in the patient, and the markers that radiographers put on films. */
import { lungOf, type Side } from './anatomy.js';
import type { Canvas } from './chest.js';
import type { SideName } from './lesion.js';
import { write } from './letters.js';
import { at, cos, lerp, sin, TAU } from './math.js';
import type { Patient } from './patient.js';
import type { Random } from './random.js';
import { addAndClear, bezier, PROFILES, stroke } from './raster.js';

type Point = readonly [number, number];

/** Devices on and in the patient, by the names that a report uses. */
export type Device =
  | 'electrodes'
  | 'endotracheal tube'
  | 'central venous catheter'
  | 'nasogastric tube'
  | 'pacemaker'
  | 'port'
  | 'sternal wires'
  | 'chest tube';

/** The probability of each device in PA and AP views, before it is multiplied by the option `distractors`. */
const FREQUENCY: Record<Device, readonly [number, number]> = {
  electrodes: [0.04, 0.4],
  'endotracheal tube': [0, 0.16],
  'central venous catheter': [0.03, 0.22],
  'nasogastric tube': [0.01, 0.14],
  pacemaker: [0.04, 0.05],
  port: [0.06, 0.06],
  'sternal wires': [0.05, 0.08],
  'chest tube': [0.005, 0.03],
};

/** Draws devices. `treated` is the side of a pneumothorax with a chest tube. */
export function drawDevices(
  canvas: Canvas,
  random: Random,
  patient: Patient,
  distractors: number,
  treated: SideName | undefined,
): Device[] {
  const { density, scratch } = canvas;
  const drawn: Device[] = [];
  for (const [name, byView] of Object.entries(FREQUENCY) as [Device, readonly [number, number]][]) {
    const wanted = random.chance(Math.min(1, byView[patient.view === 'PA' ? 0 : 1] * distractors));
    const side: Side = random.chance(0.5) ? -1 : 1;
    const forced = name === 'chest tube' && treated !== undefined;
    if (!wanted && !forced) continue;
    DRAW[name](canvas, random, forced ? (treated === 'right' ? -1 : 1) : side);
    addAndClear(density, scratch, 0.3);
    drawn.push(name);
  }
  return drawn;
}

const line = (canvas: Canvas, points: readonly Point[], radius: number, gain: number) =>
  stroke(canvas.scratch, canvas.frame, points, radius, radius, PROFILES.tube, gain);
const pipe = (canvas: Canvas, points: readonly Point[], radius: number, gain: number) => {
  stroke(canvas.scratch, canvas.frame, points, radius, radius, PROFILES.pipe, gain);
  line(canvas, points, radius * 0.25, gain);
};
const disc = (canvas: Canvas, [u, v]: Point, radius: number, gain: number) =>
  line(
    canvas,
    [
      [u, v],
      [u, v + 0.0005],
    ],
    radius,
    gain,
  );
function ring(canvas: Canvas, [u, v]: Point, radius: number, width: number, gain: number): void {
  const points = Array.from({ length: 25 }, (_, i) => {
    const angle = (i / 24) * TAU;
    return [u + radius * cos(angle), v + radius * sin(angle)] as const;
  });
  line(canvas, points, width, gain);
}

const DRAW: Record<Device, (canvas: Canvas, random: Random, side: Side) => void> = {
  electrodes(canvas, random) {
    const { anatomy } = canvas;
    for (const [u, v] of [
      [-0.24, anatomy.apexV + 0.12],
      [0.25, anatomy.apexV + 0.13],
      [0.22, anatomy.left.domeV + 0.05],
    ]) {
      const spot = [u + random.normal(0, 0.03), v + random.normal(0, 0.03)] as const;
      ring(canvas, spot, 0.011, 0.0035, 1);
      disc(canvas, spot, 0.0045, 1.6);
      const away = [random.between(-0.1, 0.25), 1.05] as const;
      const bend = [spot[0] * 0.75, lerp(spot[1], 0.9, 0.4)] as const;
      line(canvas, bezier(spot, [spot[0] + 0.02, spot[1] + 0.1], bend, away, 24), 0.0019, 0.75);
    }
  },
  'endotracheal tube'(canvas, random) {
    const tip = canvas.anatomy.hilumV - 0.045 - random.between(0.04, 0.12);
    pipe(
      canvas,
      [
        [0.006, -0.05],
        [0.004, 0.08],
        [0, tip],
      ],
      0.0105,
      0.75,
    );
  },
  'central venous catheter'(canvas, random, side) {
    const { anatomy } = canvas;
    const tip = [-at(anatomy.heartRight, anatomy.hilumV) * 0.62, anatomy.hilumV + random.between(0, 0.06)] as const;
    const neck = random.chance(0.6);
    const start = neck ? ([side * 0.1, -0.04] as const) : ([side * 0.4, anatomy.clavicleV + 0.03] as const);
    const over = [side * (neck ? 0.07 : 0.12), anatomy.clavicleV + (neck ? -0.02 : 0)] as const;
    line(canvas, bezier(start, over, [tip[0] + side * 0.01, anatomy.clavicleV + 0.04], tip, 24), 0.0036, 0.75);
  },
  'nasogastric tube'(canvas, random) {
    const { anatomy } = canvas;
    const bottom = anatomy.left.domeV + 0.09;
    const path = bezier([0.008, -0.05], [-0.01, 0.4], [0.01, bottom - 0.1], [0.05, bottom], 26);
    line(canvas, [...path, [0.11, bottom + random.between(0.01, 0.06)]], 0.0042, 0.75);
  },
  pacemaker(canvas, random) {
    const { anatomy } = canvas;
    const box = [random.between(0.24, 0.28), anatomy.apexV + 0.1] as const;
    for (const dx of [-0.016, 0, 0.016])
      line(
        canvas,
        [
          [box[0] + dx, box[1]],
          [box[0] + dx, box[1] + 0.035],
        ],
        0.023,
        2.6,
      );
    const entry = [0.16, anatomy.clavicleV + 0.005] as const;
    const atrium = [-0.045, anatomy.hilumV + 0.03] as const;
    const apex = [at(anatomy.heartLeft, anatomy.heartV) * 0.62, anatomy.heartV + 0.03] as const;
    const lead = [...bezier(box, [0.24, anatomy.apexV], [0.2, anatomy.clavicleV], entry, 12)];
    lead.push(...bezier(entry, [0.03, anatomy.clavicleV], [-0.06, anatomy.clavicleV + 0.05], [...atrium], 16));
    lead.push(...bezier([...atrium], [-0.05, anatomy.heartV], [0, anatomy.heartV + 0.03], [...apex], 16));
    line(canvas, lead, 0.0026, 1);
    disc(canvas, apex, 0.004, 1.3);
  },
  port(canvas, random, side) {
    const { anatomy } = canvas;
    const spot = [side * random.between(0.17, 0.22), anatomy.apexV + random.between(0.15, 0.24)] as const;
    ring(canvas, spot, 0.016, 0.006, 1.3);
    const top = anatomy.clavicleV - 0.01;
    const path = bezier(spot, [side * 0.17, top + 0.01], [side * 0.12, top - 0.05], [side * 0.06, top + 0.03], 18);
    path.push(
      ...bezier([side * 0.06, top + 0.03], [side * 0.03, top + 0.07], [-0.04, top + 0.1], [-0.042, anatomy.hilumV], 14),
    );
    line(canvas, path, 0.0028, 0.7);
  },
  'sternal wires'(canvas, random) {
    for (let k = 0; k < 5; k++) {
      const v = canvas.anatomy.clavicleV + 0.06 + k * 0.062;
      ring(canvas, [random.normal(0, 0.004), v], random.between(0.011, 0.016), 0.0019, 1.2);
    }
  },
  'chest tube'(canvas, random, side) {
    const { anatomy } = canvas;
    const lung = lungOf(anatomy, side);
    const entryV = lung.domeV - random.between(0, 0.1);
    const entry = [side * (anatomy.bodyHalfWidth + 0.03), entryV + 0.05] as const;
    const wall = at(lung.lateral, entryV);
    const tip = [side * random.between(0.12, 0.19), anatomy.apexV + random.between(0.06, 0.14)] as const;
    const path = bezier(entry, [side * wall * 0.75, entryV - 0.02], [side * wall * 0.8, entryV - 0.2], tip, 28);
    pipe(canvas, path, 0.0095, 0.85);
  },
};

/** Draws the side letter and what the technician adds. All of it is outside of the lungs. */
export function drawMarkers(
  { frame, density, scratch }: Canvas,
  random: Random,
  patient: Patient,
  distractors: number,
): void {
  const left = random.chance(0.75);
  const edge = (share: number) => (share - frame.centreU) / frame.zoom;
  const down = (share: number) => (share - frame.centreV) / frame.zoom + 0.5;
  const u = edge(left ? random.between(0.87, 0.93) : random.between(0.05, 0.11));
  const v = down(random.between(0.03, 0.09));
  write(scratch, frame, left ? 'L' : 'R', u, v, 0.034);
  if (random.chance(0.4))
    write(scratch, frame, random.pick(['DB', 'KM', 'SW', 'ET', 'CR']), u - 0.004, v + 0.048, 0.017);
  if (patient.view === 'AP' && random.chance(Math.min(1, 0.5 + distractors / 4))) {
    const start = edge(left ? random.between(0.06, 0.1) : random.between(0.78, 0.82));
    write(scratch, frame, 'AP', start, v, 0.013);
    write(scratch, frame, 'PORTABLE', start - 0.02, v + 0.02, 0.011);
  }
  addAndClear(density, scratch, 2);
}
