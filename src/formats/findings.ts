/** Predictions for an image: of a network, or of another program whose predictions are to be scored. */

/** A rectangle in pixels of the original image. It is half-open: (x, y) belongs to it, (x + width, y + height) does not. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** One box of one class. */
export interface Finding {
  label: string;
  /** The confidence of the prediction, in any unit. Higher means more confident. */
  score: number;
  box: Box;
  /** The threshold of the heatmap that gave the region, on the scale from 0 to 255. */
  threshold?: number;
  /** The number of pixels of the region inside the box. */
  area?: number;
  /** The highest value of the heatmap in the region. */
  peak?: number;
}

/** Which boxes of a class are shown: at each heat threshold the one with the highest heat, or all. */
export type ShownBoxes = 'strongest' | 'all';

/**
 * Of each class and heat threshold the box of the region with the highest heat (of equal ones, the largest), in the order of the findings.
 * A heatmap may fall into dozens of regions, and a reader is helped by the one that matters most.
 */
export function strongestFindings<F extends Finding>(findings: readonly F[]): F[] {
  const strongest = new Map<string, F>();
  for (const finding of findings) {
    const { label, threshold, peak = 0, area = 0 } = finding;
    const key = `${threshold} ${label}`;
    const best = strongest.get(key);
    const [bestPeak, bestArea] = [best?.peak ?? 0, best?.area ?? 0];
    if (!best || peak > bestPeak || (peak === bestPeak && area > bestArea)) strongest.set(key, finding);
  }
  const kept = new Set(strongest.values());
  return findings.filter((finding) => kept.has(finding));
}

/** Everything that was predicted for one image. */
export interface Prediction {
  /** File name without folders. */
  image: string;
  width?: number;
  height?: number;
  /** By label, in [0, 1]. */
  probabilities?: Record<string, number>;
  /** By label; `probabilities` are their sigmoid. */
  logits?: Record<string, number>;
  /** Boxes of all classes. The scoring decides from which probability a class counts as found. */
  findings?: Finding[];
  /** By label, the position [x, y] of the heatmap's maximum in pixels of the original image. */
  points?: Record<string, [number, number]>;
}

/** The part of a path after its last separator, which may be that of any operating system. */
export const fileName = (path: string) => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
