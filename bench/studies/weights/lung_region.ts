/** Makes the region outside of which no finding lies from boxes of radiologists, and measures what it does to the boxes of a network. */
import { bootstrap, type Interval, numberClusters } from '../../../src/evaluate/intervals.js';
import { isRight } from '../../../src/evaluate/localization.js';
import type { Box } from '../../../src/formats/findings.js';
import { isOutside } from '../../../src/localizer/lung_region.js';
import { fnv1a } from '../../../src/random.js';

/** A box with its finding, in a square image whose side is 1. */
export interface PlacedBox {
  label: string;
  box: Box;
}

/** An image that radiologists looked at. */
export interface MarkedImage {
  patient: string;
  /** Everything that they marked, findings that are no class of the network too. */
  marks: readonly PlacedBox[];
  /** Boxes of the network, and whether the probability of their class is above its operating threshold. */
  boxes: readonly (PlacedBox & { isFound: boolean })[];
}

/** What the region does to the boxes of some findings. */
export interface RegionEffect {
  boxes: number;
  /** The share of boxes that are right, the share of radiologists' boxes that are hit, and their harmonic mean. */
  right: number;
  hit: number;
  f1: number;
}

export interface RegionMeasure {
  images: number;
  patients: number;
  marks: number;
  /** The share of the radiologists' own boxes that are outside. */
  marksOutside: number;
  /** Boxes of findings that the image has, and of findings above their threshold: all of them, and those inside. */
  effects: { findings: 'known' | 'found'; all: RegionEffect; inside: RegionEffect; gain: Interval }[];
}

/** Cells of the region in each direction. */
const CELLS = 16;
/** A cell counts if boxes cover it at least this often, as a share of how often they cover the most covered cell. */
const LEAST_COVERED = 0.1;
const RIGHT = { measure: 'IoU', threshold: 0.1 } as const;

/** The cells that boxes cover, `#`, from the top. A finding may be at either side, so both halves are averaged. */
export function regionOf(boxes: readonly Box[]): string[] {
  const covered = new Float64Array(CELLS * CELLS);
  const share = (cell: number, start: number, length: number) =>
    Math.max(0, Math.min(start + length, (cell + 1) / CELLS) - Math.max(start, cell / CELLS));
  for (const box of boxes) {
    for (let row = 0; row < CELLS; row++)
      for (let column = 0; column < CELLS; column++)
        covered[row * CELLS + column] += share(row, box.y, box.height) * share(column, box.x, box.width);
  }
  const both = covered.map((value, at) => value + covered[at - (at % CELLS) + CELLS - 1 - (at % CELLS)]);
  const least = LEAST_COVERED * both.reduce((most, value) => Math.max(most, value), 0);
  const cells = [...both].map((value) => (value > 0 && value >= least ? '#' : '.'));
  return Array.from({ length: CELLS }, (_, row) => cells.slice(row * CELLS, (row + 1) * CELLS).join(''));
}

export interface MeasureOptions {
  /** Parts of the patients. The region of each part is made from the marks of the others. */
  parts: number;
  replicates: number;
  seed: number;
}

/** Intervals come from a bootstrap over patients. */
export function measureRegion(images: readonly MarkedImage[], classes: readonly string[], options: MeasureOptions) {
  const { parts, replicates, seed } = options;
  const partOf = ({ patient }: MarkedImage) => fnv1a(patient) % parts;
  const regions = Array.from({ length: parts }, (_, part) =>
    regionOf(images.flatMap((image) => (partOf(image) === part ? [] : image.marks.map(({ box }) => box)))),
  );
  const outside = (image: MarkedImage, { box }: PlacedBox) =>
    isOutside(box, { width: 1, height: 1 }, regions[partOf(image)]);
  const marks = images.reduce((sum, image) => sum + image.marks.length, 0);
  const marksOutside = images.reduce((sum, image) => sum + image.marks.filter((one) => outside(image, one)).length, 0);
  const { clusterOf, count } = numberClusters(
    images.length,
    images.map(({ patient }) => patient),
  );
  const effects = (['known', 'found'] as const).map((findings) => {
    const counts = images.map((image) => {
      const truth = image.marks.filter(({ label }) => classes.includes(label));
      const has = new Set(truth.map(({ label }) => label));
      const boxes = image.boxes.filter(({ label, isFound }) =>
        classes.includes(label) ? (findings === 'known' ? has.has(label) : isFound) : false,
      );
      const inside = boxes.filter((one) => !outside(image, one));
      return [countsOf(boxes, truth), countsOf(inside, truth)];
    });
    const both = (drawn: ArrayLike<number>) =>
      [0, 1].map((at) =>
        effectOf(
          counts.map((own) => own[at]).reduce((sum, own, i) => plus(sum, own, drawn[clusterOf[i]]), [0, 0, 0, 0]),
        ),
      );
    const [all, inside] = both(new Uint8Array(count).fill(1));
    const [gain] = bootstrap(
      count,
      (drawn) => {
        const [before, after] = both(drawn);
        return [after.f1 - before.f1];
      },
      { replicates, seed },
    );
    return { findings, all, inside, gain };
  });
  return {
    ...{ images: images.length, patients: count, marks, marksOutside: marksOutside / marks },
    effects,
  } satisfies RegionMeasure;
}

/** Boxes, right boxes, boxes of radiologists, and those of them that are hit. */
type Counts = [boxes: number, right: number, truth: number, hit: number];

function countsOf(boxes: readonly PlacedBox[], truth: readonly PlacedBox[]): Counts {
  const matches = (one: PlacedBox, mark: PlacedBox) => one.label === mark.label && isRight(one.box, mark.box, RIGHT);
  return [
    ...([boxes.length, boxes.filter((one) => truth.some((mark) => matches(one, mark))).length] as const),
    ...([truth.length, truth.filter((mark) => boxes.some((one) => matches(one, mark))).length] as const),
  ];
}

const plus = (sum: Counts, own: Counts, times: number) => sum.map((value, i) => value + times * own[i]) as Counts;

function effectOf([boxes, right, truth, hit]: Counts): RegionEffect {
  const shares = { right: right / boxes, hit: hit / truth };
  const f1 = right > 0 && hit > 0 ? (2 * shares.right * shares.hit) / (shares.right + shares.hit) : 0;
  return { boxes, ...shares, f1 };
}
