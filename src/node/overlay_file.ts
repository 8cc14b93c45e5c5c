/** Overlays as PNG files. */

import type { Image } from '../formats/pixels.js';
import { encodePng } from '../formats/png.js';
import type { WeightsMetadata } from '../formats/weights.js';
import { DEFAULT_THRESHOLD } from '../localizer/request.js';
import type { Localization } from '../localizer/results.js';
import { drawOverlay } from '../overlay/overlay.js';
import { loadFont } from './font.js';
import { writeWhole } from './text_files.js';

export const UNTRAINED = 'UNTRAINED WEIGHTS: the findings are meaningless';

/** Draws what was found and writes it beside its place, then renames it. */
export async function writeOverlay(
  path: string,
  image: Image,
  { findings, probabilities, heatmaps }: Localization,
  metadata: WeightsMetadata,
  title: string,
  thresholds: Readonly<Record<string, number>> = {},
): Promise<void> {
  const defaults = Object.fromEntries(metadata.classes.map((label) => [label, DEFAULT_THRESHOLD]));
  const picture = drawOverlay(
    {
      image,
      title,
      findings,
      probabilities,
      heatmaps: heatmaps ?? {},
      heatmapScaling: metadata.heatmapScaling,
      thresholds: { ...defaults, ...metadata.thresholds, ...thresholds },
      ...(metadata.trainingData === 'none' ? { notice: UNTRAINED } : {}),
    },
    await loadFont(),
  );
  await writeWhole(path, await encodePng(picture));
}
