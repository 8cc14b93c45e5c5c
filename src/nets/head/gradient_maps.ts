/**
 * Heatmaps from gradients, for networks whose classifier is not linear: how much a class's logit changes with the last feature map, position
 * by position. It is loaded on demand, because it needs the gradients of operations, and most networks have exact maps.
 *
 * A map needs the head alone: the operations between feature map and logits. Each row of a run is one class of one image, with a copy of that
 * image's features, so that one backward pass gives the maps of several classes and reads the head's weights once.
 */
import { InputError } from '../../errors.js';
import type { HeatmapMethod } from '../../formats/weights/heatmap_methods.js';
import { createGraph, createTensor, type Graph, type GraphBuilder, prune } from '../../graph/ir/graph.js';
import { segmentsOf, type Tensor, type TensorSpec } from '../../graph/ir/tensor.js';
import { gradients } from '../../ops/differentiate.js';
import { binary } from '../../ops/general/binary.js';
import { permute } from '../../ops/general/permute.js';
import { reduce } from '../../ops/general/reduce.js';
import { unary } from '../../ops/general/unary.js';
import { relu } from '../../ops/layers/activation.js';
import { compact, forward as compactOperation } from '../../ops/packing/compact.js';
import type { NetworkFunction } from '../outputs.js';

/** A graph that computes the maps of `rows` pairs of an image and a class. */
export interface GradientMaps {
  readonly graph: Graph;
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Input [rows, h, w, channels]: in each row the features of its image, as the network's graph has them. */
  readonly features: Tensor;
  /** Input [rows, classes]: in each row 1 for its class, and 0 for the others. */
  readonly seeds: Tensor;
  /** Output [rows, h, w], dense f32. */
  readonly maps: Tensor;
}

/**
 * @param image the shape of one image: height, width, channels
 * @param type the element type of the network's features. Gradients are computed in f32 whatever it is: their products would be below the
 *   smallest f16.
 * @throws InputError if an operation of the head has no gradient, or if the classes do not follow from the feature map alone
 */
export function gradientMaps(
  network: NetworkFunction,
  image: readonly [number, number, number],
  rows: number,
  method: Exclude<HeatmapMethod, 'cam'>,
  type: 'f32' | 'f16' = 'f32',
): GradientMaps {
  const g = createGraph();
  const pixels = g.input('image', [rows, ...image]);
  const { features, logits } = network(g, pixels);
  const seeds = g.input('seeds', [...logits.shape], { layout: 'dense' });
  const gradient = gradients(g, logits, [features], seeds).get(features);
  if (!gradient)
    throw new InputError('there is no heatmap from gradients: the classes do not depend on the feature map', {
      given: features.name,
      hint: 'return the tensor as features from which the classes are computed',
    });
  const maps = mapsOf(g, compact(g, features), compact(g, gradient), method);
  // The features become an input, so that the backbone, which has run already, is no part of this graph.
  const given = createTensor('features', 'input', { ...formOf(features), type });
  const before = g.nodes.length;
  const own = type === 'f32' ? given : inF32(g, given);
  const nodes = [...g.nodes.slice(before), ...g.nodes.slice(0, before)].map((node) => ({
    ...node,
    inputs: node.inputs.map((tensor) => (tensor === features ? own : tensor)),
  }));
  const graph = prune({ nodes, outputs: [maps], slices: new Map() });
  if (graph.nodes.some(({ inputs }) => inputs.includes(pixels)))
    throw new InputError('there is no heatmap from gradients: the classes depend on more than the feature map', {
      given: features.name,
      hint: 'return the tensor as features through which everything reaches the classes',
    });
  return { graph, parameters: g.parameters, features: given, seeds, maps };
}

const formOf = ({ shape, layout, type, segments }: Tensor): TensorSpec => ({
  ...{ shape, layout, type },
  ...(segments ? { segments } : {}),
});

/** The same numbers in the same places as f32. */
function inF32(g: GraphBuilder, x: Tensor): Tensor {
  const wide = permute(g, permute(g, compact(g, x), [0, 1, 2, 3], 'dense'), [0, 1, 2, 3], 'nhwc4');
  const segments = segmentsOf(x);
  return segments.length > 1 ? g.apply(compactOperation, [wide], { segments }) : wide;
}

/**
 * @param a features [rows, h, w, channels]
 * @param dy the logits' gradients by them
 * @returns [rows, h, w]
 */
function mapsOf(g: GraphBuilder, a: Tensor, dy: Tensor, method: Exclude<HeatmapMethod, 'cam'>): Tensor {
  const times = (x: Tensor, y: Tensor) => binary(g, x, y, 'mul');
  const overChannels = (x: Tensor) => reduce(g, x, { kind: 'sum', axes: [3], keepDims: false });
  const overPositions = (x: Tensor, kind: 'sum' | 'mean') => reduce(g, x, { kind, axes: [1, 2] });
  const positive = (x: Tensor) => binary(g, x, zero(g), 'max');
  if (method === 'hirescam') return overChannels(times(a, dy));
  if (method === 'layer-cam') return positive(overChannels(times(a, relu(g, dy))));
  if (method === 'grad-cam') return positive(overChannels(times(a, overPositions(dy, 'mean'))));
  // With Y = exp(logit), the published weight of a position is g² / (2 g² + Σ A · g³), which is 1 / (2 + Σ A · g) where g is not 0. Where
  // it is 0, it is multiplied by relu(g), which is 0. The factor exp(logit), which is one number for the whole map, is left out: it exceeds
  // what a float can hold for a logit of 89.
  const share = unary(g, times(overPositions(a, 'sum'), dy), { kind: 'line', a: 1, b: 2 });
  const weights = overPositions(binary(g, relu(g, dy), share, 'div'), 'sum');
  return positive(overChannels(times(a, weights)));
}

const zero = (g: GraphBuilder) => g.constant('zero', { shape: [1], layout: 'dense', type: 'f32' }, [0]);
