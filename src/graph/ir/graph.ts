/**
 * A network as data: a list of nodes, each an operation applied to tensors. Shapes are inferred as nodes are added, so that a mistake is
 * reported at the line of code that makes it.
 */
import { InputError } from '../../errors.js';
import type { ByName, InputNames, Operation } from './operation.js';
import { describeShape, type ElementType, type Kind, type Layout, type Tensor, type TensorSpec } from './tensor.js';

/** One operation applied to tensors. */
export interface Node<Attributes = object, Names extends InputNames = InputNames> {
  readonly operation: Operation<Attributes, Names>;
  /** An optional input that is not given, such as the bias of a convolution, is undefined. */
  readonly inputs: ByName<Names, Tensor>;
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
  /**
   * Whether the node repeats one of the forward pass (see `recompute`). Tensors that it derives, such as a repacked input, are then derived
   * again too; sharing those of the forward pass would keep them in memory in between.
   */
  readonly again?: boolean;
}

/** Nodes in an order in which they can be run, and the tensors that they are run for. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly outputs: readonly Tensor[];
  /** Tensors that are stored inside the memory of another one. `fuse` adds them, so that a concatenation needs no copies. */
  readonly slices: ReadonlyMap<Tensor, Slice>;
}

/** Where a tensor lies in the memory of another one. */
export interface Slice {
  readonly of: Tensor;
  /** Groups of four channels from the start of each pixel of `of`. */
  readonly offset: number;
}

let nextId = 1;

export function createTensor(name: string, kind: Kind, spec: TensorSpec, data?: ArrayLike<number>): Tensor {
  for (const size of spec.shape) {
    if (!Number.isInteger(size) || size < 1) {
      throw new InputError(`tensor ${name}: impossible shape`, {
        expected: 'positive sizes',
        given: spec.shape.join('×'),
      });
    }
  }
  const { shape, layout, type, segments, isTexture } = spec;
  return {
    id: nextId++,
    name,
    kind,
    shape,
    layout,
    type,
    ...(segments ? { segments } : {}),
    ...(isTexture ? { isTexture } : {}),
    ...(data ? { data } : {}),
  };
}

/** Applies an operation: checks its inputs, and makes its output tensors. All nodes are made here, those that `fuse` makes included. */
export function createNode<A extends object, N extends InputNames>(
  operation: Operation<A, N>,
  given: readonly (Tensor | undefined)[],
  attributes: A,
  name: string = operation.name,
): Node<A, N> {
  let specs: readonly TensorSpec[];
  const inputs = given as ByName<N, Tensor>;
  try {
    checkGiven(operation.inputs, given);
    specs = operation.infer(inputs, attributes);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const shapes = given.map((tensor) => (tensor ? describeShape(tensor) : 'none')).join(', ');
    throw new InputError(`${name} (${operation.name} of ${shapes}): ${error.message}`, { cause: error });
  }
  const fixed = operation.updates?.map((index) => given[index]).find((tensor) => tensor && tensor.kind !== 'state');
  if (fixed) {
    throw new InputError(`${name} (${operation.name}) overwrites ${fixed.name}`, {
      expected: 'a state',
      given: fixed.kind,
    });
  }
  const outputs = specs.map((spec, index) => createTensor(index === 0 ? name : `${name}.${index}`, 'temporary', spec));
  return { operation, inputs, outputs, attributes };
}

/** @throws InputError if a required input is missing, or if there are more inputs than the operation has names for. */
function checkGiven(names: InputNames | undefined, given: readonly (Tensor | undefined)[]): void {
  if (!names) return;
  const isList = names[0]?.endsWith('...');
  const own = isList ? given.map(() => names[0]) : names;
  const missing = own.find((name, index) => !name.endsWith('?') && !given[index]);
  if (missing) throw new InputError(`the input ${missing} is missing`, { expected: names.join(', ') });
  if (given.length > own.length) {
    throw new InputError('too many inputs', { expected: names.join(', '), given: String(given.length) });
  }
}

/** Builds a graph node by node. */
export interface GraphBuilder {
  /** The element type of activations. Dense tensors of floats, such as logits, are always f32. */
  readonly type: 'f32' | 'f16';
  /**
   * The operation that computes the statistics of a batch for batch norms and updates the running statistics. Without it, batch norms use the
   * statistics that come with the weights. It is an argument and not an import, so that a page that only infers does not load code for
   * training.
   */
  readonly batchStatistics?: Operation<{ momentum: number }> | undefined;
  /** Whether the batch norm whose weight has this name keeps to the statistics of the weights even if there are `batchStatistics`. */
  readonly keepsStatistics?: ((weight: string) => boolean) | undefined;
  /** All nodes so far, in order. */
  readonly nodes: readonly Node[];
  /** A tensor whose content is given before each run. */
  input(name: string, shape: readonly number[], options?: { layout?: Layout; type?: ElementType }): Tensor;
  /** A named weight: dense f32, its dimensions in PyTorch's order. The same name gives the same tensor. */
  parameter(name: string, shape: readonly number[]): Tensor;
  /** A constant whose content is given now, in dense order. */
  constant(name: string, spec: TensorSpec, data: ArrayLike<number>): Tensor;
  /** A dense f32 tensor that keeps its content from run to run and begins with zeros, such as an optimizer's momentum. */
  state(name: string, shape: readonly number[]): Tensor;
  /** Adds a node and returns its first output. */
  apply<A extends object, N extends InputNames>(
    op: Operation<A, N>,
    inputs: readonly (Tensor | undefined)[],
    attributes: A,
    name?: string,
  ): Tensor;
  /** Adds a node and returns all its outputs. */
  applyAll<A extends object, N extends InputNames>(
    op: Operation<A, N>,
    inputs: readonly (Tensor | undefined)[],
    attributes: A,
    name?: string,
  ): readonly Tensor[];
  /** Ends the graph, without the nodes that neither `outputs` nor updated states depend on. */
  finish(outputs: readonly Tensor[]): Graph;
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/**
 * Begins a graph.
 * @param options.type element type of activations (default f32).
 * @param options.parameters `constant` for inference (default), `state` for training.
 * @param options.batchStatistics for training with the statistics of each batch: the `forward` of `ops/layers/batch_statistics.ts`.
 * @param options.keepsStatistics whether the batch norm whose weight has this name keeps to the statistics of the weights even so. Default:
 *   none does.
 */
export function createGraph(
  options: {
    type?: 'f32' | 'f16';
    parameters?: 'constant' | 'state';
    batchStatistics?: Operation<{ momentum: number }>;
    keepsStatistics?: (weight: string) => boolean;
  } = {},
): GraphBuilder {
  const type = options.type ?? 'f32';
  const nodes: Node[] = [];
  const parameters = new Map<string, Tensor>();
  const builder: GraphBuilder = {
    type,
    batchStatistics: options.batchStatistics,
    keepsStatistics: options.keepsStatistics,
    nodes,
    parameters,
    input: (name, shape, { layout = 'nhwc4', type: own = layout === 'nhwc4' ? type : 'f32' } = {}) =>
      createTensor(name, 'input', { shape, layout, type: own }),
    parameter(name, shape) {
      const known = parameters.get(name);
      if (known) {
        if (known.shape.join() === shape.join()) return known;
        throw new InputError(`parameter ${name} has two shapes`, {
          expected: known.shape.join('×'),
          given: shape.join('×'),
        });
      }
      const tensor = createTensor(name, options.parameters ?? 'constant', { shape, layout: 'dense', type: 'f32' });
      parameters.set(name, tensor);
      return tensor;
    },
    constant: (name, spec, data) => createTensor(name, 'constant', spec, data),
    state: (name, shape) => createTensor(name, 'state', { shape, layout: 'dense', type: 'f32' }),
    apply: (operation, inputs, attributes, name) => builder.applyAll(operation, inputs, attributes, name)[0],
    applyAll(operation, inputs, attributes, name) {
      const node = createNode(operation, inputs, attributes, name);
      nodes.push(node as unknown as Node);
      return node.outputs;
    },
    finish: (outputs) => prune({ nodes, outputs, slices: new Map() }),
  };
  return builder;
}

/** The states that a node overwrites. */
export function updatesOf({ operation, inputs }: Node): Tensor[] {
  return (operation.updates ?? []).flatMap((index) => inputs[index] ?? []);
}

/** The name of a node in messages and profiles. */
export function nameOf(node: Node): string {
  return node.outputs[0]?.name ?? `${updatesOf(node)[0]?.name ?? 'nothing'}/${node.operation.name}`;
}

/** Drops nodes that neither an output nor an updated state depends on. */
export function prune(graph: Graph): Graph {
  const needed = new Set<Tensor>(graph.outputs);
  const kept: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((tensor) => needed.has(tensor)) && updatesOf(node).length === 0) continue;
    for (const tensor of node.inputs) if (tensor) needed.add(tensor);
    kept.push(node);
  }
  return { ...graph, nodes: kept.reverse() };
}

/** The tensor in whose memory a tensor lies (itself if it is not a slice), and its offset in groups of four channels. */
export function rootOf(slices: ReadonlyMap<Tensor, Slice>, tensor: Tensor): Slice {
  let of = tensor;
  let offset = 0;
  for (let slice = slices.get(of); slice; slice = slices.get(of)) {
    offset += slice.offset;
    of = slice.of;
  }
  return { of, offset };
}
