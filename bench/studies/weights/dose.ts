/**
 * The noise of a smaller dose in an 8-bit image, for which the counts of the detector are not known.
 *
 * A pixel of value v, from 0 (black) to 1, is taken to have let through 20^(−v) of the photons, of which 1,500 reach a black pixel at the full
 * dose: about those that a detector element of 0.14 mm gets at 2.5 µGy. In an image that was made smaller, noise of neighbouring elements
 * averages out, so this is more noise than a smaller dose really has.
 */
import type { Image } from '../../../src/formats/images/pixels.js';
import { normal, type Random } from '../../../src/random.js';

/** The dose is divided by these. */
export const DOSES = [2, 4, 10] as const;

const PHOTONS = 1500;
const CONTRAST = Math.log(20);
/** From this mean on, counts are drawn from a normal distribution. */
const MANY = 100;

/**
 * A grey image as it would be at a share of the dose. The image already has the noise of the full dose: counts at the share d of it have the
 * relative variance 1/(d·N), so that (1 − d)/(d·N) are added, which is the variance of a count whose mean is d·N/(1 − d).
 */
export function withDose(image: Image, share: number, random: Random): Image {
  const { data, channels } = image;
  if (!(data instanceof Uint8Array) || channels !== 1) throw new Error('expected a grey image of 8 bits');
  const noisy = data.map((value) => {
    const mean = (PHOTONS * Math.exp((-CONTRAST * value) / 255) * share) / (1 - share);
    // A pixel without a photon is as dark as the image can show: white.
    const count = Math.max(poisson(mean, random), 1e-3);
    const changed = value - (255 / CONTRAST) * Math.log(count / mean);
    return Math.min(Math.max(Math.round(changed), 0), 255);
  });
  return { ...image, data: noisy };
}

/** A Poisson count: by products of uniform numbers (Knuth), or for a large mean by the normal distribution. */
function poisson(mean: number, random: Random): number {
  if (mean > MANY) return Math.max(0, Math.round(mean + normal(random, Math.sqrt(mean))));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}
