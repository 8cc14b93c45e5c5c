/** What is drawn for an image each time that it is trained on: how it lies, and its tone. */
import { InputError } from '../errors.js';
import { PLAIN_VIEW, VIEW_NUMBERS } from '../ops/images/augment.js';
import { PURPOSE, randomOf } from './randomness.js';

/** How far a training image may be changed each time it is seen. */
export interface Augmentation {
  /** Share of the images that are mirrored, 0 … 1. */
  flip: number;
  /** A window of side 1 − crop … 1 of the image's is taken, at a random place: 0 … 0.9. */
  crop: number;
  /** Largest turn to either side, in degrees: 0 … 180. */
  rotate: number;
  /** Contrast is multiplied by 1 − contrast … 1 + contrast: 0 … 1. */
  contrast: number;
  /** Brightness is moved by up to this share of the range of grey values: 0 … 1. */
  brightness: number;
}

/** Nothing changes. */
export const NO_AUGMENTATION: Augmentation = { flip: 0, crop: 0, rotate: 0, contrast: 0, brightness: 0 };

/** What `raybox train` does unless told otherwise. */
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
 * Views of some images for the operation `augment`, those at `first`, first + 1, … in the order of an epoch. Each is drawn from the
 * seed, the epoch and its place alone.
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

/** As many views that change nothing. */
export function plainViews(count: number): Float32Array {
  return Float32Array.from({ length: count * VIEW_NUMBERS }, (_, i) => PLAIN_VIEW[i % VIEW_NUMBERS]);
}
