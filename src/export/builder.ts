/**
 * An ONNX graph as it is being written: nodes, constants, and which value stands for which of raybox's tensors.
 *
 * In raybox channels are the last dimension of a map, and in ONNX the second. So a tensor in nhwc4 is written with its channels as second
 * dimension, and any other tensor as it is. `stored` gives a tensor's value in that order, `logical` in the order of the tensor's own shape.
 */
import { InputError } from '../errors.js';
import type { Tensor } from '../graph/ir/tensor.js';

/** An attribute of a node. A real number is wrapped, because ONNX tells 1 from 1.0. */
export type OnnxAttribute = number | string | readonly number[] | { readonly real: number };

export interface OnnxNode {
  readonly operator: string;
  /** Names of values; the empty text for an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  readonly name: string;
}

/** A constant that is not a parameter of the network. */
export interface OnnxConstant {
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, OnnxConstant>;
  /** The network's parameters that nodes read, with their shapes. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
}

/** For each dimension of a tensor's stored value, the dimension of the tensor that it is. */
export function storedOrder({ shape: { length }, layout }: Pick<Tensor, 'shape' | 'layout'>): readonly number[] {
  const order = Array.from({ length }, (_, d) => d);
  if (layout === 'dense' || length < 3) return order;
  return [0, length - 1, ...order.slice(1, -1)];
}

/** The inverse: the place of a tensor's dimension in the stored value. */
export const storedAxis = (tensor: Pick<Tensor, 'shape' | 'layout'>, axis: number) => storedOrder(tensor).indexOf(axis);

export interface OnnxBuilder {
  /** Adds a node and returns the name of its first output. `outputs` is the number of outputs; nothing reads the others. Default: 1. */
  add(
    operator: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
    outputs?: number,
  ): string;
  /** A constant of real numbers. Equal ones are written once. */
  reals(shape: readonly number[], data: ArrayLike<number>): string;
  /** One real number. */
  real(value: number): string;
  /** A list of whole numbers: sizes, axes, places. */
  whole(list: readonly number[]): string;
  /** The name of a tensor's value, with its dimensions in the stored order. */
  stored(tensor: Tensor): string;
  /** The same with the dimensions in the order of the tensor's shape. */
  logical(tensor: Tensor): string;
  /** Records the value that a tensor is stored as. */
  store(tensor: Tensor, value: string): void;
  /** The same for a value whose dimensions are in the order of the tensor's shape. */
  storeLogical(tensor: Tensor, value: string): void;
  /** A value with its dimensions in another order; the value itself if its dimensions are in this order already. */
  transposed(value: string, order: readonly number[]): string;
}

/** The beginning of the names of constants. No name of a parameter begins so, so that a reader can tell parameters from constants. */
export const CONSTANT = '//';

/**
 * Begins an ONNX graph.
 * @param taken names that no value may have
 * @param step returns the name of raybox's operation that is being written, with which the names of nodes and values begin
 * @param mostNumbers the limit of the numbers of all constants together, because a small network from a file may ask for large ones
 */
export function createOnnxBuilder(taken: Iterable<string>, step: () => string, mostNumbers: number) {
  const unique = uniqueNames(taken);
  const nodes: OnnxNode[] = [];
  const parameters = new Map<string, readonly number[]>();
  const values = new Map<Tensor, string>();
  const once = namesByKey();
  const { constants, constant } = createConstants(unique, step, mostNumbers, once);
  const onnx: OnnxBuilder = {
    add(operator, inputs, attributes = {}, outputs = 1) {
      const name = unique(`${step()}/${operator}`);
      const others = Array.from({ length: outputs - 1 }, () => unique(name));
      nodes.push({ operator, inputs, outputs: [name, ...others], attributes, name });
      return name;
    },
    reals: (shape, data) => constant('reals', { shape, data: Float32Array.from(data) }),
    real: (value) => onnx.reals([], [value]),
    whole: (list) => constant('whole', { shape: [list.length], data: BigInt64Array.from(list, BigInt) }),
    stored(tensor) {
      const value = values.get(tensor);
      if (value !== undefined) return value;
      if (tensor.data) {
        const name = onnx.reals(tensor.shape, tensor.data);
        onnx.storeLogical(tensor, name);
        return values.get(tensor)!;
      }
      // A tensor that is neither the output of a node nor a constant is a parameter.
      parameters.set(tensor.name, tensor.shape);
      return tensor.name;
    },
    logical(tensor) {
      const order = storedOrder(tensor);
      return onnx.transposed(
        onnx.stored(tensor),
        order.map((_, d) => order.indexOf(d)),
      );
    },
    store: (tensor, value) => values.set(tensor, value),
    storeLogical: (tensor, value) => onnx.store(tensor, onnx.transposed(value, storedOrder(tensor))),
    transposed(value, order) {
      if (order.every((from, d) => from === d)) return value;
      return once(`${value} as ${order}`, () => onnx.add('Transpose', [value], { perm: order }));
    },
  };
  return { onnx, nodes, constants, parameters, values };
}

type Once = ReturnType<typeof namesByKey>;

/** Returns a function that gives the value which was made for the same key before, or makes one. */
function namesByKey() {
  const known = new Map<string, string>();
  return (key: string, make: () => string): string => {
    const name = known.get(key) ?? make();
    known.set(key, name);
    return name;
  };
}

/** Keeps the constants of a graph. Equal ones are written once. */
function createConstants(unique: (wanted: string) => string, step: () => string, mostNumbers: number, once: Once) {
  const constants = new Map<string, OnnxConstant>();
  let numbers = 0;
  const constant = (kind: string, { shape, data }: OnnxConstant): string => {
    const write = () => {
      numbers += data.length;
      if (numbers > mostNumbers)
        throw new InputError(`onnx: ${step()} needs too many constants`, {
          expected: `at most ${mostNumbers} numbers`,
        });
      const name = unique(`${CONSTANT}${kind}.${constants.size}`);
      constants.set(name, { shape, data });
      return name;
    };
    // Two long lists are hardly ever equal, and their keys would be long too.
    return data.length > 4096 ? write() : once(`${kind} ${shape} of ${data}`, write);
  };
  return { constants, constant };
}

/** Returns a function that gives a wanted name or, if it is taken, the name with a number after it. */
function uniqueNames(taken: Iterable<string>): (wanted: string) => string {
  const names = new Set(taken);
  return (wanted) => {
    let name = wanted;
    for (let count = 2; names.has(name); count++) name = `${wanted}_${count}`;
    names.add(name);
    return name;
  };
}
