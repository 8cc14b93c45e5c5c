/** Turns the densities of a phantom into grey levels, as the exposure of a radiograph does. */
import { clamp, smooth } from './math.js';
import type { PhantomStyle } from './options.js';
import type { Random } from './random.js';

/** How densities become grey levels: limits and curve of the exposure. They are the same with and without a disease. */
export interface Exposure {
  black: number;
  white: number;
  /** How much steeper the curve is in the middle: 0 is linear, 1 the most. */
  contrast: number;
  /** Standard deviation of the noise in grey levels at full density. */
  noise: number;
}

export function drawExposure(visit: Random, style: PhantomStyle): Exposure {
  const { variation } = style;
  return {
    black: visit.normal(0, 0.06) * variation,
    white: 1.6 + visit.normal(0, 0.13) * variation,
    contrast: clamp(visit.normal(0.35, 0.25 * variation), 0, 0.9),
    noise: style.noise,
  };
}

/** Steps of the table of grey levels. */
const TABLE = 1024;

/** Turns densities into grey levels, with quantum noise. There is more noise where less of the beam arrives. */
export function develop(density: Float32Array, exposure: Exposure, random: Random): Uint8Array {
  const { black, white, contrast, noise } = exposure;
  const table = Float32Array.from({ length: TABLE + 2 }, (_, i) => {
    const t = i / TABLE;
    return 250 * (t + contrast * (smooth(t) - t));
  });
  const scale = TABLE / (white - black);
  const grey = new Uint8Array(density.length);
  for (let i = 0; i < density.length; i++) {
    const p = clamp((density[i] - black) * scale, 0, TABLE);
    const k = Math.floor(p);
    const value = table[k] + (table[k + 1] - table[k]) * (p - k);
    // The sum of the four bytes of a random word is nearly normal, with mean 510 and standard deviation 147.8.
    const word = random.bits();
    const deviate = ((word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24) - 510) / 147.8;
    grey[i] = clamp(Math.round(value + deviate * noise * (0.25 + 0.75 * (p / TABLE))), 0, 255);
  }
  return grey;
}
