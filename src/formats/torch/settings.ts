/** Reads the values of a PyTorch checkpoint that are not weights (epoch, arguments, names of classes, normalisation) as texts. */

import { NumpyArray, StoredTensor } from './globals.js';
import { PyObject } from './pickle_objects.js';

/** Names of values that are only needed to continue a training. */
export const TRAINING_STATE = /optim|sched|scaler|loss|criterion|metric|rng|callbacks|loops/i;

/** Longer lists and dicts are left out. The longest useful ones are names of classes. */
const MAX_ITEMS = 10_000;
/** Limit for all settings together. It is needed because a file takes only two bytes to repeat a list, and a list may contain itself. */
const MAX_VALUES = 100_000;
/** Limit for one setting, so that a setting which contains itself does not use up the limit of all. */
const MAX_VALUES_OF_ONE = 20_000;
/** Levels of dicts within dicts, such as `hyper_parameters.data.normalize.mean`. */
const MAX_DEPTH = 4;

/** Names of tensors that say how an image is normalised. All other tensors belong to a network. */
const NORMALISATION = /^\w*(mean|std)s?$/i;

/** Whether a value is a dict with a tensor of a network, not only with tensors that say how an image is normalised. */
export const isNetwork = (value: unknown): value is Map<unknown, unknown> =>
  value instanceof Map &&
  [...value].some(([key, one]) => one instanceof StoredTensor && !NORMALISATION.test(String(key)));

/** Returns the numbers of a tensor; undefined if it has too many for a setting. */
export type NumbersOf = (tensor: StoredTensor) => number[] | undefined;

/**
 * The plain values of dicts as texts: strings, numbers and booleans as they are, lists and dicts of them as JSON. Other values (objects,
 * tensors of a network, None) are left out. If several dicts have the same name, the value of the last one is used.
 */
export function settingsOf(dicts: readonly Map<unknown, unknown>[], numbersOf: NumbersOf): Record<string, string> {
  let total = MAX_VALUES;
  let left = 0;

  /** The plain value as JSON can represent it; undefined for any other value. */
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
      // The state of the training is left out, because nothing in it describes the network.
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
