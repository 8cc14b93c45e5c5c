/** Random changes of the position, brightness and contrast of an image, drawn each time that it is trained on. */
import { InputError } from '../errors.js';
import { PLAIN_VIEW, VIEW_NUMBERS } from '../ops/images/augment.js';
import { PURPOSE, randomOf } from './randomness.js';

/** How far a training image may be changed each time it is seen. */
export interface Augmentation {
  /** Share of the images that are mirrored, 0 … 1. */
  flip: number;
  /** A window at a random place is taken, whose side is 1 − crop … 1 of the image's: 0 … 0.9. */
  crop: number;
  /** Largest rotation in either direction, in degrees: 0 … 180. */
  rotate: number;
  /** Contrast is multiplied by 1 − contrast … 1 + contrast: 0 … 1. */
  contrast: number;
  /** Brightness is moved by up to this share of the range of grey values: 0 … 1. */
  brightness: number;
}

/** Images are not changed. */
export const NO_AUGMENTATION: Augmentation = { flip: 0, crop: 0, rotate: 0, contrast: 0, brightness: 0 };

/** The default of `raybox train`. */
export const DEFAULT_AUGMENTATION: Augmentation = { flip: 0.5, crop: 0.1, rotate: 5, contrast: 0.15, brightness: 0.05 };

const LARGEST: Augmentation = { flip: 1, crop: 0.9, rotate: 180, contrast: 1, brightness: 1 };

/** @throws InputError naming the number that is out of range. */
export function checkAugmentation(augmentation: Augmentation): void {
  for (const [name, most] of Object.entries(LARGEST)) {
    const value = augmentation[name as keyof Augmentation];
    if (value >= 0 && value <= most) continue;
    throw new InputError(`augmentation: ${name} is wrong`, { expected: `0 … ${most}`, given: String(value) });
  }
}

/**
 * Draws the changes of some images, as the operation `augment` takes them: of the images at the places `first`, first + 1, … in the order
 * of an epoch. The random numbers of an image depend only on the seed, the epoch and its place.
 */
export function drawViews(
  { flip, crop, rotate, contrast, brightness }: Augmentation,
  size: number,
  { seed, epoch, first, count }: { seed: number; epoch: number; first: number; count: number },
): Float32Array {
  const views = new Float32Array(count * VIEW_NUMBERS);
  for (let i = 0; i < count; i++) {
    const random = randomOf(seed, PURPOSE.view, epoch, first + i);
    const between = (low: number, high: number) => low + (high - low) * random();
    const mirror = random() < flip ? -1 : 1;
    const side = between(1 - crop, 1);
    const angle = (between(-rotate, rotate) * Math.PI) / 180;
    const [cosine, sine] = [side * Math.cos(angle), side * Math.sin(angle)];
    const slack = ((1 - side) * size) / 2;
    const place = [between(-slack, slack), between(-slack, slack)];
    const tone = [between(1 - contrast, 1 + contrast), between(-brightness, brightness)];
    views.set([mirror * cosine, -sine, mirror * sine, cosine, ...place, ...tone], i * VIEW_NUMBERS);
  }
  return views;
}

/** Input of the operation `augment` that leaves `count` images as they are. */
export function plainViews(count: number): Float32Array {
  return Float32Array.from({ length: count * VIEW_NUMBERS }, (_, i) => PLAIN_VIEW[i % VIEW_NUMBERS]);
}
