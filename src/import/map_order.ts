/** Finds the order in which a value's dimensions are the axes of a map. */
import { type Order, Unsupported, type Value } from './kit.js';
import { sizeOf } from './views.js';

/** The order in which a value's dimensions are a map's axes, if the dimension `channels` holds the channels. */
export function orderOf({ dims }: Pick<Value, 'dims'>, channels: number): Order {
  const others = dims.flatMap((runs, i) => (runs.length > 0 && i !== channels ? [i] : []));
  const along = (axis: 'n' | 'h' | 'w') => others.find((i) => dims[i][0].axis === axis);
  const n = along('n');
  const taken = { h: along('h'), w: along('w') };
  if (others.length > (n === undefined ? 2 : 3))
    throw new Unsupported(`a value of ${dims.map(sizeOf).join('×')} is no map`);
  // Other dimensions have to be moved to rows and columns. Any dimension of size 1 can serve as either.
  const left = others.filter((i) => i !== n && i !== taken.h && i !== taken.w);
  const free = [...left, ...dims.flatMap((runs, i) => (runs.length === 0 && i !== channels && i !== 0 ? [i] : []))];
  const [h, w] = [taken.h ?? free.shift(), taken.w ?? free.shift()];
  return {
    ...{ c: channels, ...(n === undefined ? {} : { n }) },
    ...(h === undefined ? {} : { h }),
    ...(w === undefined ? {} : { w }),
  };
}
