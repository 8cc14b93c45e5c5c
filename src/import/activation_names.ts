/** Which tensors of the graph have the numbers of which values of the file, so that activations recorded elsewhere can be compared. */
import { finishedTensor, type Order, sizesOf, type Value } from './kit.js';
import type { PlainModel } from './plain.js';
import { isWhole } from './views.js';

/**
 * @param model the file's nodes and constants
 * @param values the values that the translated nodes put out, by name
 * @param order the order of the file's maps
 * @returns the names of all values, each with the name of the tensor that has its numbers. That is undefined if no tensor has them (a factor went
 *   into a later layer), or if they lie in it in another order (a transposed map)
 */
export function activationNames(
  { nodes, constants }: Pick<PlainModel, 'nodes' | 'constants'>,
  values: ReadonlyMap<string, Value>,
  order: Order,
): Map<string, string | undefined> {
  const all = [...constants.keys(), ...nodes.flatMap(({ outputs }) => outputs)];
  const names = new Map<string, string | undefined>(all.map((name) => [name, undefined]));
  for (const [name, value] of values) {
    const tensor = finishedTensor(value);
    if (tensor && isInOrder(value, order)) names.set(name, tensor.name);
  }
  return names;
}

/** Whether the value is a map in this order, or a list of numbers. */
function isInOrder(value: Value, order: Order): boolean {
  const { dims } = value;
  const { h, w, c } = sizesOf(value);
  const isAt = (dimension: number | undefined, axis: 'h' | 'w' | 'c', size: number) =>
    isWhole(dims[dimension ?? -1] ?? [], axis, size);
  if (dims.length === 4) return isAt(order.h, 'h', h) && isAt(order.w, 'w', w) && isAt(order.c, 'c', c);
  return dims.length === 2 && h === 1 && w === 1 && isAt(1, 'c', c);
}
