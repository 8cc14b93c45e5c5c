/** From what was read back to what a user is told. */
import type { Finding } from '../formats/findings.js';
import type { WeightsMetadata } from '../formats/weights.js';
import { decodeBoxes } from '../ops/component_boxes.js';
import type { Request } from './request.js';
import { asLocalization, type Heatmap, type Localization } from './results.js';
import type { BoxStage } from './stages.js';

/** What the network put out for a batch. */
interface NetworkOutputs {
  readonly logits: Float32Array;
  readonly probabilities: Float32Array;
  /** [batch, classes, h, w], where raw heatmaps were asked for. */
  readonly heatmaps: Float32Array | undefined;
  readonly shape: readonly number[];
}

interface Place {
  readonly index: number;
  readonly slot: number;
  readonly width: number;
  readonly height: number;
}

/** @param read what the box stage put out for this image, in the order of its outputs. */
export function describeImage(
  { classes }: WeightsMetadata,
  { index, slot, width, height }: Place,
  outputs: NetworkOutputs,
  stage: BoxStage | undefined,
  read: readonly ArrayBuffer[] | undefined,
  request: Request,
): Localization {
  const byLabel = (values: Float32Array) =>
    Object.fromEntries(classes.map((label, place) => [label, values[slot * classes.length + place]]));
  const probabilities = byLabel(outputs.probabilities);
  const { findings, truncated } =
    stage && request.boxes ? readFindings(classes, probabilities, stage, read!, request) : NONE;
  const heatmaps = readHeatmaps(classes, outputs, slot, stage, read, request);
  return asLocalization(
    {
      index,
      width,
      height,
      probabilities,
      logits: byLabel(outputs.logits),
      findings,
      truncated,
      ...(heatmaps ? { heatmaps } : {}),
    },
    classes,
  );
}

const NONE = { findings: [], truncated: [] };

function readFindings(
  classes: readonly string[],
  probabilities: Record<string, number>,
  { plan, boxes }: BoxStage,
  read: readonly ArrayBuffer[],
  { heatThresholds, maxBoxes }: Request,
): { findings: Finding[]; truncated: string[] } {
  const words = (tensor: typeof boxes.table) => new Uint32Array(read[plan.graph.outputs.indexOf(tensor)]);
  const decoded = decodeBoxes(words(boxes.table), words(boxes.counts), { thresholds: heatThresholds, maxBoxes });
  const findings = decoded.boxes.map(({ map, threshold, x, y, width, height, area, peak }) => {
    const label = classes[map];
    return { label, score: probabilities[label], box: { x, y, width, height }, threshold, area, peak };
  });
  return { findings, truncated: classes.filter((_, map) => decoded.found[map].some((count) => count > maxBoxes)) };
}

function readHeatmaps(
  classes: readonly string[],
  outputs: NetworkOutputs,
  slot: number,
  stage: BoxStage | undefined,
  read: readonly ArrayBuffer[] | undefined,
  request: Request,
): Record<string, Heatmap> | undefined {
  if (request.heatmaps === 'none') return undefined;
  const scaled = stage?.scaled;
  const [, , height, width] = scaled ? scaled.shape : outputs.shape;
  const cells = width * height;
  const all = scaled ? new Float32Array(read![stage.plan.graph.outputs.indexOf(scaled)]) : outputs.heatmaps!;
  const first = scaled ? 0 : slot * classes.length;
  const entries = classes.map((label, place) => {
    const data = all.slice((first + place) * cells, (first + place + 1) * cells);
    return [label, { width, height, data }] as const;
  });
  return Object.fromEntries(entries);
}
