/** `raybox/overlay/png`: draws overlays as PNG in Node, Deno or Bun. Pages use the element `<raybox-overlay>` instead. */
import { InputError } from '../../errors.js';
import type { ShownBoxes } from '../../formats/findings.js';
import type { Image } from '../../formats/images/pixels.js';
import { encodePng } from '../../formats/images/png.js';
import { DEFAULT_OPERATING_THRESHOLD } from '../../formats/operating_thresholds.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { ImageInput } from '../../localizer/images/image_input.js';
import { toPixels } from '../../localizer/images/images.js';
import type { Localization } from '../../localizer/results.js';
import { checkOptions, optionKinds } from '../../options.js';
import { drawOverlay } from '../../overlay/overlay.js';
import { loadFont } from './font.js';

/** The notice on a picture if the weights were never trained. */
export const UNTRAINED = 'UNTRAINED WEIGHTS: the findings are meaningless';

/** A result of `localize`, or one that was read from JSON. */
export type OverlayResult = Pick<Localization, 'width' | 'height' | 'probabilities' | 'findings'> &
  Partial<Pick<Localization, 'heatmaps'>>;

/** Options of `overlayPng`. */
export interface OverlayPngOptions {
  /** `metadata` of the localizer. It has the operating thresholds and the scaling of heatmaps, and says if the weights are untrained. */
  metadata?: WeightsMetadata;
  /** Operating thresholds by label, instead of those in the metadata. Default 0.5. */
  operatingThresholds?: Readonly<Record<string, number>>;
  /** Which boxes are drawn. Default `best`: the best one of each of the three most probable findings. */
  boxes?: ShownBoxes;
  /** Shown above the key. Default: none. */
  title?: string;
  /** See the option of `localize`. */
  bits?: number;
  /** See the option of `localize`. */
  maxImageBytes?: number;
}

const OPTIONS = optionKinds<OverlayPngOptions>({
  metadata: 'an object',
  operatingThresholds: 'values by name',
  boxes: ['best', 'all'],
  title: 'a text',
  bits: 'a whole number from 8 to 16',
  maxImageBytes: 'a number of bytes, 0 or more',
});

/**
 * Draws an image with the best boxes of its findings, over it the heatmap of its most probable class (if there are heatmaps), and beside it
 * the probabilities. The picture says how many findings and boxes it does not show.
 * @param image the image that `localize` was given: a path, URL, Blob, Response, bytes or pixels.
 * @returns the bytes of a PNG.
 * @throws InputError if the image cannot be read, or if its size is not that of the result.
 */
export async function overlayPng(
  image: ImageInput,
  result: OverlayResult,
  options: OverlayPngOptions = {},
): Promise<Uint8Array> {
  checkOptions('overlayPng', options, OPTIONS);
  const { bits, maxImageBytes, ...more } = options;
  const { width, height } = result;
  const pixels = await toPixels(image, { bits, maxImageBytes });
  if (!('data' in pixels)) {
    throw new InputError('an overlay cannot be drawn from an image on the GPU', {
      hint: 'give its pixels or its file',
    });
  }
  if (pixels.width !== width || pixels.height !== height) {
    throw new InputError('the image is not the one of the result', {
      expected: `${width} × ${height} pixels`,
      given: `${pixels.width} × ${pixels.height}`,
    });
  }
  return drawnPng(pixels as Image, result, more);
}

/** What `drawnPng` uses of the options. */
export type DrawOptions = Omit<OverlayPngOptions, 'metadata' | 'bits' | 'maxImageBytes'> & {
  metadata?: Pick<WeightsMetadata, 'operatingThresholds' | 'heatmapScaling' | 'trainingData'>;
  /** A text that the file has beside its picture. */
  text?: string;
};

/** As `overlayPng`, for the pixels of the image itself. */
export async function drawnPng(
  image: Image,
  { findings, probabilities, heatmaps = {} }: OverlayResult,
  { metadata, operatingThresholds, boxes, title = '', text }: DrawOptions,
): Promise<Uint8Array> {
  const defaults = Object.fromEntries(Object.keys(probabilities).map((label) => [label, DEFAULT_OPERATING_THRESHOLD]));
  const picture = drawOverlay(
    {
      image,
      title,
      boxes,
      findings,
      probabilities,
      heatmaps,
      operatingThresholds: { ...defaults, ...metadata?.operatingThresholds, ...operatingThresholds },
      ...(metadata ? { heatmapScaling: metadata.heatmapScaling } : {}),
      ...(metadata?.trainingData === 'none' ? { notice: UNTRAINED } : {}),
    },
    await loadFont(),
  );
  return encodePng(picture, { level: 1, ...(text === undefined ? {} : { text }) });
}
