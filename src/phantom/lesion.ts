/** What all lesions need: sides and zones, a place in a lung, and the box of the visible part. */
import { type Anatomy, heartBorder, lungMargin, lungOf, type Side } from './anatomy.js';
import type { Canvas } from './chest.js';
import { at, lerp } from './math.js';
import type { Disease } from './options.js';
import type { Random } from './random.js';
import { type Layer, toX, toY } from './raster.js';

/** A box in pixels. It is half-open: it covers the columns x to x + width − 1. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type SideName = 'right' | 'left';
export type Zone = 'upper' | 'middle' | 'lower';

/** A drawn lesion, with what a report needs to describe it. */
export interface Finding {
  label: Disease;
  /** From 0 (barely visible) to 1 (obvious). */
  severity: number;
  side?: SideName;
  zone?: Zone;
  /** `plate` or `lobar` atelectasis. */
  form?: string;
  /** Diameter in centimetres, for a picture 36 cm wide. */
  centimetres?: number;
  /** Box of its visible part. */
  box: Box;
}

/** Adds the layer of a lesion to the picture, and returns its box. */
export type Commit = (
  layer: Layer,
  finding: Omit<Finding, 'box' | 'label' | 'severity'>,
  gain?: number,
) => Box | undefined;

/** The input of each function that draws a lesion. */
export interface Lesion {
  canvas: Canvas;
  random: Random;
  severity: number;
  /** Boxes of earlier lesions, which another one should not overlap if possible. */
  occupied: readonly Box[];
  commit: Commit;
}

export const sideName = (side: Side): SideName => (side < 0 ? 'right' : 'left');
export const drawSide = (random: Random): Side => (random.chance(0.55) ? -1 : 1);

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

/** The box of the pixels whose value is at least a share of the layer's peak. */
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

/** The zone of the lung in which v is. */
export function zoneOf(anatomy: Anatomy, v: number): Zone {
  const t = (v - anatomy.apexV) / (anatomy.right.angleV - anatomy.apexV);
  return t < 0.36 ? 'upper' : t < 0.62 ? 'middle' : 'lower';
}

/** A random place in a lung, at a distance of about `radius` from heart and chest wall, and if possible not over other lesions. */
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
