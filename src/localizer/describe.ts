/** Turns the bytes that were read back from the GPU into the result of an image. */
import type { Finding } from '../formats/findings.js';
import type { WeightsMetadata } from '../formats/weights.js';
import { BOX_WORDS, type DecodedBoxes, decodeBoxes, type HeatBox, MAX_BOXES } from '../ops/boxes/component_boxes.js';
import { frameOf, toImage } from '../ops/images/frame.js';
import type { Warning } from '../warnings.js';
import type { Request } from './request.js';
import { asLocalization, type Heatmap, type Localization } from './results.js';
import type { BoxStage, NetworkStage } from './stages.js';

/** An image: its index among all images, its place in the batch (`slot`), its size in pixels and its warnings. */
export interface Place {
  readonly index: number;
  readonly slot: number;
  readonly width: number;
  readonly height: number;
  readonly warnings: readonly Warning[];
}

/**
 * How far a probability may lie outside 0…1. GPUs may divide with an error of a few units in the last place, so a sigmoid can come out
 * slightly above 1.
 */
const ROUNDING = 1e-6;

/** False for NaN too. */
const isProbability = (value: number): boolean => value >= -ROUNDING && value <= 1 + ROUNDING;

/**
 * @param own outputs of the box stage for this image.
 * @throws InputError if the network computed a logit or a heatmap that is not finite, or a probability outside 0…1
 */
export async function describeImage(
  { classes, inputWidth, fit }: WeightsMetadata,
  { index, slot, width, height, warnings }: Place,
  { heatmaps: { shape } }: NetworkStage,
  [logits, probabilities, raw]: readonly ArrayBuffer[],
  stage: BoxStage | undefined,
  own: readonly ArrayBuffer[] | undefined,
  request: Request,
): Promise<Localization> {
  const byLabel = (bytes: ArrayBuffer) => {
    const values = new Float32Array(bytes, slot * classes.length * 4, classes.length);
    return Object.fromEntries(classes.map((label, place) => [label, values[place]]));
  };
  const scores = byLabel(probabilities);
  const raws = byLabel(logits);
  const [, , rows, columns] = shape;
  const inNetwork = { x: 0, y: 0, width: inputWidth / columns, height: inputWidth / rows };
  const cell = toImage(frameOf(width, height, inputWidth, fit), inNetwork);
  const smallest = request.minRegion * cell.width * cell.height;
  const decoded = own && decodeAll(own, classes.length, request);
  const scaled = stage?.named.scaled;
  let heatmaps: Record<string, Heatmap> | undefined;
  if (raw) heatmaps = readHeatmaps(classes, shape, raw, slot);
  else if (scaled) heatmaps = readHeatmaps(classes, scaled.shape, own![stage.outputs.indexOf(scaled)], 0);
  const heats = classes.map((label, map) =>
    decoded?.states[map] === 'not finite'
      ? Number.NaN
      : ((raw && heatmaps![label].data.find((heat) => !Number.isFinite(heat))) ?? 0),
  );
  // A class whose numbers are not finite would have no findings, and the chest would look healthy.
  if (!classes.every((label, map) => [raws[label], heats[map]].every(Number.isFinite) && isProbability(scores[label])))
    throw (await import('./wrong_results.js')).wrongResults(classes, raws, scores, heats, isProbability);
  const boxes =
    decoded && request.boxes
      ? readFindings(classes, scores, decoded, request, smallest)
      : { findings: [], truncated: [] };
  const data = { index, width, height, probabilities: scores, logits: raws, warnings, ...boxes };
  return asLocalization({ ...data, ...(heatmaps ? { heatmaps } : {}) }, classes);
}

/**
 * The number of boxes for each map and threshold that a larger table must hold, or undefined if the table is large enough.
 *
 * If small regions have to be left out, the boxes of all regions are needed to choose the large ones among them. The table has room for
 * `maxBoxes` boxes only, so the box stage has to run again if there are more regions. The number is a power of two, so that images with
 * similar numbers of regions share a plan.
 */
export function roomForAllRegions(counts: ArrayBuffer, request: Request): number | undefined {
  if (request.minRegion === 0) return undefined;
  const columns = request.heatThresholds.length + 1; // the last column is the map's state
  const most = new Uint32Array(counts).reduce(
    (max, count, at) => (at % columns < columns - 1 && count > max ? count : max),
    0,
  );
  return most > request.maxBoxes ? Math.min(2 ** Math.ceil(Math.log2(most)), MAX_BOXES) : undefined;
}

/** The table may have room for more boxes than the request's `maxBoxes`: see `roomForAllRegions`. */
function decodeAll([table, counts]: readonly ArrayBuffer[], classes: number, request: Request): DecodedBoxes {
  const { heatThresholds } = request;
  const room = table.byteLength / (4 * BOX_WORDS * classes * heatThresholds.length);
  return decodeBoxes(new Uint32Array(table), new Uint32Array(counts), { heatThresholds, maxBoxes: room });
}

function readFindings(
  classes: readonly string[],
  probabilities: Record<string, number>,
  decoded: DecodedBoxes,
  { heatThresholds, maxBoxes }: Request,
  smallest: number,
): { findings: Finding[]; truncated: string[] } {
  // The region with a map's highest value is kept, however small, so that each class that is found has a box.
  const highest = new Map<number, number>();
  for (const { map, peak } of decoded.boxes) highest.set(map, Math.max(peak, highest.get(map) ?? 0));
  const isHighest = ({ map, peak }: HeatBox) => peak === highest.get(map);
  const truncated = new Set(classes.filter((_, map) => decoded.truncated.has(map)));
  const regions = classes.flatMap((label, map) =>
    heatThresholds.flatMap((threshold) => {
      const all = decoded.boxes.filter((box) => box.map === map && box.threshold === threshold);
      const large = all.filter((box) => box.area >= smallest || isHighest(box));
      if (large.length <= maxBoxes) return large;
      truncated.add(label);
      const first = large.slice(0, maxBoxes);
      return first.some(isHighest) ? first : [...first.slice(0, -1), large.find(isHighest) ?? first[maxBoxes - 1]];
    }),
  );
  const findings = regions.map(({ map, threshold, x, y, width, height, area, peak }) => {
    const label = classes[map];
    return { label, score: probabilities[label], box: { x, y, width, height }, threshold, area, peak };
  });
  return { findings, truncated: classes.filter((label) => truncated.has(label)) };
}

function readHeatmaps(
  classes: readonly string[],
  [, , height, width]: readonly number[],
  bytes: ArrayBuffer,
  slot: number,
): Record<string, Heatmap> {
  const all = new Float32Array(bytes);
  const cells = width * height;
  const first = slot * classes.length;
  const entries = classes.map((label, place) => {
    const data = all.slice((first + place) * cells, (first + place + 1) * cells);
    return [label, { width, height, data }] as const;
  });
  return Object.fromEntries(entries);
}
