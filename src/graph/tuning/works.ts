/** The kinds of work in a graph for which an adapter has a choice of kernels, and a graph with nothing but one of them, to be timed. */
import { createTensor, type Graph, type Node } from '../ir/graph.js';
import type { Traits } from '../ir/operation.js';
import { elementCount, type Tensor, type TensorSpec } from '../ir/tensor.js';
import { workOf } from '../plan/choices.js';

/** Nodes with the same operation, shapes and attributes, which run on the same kernel. */
export interface Work {
  /** As `workOf` describes it. */
  readonly key: string;
  /** One of the nodes. */
  readonly node: Node;
  /** The kernels that can run it: first the one that raybox's rules prefer. */
  readonly variants: readonly string[];
  /** Those of its inputs that are known before a run, such as weights. */
  readonly constants: ReadonlySet<Tensor>;
  /** Floating-point operations of all these nodes. */
  readonly flops: number;
}

/** @param graph as it will be planned, so fused. @returns the works that have several variants, the most expensive first. */
export function worksOf(graph: Graph, traits: Traits): Work[] {
  const works = new Map<string, Work>();
  const folded = new Set<Tensor>();
  const isConstant = (tensor: Tensor | undefined) => !tensor || tensor.kind === 'constant' || folded.has(tensor);
  for (const node of graph.nodes) {
    const given = node.inputs.flatMap((tensor) => tensor ?? []);
    const constants = new Set(given.filter(isConstant));
    if (given.length > 0 && constants.size === new Set(given).size) {
      for (const tensor of node.outputs) folded.add(tensor);
      continue; // it is computed once, when the plan is made
    }
    const variants = node.operation.variants?.(node, traits, isConstant) ?? [];
    if (variants.length < 2) continue;
    const key = workOf(node);
    const before = works.get(key);
    works.set(key, { key, node, variants, constants, flops: (before?.flops ?? 0) + node.operation.flops(node) });
  }
  return [...works.values()].sort((a, b) => b.flops - a.flops);
}

/** A graph with one node. */
export interface Isolated {
  readonly graph: Graph;
  readonly node: Node;
  /** What has to be written before a run. */
  readonly inputs: readonly Tensor[];
}

/** The node of a work in a graph of its own. Its constants have values; they are not those of the network, which do not matter for times. */
export function isolate({ node, constants }: Work): Isolated {
  const own = new Map<Tensor, Tensor>();
  for (const tensor of node.inputs) {
    if (!tensor || own.has(tensor)) continue;
    const isConstant = constants.has(tensor);
    own.set(
      tensor,
      createTensor(tensor.name, isConstant ? 'constant' : 'input', tensor, isConstant ? valuesFor(tensor) : undefined),
    );
  }
  const alone: Node = {
    ...node,
    inputs: node.inputs.map((tensor) => tensor && own.get(tensor)!),
    outputs: node.outputs.map((tensor) => createTensor(tensor.name, 'temporary', tensor)),
  };
  const graph: Graph = { nodes: [alone], outputs: alone.outputs, slices: new Map() };
  return { graph, node: alone, inputs: [...own.values()].filter(({ kind }) => kind === 'input') };
}

/** Values from −0.5 to 0.5 that do not repeat within a few million, in dense order. (With zeros, some GPUs run faster.) */
export function valuesFor(tensor: TensorSpec): Float32Array | Uint32Array {
  const count = elementCount(tensor);
  if (tensor.type === 'u32') return new Uint32Array(count);
  const values = new Float32Array(count);
  // Multiples of the golden ratio, without their whole parts.
  for (let i = 0; i < count; i++) values[i] = ((i * 0.6180339887498949) % 1) - 0.5;
  return values;
}
