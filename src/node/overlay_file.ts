/** Writes overlays as PNG files. */

import type { Image } from '../formats/images/pixels.js';
import type { WeightsMetadata } from '../formats/weights/weights.js';
import type { Localization } from '../localizer/results.js';
import { drawnPng } from './overlay_png.js';
import { writeWhole } from './text_files.js';

/** Draws an overlay and writes it, so that a reader never finds a half-written file. */
export async function writeOverlay(
  path: string,
  image: Image,
  result: Localization,
  metadata: WeightsMetadata,
  title: string,
  operatingThresholds: Readonly<Record<string, number>> = {},
): Promise<void> {
  await writeWhole(path, await drawnPng(image, result, { metadata, title, operatingThresholds }));
}
