/** Compares a network, layer by layer, with activations that were recorded elsewhere. */
import { firstFew, InputError } from '../errors.js';
import type { NumberArray } from '../formats/npy.js';
import type { Gpu } from '../gpu/device.js';
import { createGraph, type GraphBuilder, type Node } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { createPlan } from '../graph/plan/plan.js';
import type { WeightSource } from '../graph/plan/types.js';
import { type LayerFacts, likelyCause, type Maps, relativeError } from './likely_cause.js';
import { channelsFirst, channelsLast, layoutOf, type MapsLayout, type Match, matchNames } from './recorded.js';
import { normalisedError } from './reference.js';

export interface ComparedLayer {
  readonly name: string;
  readonly operation: string;
  /** The shape in the recording. */
  readonly recorded: readonly number[];
  /** The shape in raybox, with channels first. */
  readonly shape: readonly number[];
  /** Missing if the shapes differ. */
  readonly nmse?: number;
  readonly largest?: number;
  /** The largest difference, relative to the range of the recorded numbers. */
  readonly relative?: number;
  readonly agrees: boolean;
}

export interface Comparison {
  readonly layout: MapsLayout;
  /** In the order in which the network runs. */
  readonly layers: readonly ComparedLayer[];
  /** Names in the recording that belong to no layer, or could belong to several. Nothing is known about them. */
  readonly unmatched: readonly string[];
  /** Names in the recording of values of an imported model that raybox computes only as a part of another layer. */
  readonly absorbed: readonly string[];
  /** The first layer that differs, and why it probably does. */
  readonly first?: { readonly name: string; readonly cause: string };
}

export interface ComparedNetwork {
  /** Adds the network for images [n, h, w, channels] to a graph, and returns its outputs. */
  build(g: GraphBuilder, image: Tensor): readonly Tensor[];
  readonly weights: WeightSource;
  readonly channels: number;
  /** Names that the network's file has for tensors of the graph. */
  readonly activations?: ReadonlyMap<string, string | undefined> | undefined;
}

/**
 * Runs the network unfused in f32 on the recorded input, so that every layer can be read.
 * @param tolerance the largest difference of a layer, relative to the range of its recorded numbers
 * @throws InputError if the recording has no `input`, or nothing in it belongs to a layer
 */
export async function compareWithRecording(
  gpu: Gpu,
  network: ComparedNetwork,
  recordings: ReadonlyMap<string, NumberArray>,
  { tolerance, layout: told }: { tolerance: number; layout?: MapsLayout | undefined },
): Promise<Comparison> {
  const input = inputOf(recordings);
  const rest = new Map([...recordings].filter(([name]) => name !== 'input'));
  const { image, graph, layout, matches, ...missing } = matchedNetwork(network, input, rest, told);
  const plan = await createPlan(gpu, graph, { unfused: true, separate: { guard: 0 }, weights: network.weights });
  try {
    const given = layout === 'nchw' ? channelsLast(input.data, image.shape) : Float64Array.from(input.data);
    const run = async (values: Float64Array) => {
      plan.write(image, values);
      await plan.run();
    };
    await run(given);
    const layers: ComparedLayer[] = [];
    let failing: { maps: Maps; theirs: Maps | undefined; at: number } | undefined;
    for (const [at, match] of matches.entries()) {
      const maps = mapsOf(match.tensor, await plan.read(match.tensor));
      const theirs = recordedMaps(match.recorded, maps, layout);
      layers.push(comparedLayer(match, maps, theirs, tolerance));
      if (!layers[at].agrees) failing ??= { maps, theirs, at };
    }
    if (!failing) return { layout, layers, ...missing };
    const { node, tensor, recorded, name } = matches[failing.at];
    const again: LayerFacts['again'] = async (change) => {
      await run(changed(given, image.shape, change));
      return mapsOf(tensor, await plan.read(tensor));
    };
    const norm = await normOf(node, network.weights);
    const facts = { recorded: recorded.data, again, ...(norm ? { norm } : {}) };
    const cause = failing.theirs
      ? await likelyCause(failing.maps, failing.theirs, tolerance, facts)
      : 'shape: stride, padding or kernel differ, or the recording is of another layer';
    return { layout, layers, ...missing, first: { name, cause: cause ?? 'no known cause' } };
  } finally {
    plan.close();
  }
}

/** The network for images of the recording's size, its layers that were recorded, and the layout of the recording. */
function matchedNetwork(
  network: ComparedNetwork,
  input: NumberArray,
  rest: ReadonlyMap<string, NumberArray>,
  told: MapsLayout | undefined,
) {
  const { channels } = network;
  const [images, a, b, c] = input.shape;
  // If the layout is not given, the number of channels suggests one. `layoutOf` below makes sure of it by means of the layers.
  const isChannelsFirst = told ? told === 'nchw' : a === channels;
  const [height, width] = isChannelsFirst ? [b, c] : [a, b];
  const g = createGraph();
  const image = g.input('image', [images, height, width, channels]);
  const graph = g.finish(network.build(g, image));
  const { matches, unmatched, absorbed } = matchNames(graph.nodes, rest, network.activations);
  if (matches.length === 0)
    throw new InputError('no recorded activation belongs to a layer of the network', {
      expected: firstFew(
        graph.nodes.map(({ outputs }) => outputs[0]?.name ?? ''),
        6,
      ),
      given: firstFew([...unmatched, ...absorbed], 6) || 'only the input',
      hint: 'names are those of modules whose parameters raybox reads (features.conv0), of nodes as raybox inspect --layers prints them, or of the values of an imported model',
    });
  const layout = told ?? layoutOf(input, channels, matches);
  if (input.shape[layout === 'nchw' ? 1 : 3] !== channels)
    throw new InputError(`the recorded input does not have ${channels} channels`, {
      given: `${input.shape.join('×')}, read as ${layout}`,
    });
  return { image, graph, layout, matches, unmatched, absorbed };
}

/** The recorded input of the network. */
function inputOf(recordings: ReadonlyMap<string, NumberArray>): NumberArray {
  const input = recordings.get('input');
  if (input?.shape.length === 4) return input;
  throw new InputError('the recording has no input', {
    expected: 'a tensor `input` of four dimensions: what the network was given, after normalisation',
    given: input ? input.shape.join('×') : firstFew([...recordings.keys()], 6) || 'nothing',
  });
}

/** How far a layer's maps are from the recorded ones, which are undefined if their shape does not fit. */
function comparedLayer(
  { name, node, recorded }: Match,
  maps: Maps,
  theirs: Maps | undefined,
  tolerance: number,
): ComparedLayer {
  const base = { name, operation: node.operation.name, recorded: recorded.shape, shape: maps.shape };
  if (!theirs) return { ...base, agrees: false };
  const relative = relativeError(maps.data, theirs.data);
  return {
    ...base,
    nmse: normalisedError(maps.data, theirs.data),
    largest: largest(maps.data, theirs.data),
    relative,
    agrees: relative <= tolerance,
  };
}

function mapsOf({ shape, layout }: Tensor, values: ArrayLike<number>): Maps {
  if (shape.length === 4 && layout === 'nhwc4') {
    const [n, h, w, c] = shape;
    return { shape: [n, c, h, w], data: channelsFirst(values, shape) };
  }
  const [n, c = 1, h = 1, w = 1] = shape;
  return { shape: [n, c, h, w], data: Float64Array.from(values) };
}

/** The recorded numbers in the order of ours; undefined if their shape is another one. Sizes of 1 may be left out at the end. */
function recordedMaps({ shape, data }: NumberArray, { shape: own }: Maps, layout: MapsLayout): Maps | undefined {
  const [n, c, h, w] = own;
  const full = [...shape, 1, 1, 1].slice(0, 4);
  if (shape.length > 4) return undefined;
  if (full.join() === own.join() && (layout === 'nchw' || shape.length < 4)) return { shape: own, data };
  const last = [n, h, w, c];
  if (shape.join() !== last.join()) return full.join() === own.join() ? { shape: own, data } : undefined;
  // The shape shows that this layer has its channels last, as some layers have in a network with channels first: those in the blocks of
  // torchvision's ConvNeXt. If all its sides are equal, it shows nothing, and `likelyCause` tries the layout.
  return { shape: own, data: channelsFirst(data, last) };
}

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Object.is(a[i], b[i]) ? 0 : Math.abs(a[i] - b[i]);
    if (!(difference <= most)) most = difference;
  }
  return most;
}

function changed(values: Float64Array, shape: readonly number[], change: Parameters<LayerFacts['again']>[0]) {
  const [n, h, w, c] = shape;
  const result = new Float64Array(values.length);
  let at = 0;
  for (let i = 0; i < n; i++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++)
        for (let k = 0; k < c; k++, at++) {
          if (change === 'channels reversed') result[at] = values[at - k + c - 1 - k];
          else {
            const [row, column] = [y - change.rows, x - change.columns];
            if (row < 0 || row >= h || column < 0 || column >= w) continue;
            result[at] = values[((i * h + row) * w + column) * c + k];
          }
        }
  return result;
}

async function normOf({ operation, inputs, attributes }: Node, weights: WeightSource): Promise<LayerFacts['norm']> {
  if (operation.name !== 'batch_norm') return undefined;
  const [, ...vectors] = inputs;
  const [gamma, beta, , variance] = await Promise.all(
    vectors.map((one) => one && (one.data ?? weights(one.name, one.shape))),
  );
  const { epsilon } = attributes as { epsilon: number };
  return gamma && beta && variance ? { gamma, beta, variance, epsilon } : undefined;
}
