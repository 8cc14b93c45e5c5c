/**
 * Random numbers of a training run by what they are for: the order of epoch 3, the view of image 17 in it. Nothing is drawn from one
 * long sequence, so that a position in the run is all the state there is, and an image's view does not depend on which thread was
 * first.
 */
import { type Random, seededRandom } from '../random.js';

/** What a stream is for. */
export const PURPOSE = { order: 1, view: 2 } as const;

/** The stream that belongs to a seed and some counters. */
export function randomOf(seed: number, ...counters: readonly number[]): Random {
  let state = (Math.trunc(seed) ^ Math.trunc(seed / 2 ** 32)) >>> 0;
  for (const counter of counters) {
    state = Math.imul(state ^ (counter >>> 0), 0x9e3779b1);
    state = Math.imul(state ^ (state >>> 15), 0x85ebca77);
    state = (state ^ (state >>> 13)) >>> 0;
  }
  return seededRandom(state);
}
