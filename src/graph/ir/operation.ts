/**
 * What an operation is. Each file in the folders of `src/ops` defines one, in separate exports: `forward` (the `Operation`), `reference`,
 * `cases` and `gradient`. The build collects each kind in an index of its own, so that a page that only infers loads only `forward`. A
 * caller may define an `Operation` of their own in the same way.
 */
import type { Constants, Kernel } from '../../gpu/wgsl.js';
import type { GraphBuilder, Node } from './graph.js';
import type { Tensor, TensorSpec } from './tensor.js';

/** A product of subgroup matrices: `rows` × `depth` times `depth` × `columns`. */
export interface MatrixShape {
  /** The type of both factors, such as f16 or i8. */
  readonly factor: string;
  /** The type of the sums, such as f32 or i32. */
  readonly sum: string;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

/** The properties of an adapter that decide which kernels run on it. */
export interface Traits {
  /** Whether the adapter computes on the CPU. */
  readonly software: boolean;
  readonly f16: boolean;
  /** The number of lanes of a subgroup if the adapter has only one size of subgroups, or if kernels can choose one; else 0. */
  readonly subgroupSize: number;
  /** Whether kernels have to choose that size, because the adapter has several. Default: it has one. */
  readonly pinsSubgroups?: boolean;
  /** The adapter's subgroup matrices, if `subgroupSize` is known. Default: none. */
  readonly matrices?: readonly MatrixShape[];
  /** Whether WGSL has products of packed 8-bit integers. Default: it has none. */
  readonly packedDot?: boolean;
  /** Whether kernels read a vec4 of constants faster from a texture than from a buffer. Default: they do not. */
  readonly fastTexels?: boolean;
  readonly maxInvocations: number;
  readonly maxWorkgroupBytes: number;
  readonly maxBindingBytes: number;
}

/** Whether a tensor's content is known when the plan is made, and therefore the same in every run. */
export type IsConstant = (tensor: Tensor) => boolean;

/** Names of inputs in order. One that ends in ? may be left out; a single one that ends in ... stands for any number of inputs. */
export type InputNames = readonly string[];

/** A list with one value for each of these names. A value can be undefined only if its name ends in ?, or if the names are not known. */
export type ByName<Names extends InputNames, Value> = Names extends readonly [`${string}...`]
  ? readonly Value[]
  : {
      readonly [Place in keyof Names]: string extends Names[Place]
        ? Value | undefined
        : Names[Place] extends `${string}?`
          ? Value | undefined
          : Value;
    };

/** A kind of node: how the shapes of its outputs follow from those of its inputs, and which dispatches compute it. */
export interface Operation<Attributes = object, Names extends InputNames = InputNames> {
  readonly name: string;
  /**
   * The names of its inputs, in order; those that end in ? may be left out. A node that lacks one of the others is refused, so the functions
   * below can rely on them. Without names there may be any number of inputs, and each may be missing.
   */
  readonly inputs?: Names;
  /**
   * The places of the inputs that the node overwrites: parameters, momentum, running statistics. All are of kind 'state'. Such a node
   * runs even if nothing reads its outputs, and no later node may read the overwritten inputs.
   */
  readonly updates?: readonly number[];
  /**
   * Whether the operation is a concatenation: each pixel of the output holds the channels of the first input, then those of the second,
   * and so on. Fusion then has the inputs written straight into the output, so that nothing is copied.
   */
  readonly joinsInputs?: true;
  /**
   * For an operation that cuts a stretch of channels out of each pixel of its first input: where the stretch begins, in groups of four
   * channels. Fusion then has the output read straight from the input, so that nothing is copied.
   */
  cutsAt?(attributes: Attributes): number;
  /** The shapes of the outputs. @throws InputError with the shape that an input should have. */
  infer(inputs: ByName<Names, Tensor>, attributes: Attributes): readonly TensorSpec[];
  /** The number of floating-point operations of a node. */
  flops(node: Node<Attributes, Names>): number;
  /**
   * Names of the kernel variants that can run this node on this adapter, the best first. Default: only `default`. Which is best may depend on
   * whether weights are constant, so that they are packed only once; without `isConstant`, tensors of kind 'constant' are.
   */
  variants?(node: Node<Attributes, Names>, traits: Traits, isConstant?: IsConstant): readonly string[];
  /** How a variant needs weights to be packed on an adapter. Variants with the same text share packed weights. Default: all variants do. */
  packing?(variant: string, traits: Traits): string;
  /** The largest normalised mean square error in f32 of variants for which it is not that of all kernels (`verify`). */
  readonly variantBounds?: Readonly<Record<string, number>>;
  /** Adds the dispatches that compute the node to `context`. */
  lower(node: Node<Attributes, Names>, context: Lowering): void;
  /** Merges this node with `next`, the only node that reads its output; undefined if they cannot be merged. See `fuse`. */
  absorb?(node: Node<Attributes, Names>, next: Node): Replacement | undefined;
  /** Merges this node with `previous`, which computes one of its inputs; undefined if they cannot be merged. */
  absorbInput?(node: Node<Attributes, Names>, previous: Node): Replacement | undefined;
}

/** Nodes that replace two merged ones. The outputs of the last one replace those of the merged nodes. */
export type Replacement = readonly Node[];

/**
 * Computes an operation in float64, as the truth that its kernels are compared with. Inputs and results are values in dense order, without
 * padding. The results are the outputs, followed by the new values of the states that the operation updates.
 */
export type Reference<Attributes = object, Names extends InputNames = InputNames> = (
  inputs: ByName<Names, Float64Array>,
  node: Node<Attributes, Names>,
) => readonly Float64Array[];

/**
 * The backward pass of a node, added to `g` as more operations.
 * @param outputs the gradients of the loss with respect to the node's outputs. If a node has several outputs, the gradient is undefined for
 *   those that the loss does not depend on. A single output always has a gradient.
 * @returns the gradients of the loss with respect to the node's inputs; undefined for an input that has none, such as labels or fixed
 *   statistics. A gradient that turns out not to be needed is pruned from the graph.
 */
export type Gradient<
  Attributes = object,
  Names extends InputNames = InputNames,
  Outputs extends readonly (Tensor | undefined)[] = readonly [Tensor],
> = (g: GraphBuilder, node: Node<Attributes, Names>, outputs: Outputs) => readonly (Tensor | undefined)[];

/** The backward pass of any operation, for tables with those of many operations. */
export type AnyGradient = Gradient<object, InputNames, readonly (Tensor | undefined)[]>;

/** A tensor or a part of it, as a kernel sees it. */
export interface View {
  readonly binding: Binding;
  /**
   * Index of the tensor's first element in the kernel's array. It is negative if the binding begins after that element; as a u32 it then
   * wraps around, and adding the index of an element within the binding gives the right place.
   */
  readonly offset: number;
  /** nhwc4: groups of four channels from one pixel to the next. */
  readonly pitch: number;
}

export interface Binding {
  readonly tensor: Tensor | undefined;
  readonly access: 'read' | 'write';
  /** Bytes from the tensor's beginning, a multiple of 256. If `start` and `size` are undefined, the whole tensor is bound. */
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
  /**
   * Floating-point operations of this dispatch. Default: the node's operations are divided among its dispatches by their workgroups; this
   * is for dispatches for which that would be wrong.
   */
  readonly flops?: number;
}

/** A range of pixels, end excluded. */
export type Range = readonly [from: number, to: number];

/** The functions with which the `lower` of an operation adds its dispatches. */
export interface Lowering {
  readonly traits: Traits;
  /** The chosen kernel variant. */
  readonly variant: string;
  dispatch(dispatch: Dispatch): void;
  /**
   * Adds a node that computes a tensor which the kernels need first, such as packed weights. If all inputs are constants, it is computed
   * once when the plan is made.
   */
  derive<A extends object, N extends InputNames>(
    operation: Operation<A, N>,
    inputs: readonly (Tensor | undefined)[],
    attributes: A,
  ): Tensor;
  /** A temporary that only this node's dispatches use. */
  scratch(name: string, spec: TensorSpec): Tensor;
  /** A tensor, or some of its pixels, for reading. An absent tensor reads as a small buffer of zeros. */
  read(tensor: Tensor | undefined, pixels?: Range): View;
  /** A tensor, or some of its pixels, for writing. */
  write(tensor: Tensor, pixels?: Range): View;
  readonly isConstant: IsConstant;
  /** Whether `part` lies in the memory of `whole`, so that it need not be copied there. */
  isSlice(part: Tensor, whole: Tensor): boolean;
  /**
   * Splits the pixels of `output` into ranges that are small enough for the adapter to bind.
   * @param needs inputs, each with a function from a range of output pixels to the input's pixels that are read for it.
   * @throws InputError naming the tensor if even a single output pixel needs more than can be bound.
   */
  bands(output: Tensor, needs: readonly (readonly [Tensor | undefined, (range: Range) => Range])[]): readonly Range[];
}

/** One row of an operation's table of cases, which tests, `raybox verify` and the benchmarks run. */
export interface Case<Attributes = object> {
  readonly inputs: readonly (CaseInput | undefined)[];
  readonly attributes: Attributes;
  /** Too slow for a test run; only `verify --full` and the benchmarks run it. */
  readonly full?: boolean;
  /** Also a benchmark. */
  readonly bench?: boolean;
  /** The largest normalized mean squared error that passes. Default: 1e-11 for f32, 1e-6 for f16. */
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
  /** `normal` (the default): standard normal. `positive`: |normal| + 0.1. `uniform`: 0…1. Or a function of an element's index. */
  readonly fill?: 'normal' | 'positive' | 'uniform' | ((index: number) => number);
  /** Default: `constant` for dense inputs, so that weights are packed when the plan is made; `input` for nhwc4. */
  readonly kind?: 'input' | 'constant' | 'state';
}

/** The most workgroups along a dimension that every adapter allows. */
export const MOST_WORKGROUPS = 65_535;

/**
 * Spreads `count` workgroups over two dimensions if there are more than 65,535, WebGPU's limit for one. A kernel computes its workgroup's
 * index as x + y · num_workgroups.x, and has to stop if the index is not below `count`.
 */
export function spread(count: number): [number, number, number] {
  if (count <= MOST_WORKGROUPS) return [count, 1, 1];
  const rows = Math.ceil(count / MOST_WORKGROUPS);
  return [Math.ceil(count / rows), rows, 1];
}
