/** Layers of numbers, the coordinates of the chest in them, and the drawing of strokes and noise. */
import { clamp, smooth } from './math.js';
import type { Random } from './random.js';

/** A square field of numbers, and a half-open rectangle outside of which it is zero. */
export interface Layer {
  data: Float32Array;
  size: number;
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export const createLayer = (size: number): Layer => ({
  data: new Float32Array(size * size),
  size,
  x0: size,
  y0: size,
  x1: 0,
  y1: 0,
});

/**
 * Where the chest is in the picture. In chest coordinates, u is the distance from the midline (positive on the patient's left) and v goes
 * downwards.
 */
export interface Frame {
  size: number;
  zoom: number;
  centreU: number;
  centreV: number;
  /** How much the chest leans sideways: the shift of u per unit of v. */
  lean: number;
}

export const toX = (frame: Frame, u: number, v: number): number =>
  ((u + frame.lean * (v - 0.5)) * frame.zoom + frame.centreU) * frame.size;
export const toY = (frame: Frame, v: number): number => ((v - 0.5) * frame.zoom + frame.centreV) * frame.size;
/** v of the centres of a row of pixels. */
export const rowV = (frame: Frame, y: number): number => ((y + 0.5) / frame.size - frame.centreV) / frame.zoom + 0.5;
/** u at the left border of a row of pixels. Each pixel to the right adds `stepU`. */
export const rowU = (frame: Frame, v: number): number => -frame.centreU / frame.zoom - frame.lean * (v - 0.5);
export const stepU = (frame: Frame): number => 1 / (frame.size * frame.zoom);

/** The rectangle of pixels that contains a rectangle of chest coordinates, clipped to the picture. */
export function pixelRange(frame: Frame, u0: number, v0: number, u1: number, v1: number) {
  const { size } = frame;
  const xs = [toX(frame, u0, v0), toX(frame, u0, v1), toX(frame, u1, v0), toX(frame, u1, v1)];
  return {
    x0: clamp(Math.floor(Math.min(...xs)), 0, size),
    x1: clamp(Math.ceil(Math.max(...xs)) + 1, 0, size),
    y0: clamp(Math.floor(toY(frame, v0)), 0, size),
    y1: clamp(Math.ceil(toY(frame, v1)) + 1, 0, size),
  };
}

function touch(layer: Layer, x0: number, y0: number, x1: number, y1: number): void {
  layer.x0 = Math.min(layer.x0, x0);
  layer.y0 = Math.min(layer.y0, y0);
  layer.x1 = Math.max(layer.x1, x1);
  layer.y1 = Math.max(layer.y1, y1);
}

/** Sets pixels of the layer to f(u, v) where that is larger, within a rectangle of chest coordinates. */
export function paintMax(
  layer: Layer,
  frame: Frame,
  [u0, v0, u1, v1]: readonly [number, number, number, number],
  f: (u: number, v: number, pixel: number) => number,
): void {
  const range = pixelRange(frame, u0, v0, u1, v1);
  if (range.x0 >= range.x1 || range.y0 >= range.y1) return;
  touch(layer, range.x0, range.y0, range.x1, range.y1);
  const step = stepU(frame);
  for (let y = range.y0; y < range.y1; y++) {
    const v = rowV(frame, y);
    let u = rowU(frame, v) + (range.x0 + 0.5) * step;
    for (let i = y * layer.size + range.x0; i < y * layer.size + range.x1; i++, u += step) {
      const value = f(u, v, i);
      if (value > layer.data[i]) layer.data[i] = value;
    }
  }
}

/** Cross-section of a stroke: 129 values from its left border to its right one, as seen in its direction. */
export type Profile = Float32Array;

function profile(f: (d: number) => number): Profile {
  return Float32Array.from({ length: 129 }, (_, i) => f((i - 64) / 64));
}
const round = (d: number, radius: number) => Math.sqrt(Math.max(0, radius * radius - d * d));

export const PROFILES = {
  /** A solid cylinder. */
  tube: profile((d) => round(d, 1)),
  /** A hollow cylinder: two bright walls. */
  pipe: profile((d) => round(d, 1) - 0.92 * round(d, 0.8)),
  /** A bone: marrow inside a thin cortex, brighter at its right border. */
  bone: profile((d) => (0.72 + 0.2 * d) * (round(d, 1) - 0.5 * round(d, 0.84)) + 0.24 * smooth((1 - Math.abs(d)) * 6)),
  /** Even inside, with borders that fade. */
  band: profile((d) => smooth((1 - Math.abs(d)) * 2.2)),
  /** Bell-shaped. */
  soft: profile((d) => (1 - d * d) * (1 - d * d)),
  /** Even inside, with sharp borders. */
  flat: profile(() => 1),
} as const;

/**
 * Draws a polyline with round ends, in chest coordinates, into the layer. Each pixel keeps the larger value, so that joints do not show. The
 * radius changes linearly from `r0` to `r1` (in chest units). A stroke that is thinner than a pixel and a half is drawn that wide but fainter,
 * so that in a small picture a line fades and does not break up.
 */
export function stroke(
  layer: Layer,
  frame: Frame,
  points: readonly (readonly [number, number])[],
  r0: number,
  r1: number,
  shape: Profile,
  gain: number,
): void {
  const { data, size } = layer;
  const scale = frame.zoom * frame.size;
  const n = points.length - 1;
  for (let k = 0; k < n; k++) {
    const ax = toX(frame, points[k][0], points[k][1]);
    const ay = toY(frame, points[k][1]);
    const dx = toX(frame, points[k + 1][0], points[k + 1][1]) - ax;
    const dy = toY(frame, points[k + 1][1]) - ay;
    const length2 = dx * dx + dy * dy;
    const inverse = length2 > 0 ? 1 / length2 : 0;
    const length = Math.sqrt(length2);
    const startRadius = (r0 + ((r1 - r0) * k) / n) * scale;
    const grow = ((r1 - r0) / n) * scale;
    const reach = Math.max(startRadius, startRadius + grow, 0.75) + 0.5;
    const x0 = clamp(Math.floor(Math.min(ax, ax + dx) - reach), 0, size);
    const x1 = clamp(Math.ceil(Math.max(ax, ax + dx) + reach), 0, size);
    const y0 = clamp(Math.floor(Math.min(ay, ay + dy) - reach), 0, size);
    const y1 = clamp(Math.ceil(Math.max(ay, ay + dy) + reach), 0, size);
    if (x0 >= x1 || y0 >= y1) continue;
    touch(layer, x0, y0, x1, y1);
    for (let y = y0; y < y1; y++) {
      const py = y + 0.5 - ay;
      // Only columns that are near the line of the segment have to be computed.
      let from = x0;
      let to = x1;
      if (dy !== 0) {
        const middle = ax + (dx * py) / dy;
        const half = (reach * length) / Math.abs(dy);
        from = Math.max(x0, Math.floor(middle - half));
        to = Math.min(x1, Math.ceil(middle + half));
      }
      for (let x = from; x < to; x++) {
        const px = x + 0.5 - ax;
        const along = clamp((px * dx + py * dy) * inverse, 0, 1);
        const ex = px - along * dx;
        const ey = py - along * dy;
        const distance2 = ex * ex + ey * ey;
        if (distance2 >= reach * reach) continue;
        const wanted = startRadius + grow * along;
        const radius = Math.max(wanted, 0.75);
        const distance = Math.sqrt(distance2);
        const coverage = radius + 0.5 - distance;
        if (coverage <= 0) continue;
        const offset = Math.min(distance / radius, 1) * (dx * ey - dy * ex < 0 ? -64 : 64);
        let value = gain * shape[Math.round(64 + offset * 0.97)] * (coverage < 1 ? coverage : 1);
        if (wanted < radius) value *= wanted / radius;
        const i = y * size + x;
        if (value > data[i]) data[i] = value;
      }
    }
  }
}

/** Adds gain × layer to the target, and clears the layer. */
export function addAndClear(target: Float32Array, layer: Layer, gain: number): void {
  const { data, size } = layer;
  for (let y = layer.y0; y < layer.y1; y++) {
    for (let i = y * size + layer.x0; i < y * size + layer.x1; i++) {
      target[i] += gain * data[i];
      data[i] = 0;
    }
  }
  layer.x0 = size;
  layer.y0 = size;
  layer.x1 = 0;
  layer.y1 = 0;
}

/** Points along a cubic Bézier curve. */
export function bezier(
  a: readonly [number, number],
  b: readonly [number, number],
  c: readonly [number, number],
  d: readonly [number, number],
  count: number,
): [number, number][] {
  return Array.from({ length: count + 1 }, (_, i) => {
    const t = i / count;
    const s = 1 - t;
    const mix = (k: 0 | 1) => s * s * (s * a[k] + 3 * t * b[k]) + t * t * (3 * s * c[k] + t * d[k]);
    return [mix(0), mix(1)];
  });
}

/** Smooth noise: uniform values in ±1 on a lattice of cells × cells, interpolated between them. */
export interface Noise {
  values: Float32Array;
  cells: number;
}

export function createNoise(random: Random, cells: number): Noise {
  const values = new Float32Array((cells + 2) * (cells + 2));
  for (let i = 0; i < values.length; i++) values[i] = random.unit() * 2 - 1;
  return { values, cells };
}

/** The noise at (x, y), both 0 to 1 over the picture. */
export function noiseAt(noise: Noise, x: number, y: number): number {
  const { values, cells } = noise;
  const px = clamp(x, 0, 1) * cells;
  const py = clamp(y, 0, 1) * cells;
  const ix = Math.floor(px);
  const iy = Math.floor(py);
  const fx = smooth(px - ix);
  const fy = smooth(py - iy);
  const i = iy * (cells + 2) + ix;
  const j = i + cells + 2;
  const top = values[i] + (values[i + 1] - values[i]) * fx;
  return top + (values[j] + (values[j + 1] - values[j]) * fx - top) * fy;
}

/** Adds noise to the target, multiplied by base + gain × field. Pixels where the target is about 0 stay as they are. */
export function addNoise(
  target: Float32Array,
  field: Float32Array,
  size: number,
  { values, cells }: Noise,
  base: number,
  gain: number,
): void {
  const width = cells + 2;
  const cell = new Int32Array(size);
  const part = new Float32Array(size);
  for (let x = 0; x < size; x++) {
    const p = ((x + 0.5) / size) * cells;
    cell[x] = Math.floor(p);
    part[x] = smooth(p - cell[x]);
  }
  const row = new Float32Array(width);
  for (let y = 0; y < size; y++) {
    const p = ((y + 0.5) / size) * cells;
    const top = Math.floor(p) * width;
    const t = smooth(p - Math.floor(p));
    for (let c = 0; c < width; c++) row[c] = values[top + c] + (values[top + width + c] - values[top + c]) * t;
    for (let x = 0, i = y * size; x < size; x++, i++) {
      if (target[i] <= 0.02) continue;
      const c = cell[x];
      target[i] += (row[c] + (row[c + 1] - row[c]) * part[x]) * (base + gain * field[i]);
    }
  }
}
