/**
 * A network of TensorFlow, written down with ONNX's operators while its layers are gone through. TensorFlow's maps are [images, rows,
 * columns, channels] and ONNX's layers take channels first, so a transpose stands before and behind each of them. When the network is
 * translated further, a transpose only says otherwise how a value lies in its tensor: it costs nothing.
 */
import { InputError } from '../../errors.js';
import { transpose } from '../arrays.js';
import { type Attribute, type Constant, constantOf, countOf, type PlainNode } from '../plain.js';

/** More nodes than that are refused: nested models that are applied many times can ask for any number. */
const MOST_NODES = 65_536;

/** The version of ONNX's operators that the nodes are of. */
const OPSET = 17;

export interface Step {
  /** What messages call the layer: its kind and its name. */
  readonly origin: string;
  readonly name: string;
}

export interface Builder {
  readonly nodes: PlainNode[];
  readonly constants: Map<string, Constant>;
  /** Which node puts out a value. */
  readonly producers: Map<string, PlainNode>;
  /** What computed values are in ONNX's order of dimensions, by their names. */
  readonly channelsFirst: Map<string, string>;
}

export const createBuilder = (): Builder => ({
  ...{ nodes: [], constants: new Map(), producers: new Map(), channelsFirst: new Map() },
});

/** Adds a node. @returns the name of what it puts out */
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

/** Adds numbers that the layer has by itself. @returns their name */
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

/** Weights in another order of dimensions, sorted when they are read. */
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

/** A map as ONNX has it. @param isFirst whether the layer says that its own maps have channels first */
export function asFirst(builder: Builder, step: Step, name: string, isFirst = false): string {
  if (isFirst) return name;
  const known = builder.channelsFirst.get(name);
  if (known !== undefined) return known;
  const made = emit(builder, step, 'Transpose', [name], { perm: [0, 3, 1, 2] });
  builder.channelsFirst.set(name, made);
  return made;
}

/** A map of ONNX's as the layer puts it out. */
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
  const inputs = [asFirst(builder, step, x, isFirst), ...rest];
  return fromFirst(builder, step, emit(builder, step, operator, inputs, attributes), output, isFirst);
}

/** An item with the ids of those that have to come before it. */
export interface Item {
  readonly id: string;
  readonly needs: readonly string[];
}

/**
 * The items that the wanted ones need, each behind all that it needs itself.
 * @throws InputError for items that need one another in a circle
 */
export function inOrder<T extends Item>(items: ReadonlyMap<string, T>, wanted: readonly string[]): T[] {
  const sorted: T[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const stack: { item: T; next: number }[] = [];
  const enter = (id: string) => {
    const item = items.get(id);
    if (!item || state.get(id) === 'done') return;
    if (state.get(id) === 'open')
      throw new InputError('tensorflow: layers need one another in a circle', { given: id.slice(0, 120) });
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
