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
  /** True if the box lies outside of lungs and heart, which only the option `lungMask` finds out. */
  outsideLungs?: boolean;
}

/** Which boxes are shown: the best box of each of the most probable findings, or all. */
export type ShownBoxes = 'best' | 'all';

/** Of how many classes the best box is shown. A patient may have eight findings with dozens of boxes, which nobody can follow at once. */
const SHOWN_CLASSES = 3;

/** The largest share of the image that a best box may cover. A box around most of the picture tells a reader nothing. */
const LARGEST_SHARE = 1 / 3;

/**
 * The best box of each of the three classes with the highest scores, in the order of their scores. A class's best box is that of its largest
 * region whose box covers at most a third of the image, or else its smallest box; boxes outside of the lungs come last. On 997 findings that radiologists boxed (ChestX-Det), these boxes
 * of chest8-small without a border of its heatmaps have a mean IoU of .086; those of the hottest regions .052 to .060, those of the largest regions .080.
 * @param alsoOf a class whose best box is given in any case
 */
export function bestFindings<F extends Finding>(
  findings: readonly F[],
  image: { readonly width: number; readonly height: number },
  alsoOf?: string | null,
): F[] {
  const most = LARGEST_SHARE * image.width * image.height;
  const isBetter = (a: F, b: F) => {
    if (!a.outsideLungs !== !b.outsideLungs) return !a.outsideLungs;
    const [isSmall, isOtherSmall] = [boxArea(a) <= most, boxArea(b) <= most];
    if (isSmall !== isOtherSmall) return isSmall;
    return isSmall ? (a.area ?? boxArea(a)) > (b.area ?? boxArea(b)) : boxArea(a) < boxArea(b);
  };
  const best = new Map<string, F>();
  for (const finding of findings) {
    const known = best.get(finding.label);
    if (!known || isBetter(finding, known)) best.set(finding.label, finding);
  }
  return mostProbableFirst([...best.values()]).filter(({ label }, rank) => rank < SHOWN_CLASSES || label === alsoOf);
}

/** Findings by their scores, the highest first. Findings of one class stay together, in their order. */
export const mostProbableFirst = <F extends Finding>(findings: readonly F[]): F[] =>
  [...findings].sort((a, b) => b.score - a.score || 0);

const boxArea = ({ box }: Finding) => box.width * box.height;

/**
 * Gives a function for the rank of a finding's heat threshold among those that its class has in `findings`: 0 for the highest. Classes may be
 * cut at different heats, so that thresholds of two classes cannot be compared.
 */
export function heatRanks(findings: readonly Finding[]): (finding: Finding) => number {
  const thresholds = new Map<string, number[]>();
  for (const { label, threshold = 0 } of findings) {
    const known = thresholds.get(label) ?? [];
    if (!known.includes(threshold)) thresholds.set(label, [...known, threshold]);
  }
  for (const list of thresholds.values()) list.sort((a, b) => b - a);
  return ({ label, threshold = 0 }) => thresholds.get(label)?.indexOf(threshold) ?? 0;
}

/** Says how many classes and boxes of all are not among those that are shown. Empty if all are. */
export function notShown(all: readonly Finding[], shown: readonly Finding[]): string {
  const boxes = all.length - shown.length;
  const classesOf = (findings: readonly Finding[]) => new Set(findings.map(({ label }) => label)).size;
  const classes = classesOf(all) - classesOf(shown);
  const count = (number: number, one: string, many: string) => `${number} ${number === 1 ? one : many}`;
  if (boxes <= 0) return '';
  const findings = classes > 0 ? `${count(classes, 'less probable finding', 'less probable findings')} and ` : '';
  return `${findings}${count(boxes, 'further box', 'further boxes')} not shown`;
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
