/** Recorded activations of a network, matched with the nodes of its graph. */
import { InputError } from '../errors.js';
import type { NumberArray } from '../formats/npy.js';
import type { Node } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';

export type MapsLayout = 'nchw' | 'nhwc';

/** A recorded activation and the node that computes it. */
export interface Match {
  /** The recording's name. */
  readonly name: string;
  readonly recorded: NumberArray;
  readonly node: Node;
  readonly tensor: Tensor;
}

/** Recorded activations by what became of them. */
export interface MatchedNames {
  /** In the order of the nodes. */
  readonly matches: Match[];
  /** Names that no node of the network has, or that could be those of several. */
  readonly unmatched: string[];
  /** Names that the network's file has for values that no tensor of the graph holds, because they are computed as a part of something else. */
  readonly absorbed: string[];
}

/**
 * Finds the node of each recorded activation by name. A recording has the names of modules: a module belongs to the node that reads its
 * weight (`NAME.weight`) or has its name. Prefixes may be missing or added, as long as only one node fits.
 * @param aliases names that the network's file has for tensors of the graph; undefined is no tensor. A recording with such a name is that tensor,
 *   and no other
 */
export function matchNames(
  nodes: readonly Node[],
  recordings: ReadonlyMap<string, NumberArray>,
  aliases: ReadonlyMap<string, string | undefined> = new Map(),
): MatchedNames {
  const named = new Map<string, Node[]>();
  for (const node of nodes) for (const name of namesOf(node)) named.set(name, [...(named.get(name) ?? []), node]);
  const fitting = (name: string) =>
    named.get(name) ?? [...named].flatMap(([other, those]) => (endsAlike(name, other) ? those : []));
  const found = new Map<string, Node>();
  for (const name of recordings.keys()) {
    const alias = aliases.get(name);
    const own = aliases.has(name) ? nodes.filter(({ outputs }) => outputs[0]?.name === alias) : fitting(name);
    const [node, ...others] = new Set(own);
    if (node && others.length === 0) found.set(name, node);
  }
  const matches = nodes.flatMap((node) =>
    [...found].flatMap(([name, own]): Match[] =>
      own === node ? [{ name, recorded: recordings.get(name)!, node, tensor: node.outputs[0] }] : [],
    ),
  );
  const missing = [...recordings.keys()].filter((name) => !found.has(name));
  const [absorbed, unmatched] = [true, false].map((isOfFile) =>
    missing.filter((name) => aliases.has(name) === isOfFile),
  );
  return { matches, unmatched, absorbed };
}

function namesOf({ operation, inputs, outputs }: Node): Set<string> {
  // Class activation maps read the weight of the layer for the classes too, and that layer's module puts out the classes.
  const read = operation.name === 'class_activation_map' ? [] : inputs;
  const modules = read.flatMap((tensor) => {
    const end = tensor?.kind === 'constant' && tensor.name.endsWith('.weight') ? -'.weight'.length : 0;
    return tensor && end ? [tensor.name.slice(0, end)] : [];
  });
  return new Set([...modules, ...(outputs[0] ? [outputs[0].name] : [])]);
}

const endsAlike = (a: string, b: string) => a.endsWith(`.${b}`) || b.endsWith(`.${a}`);

/**
 * Whether recorded maps have their channels first or last.
 * @throws InputError if the shapes do not show it, or contradict each other.
 */
export function layoutOf(input: NumberArray, channels: number, matches: readonly Match[]): MapsLayout {
  const shapes = matches.map(({ recorded, tensor }) => [recorded.shape, tensor.shape] as const);
  const [, second, , last] = input.shape;
  const votes = new Set<MapsLayout>();
  if (second === channels && last !== channels) votes.add('nchw');
  if (last === channels && second !== channels) votes.add('nhwc');
  if (votes.size === 0)
    for (const [given, [n, h, w, c]] of shapes) {
      const first = given.join() === [n, c, h, w].join();
      const isLast = given.join() === [n, h, w, c].join();
      if (first !== isLast) votes.add(first ? 'nchw' : 'nhwc');
    }
  const [layout, ...others] = votes;
  if (layout && others.length === 0) return layout;
  throw new InputError('the shapes of the recording do not show whether channels are first or last', {
    given: `an input of ${input.shape.join('×')} for a network with ${channels} channels`,
    hint: 'give --layout nchw or --layout nhwc',
  });
}

/** Maps with channels last as maps with channels first. */
export function channelsFirst(data: ArrayLike<number>, [n, h, w, c]: readonly number[]): Float64Array {
  const result = new Float64Array(n * h * w * c);
  for (let i = 0, at = 0; i < n; i++)
    for (let k = 0; k < c; k++) for (let p = 0; p < h * w; p++) result[at++] = data[(i * h * w + p) * c + k];
  return result;
}

/** Maps with channels first as maps with channels last. */
export function channelsLast(data: ArrayLike<number>, [n, h, w, c]: readonly number[]): Float64Array {
  const result = new Float64Array(n * h * w * c);
  for (let i = 0, at = 0; i < n; i++)
    for (let p = 0; p < h * w; p++) for (let k = 0; k < c; k++) result[at++] = data[(i * c + k) * h * w + p];
  return result;
}
