/** A classifier as it grows, step by step, with what the steps need: random numbers, weights, nodes. */
import { seededRandom } from '../../../src/random.js';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../../test/support/onnx.js';

/** Channels, rows and columns of one image. */
export type Sizes = readonly [c: number, h: number, w: number];

/** A value of the shape [1, c, h, w]. */
export interface Grown {
  readonly name: string;
  readonly shape: Sizes;
}

/** Adds nodes behind a value; undefined if the step does not fit it, or the opset. */
export type Step = (net: Growing, x: Grown) => Grown | undefined;

export class Growing {
  readonly nodes: OnnxNode[] = [];
  readonly tensors: Record<string, OnnxTensor> = {};
  /** Earlier values. */
  readonly values: Grown[] = [];
  readonly random: () => number;
  private names = 0;

  constructor(
    seed: number,
    readonly opset: number,
  ) {
    this.random = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  fresh(what: string): string {
    return `${what}${this.names++}`;
  }

  /** Adds weights of random numbers. */
  tensor(dims: readonly number[], from = -1, to = 1): string {
    const name = this.fresh('w');
    const length = dims.reduce((a, b) => a * b, 1);
    this.tensors[name] = { dims, data: Float32Array.from({ length }, () => from + this.random() * (to - from)) };
    return name;
  }

  /** Adds a tensor of given numbers. */
  given(dims: readonly number[], data: readonly number[], type: OnnxTensor['type'] = 'f32'): string {
    const name = this.fresh('g');
    this.tensors[name] = { dims, data, type };
    return name;
  }

  ints(...data: number[]): string {
    return this.given([data.length], data, 'i64');
  }

  add(op: string, inputs: readonly string[], attributes: OnnxNode['attributes'] = {}): string {
    const output = this.fresh(op);
    this.nodes.push({ op, inputs, outputs: [output], name: output, attributes });
    return output;
  }

  reshape(x: string, ...shape: number[]): string {
    return this.add('Reshape', [x, this.ints(...shape)]);
  }

  /** Reduces axes, which keep the size 1. Since opset 18 the axes are an input. */
  reduce(op: string, x: string, axes: readonly number[]): string {
    return this.opset >= 18
      ? this.add(op, [x, this.ints(...axes)], { keepdims: 1 })
      : this.add(op, [x], { axes, keepdims: 1 });
  }

  /** A graph for a branch, from the nodes that `grow` adds. Its result has the given sizes. */
  inner(shape: Sizes, grow: () => string): OnnxGraph {
    const before = this.nodes.length;
    const output = grow();
    return { nodes: this.nodes.splice(before), inputs: {}, outputs: { [output]: [1, ...shape] } };
  }
}

/** How many windows there are along a dimension. */
export function windows(
  size: number,
  stride: number,
  span: number,
  before: number,
  behind: number,
  up = false,
): number {
  const windowsOf = (size + before + behind - span) / stride;
  const number = (up ? Math.ceil(windowsOf) : Math.floor(windowsOf)) + 1;
  return up && (number - 1) * stride >= size + before ? number - 1 : number;
}

/** A step that does not change the shape. */
export const same =
  (of: (net: Growing, name: string, shape: Sizes) => string | undefined): Step =>
  (net, { name, shape }) => {
    const y = of(net, name, shape);
    return y === undefined ? undefined : { name: y, shape };
  };
