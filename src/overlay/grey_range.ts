/** Which grey values of an image are shown as black and as white. */

/** 0 and 255 for samples of 8 bits; the darkest and the brightest sample of an image of 16 bits, which would else be shown nearly black. */
export function shownRange(data: Uint8Array | Uint8ClampedArray | Uint16Array): [black: number, white: number] {
  if (!(data instanceof Uint16Array)) return [0, 255];
  let [low, high] = [65535, 0];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
