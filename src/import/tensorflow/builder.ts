/**
 * Builds a model with ONNX's operators from the layers of a TensorFlow network. TensorFlow's maps are [images, rows, columns, channels], and
 * ONNX's layers have channels first, so each layer has a transpose before and after it. These cost nothing: when the model is translated to
 * raybox's operations, a transpose only changes the recorded order of dimensions.
 */
import { InputError } from '../../errors.js';
import { transpose } from '../arrays.js';
import { type Attribute, type Constant, constantOf, countOf, type PlainNode } from '../plain.js';

/** The most nodes. A small file can ask for any number of them, by nested models that are applied many times. */
const MOST_NODES = 65_536;

/** The version of ONNX's operators in the nodes. */
const OPSET = 17;

export interface Step {
  /** The layer's kind and name, for messages. */
  readonly origin: string;
  readonly name: string;
}

export interface Builder {
  readonly nodes: PlainNode[];
  readonly constants: Map<string, Constant>;
  /** The node that computes each value. */
  readonly producers: Map<string, PlainNode>;
  /** For the names of values, the names of the same values in ONNX's order of dimensions, if they exist already. */
  readonly channelsFirst: Map<string, string>;
}

export const createBuilder = (): Builder => ({
  ...{ nodes: [], constants: new Map(), producers: new Map(), channelsFirst: new Map() },
});

/** Adds a node. @returns the name of its output */
export function emit(
  { nodes, producers }: Builder,
  { origin, name }: Step,
  operator: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  output = `${name}/${operator}:${nodes.length}`,
  others: readonly string[] = [],
): string {
  if (nodes.length >= MOST_NODES)
    throw new InputError('tensorflow: the model has too many layers', { expected: `at most ${MOST_NODES} operations` });
  const node = { operator, inputs, outputs: [output, ...others], attributes, name, version: OPSET, origin };
  nodes.push(node);
  producers.set(output, node);
  return output;
}

/** Adds a constant of the layer. @returns its name */
export function numbers({ constants }: Builder, { name }: Step, what: string, constant: Constant): string {
  let own = `${name}/${what}`;
  for (let i = 2; constants.has(own) && constants.get(own) !== constant; i++) own = `${name}/${what} (${i})`;
  constants.set(own, constant);
  return own;
}

export const integers = (...list: number[]): Constant => constantOf([list.length], Float64Array.from(list));
export const scalar = (number: number): Constant => constantOf([], Float32Array.of(number));
export const vector = (list: readonly number[]): Constant => constantOf([list.length], Float32Array.from(list));
export const filled = (count: number, value: number): Constant => ({
  ...{ shape: [count], type: 'F32', count },
  values: () => new Float32Array(count).fill(value),
});

/** Weights with their dimensions in another order. The numbers are sorted when they are read. */
export const reordered = (source: Constant, order: readonly number[]): Constant => ({
  shape: order.map((axis) => source.shape[axis]),
  ...{ type: source.type, count: source.count },
  values: () => transpose(source, order).values(),
});

/** The same numbers in another shape. */
export function inShape(source: Constant, shape: readonly number[]): Constant {
  if (countOf(shape) === source.count) return { ...source, shape: [...shape], values: () => source.values() };
  throw new InputError('weights do not fit their layer', { expected: shape.join('×'), given: source.shape.join('×') });
}

/** A map in ONNX's order of dimensions. @param isFirst whether the layer's maps have channels first already */
export function asFirst(builder: Builder, step: Step, name: string, isFirst = false): string {
  if (isFirst) return name;
  const known = builder.channelsFirst.get(name);
  if (known !== undefined) return known;
  const made = emit(builder, step, 'Transpose', [name], { perm: [0, 3, 1, 2] });
  builder.channelsFirst.set(name, made);
  return made;
}

/** A map in ONNX's order, converted to the order of the layer's output. */
export function fromFirst(builder: Builder, step: Step, name: string, output?: string, isFirst = false): string {
  if (isFirst) return output === undefined ? name : emit(builder, step, 'Identity', [name], {}, output);
  const made = emit(builder, step, 'Transpose', [name], { perm: [0, 2, 3, 1] }, output);
  builder.channelsFirst.set(made, name);
  return made;
}

/** Adds an operator that takes maps with channels first. */
export function emitMap(
  builder: Builder,
  step: Step,
  operator: string,
  [x, ...rest]: readonly string[],
  attributes: Readonly<Record<string, Attribute>>,
  { output, isFirst }: { output?: string; isFirst?: boolean } = {},
): string {
  if (isFirst) return emit(builder, step, operator, [x, ...rest], attributes, output);
  const inputs = [asFirst(builder, step, x), ...rest];
  return fromFirst(builder, step, emit(builder, step, operator, inputs, attributes), output);
}

/** An item, with the ids of the items that it needs. */
export interface Item {
  readonly id: string;
  readonly needs: readonly string[];
}

/**
 * The wanted items and all that they need, in an order in which each item comes after those that it needs.
 * @throws InputError for items that need each other in a circle
 */
export function inOrder<T extends Item>(items: ReadonlyMap<string, T>, wanted: readonly string[]): T[] {
  const sorted: T[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const stack: { item: T; next: number }[] = [];
  const enter = (id: string) => {
    const item = items.get(id);
    if (!item || state.get(id) === 'done') return;
    if (state.get(id) === 'open')
      throw new InputError('tensorflow: layers depend on each other in a circle', { given: id.slice(0, 120) });
    state.set(id, 'open');
    stack.push({ item, next: 0 });
  };
  for (const id of wanted) {
    enter(id);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const need = top.item.needs[top.next++];
      if (need !== undefined) {
        enter(need);
        continue;
      }
      state.set(top.item.id, 'done');
      sorted.push(top.item);
      stack.pop();
    }
  }
  return sorted;
}
