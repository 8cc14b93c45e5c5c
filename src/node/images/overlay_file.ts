/** Writes overlays as PNG files. */

import type { Image } from '../../formats/images/pixels.js';
import type { Localization } from '../../localizer/results.js';
import { writeWhole } from '../text_files.js';
import { drawnPng } from './overlay_png.js';

/** Draws an overlay and writes it, so that a reader never finds a half-written file. */
export async function writeOverlay(
  path: string,
  image: Image,
  result: Localization,
  options: Parameters<typeof drawnPng>[2],
): Promise<void> {
  await writeWhole(path, await drawnPng(image, result, options));
}
