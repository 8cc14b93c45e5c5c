/** Finds the weights of a layer by name in a file. */
import { firstFew, InputError } from '../../errors.js';
import type { Constant } from '../plain.js';

export interface WeightNames {
  /**
   * A weight of a layer; undefined if there is none.
   * @param path the names of the models around the layer, and its own
   * @throws InputError if several weights could be meant
   */
  find(path: readonly string[], own: string): Constant | undefined;
  /** Names of weights that have not been read, without those of layers that no output of the model needs. */
  unread(layers: ReadonlySet<string>): string[];
}

/**
 * `conv/kernel` is the weight `kernel` of the layer conv. In files, the names of models around the layer or a scope may precede it, and Keras 2
 * appends a number (`conv/kernel:0`). So the last two parts of a name are compared, and all parts if several names fit.
 */
export function createWeightNames(weights: ReadonlyMap<string, Constant>): WeightNames {
  const byEnd = new Map<string, { name: string; constant: Constant }[]>();
  const wholes = new Map<string, { name: string; constant: Constant }>();
  for (const [name, constant] of weights) {
    const whole = name.replace(/:\d+$/, '');
    const parts = whole.split('/');
    const own = parts.at(-1)!;
    wholes.set(whole, { name, constant });
    // A layer's own name may have slashes.
    for (let i = parts.length - 2; i >= Math.max(0, parts.length - 8); i--) {
      const end = `${parts.slice(i, -1).join('/')}\n${own}`;
      byEnd.set(end, [...(byEnd.get(end) ?? []).slice(0, 64), { name, constant }]);
    }
  }
  const read = new Set<string>();
  const passed = new Set<string>();
  return {
    find(path, own) {
      const layer = path.at(-1)!;
      for (const segment of path) passed.add(segment);
      const found =
        wholes.get([...path, own].join('/')) ??
        wholes.get(`${layer}/${own}`) ??
        onlyOne(byEnd.get(`${layer}\n${own}`), path);
      if (found) read.add(found.name);
      return found?.constant;
    },
    unread(layers) {
      return [...weights.keys()].filter((name) => {
        if (read.has(name)) return false;
        const segments = name.split('/').slice(0, -1);
        // A layer that no output needs is not translated, so its weights are not read.
        return segments.every((segment) => passed.has(segment) || !layers.has(segment));
      });
    },
  };
}

function onlyOne(
  list: readonly { name: string; constant: Constant }[] | undefined,
  path: readonly string[],
): { name: string; constant: Constant } | undefined {
  if (!list || list.length <= 1) return list?.[0];
  // Several models within one may have layers of one name: the names of the models tell them apart.
  const around = path.slice(0, -1);
  const fitting = list.filter(({ name }) => around.every((model) => name.split('/').includes(model)));
  if (fitting.length === 1) return fitting[0];
  throw new InputError(`tensorflow: several weights could be those of the layer '${path.join('/').slice(0, 120)}'`, {
    given: firstFew(
      list.map(({ name }) => name.slice(0, 80)),
      4,
    ),
  });
}
