import { type Anatomy, type Deformation, heartBorder, lungMargin, lungOf, type Side } from './anatomy.js';
import { AIR, type Canvas, drawVessels } from './chest.js';
import { at, lerp } from './math.js';
import { drawAtelectasis, drawEffusion, drawInfiltration, drawPneumonia, drawRound } from './opacities.js';
import type { Disease } from './options.js';
import type { Planned } from './patient.js';
import { collapseLung } from './pneumothorax.js';
import type { Random } from './random.js';
import { addAndClear, type Frame, type Layer, toX, toY } from './raster.js';

/** A box in pixels, half-open: it covers columns x to x + width − 1. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type SideName = 'right' | 'left';
export type Zone = 'upper' | 'middle' | 'lower';

/** One lesion as drawn, in the words that a report needs. */
export interface Finding {
  label: Disease;
  /** 0 barely visible to 1 obvious. */
  severity: number;
  side?: SideName;
  zone?: Zone;
  /** `plate` or `lobar` atelectasis. */
  form?: string;
  /** Diameter in centimetres, at 36 cm across the picture. */
  centimetres?: number;
  /** Frames what of it can be seen. */
  box: Box;
}

/** A lesion's layer is handed over here: it is added to the picture, and framed. */
export type Commit = (
  layer: Layer,
  finding: Omit<Finding, 'box' | 'label' | 'severity'>,
  gain?: number,
) => Box | undefined;

/** Everything that draws a lesion gets this. */
export interface Lesion {
  canvas: Canvas;
  random: Random;
  severity: number;
  /** Boxes that a further lesion should stay clear of, if it can. */
  occupied: readonly Box[];
  commit: Commit;
}

/** A pixel belongs to a lesion's box where it changes the density by this share of the lesion's strongest change. */
const VISIBLE = 0.3;
/** Largest first, so that small ones find a place beside them. */
const ORDER: readonly Disease[] = [
  'Cardiomegaly',
  'Effusion',
  'Pneumonia',
  'Atelectasis',
  'Infiltration',
  'Mass',
  'Nodule',
];

export const sideName = (side: Side): SideName => (side < 0 ? 'right' : 'left');
export const drawSide = (random: Random): Side => (random.chance(0.55) ? -1 : 1);

/** What diseases do to the anatomy itself, decided before anything is drawn. */
export function deform(planned: readonly Planned[]): Deformation {
  const deformation: Deformation = { raised: { right: 0, left: 0 } };
  for (const { label, severity, random } of planned) {
    if (label === 'Cardiomegaly') deformation.cardiothoracicRatio = lerp(0.5, 0.66, severity * random.between(0.8, 1));
    if (label === 'Atelectasis') {
      // Lost volume pulls the diaphragm up.
      deformation.atelectasis = drawSide(random);
      deformation.raised[sideName(deformation.atelectasis)] = lerp(0.002, 0.014, severity);
    }
  }
  return deformation;
}

/** Draws vessels and every planned disease but those that only bend the anatomy. */
export function drawLesions(
  canvas: Canvas,
  planned: readonly Planned[],
  deformation: Deformation,
  vesselRandom: Random,
): Finding[] {
  const findings: Finding[] = [];
  const vessels = drawVessels(canvas, vesselRandom);
  const find = (label: Disease) => planned.find((disease) => disease.label === label);
  const lesion = ({ label, severity, random }: Planned): Lesion => ({
    canvas,
    random,
    severity,
    occupied: findings.filter((finding) => finding.label !== 'Cardiomegaly').map(({ box }) => box),
    commit: (layer, finding, gain = 1) => {
      const box = visibleBox(layer, VISIBLE);
      if (gain > 0) useUpAir(canvas.air, layer, gain);
      addAndClear(canvas.density, layer, gain);
      if (box) findings.push({ label, severity, ...finding, box });
      return box;
    },
  });

  const pneumothorax = find('Pneumothorax');
  if (pneumothorax) collapseLung(lesion(pneumothorax), vessels);
  const aerated = canvas.air.slice();
  for (const label of ORDER) {
    const disease = find(label);
    if (!disease) continue;
    const it = lesion(disease);
    if (label === 'Cardiomegaly') {
      findings.push({ label, severity: it.severity, box: heartBox(canvas.frame, canvas.anatomy) });
    } else if (label === 'Effusion') drawEffusion(it);
    else if (label === 'Pneumonia') drawPneumonia(it);
    else if (label === 'Atelectasis') drawAtelectasis(it, deformation.atelectasis ?? 1);
    else if (label === 'Infiltration') drawInfiltration(it);
    else drawRound(it, label as 'Mass' | 'Nodule');
  }
  // Vessels show by the air around them: where that has gone, so have they.
  for (let i = 0; i < aerated.length; i++)
    if (aerated[i] > canvas.air[i]) vessels.data[i] *= canvas.air[i] / aerated[i];
  addAndClear(canvas.density, vessels, 1);
  return findings;
}

/** What fills air leaves less of it for the next lesion, so that two in one place are no denser than tissue. */
function useUpAir(air: Float32Array, { data, size, x0, y0, x1, y1 }: Layer, gain: number): void {
  for (let y = y0; y < y1; y++) {
    for (let i = y * size + x0; i < y * size + x1; i++) {
      if (data[i] > 0) air[i] = Math.max(0, air[i] - (gain * data[i]) / AIR);
    }
  }
}

/** The heart's silhouette, from its base to where it sinks behind the diaphragm. */
function heartBox(frame: Frame, anatomy: Anatomy): Box {
  const top = anatomy.heartTopV - 0.005;
  const bottom = Math.min(anatomy.heartBottomV, anatomy.left.domeV + 0.035);
  let x0 = frame.size;
  let x1 = 0;
  for (let v = top; v <= bottom; v += 0.004) {
    x0 = Math.min(x0, toX(frame, -at(anatomy.heartRight, v), v));
    x1 = Math.max(x1, toX(frame, at(anatomy.heartLeft, v), v));
  }
  return boxAround(frame.size, x0, toY(frame, top), x1, toY(frame, bottom));
}

/** The pixels from (x0, y0) to (x1, y1), clipped to the picture. */
export function boxAround(size: number, x0: number, y0: number, x1: number, y1: number): Box {
  const x = Math.min(Math.max(0, Math.round(x0)), size - 1);
  const y = Math.min(Math.max(0, Math.round(y0)), size - 1);
  return {
    x,
    y,
    width: Math.max(1, Math.min(size, Math.round(x1)) - x),
    height: Math.max(1, Math.min(size, Math.round(y1)) - y),
  };
}

/** The box of what a layer holds above a share of its peak. */
export function visibleBox(layer: Layer, share: number): Box | undefined {
  const { data, size } = layer;
  let peak = 0;
  for (let y = layer.y0; y < layer.y1; y++) {
    for (let i = y * size + layer.x0; i < y * size + layer.x1; i++) if (data[i] > peak) peak = data[i];
  }
  if (peak <= 0) return undefined;
  const limit = peak * share;
  let x0 = size;
  let y0 = size;
  let x1 = 0;
  let y1 = 0;
  for (let y = layer.y0; y < layer.y1; y++) {
    for (let x = layer.x0; x < layer.x1; x++) {
      if (data[y * size + x] < limit) continue;
      x0 = Math.min(x0, x);
      x1 = Math.max(x1, x + 1);
      y0 = Math.min(y0, y);
      y1 = y + 1;
    }
  }
  return { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
}

/** Which third of the lung v lies in. */
export function zoneOf(anatomy: Anatomy, v: number): Zone {
  const t = (v - anatomy.apexV) / (anatomy.right.angleV - anatomy.apexV);
  return t < 0.36 ? 'upper' : t < 0.62 ? 'middle' : 'lower';
}

/** A place in a lung, clear of heart and wall by about `radius`, and of other lesions where that is possible. */
export function place({ canvas, random, occupied }: Lesion, radius: number, from = 0, to = 1) {
  const { anatomy, frame } = canvas;
  let fallback: { side: Side; a: number; v: number } | undefined;
  for (let attempt = 0; attempt < 120; attempt++) {
    const side = drawSide(random);
    const lung = lungOf(anatomy, side);
    const v = lerp(anatomy.apexV + 0.04, lung.angleV - 0.02, lerp(from, to, random.unit()));
    const heart = heartBorder(anatomy, side, v);
    const a = random.between(heart, anatomy.halfWidth);
    if (lungMargin(lung, a, v) < radius * 0.95 || a - heart < radius * 0.7) continue;
    fallback ??= { side, a, v };
    const x = toX(frame, side * a, v);
    const y = toY(frame, v);
    const r = (radius + 0.01) * frame.size;
    if (occupied.some((o) => x - r < o.x + o.width && o.x < x + r && y - r < o.y + o.height && o.y < y + r)) continue;
    return { side, a, v };
  }
  if (fallback) return fallback;
  const side = drawSide(random);
  const v = lerp(anatomy.apexV, lungOf(anatomy, side).domeV, 0.55);
  return { side, a: lerp(heartBorder(anatomy, side, v), at(lungOf(anatomy, side).lateral, v), 0.5), v };
}
