/**
 * Arithmetic that gives the same bits in every JavaScript engine. The results of Math.sin, exp, pow and similar functions may differ between
 * engines, so nothing in phantom/ calls them. Pixels are computed by + − × ÷, Math.sqrt (which IEEE 754 requires to be correctly rounded),
 * floor, min, max and the polynomials below.
 */

export const TAU = 6.283185307179586;

/** Sine: x is reduced to ±π/2, then a Taylor polynomial of degree 13 is used. The error is below 1e-9 for |x| < 1e6. */
export function sin(x: number): number {
  const turns = x / TAU;
  let t = (turns - Math.floor(turns + 0.5)) * TAU;
  if (t > TAU / 4) t = TAU / 2 - t;
  else if (t < -TAU / 4) t = -TAU / 2 - t;
  const s = t * t;
  return t * (1 - (s / 6) * (1 - (s / 20) * (1 - (s / 42) * (1 - (s / 72) * (1 - (s / 110) * (1 - s / 156))))));
}

export const cos = (x: number): number => sin(x + TAU / 4);

export const clamp = (x: number, low: number, high: number): number => (x < low ? low : x > high ? high : x);

export const lerp = (a: number, b: number, t: number): number => a + (b - a) * t;

/** 0 below 0, 1 above 1, 3t² − 2t³ between. */
export function smooth(t: number): number {
  if (t <= 0) return 0;
  if (t >= 1) return 1;
  return t * t * (3 - 2 * t);
}

/** The thickness of a round body at a distance of t radii from its border, 0 to 1: it rises steeply at the border and is flat in the middle. */
export function bulge(t: number): number {
  if (t <= 0) return 0;
  if (t >= 1) return 1;
  return Math.sqrt(t * (2 - t));
}

/** A function of one variable as equidistant samples. Between them it is interpolated linearly, and beyond its ends it is constant. */
export interface Curve {
  samples: Float64Array;
  start: number;
  scale: number;
}

export function at(curve: Curve, x: number): number {
  const { samples } = curve;
  const p = (x - curve.start) * curve.scale;
  if (!(p > 0)) return samples[0];
  const last = samples.length - 1;
  if (p >= last) return samples[last];
  const i = Math.floor(p);
  return samples[i] + (samples[i + 1] - samples[i]) * (p - i);
}

export function tabulate(start: number, end: number, count: number, f: (x: number) => number): Curve {
  const samples = new Float64Array(count + 1);
  for (let i = 0; i <= count; i++) samples[i] = f(start + ((end - start) * i) / count);
  return { samples, start, scale: count / (end - start) };
}

/**
 * A smooth curve through points of increasing x that does not overshoot: monotone cubic interpolation (Fritsch and Carlson, SIAM J. Numer.
 * Anal. 17, 1980) with the harmonic-mean tangents of Fritsch and Butland (1984).
 */
export function curveThrough(points: readonly (readonly [number, number])[], count = 400): Curve {
  const n = points.length;
  const slope = (i: number) => (points[i + 1][1] - points[i][1]) / (points[i + 1][0] - points[i][0]);
  const tangents = points.map((_, i) => {
    if (i === 0) return slope(0);
    if (i === n - 1) return slope(n - 2);
    const before = slope(i - 1);
    const after = slope(i);
    return before * after <= 0 ? 0 : (2 * before * after) / (before + after);
  });
  let i = 0;
  return tabulate(points[0][0], points[n - 1][0], count, (x) => {
    while (i < n - 2 && x > points[i + 1][0]) i++;
    const [x0, y0] = points[i];
    const [x1, y1] = points[i + 1];
    const h = x1 - x0;
    const t = clamp((x - x0) / h, 0, 1);
    const s = smooth(t);
    return lerp(y0, y1, s) + h * t * (1 - t) * (tangents[i] * (1 - t) - tangents[i + 1] * t);
  });
}
