/** Writes letters as strokes, for the markers on films. */
import { type Frame, type Layer, PROFILES, stroke } from './raster.js';

/** The letters that the markers on films need, as strokes on a grid that is 4 wide and 6 high. */
const GLYPHS: Record<string, number[][]> = {
  A: [
    [0, 6, 2, 0, 4, 6],
    [1, 4, 3, 4],
  ],
  B: [
    [0, 0, 0, 6, 3, 6, 4, 5, 4, 4, 3, 3, 0, 3],
    [0, 0, 3, 0, 4, 1, 4, 2, 3, 3],
  ],
  C: [[4, 1, 3, 0, 1, 0, 0, 1, 0, 5, 1, 6, 3, 6, 4, 5]],
  D: [[0, 0, 0, 6, 2, 6, 4, 4, 4, 2, 2, 0, 0, 0]],
  E: [
    [4, 0, 0, 0, 0, 6, 4, 6],
    [0, 3, 3, 3],
  ],
  K: [
    [0, 0, 0, 6],
    [4, 0, 0, 3.5],
    [1.5, 2.5, 4, 6],
  ],
  L: [[0, 0, 0, 6, 4, 6]],
  M: [[0, 6, 0, 0, 2, 3, 4, 0, 4, 6]],
  O: [[1, 0, 3, 0, 4, 1, 4, 5, 3, 6, 1, 6, 0, 5, 0, 1, 1, 0]],
  P: [[0, 6, 0, 0, 3, 0, 4, 1, 4, 2, 3, 3, 0, 3]],
  R: [
    [0, 6, 0, 0, 3, 0, 4, 1, 4, 2, 3, 3, 0, 3],
    [2, 3, 4, 6],
  ],
  S: [[4, 1, 3, 0, 1, 0, 0, 1, 0, 2, 1, 3, 3, 3, 4, 4, 4, 5, 3, 6, 1, 6, 0, 5]],
  T: [
    [0, 0, 4, 0],
    [2, 0, 2, 6],
  ],
  W: [[0, 0, 1, 6, 2, 3, 3, 6, 4, 0]],
};

/** Writes a word with its top left corner at (u, v). `height` is in chest units. Other letters leave a gap. */
export function write(layer: Layer, frame: Frame, text: string, u: number, v: number, height: number, gain = 1): void {
  const unit = height / 6;
  [...text].forEach((letter, k) => {
    for (const path of GLYPHS[letter] ?? []) {
      const points = Array.from(
        { length: path.length / 2 },
        (_, i) => [u + (k * 5.6 + path[2 * i]) * unit, v + path[2 * i + 1] * unit] as const,
      );
      stroke(layer, frame, points, unit * 0.55, unit * 0.55, PROFILES.flat, gain);
    }
  });
}
