/** Turns what was computed for an image into its result. */
import type { Finding } from '../formats/findings.js';
import type { Image } from '../formats/images/pixels.js';
import type { WeightsMetadata } from '../formats/weights/weights.js';
import type { HeatBox } from '../ops/boxes/component_boxes.js';
import { frameOf, toImage } from '../ops/images/frame.js';
import type { Warning } from '../warnings.js';
import type { Request } from './request.js';
import { asLocalization, type Localization } from './results.js';
import type { Batch, Computed, Regions, Session } from './session/session.js';

/**
 * How far a probability may lie outside 0…1. GPUs may divide with an error of a few units in the last place, so a sigmoid can come out
 * slightly above 1. Such a probability counts as 1.
 */
const ROUNDING = 1e-6;

/** Whether a computed number can be a probability, up to rounding. False for NaN too. */
const isProbability = (value: number): boolean => value >= -ROUNDING && value <= 1 + ROUNDING;

/** Turns what was computed for a batch into the results of its images. @throws InputError as `describeImage` does */
export const describeBatch = (
  session: Session,
  { images, indexes }: Batch,
  request: Request,
  computed: readonly Computed[],
): Promise<Localization[]> =>
  Promise.all(
    computed.map(async (one, slot) => {
      const warnings = await warningsOf(session, images[slot]);
      return describeImage(session.metadata, { index: indexes[slot], warnings }, one, request);
    }),
  );

/** What was assumed about the weights, then what looks wrong about the image, also for these weights. */
export async function warningsOf(
  { warnings, metadata: { imageKind } }: Pick<Session, 'warnings' | 'metadata'>,
  image: Batch['images'][number],
): Promise<Warning[]> {
  const found = [...warnings, ...(('warnings' in image && image.warnings) || [])];
  if (!imageKind || !('data' in image)) return found;
  // Loaded on demand, because most weights do not say which kind of images they know.
  const other = (await import('./images/image_kind.js')).otherKind(image as Image, imageKind);
  return other ? [...found, other] : found;
}

/** @throws InputError if the network computed a logit or a heatmap that is not finite, or a probability outside 0…1 */
async function describeImage(
  { classes, inputWidth, fit, heatmapMethod: method = 'cam' }: WeightsMetadata,
  { index, warnings }: Pick<Localization, 'index' | 'warnings'>,
  { width, height, logits, probabilities, cells: [rows, columns], regions, heatmaps }: Computed,
  request: Request,
): Promise<Localization> {
  const byLabel = <T>(values: ArrayLike<T>) =>
    Object.fromEntries(classes.map((label, place) => [label, values[place]]));
  const scores = byLabel(probabilities);
  const raws = byLabel(logits);
  const inNetwork = { x: 0, y: 0, width: inputWidth / columns, height: inputWidth / rows };
  const cell = toImage(frameOf(width, height, inputWidth, fit), inNetwork);
  const smallest = request.minRegions.map((cells) => cells * cell.width * cell.height);
  // Scaled heatmaps are finite, because a heatmap that is not becomes zeros.
  const raw = request.heatmaps === 'raw' ? heatmaps : undefined;
  const heats = classes.map((_, map) =>
    regions?.states[map] === 'not finite' ? Number.NaN : (raw?.[map].data.find((heat) => !Number.isFinite(heat)) ?? 0),
  );
  // A class whose numbers are not finite would have no findings, and the chest would look healthy.
  if (!classes.every((label, map) => [raws[label], heats[map]].every(Number.isFinite) && isProbability(scores[label])))
    throw (await import('./session/wrong_results.js')).wrongResults(classes, raws, scores, heats, isProbability);
  for (const label of classes) scores[label] = Math.max(0, Math.min(1, scores[label]));
  const boxes =
    regions && request.boxes
      ? readFindings(classes, scores, regions, request, smallest)
      : { findings: [], truncated: [] };
  const data = { index, width, height, probabilities: scores, logits: raws, warnings, method, ...boxes };
  if (request.lungMask !== 'off')
    data.findings = (await import('./lung_region.js')).withLungMask(data.findings, data, request.lungMask);
  return asLocalization({ ...data, ...(heatmaps ? { heatmaps: byLabel(heatmaps) } : {}) }, classes);
}

function readFindings(
  classes: readonly string[],
  probabilities: Record<string, number>,
  found: Regions,
  { heatThresholds, maxBoxes }: Request,
  smallest: readonly number[],
): { findings: Finding[]; truncated: string[] } {
  // The region with a map's highest value is kept, however small, so that each class that is found has a box.
  const highest = new Map<number, number>();
  for (const { map, peak } of found.boxes) highest.set(map, Math.max(peak, highest.get(map) ?? 0));
  const isHighest = ({ map, peak }: HeatBox) => peak === highest.get(map);
  const truncated = new Set(classes.filter((_, map) => found.truncated.has(map)));
  const regions = classes.flatMap((label, map) =>
    heatThresholds[map].flatMap((threshold) => {
      const all = found.boxes.filter((box) => box.map === map && box.threshold === threshold);
      const large = all.filter((box) => box.area >= smallest[map] || isHighest(box));
      if (large.length <= maxBoxes) return large;
      truncated.add(label);
      const first = large.slice(0, maxBoxes);
      // Without a smallest region the first ones count, whether the table has room for more because of another class or not.
      return smallest[map] === 0 || first.some(isHighest)
        ? first
        : [...first.slice(0, -1), large.find(isHighest) ?? first[maxBoxes - 1]];
    }),
  );
  const findings = regions.map(({ map, threshold, x, y, width, height, area, peak }) => {
    const label = classes[map];
    return { label, score: probabilities[label], box: { x, y, width, height }, threshold, area, peak };
  });
  return { findings, truncated: classes.filter((label) => truncated.has(label)) };
}
