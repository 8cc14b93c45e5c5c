/**
 * Random numbers of a training run. Each purpose has a stream of its own: for example the order of epoch 3, or the augmentation of image
 * 17 in it. Without one long sequence, a checkpoint need not store the state of a generator, and an image's augmentation does not depend
 * on the order in which threads finish.
 */
import { type Random, seededRandom } from '../random.js';

/** The purposes of streams. */
export const PURPOSE = { order: 1, view: 2 } as const;

/** The stream of a seed and some counters: a purpose, an epoch, a place. */
export function randomOf(seed: number, ...counters: readonly number[]): Random {
  let state = (Math.trunc(seed) ^ Math.trunc(seed / 2 ** 32)) >>> 0;
  for (const counter of counters) {
    state = Math.imul(state ^ (counter >>> 0), 0x9e3779b1);
    state = Math.imul(state ^ (state >>> 15), 0x85ebca77);
    state = (state ^ (state >>> 13)) >>> 0;
  }
  return seededRandom(state);
}
