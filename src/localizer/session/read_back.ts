/** Decodes the bytes that were read back from the GPU. */
import { heatThresholdRows } from '../../formats/heat_thresholds.js';
import { BOX_WORDS, decodeBoxes, MAX_BOXES } from '../../ops/boxes/component_boxes.js';
import type { Request } from '../request.js';
import type { Heatmap } from '../results.js';
import type { Computed, Regions } from './session.js';
import type { BoxStage, NetworkStage } from './stage.js';

/**
 * What was computed for one image of a batch.
 * @param slot its place in the batch
 * @param raw the network's own heatmaps, if they were asked for
 * @param own outputs of the box stage for this image
 */
export function numbersOf(
  { heatmaps: { shape } }: NetworkStage,
  slot: number,
  [logits, probabilities, raw]: readonly ArrayBuffer[],
  stage: BoxStage | undefined,
  own: readonly ArrayBuffer[] | undefined,
  request: Request,
): Omit<Computed, 'width' | 'height'> {
  const [, classes, rows, columns] = shape;
  const ofImage = (bytes: ArrayBuffer) => new Float32Array(bytes, slot * classes * 4, classes);
  const scaled = stage?.named.scaled;
  return {
    logits: ofImage(logits),
    probabilities: ofImage(probabilities),
    cells: [rows, columns],
    regions: own && decodeAll(own, classes, request),
    heatmaps: raw
      ? readHeatmaps(shape, raw, slot)
      : scaled && readHeatmaps(scaled.shape, own![stage.outputs.indexOf(scaled)], 0),
  };
}

/**
 * The number of boxes for each map and threshold that a larger table must hold, or undefined if the table is large enough.
 *
 * If small regions have to be left out, the boxes of all regions are needed to choose the large ones among them. The table has room for
 * `maxBoxes` boxes only, so the box stage has to run again if there are more regions. The number is a power of two, so that images with
 * similar numbers of regions share a plan.
 */
export function roomForAllRegions(counts: ArrayBuffer, request: Request): number | undefined {
  if (request.minRegions.every((cells) => cells === 0)) return undefined;
  const columns = heatThresholdRows(request.heatThresholds)[0].length + 1; // the last column is the map's state
  const most = new Uint32Array(counts).reduce(
    (max, count, at) => (at % columns < columns - 1 && count > max ? count : max),
    0,
  );
  return most > request.maxBoxes ? Math.min(2 ** Math.ceil(Math.log2(most)), MAX_BOXES) : undefined;
}

/** The table may have room for more boxes than the request's `maxBoxes`: see `roomForAllRegions`. */
function decodeAll([table, counts]: readonly ArrayBuffer[], classes: number, request: Request): Regions {
  const { heatThresholds } = request;
  const room = table.byteLength / (4 * BOX_WORDS * classes * heatThresholdRows(heatThresholds)[0].length);
  return decodeBoxes(new Uint32Array(table), new Uint32Array(counts), { heatThresholds, maxBoxes: room });
}

/** Heatmaps of one image of [images, classes, height, width]. */
function readHeatmaps([, classes, height, width]: readonly number[], bytes: ArrayBuffer, slot: number): Heatmap[] {
  const all = new Float32Array(bytes);
  const cells = width * height;
  return Array.from({ length: classes }, (_, map) => {
    const first = (slot * classes + map) * cells;
    return { width, height, data: all.slice(first, first + cells) };
  });
}
