/** Finds regions in the heatmaps that onnxruntime has computed, as the kernels do on a GPU. */
import { MAX_BOXES } from '../../ops/boxes/component_boxes.js';
import type { HeatFrame, HeatScaling } from '../../ops/boxes/heat.js';
import { boxesOfHeatmap, type Heat } from '../../ops/boxes/heat_on_cpu.js';
import type { Request } from '../request.js';
import type { Heatmap } from '../results.js';
import type { Computed, Regions } from '../session/session.js';

/** The outputs of the network for a batch: [n, classes], and heatmaps [n, classes, rows, columns] if the request needs them. */
export interface Outputs {
  readonly logits: Float32Array;
  readonly probabilities: Float32Array;
  readonly heatmaps?: Float32Array | undefined;
  readonly classes: number;
  readonly cells: readonly [rows: number, columns: number];
}

/** Whether the request needs heatmaps. */
export const needsHeatmaps = ({ boxes, heatmaps }: Request) => boxes || heatmaps !== 'none';

/** @param slot the image's place in the batch */
export function numbersOf(
  { logits, probabilities, heatmaps, classes, cells }: Outputs,
  slot: number,
  frame: HeatFrame & { readonly scaling: HeatScaling },
  request: Request,
): Computed {
  const ofImage = (values: Float32Array, each = 1) => values.slice(slot * classes * each, (slot + 1) * classes * each);
  const scores = ofImage(probabilities);
  const { width: imageWidth, height: imageHeight } = frame;
  const numbers = { width: imageWidth, height: imageHeight, logits: ofImage(logits), probabilities: scores, cells };
  if (!heatmaps) return numbers;
  const [height, width] = cells;
  const maps = ofImage(heatmaps, height * width);
  const mapOf = (label: number) => maps.slice(label * height * width, (label + 1) * height * width);
  const found =
    request.boxes || request.heatmaps === 'scaled' ? regionsOf(mapOf, scores, cells, frame, request) : undefined;
  const raw =
    request.heatmaps === 'raw' ? Array.from(scores, (_, label) => ({ width, height, data: mapOf(label) })) : undefined;
  return { ...numbers, regions: found?.regions, heatmaps: raw ?? found?.scaled };
}

function regionsOf(
  mapOf: (label: number) => Float32Array,
  scores: Float32Array,
  [rows, columns]: readonly [number, number],
  frame: HeatFrame & { readonly scaling: HeatScaling },
  request: Request,
): { regions: Regions; scaled: Heatmap[] | undefined } {
  const { gates, minRegions } = request;
  const boxes: Regions['boxes'][number][] = [];
  const states: Regions['states'][number][] = [];
  const truncated = new Set<number>();
  const scaled: Heatmap[] = [];
  let kept: Float64Array | undefined;
  for (const [map, score] of scores.entries()) {
    const heatThresholds = request.boxes ? request.heatThresholds[map] : [];
    // If small regions have to be left out, the boxes of all regions are needed to choose the large ones among them.
    const most = minRegions[map] > 0 ? MAX_BOXES : request.maxBoxes;
    // The kernels compare with a threshold in f32.
    const isOpen = score >= Math.fround(gates[map]);
    const found = isOpen ? boxesOfHeatmap(mapOf(map), rows, columns, { ...frame, heatThresholds }, kept) : undefined;
    kept = found?.scaled.values ?? kept;
    states.push(found?.state ?? 'closed');
    for (const [t, list] of (found?.regions ?? []).entries()) {
      if (list.length > most) truncated.add(map);
      for (const region of list.slice(0, most))
        boxes.push({ map, threshold: heatThresholds[t], ...region, peak: Math.fround(region.peak) });
    }
    if (request.heatmaps === 'scaled') scaled.push(atImageSize(found?.scaled, frame));
  }
  return { regions: { boxes, states, truncated }, scaled: request.heatmaps === 'scaled' ? scaled : undefined };
}

/** Scaled heat at all pixels of the image: 0 where the network did not see it. */
function atImageSize(heat: Heat | undefined, { width, height }: HeatFrame): Heatmap {
  const data = new Float32Array(width * height);
  for (let row = 0; heat && row < heat.height; row++) {
    const line = heat.values.subarray(row * heat.width, (row + 1) * heat.width);
    data.set(line, (heat.top + row) * width + heat.left);
  }
  return { width, height, data };
}
