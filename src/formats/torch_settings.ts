/** What stands beside the tensors of a torch checkpoint (epoch, arguments, names of classes, normalisation), as strings. */
import { PyObject } from './pickle.js';
import { NumpyArray, StoredTensor } from './torch_globals.js';

/** What else stands there and belongs to training alone. */
export const TRAINING_STATE = /optim|sched|scaler|loss|criterion|metric|rng|callbacks|loops/i;

/** Longest list or dict, in elements, that is taken over: names of classes are the longest that mean something. */
const MAX_ITEMS = 10_000;
/** Of everything together: a list costs its file two bytes to be named again, and may stand in itself. */
const MAX_VALUES = 100_000;
/** Of one setting, so that one that has no end does not hide the others. */
const MAX_VALUES_OF_ONE = 20_000;
/** Dicts in dicts: `hyper_parameters.data.normalize.mean`. */
const MAX_DEPTH = 4;

/** Tensors that say how an image is normalised. Others are of a network. */
const NORMALISATION = /^\w*(mean|std)s?$/i;

/** Whether a value is a dict of a network's tensors, and not only of those that say how an image is normalised. */
export const isNetwork = (value: unknown): value is Map<unknown, unknown> =>
  value instanceof Map &&
  [...value].some(([key, one]) => one instanceof StoredTensor && !NORMALISATION.test(String(key)));

/** The numbers of a tensor; undefined where they are too many for a setting. */
export type NumbersOf = (tensor: StoredTensor) => number[] | undefined;

/**
 * The plain values of dicts: strings, numbers and booleans as they are, lists and dicts of them as JSON. What is neither (objects,
 * tensors of a network, nothing at all) is left out. Of a name in several dicts the last one's value holds.
 */
export function settingsOf(dicts: readonly Map<unknown, unknown>[], numbersOf: NumbersOf): Record<string, string> {
  let total = MAX_VALUES;
  let left = 0;

  /** Undefined for what is no plain value. */
  const plain = (value: unknown, depth: number): unknown => {
    left -= 1;
    total -= 1;
    if (left < 0 || total < 0) return undefined;
    if (['string', 'boolean'].includes(typeof value) || Number.isFinite(value)) return value;
    if (value instanceof NumpyArray) return value.numbers;
    if (depth === 0) return undefined;
    if (Array.isArray(value)) {
      if (value.length > MAX_ITEMS) return undefined;
      const items = value.map((item) => plain(item, depth - 1));
      return items.includes(undefined) ? undefined : items;
    }
    if (!(value instanceof Map) || value.size > MAX_ITEMS || isNetwork(value)) return undefined;
    const entries = entriesOf(value, depth - 1);
    return entries.length > 0 ? Object.fromEntries(entries) : undefined;
  };
  const entriesOf = (dict: Map<unknown, unknown>, depth: number): [string, unknown][] =>
    [...dict].flatMap(([key, value]): [string, unknown][] => {
      if ((typeof key !== 'string' && typeof key !== 'number') || value === dict) return [];
      const isNormalisation = value instanceof StoredTensor && NORMALISATION.test(String(key));
      const found = isNormalisation ? numbersOf(value) : plain(value, depth);
      return found === undefined ? [] : [[String(key), found]];
    });
  const asText = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value));

  return Object.fromEntries(
    dicts.flatMap((dict) => {
      // Of training's own state nothing describes the network; an object's attributes are like a dict's entries.
      const own = [...dict].filter(([key, value]) => !(isObject(value) && TRAINING_STATE.test(String(key))));
      const settings = isNetwork(dict) ? own.filter(([, value]) => !(value instanceof StoredTensor)) : own;
      return settings.flatMap((entry) => {
        left = MAX_VALUES_OF_ONE;
        return entriesOf(new Map([entry]), MAX_DEPTH).map(([key, value]) => [key, asText(value)] as const);
      });
    }),
  );
}

const isObject = (value: unknown) => value instanceof Map || value instanceof PyObject;
