/** Concatenates maps along channels, and cuts them into pieces. */
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { concat as concatenation } from '../ops/layers/concat.js';
import { slice } from '../ops/layers/slice.js';
import { compact, withSegments } from '../ops/packing/compact.js';
import { asMap, asValue, type Kit, type Value } from './kit.js';
import { orderOf } from './map_order.js';

/** Adds a concatenation along channels. */
export function concat(kit: Kit, values: readonly Value[], dimension: number): Value {
  const [first] = values;
  if (values.length === 1) return first;
  const rank = first.dims.length;
  // The other dimensions are those of the first value, and have to be the same axes in all of them.
  const order = orderOf(first, dimension);
  const tensors = values.map((value) => asMap(kit, value, order));
  return asValue(joined(kit, tensors), order, rank);
}

/** For each graph its concatenations so far, each with its parts and its result. */
const concatenations = new WeakMap<GraphBuilder, { parts: readonly Tensor[]; whole: Tensor }[]>();

/**
 * If a concatenation begins with all parts of an earlier one, the other parts are appended to the earlier result. In a densely connected block
 * each layer concatenates the outputs of all layers before it. In this way the block becomes one growing buffer, and nothing is copied.
 */
function joined({ g, name }: Kit, parts: readonly Tensor[]): Tensor {
  const earlier = concatenations.get(g) ?? [];
  concatenations.set(g, earlier);
  const begins = earlier.filter(
    (one) => one.parts.length < parts.length && one.parts.every((part, i) => part === parts[i]),
  );
  const longest = begins.reduce<(typeof begins)[number] | undefined>(
    (best, one) => (best && best.parts.length >= one.parts.length ? best : one),
    undefined,
  );
  const rest = longest ? [longest.whole, ...parts.slice(longest.parts.length)] : parts;
  const whole = concatenation(g, rest, name);
  earlier.push({ parts, whole });
  return whole;
}

/** Cuts channels into pieces of these widths. */
export function cutChannels(kit: Kit, value: Value, dimension: number, widths: readonly number[]): Value[] {
  const order = orderOf(value, dimension);
  const x = asMap(kit, value, order);
  // Each piece has to begin at a multiple of four channels, so gaps are put between the pieces first.
  const laid = widths.length === 1 ? x : withSegments(kit.g, compact(kit.g, x), [...widths], `${kit.name}/pieces`);
  let offset = 0;
  return widths.map((width, i) => {
    const piece = slice(kit.g, laid, { offset, segments: [width] }, `${kit.name}/${i}`);
    offset += Math.ceil(width / 4);
    return asValue(piece, order, value.dims.length);
  });
}
