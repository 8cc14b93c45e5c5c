/** Pixels as they are stored, and how their colours become a network's channels. */

export interface PixelFormat {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 RGB, 4 RGBA: straight alpha, blended with black. */
  readonly channels: 1 | 3 | 4;
  /** 8: samples are bytes. 9 to 16: samples have 16 bits, and this number of them is used. White is 2 ** bits − 1. */
  readonly bits: number;
}

export interface Normalisation {
  /** One number for each channel of the network's input, which has 1 or 3. The input is (scale · v − mean) / std, with v in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** 1 by default; 255 for networks that were trained on raw bytes. */
  readonly scale: number;
  /** Order of the network's channels; mean and std are in this order too. */
  readonly order: 'rgb' | 'bgr';
}

/** Luma of ITU-R 601. Pillow's mode L and most tools compute grey by it. */
const LUMA = [0.299, 0.587, 0.114];

/** For each output channel the weights of red, green and blue samples and the bias. They include raw scale and normalisation. */
export function colourMatrix(attributes: PixelFormat & Normalisation): { weights: number[]; bias: number }[] {
  const { channels, bits, mean, std, scale, order } = attributes;
  return mean.map((shift, output) => {
    const source = order === 'rgb' ? output : 2 - output;
    const mix =
      channels === 1 ? [1, 0, 0] : mean.length === 1 ? LUMA : [0, 1, 2].map((input) => (input === source ? 1 : 0));
    const factor = scale / ((2 ** bits - 1) * std[output]);
    return { weights: mix.map((weight) => weight * factor), bias: -shift / std[output] };
  });
}
