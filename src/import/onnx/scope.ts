/** The values and nodes of one graph while it is translated: the model's graph, or a branch within it. */
import type { ElementType } from '../../formats/weights/checkpoint.js';
import { type Constant, graphsIn, type PlainGraph, type PlainNode } from '../plain.js';
import { readFromOutside } from './branches.js';
import type { Operand } from './call.js';

/** One graph while it is translated: that of the model, or a branch, which also reads the values of the graphs around it. */
export interface Scope {
  readonly graph: PlainGraph;
  readonly outer?: Scope;
  readonly values: Map<string, Operand>;
  readonly computed: Map<string, Constant>;
  readonly types: Map<string, ElementType>;
  /** By name of an output, the number of the node that computes it. */
  readonly producers: ReadonlyMap<string, number>;
  /** The names that the graphs within its nodes read. */
  readonly readInside: ReadonlySet<string>;
  /** Nodes that were translated, or are being translated. */
  readonly begun: Set<PlainNode>;
}

export function scopeOf(graph: PlainGraph, rest: Omit<Scope, 'graph' | 'producers' | 'readInside' | 'begun'>): Scope {
  const producers = new Map<string, number>();
  graph.nodes.forEach(({ outputs }, i) => {
    for (const name of outputs) if (name !== '') producers.set(name, i);
  });
  const inside = graph.nodes.flatMap(graphsIn).flatMap((one) => [...readFromOutside(one)]);
  return { graph, ...rest, producers, readInside: new Set(inside), begun: new Set() };
}

export const valueNamed = ({ values, outer }: Scope, name: string): Operand | undefined =>
  values.get(name) ?? (outer && valueNamed(outer, name));
export const typeNamed = ({ types, outer }: Scope, name: string): ElementType | undefined =>
  types.get(name) ?? (outer && typeNamed(outer, name));

/** Nodes that some values depend on and that were not translated yet, in the order of the file. */
export function neededNodes({ graph, producers, begun }: Scope, wanted: readonly string[]): PlainNode[] {
  const needed = new Set<number>();
  const names = [...wanted];
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    const index = producers.get(name);
    if (index === undefined || needed.has(index) || begun.has(graph.nodes[index])) continue;
    needed.add(index);
    for (const input of graph.nodes[index].inputs) names.push(input);
  }
  return [...needed].sort((a, b) => a - b).map((index) => graph.nodes[index]);
}
