/** Draws X-rays and heatmaps on canvases of a page, and the whole picture on one canvas for saving. */
import { withoutAlpha } from '../formats/images/alpha.js';
import type { Image } from '../formats/images/pixels.js';
import { classColor, inferno } from '../overlay/colors.js';
import { shownRange } from '../overlay/grey_range.js';
import { type Heatmap, type HeatmapScaling, heatLevels } from '../overlay/heatmap.js';
import { placeLabel } from '../overlay/placement.js';

/** Pixels with 8 or 16 bits. The length of `data` says whether they are grey, RGB or RGBA. */
export interface Pixels {
  data: Uint8Array | Uint8ClampedArray | Uint16Array;
  width: number;
  height: number;
}

/** The image of an overlay: pixels, or an object with a size that a 2-D canvas can draw. */
export type OverlayImage = Pixels | ImageBitmap | HTMLCanvasElement | OffscreenCanvas | HTMLImageElement | VideoFrame;

/** Something that a canvas can draw, and its size in pixels. */
export interface Drawn {
  source: CanvasImageSource;
  width: number;
  height: number;
}

const context = (canvas: OffscreenCanvas | HTMLCanvasElement) =>
  canvas.getContext('2d') as OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D;

/** Makes an image drawable. 16-bit pixels are shown from their darkest to their brightest value. */
export function drawnOf(image: OverlayImage): Drawn {
  if ('data' in image) return fromPixels(image);
  if ('naturalWidth' in image) return { source: image, width: image.naturalWidth, height: image.naturalHeight };
  if ('displayWidth' in image) return { source: image, width: image.displayWidth, height: image.displayHeight };
  return { source: image, width: image.width, height: image.height };
}

/** The largest side of a canvas. Browsers refuse much larger ones, some of them without an error. */
const MAX_SIDE = 4096;

function fromPixels(pixels: Pixels): Drawn {
  const { width, height } = pixels;
  const { width: w, height: h, ...small } = shrunk(pixels);
  // Transparent pixels are blended with black, as they are for the network.
  const { data, channels } = withoutAlpha({
    ...small,
    width: w,
    height: h,
    channels: small.data.length / (w * h),
  } as Image);
  const [low, high] = shownRange(data);
  const scale = 255 / Math.max(1, high - low);
  const rgba = new Uint8ClampedArray(w * h * 4);
  for (let pixel = 0; pixel < w * h; pixel++) {
    for (let i = 0; i < 3; i++) {
      rgba[pixel * 4 + i] = (data[pixel * channels + (channels > 1 ? i : 0)] - low) * scale;
    }
    rgba[pixel * 4 + 3] = 255;
  }
  const source = new OffscreenCanvas(w, h);
  context(source).putImageData(new ImageData(rgba, w, h), 0, 0);
  return { source, width, height };
}

/** Takes every n-th pixel of an image that is too large for a canvas. */
function shrunk({ data, width, height }: Pixels): Pixels {
  const step = Math.ceil(Math.max(width, height) / MAX_SIDE);
  if (step === 1) return { data, width, height };
  const channels = data.length / (width * height);
  const [w, h] = [Math.ceil(width / step), Math.ceil(height / step)];
  const small = new (data instanceof Uint16Array ? Uint16Array : Uint8Array)(w * h * channels);
  for (let y = 0, to = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const from = (y * width + x) * step * channels;
      for (let i = 0; i < channels; i++) small[to++] = data[from + i];
    }
  }
  return { data: small, width: w, height: h };
}

/** A heatmap, and how it is drawn. */
export interface Heat {
  heatmap: Heatmap;
  scaling: HeatmapScaling;
  /** 0 to 1. */
  opacity: number;
}

const HEAT_COLORS = Array.from({ length: 256 }, (_, level) => inferno(level / 255));

/** Draws a heatmap in colours on a canvas of this size. The hotter a pixel, the more opaque it is. */
function heatCanvas(
  heatmap: Heatmap,
  width: number,
  height: number,
  scaling: HeatmapScaling,
): OffscreenCanvas | undefined {
  const levels = heatLevels(heatmap, [width, height], scaling);
  if (!levels) return undefined;
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (const [i, heat] of levels.entries()) {
    rgba.set(HEAT_COLORS[Math.round(heat * 255)], i * 4);
    rgba[i * 4 + 3] = heat * 255;
  }
  const canvas = new OffscreenCanvas(width, height);
  context(canvas).putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas;
}

interface Size {
  width: number;
  height: number;
}

/** Draws an image on a canvas of the page, which gets this size. */
export function drawOn(canvas: HTMLCanvasElement, size: Size, { source }: Drawn): void {
  Object.assign(canvas, size);
  const c = context(canvas);
  c.imageSmoothingQuality = 'high';
  c.drawImage(source, 0, 0, size.width, size.height);
}

/** Draws a heatmap on a canvas of the page, which gets this size and the heatmap's opacity. Without a heatmap it becomes empty. */
export function drawHeatOn(canvas: HTMLCanvasElement, size: Size, heat: Heat | undefined): void {
  Object.assign(canvas, size);
  if (!heat) return;
  canvas.style.opacity = String(heat.opacity);
  const colours = heat.opacity > 0 && heatCanvas(heat.heatmap, size.width, size.height, heat.scaling);
  if (colours) context(canvas).drawImage(colours, 0, 0);
}

/** The colour of a class in CSS. */
export const cssColor = (index: number) => `rgb(${classColor(index).join(' ')})`;

/** How a box is drawn. */
export interface Outline {
  /** In shares of the image's width and height. */
  box: { x: number; y: number; width: number; height: number };
  color: string;
  /** Rank of its heat threshold among those of its class: 0 is the highest. */
  rank: number;
  text?: string | undefined;
}

/** Converts a box from shares to pixels. */
export const scaled = (box: Outline['box'], { width, height }: { width: number; height: number }) => ({
  x: box.x * width,
  y: box.y * height,
  width: box.width * width,
  height: box.height * height,
});

const FONT = '600 {}px system-ui, sans-serif';
const MIN_SIDE = 768;

/** The picture as one canvas of 768 to 4096 pixels, so that labels can be read. */
export function composePicture(
  { source, width, height }: Drawn,
  heat: Heat | undefined,
  outlines: readonly Outline[],
  caption: string,
): OffscreenCanvas {
  const side = Math.max(width, height);
  const scale = Math.min(MAX_SIDE / side, Math.max(1, MIN_SIDE / side));
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const size = Math.max(13, Math.round(Math.max(w, h) / 55));
  const bar = caption ? Math.round(size * 2) : 0;
  const canvas = new OffscreenCanvas(w, h + bar);
  const c = context(canvas);
  c.imageSmoothingQuality = 'high';
  c.drawImage(source, 0, 0, w, h);
  const colours = heat && heatCanvas(heat.heatmap, w, h, heat.scaling);
  if (colours) {
    c.globalAlpha = heat.opacity;
    c.drawImage(colours, 0, 0);
    c.globalAlpha = 1;
  }
  const line = Math.max(2, Math.round(size / 6));
  for (const { box, color, rank } of outlines) {
    c.setLineDash(rank === 0 ? [] : [(line * 5) / rank, (line * 3) / rank]);
    for (const [stroke, extra] of [
      ['#000', 2],
      [color, 0],
    ] as const) {
      c.strokeStyle = stroke;
      c.lineWidth = line + extra;
      c.strokeRect(box.x * w, box.y * h, box.width * w, box.height * h);
    }
  }
  drawLabels(c, outlines, { x: 0, y: 0, width: w, height: h }, size);
  if (caption) {
    c.fillStyle = '#000';
    c.fillRect(0, h, w, bar);
    c.fillStyle = '#fff';
    c.font = FONT.replace('{}', String(Math.round(size * 0.9)));
    c.fillText(caption, size * 0.6, h + bar * 0.66, w - size * 1.2);
  }
  return canvas;
}

function drawLabels(
  c: OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D,
  outlines: readonly Outline[],
  area: { x: number; y: number; width: number; height: number },
  size: number,
): void {
  c.font = FONT.replace('{}', String(size));
  const taken: (typeof area)[] = [];
  for (const { box, color, text } of outlines) {
    if (!text) continue;
    const label = { width: Math.ceil(c.measureText(text).width + size * 0.8), height: Math.round(size * 1.5) };
    const drawn = scaled(box, area);
    const place = placeLabel(label, drawn, area, taken);
    if (!place) continue;
    taken.push(place);
    c.fillStyle = '#000';
    c.fillRect(place.x, place.y, place.width, place.height);
    c.fillStyle = color;
    c.fillRect(place.x + 1, place.y + 1, place.width - 2, place.height - 2);
    c.fillStyle = '#000';
    c.fillText(text, place.x + size * 0.4, place.y + size * 1.08, place.width - size * 0.8);
  }
}
