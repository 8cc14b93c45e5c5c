/** Puts a list in an order that a seed determines, in place (Fisher and Yates). */
import { seededRandom } from '../../src/random.js';

export function shuffle<T>(list: T[], seed: number): T[] {
  const random = seededRandom(seed);
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [list[last], list[other]] = [list[other], list[last]];
  }
  return list;
}
