/**
 * An ONNX graph as it is being written: nodes, constants, and which value stands for which of raybox's tensors.
 *
 * raybox has channels last and ONNX has them behind the images. So a tensor in nhwc4 is written with its channels as second dimension, and
 * any other tensor as it is. `stored` gives a tensor's value in that order, `logical` in the order of the tensor's own shape.
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

/** A constant that is no parameter of the network. */
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

/** The dimension of a tensor that each dimension of its stored value is. */
export function storedOrder({ shape: { length }, layout }: Pick<Tensor, 'shape' | 'layout'>): readonly number[] {
  const order = Array.from({ length }, (_, d) => d);
  if (layout === 'dense' || length < 3) return order;
  return [0, length - 1, ...order.slice(1, -1)];
}

/** The dimension of the stored value that a dimension of the tensor is. */
export const storedAxis = (tensor: Pick<Tensor, 'shape' | 'layout'>, axis: number) => storedOrder(tensor).indexOf(axis);

export interface Sheet {
  /** Adds a node and returns the name of its first output. It has more of them only if `outputs` says so; nothing reads those. */
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
  stored(tensor: Tensor): string;
  logical(tensor: Tensor): string;
  /** Says which value a tensor is stored as. */
  store(tensor: Tensor, value: string): void;
  /** The same for a value whose dimensions are in the order of the tensor's shape. */
  storeLogical(tensor: Tensor, value: string): void;
  /** A value with its dimensions in another order; the value itself if that is the one it has. */
  transposed(value: string, order: readonly number[]): string;
}

/** What the names of constants begin with, and no parameter's does, so that a reader who wants the parameters alone can tell them apart. */
export const CONSTANT = '//';

/**
 * @param taken names that no value may have
 * @param step names the operation of raybox that is being written, with which the names of nodes and values begin
 * @param mostNumbers that all constants may have together, because a small network from a file may ask for large ones
 */
export function createSheet(taken: Iterable<string>, step: () => string, mostNumbers: number) {
  const unique = uniqueNames(taken);
  const nodes: OnnxNode[] = [];
  const constants = new Map<string, OnnxConstant>();
  const parameters = new Map<string, readonly number[]>();
  const values = new Map<Tensor, string>();
  const known = new Map<string, string>();
  let numbers = 0;

  /** The value that was made of the same parts before, or a new one. */
  const once = (key: string, make: () => string) => {
    const name = known.get(key) ?? make();
    known.set(key, name);
    return name;
  };
  const constant = (kind: string, { shape, data }: OnnxConstant) => {
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
    // Long lists differ nearly always, and a key of them would be long too.
    return data.length > 4096 ? write() : once(`${kind} ${shape} of ${data}`, write);
  };
  const sheet: Sheet = {
    add(operator, inputs, attributes = {}, outputs = 1) {
      const name = unique(`${step()}/${operator}`);
      const others = Array.from({ length: outputs - 1 }, () => unique(name));
      nodes.push({ operator, inputs, outputs: [name, ...others], attributes, name });
      return name;
    },
    reals: (shape, data) => constant('reals', { shape, data: Float32Array.from(data) }),
    real: (value) => sheet.reals([], [value]),
    whole: (list) => constant('whole', { shape: [list.length], data: BigInt64Array.from(list, BigInt) }),
    stored(tensor) {
      const value = values.get(tensor);
      if (value !== undefined) return value;
      if (tensor.data) {
        const name = sheet.reals(tensor.shape, tensor.data);
        sheet.storeLogical(tensor, name);
        return values.get(tensor)!;
      }
      // What no node puts out and has no content is a parameter.
      parameters.set(tensor.name, tensor.shape);
      return tensor.name;
    },
    logical(tensor) {
      const order = storedOrder(tensor);
      return sheet.transposed(
        sheet.stored(tensor),
        order.map((_, d) => order.indexOf(d)),
      );
    },
    store: (tensor, value) => values.set(tensor, value),
    storeLogical: (tensor, value) => sheet.store(tensor, sheet.transposed(value, storedOrder(tensor))),
    transposed(value, order) {
      if (order.every((from, d) => from === d)) return value;
      return once(`${value} as ${order}`, () => sheet.add('Transpose', [value], { perm: order }));
    },
  };
  return { sheet, nodes, constants, parameters, values };
}

/** Gives a wanted name, or, if that is taken, the name with a number behind it. */
function uniqueNames(taken: Iterable<string>): (wanted: string) => string {
  const names = new Set(taken);
  return (wanted) => {
    let name = wanted;
    for (let count = 2; names.has(name); count++) name = `${wanted}_${count}`;
    names.add(name);
    return name;
  };
}
