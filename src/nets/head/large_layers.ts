/** Fully connected layers whose weights exceed what every adapter can bind. */
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { concat } from '../../ops/layers/concat.js';

/** Every adapter binds 128 MiB. Packed weights may be a little larger than the weights. */
const MOST_BYTES = 96 << 20;

/** Outputs from … to of a layer of which the weights are read at once. */
export type Part = readonly [from: number, to: number];

/** The layer's outputs in parts of about equal size, whose weights can be bound. Usually that is one part. */
export function partsOf(outputs: number, inputs: number): readonly Part[] {
  const count = Math.ceil((outputs * inputs * 4) / MOST_BYTES);
  // Parts of whole vec4s can be joined without holes between them.
  const size = Math.ceil(outputs / count / 4) * 4;
  return Array.from({ length: Math.ceil(outputs / size) }, (_, at) => [at * size, Math.min(outputs, (at + 1) * size)]);
}

/** The name of the parameter with a part's weights. */
export const partName = (name: string, [from, to]: Part, parts: readonly Part[]) =>
  parts.length === 1 ? name : `${name}.${from}-${to - 1}`;

/** Adds a layer part by part. */
export function inParts(g: GraphBuilder, parts: readonly Part[], add: (part: Part) => Tensor, name?: string): Tensor {
  return concat(g, parts.map(add), name);
}
