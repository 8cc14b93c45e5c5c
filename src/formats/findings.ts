/** What is said about an image: by a network, or by anyone else whose predictions are to be scored. */

/** A rectangle in pixels of the original image, half-open: from (x, y) up to, not including, (x + width, y + height). */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** One box of one class. */
export interface Finding {
  label: string;
  /** How sure, in the unit of whoever said it; the higher, the surer. */
  score: number;
  box: Box;
  /** Heatmap threshold that cut out the region, on the scale of 0 to 255. */
  threshold?: number;
  /** Pixels of the region inside the box. */
  area?: number;
  /** Highest heatmap value of the region. */
  peak?: number;
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
  /** All boxes, of every class; whoever scores them decides from which probability on a class counts. */
  findings?: Finding[];
  /** By label, the position [x, y] of the heatmap's maximum in pixels of the original image. */
  points?: Record<string, [number, number]>;
}

/** The part of a path behind its last separator, on every system. */
export const fileName = (path: string) => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
