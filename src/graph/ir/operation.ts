/**
 * What an operation is. A file in a folder of `src/ops` exports its `forward` (an `Operation`), its `reference`, its `cases` and its
 * `gradient` separately; built indexes collect each. An operation from outside is an `Operation` all the same.
 */
import type { Constants, Kernel } from '../../gpu/wgsl.js';
import type { GraphBuilder, Node } from './graph.js';
import type { Tensor, TensorSpec } from './tensor.js';

/** What an adapter is like, as far as the choice of kernels goes. */
export interface Traits {
  /** A CPU pretending to be a GPU. */
  readonly software: boolean;
  readonly f16: boolean;
  /** Lanes of a subgroup where the adapter has one fixed size, else 0. */
  readonly subgroupSize: number;
  readonly maxInvocations: number;
  readonly maxWorkgroupBytes: number;
  readonly maxBindingBytes: number;
}

/** What a graph is made of: shapes that follow from shapes, and dispatches that compute a node. */
export interface Operation<Attributes = object> {
  readonly name: string;
  /**
   * Which inputs, all of kind 'state', the node overwrites: parameters, momentum, running statistics. Such a node runs though nobody
   * reads its outputs, and no later node may read what it has overwritten.
   */
  readonly updates?: readonly number[];
  /**
   * The output holds the pixels of all inputs, one input's channels behind the other's (concatenation). Fusion lets inputs be written
   * straight into the output, so that nothing is copied.
   */
  readonly joinsInputs?: true;
  /**
   * The output is a part of each pixel of the first input (a slice), which begins so many vec4 groups into the pixel. Fusion lets the
   * output be read straight out of the input, so that nothing is copied.
   */
  cutsAt?(attributes: Attributes): number;
  /** Shapes of the outputs. @throws InputError saying which input was expected to have which shape. */
  infer(inputs: readonly (Tensor | undefined)[], attributes: Attributes): readonly TensorSpec[];
  /** Floating-point operations. Bytes are those of the tensors unless `lower` moves more. */
  flops(node: Node<Attributes>): number;
  /** The kernels that can run this node on this adapter, the best first. Default: one, named `default`. */
  variants?(node: Node<Attributes>, traits: Traits): readonly string[];
  /** Says which dispatches compute the node. */
  lower(node: Node<Attributes>, context: Lowering): void;
  /** This node with its only consumer `next` taken in, or undefined. See `fuse`. */
  absorb?(node: Node<Attributes>, next: Node): Replacement | undefined;
  /** This node with the producer of one of its inputs taken in, or undefined. */
  absorbInput?(node: Node<Attributes>, previous: Node): Replacement | undefined;
}

/** Nodes that stand for two others. The last one's outputs take the place of theirs. */
export type Replacement = readonly Node[];

/** The float64 truth: logical dense values in, logical dense values out; behind the outputs, the new values of updated states. */
export type Reference<Attributes = object> = (
  inputs: readonly (Float64Array | undefined)[],
  node: Node<Attributes>,
) => readonly Float64Array[];

/**
 * The backward pass of a node: from a scalar's gradients by the node's outputs to its gradients by the node's inputs, as more
 * operations on `g`. Undefined where none flows: an output that the scalar does not depend on, labels, fixed statistics. What
 * turns out not to be needed is pruned.
 */
export type Gradient<Attributes = object> = (
  g: GraphBuilder,
  node: Node<Attributes>,
  outputs: readonly (Tensor | undefined)[],
) => readonly (Tensor | undefined)[];

/** A part of a tensor as a kernel sees it. */
export interface View {
  readonly binding: Binding;
  /** Where the first element is, in elements of the kernel's array; wraps like a u32 where the window starts late. */
  readonly offset: number;
  /** nhwc4: vec4 groups from one pixel to the next. */
  readonly pitch: number;
}

export interface Binding {
  readonly tensor: Tensor | undefined;
  readonly access: 'read' | 'write';
  /** Bytes into the tensor, a multiple of 256; the whole tensor where both are undefined. */
  readonly start?: number;
  readonly size?: number;
}

/** One run of a kernel: its constants, what it reads and writes, its parameters, and its workgroups. */
export interface Dispatch {
  readonly kernel: Kernel;
  readonly constants: Constants;
  /** Inputs, then outputs, in the kernel's order; the params uniform follows. */
  readonly bindings: readonly View[];
  readonly params: Readonly<Record<string, number>>;
  readonly workgroups: readonly [number, number, number];
  /** Its part of the node's work, where its part of the workgroups says nothing about it. */
  readonly flops?: number;
}

/** A range of pixels, end excluded. */
export type Range = readonly [from: number, to: number];

/** What `lower` may do. */
export interface Lowering {
  readonly traits: Traits;
  /** The variant that was chosen. */
  readonly variant: string;
  dispatch(dispatch: Dispatch): void;
  /** Computes a tensor from others first: packed weights, say. Folded into a constant where all inputs are constants. */
  derive<A extends object>(operation: Operation<A>, inputs: readonly (Tensor | undefined)[], attributes: A): Tensor;
  /** A temporary that only this node's dispatches use. */
  scratch(name: string, spec: TensorSpec): Tensor;
  /** A tensor, or some of its pixels, for reading. An absent tensor reads as a small buffer of zeros. */
  read(tensor: Tensor | undefined, pixels?: Range): View;
  /** A tensor, or some of its pixels, for writing. */
  write(tensor: Tensor, pixels?: Range): View;
  /** Whether a tensor is the same in every run, and known when the plan is made. */
  isConstant(tensor: Tensor): boolean;
  /** Whether `part` already lies inside `whole`, so that there is nothing to copy. */
  isSlice(part: Tensor, whole: Tensor): boolean;
  /**
   * Splits the pixels of `output` into ranges whose windows the adapter can bind. `needs` says which pixels of each input
   * a range of output pixels reads. @throws InputError naming the tensor where even one pixel's window is too large.
   */
  bands(output: Tensor, needs: readonly (readonly [Tensor | undefined, (range: Range) => Range])[]): readonly Range[];
}

/** One row of an operation's table of cases, which drives tests, `raybox verify` and the benchmarks. */
export interface Case<Attributes = object> {
  readonly inputs: readonly (CaseInput | undefined)[];
  readonly attributes: Attributes;
  /** Larger than a test run bears: only `verify --full` and the benchmarks take it. */
  readonly full?: boolean;
  /** Also a benchmark. */
  readonly bench?: boolean;
  /** NMSE bound, where it is not the kernel bound of 1e-11 (f32) and 1e-6 (f16). */
  readonly bound?: number;
  /** The result is discrete (labels, boxes): every value must be equal. */
  readonly exact?: boolean;
}

export interface CaseInput {
  readonly shape: readonly number[];
  /** Default: `nhwc4` for the first input, `dense` for the others. */
  readonly layout?: 'nhwc4' | 'dense';
  /** Default: the case's element type for nhwc4, f32 for dense. */
  readonly type?: 'f32' | 'f16' | 'u32';
  readonly segments?: readonly number[];
  /** Default `normal`: standard normal. `positive`: |normal| + 0.1. `uniform`: 0…1. A function of the flat index otherwise. */
  readonly fill?: 'normal' | 'positive' | 'uniform' | ((index: number) => number);
  /** Default: constant for dense inputs (weights are packed when the plan is made), input for nhwc4. */
  readonly kind?: 'input' | 'constant' | 'state';
}

/** Spreads `count` workgroups over two dimensions where one would exceed 65,535. Kernels compute x + y · num_workgroups.x. */
export function spread(count: number): [number, number, number] {
  const limit = 65_535;
  if (count <= limit) return [count, 1, 1];
  const rows = Math.ceil(count / limit);
  return [Math.ceil(count / rows), rows, 1];
}
