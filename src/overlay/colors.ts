/** The colours of overlays: a colour map for heat, and a colour for each class. */

export type Color = readonly [red: number, green: number, blue: number];

/** Reads a colour `#rrggbb`. */
export function colorOf(hex: string): Color {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Colours that are easy to distinguish and light enough for black text on them. */
const CLASS_COLORS = [
  ...['#56b4e9', '#3ddc97', '#ff8ac4', '#f0e442', '#c0a5ff', '#ff9f45', '#d8f3ff', '#ff6b6b'],
  ...['#2ed3d3', '#a6f28f', '#e0b080', '#9fb4ff', '#f5b8e0', '#d4d48a'],
].map(colorOf);

/** The colour of class number `index`. */
export const classColor = (index: number): Color => CLASS_COLORS[Math.max(0, index) % CLASS_COLORS.length];

/**
 * The colour map Inferno, in which equal steps of the value look like equal steps (van der Walt and Smith 2015, bids.github.io/colormap,
 * CC0). These are 17 of its 256 colours; those between are interpolated, which is off by at most 7 levels.
 */
const INFERNO = [
  ...['#000004', '#0b0724', '#210c4a', '#3d0965', '#57106e', '#71196e', '#8a226a', '#a32c61', '#bc3754'],
  ...['#d24644', '#e45a31', '#f1731d', '#f98e09', '#fcac11', '#f9cb35', '#f2ea69', '#fcffa4'],
].map(colorOf);

/** The colour of a value from 0 to 1. Values outside of this range get the colour of the nearer end, NaN that of 0. */
export function inferno(value: number): Color {
  const at = Math.min(1, Math.max(0, value || 0)) * (INFERNO.length - 1);
  const low = Math.min(Math.floor(at), INFERNO.length - 2);
  const mix = (channel: 0 | 1 | 2) =>
    INFERNO[low][channel] + (INFERNO[low + 1][channel] - INFERNO[low][channel]) * (at - low);
  return [mix(0), mix(1), mix(2)];
}
