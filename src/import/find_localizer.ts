/**
 * Finds the localizer in a classifier's graph: the last feature map, how it is pooled, and the layers between the pooled features and the
 * classes. If those layers are linear, they can be applied at every position before pooling, which gives exact class activation maps.
 * If they are not, the network keeps them as they are and has no maps of its own: heatmaps then come from gradients by the feature map.
 * Nothing here knows where the graph comes from.
 */
import { InputError } from '../errors.js';
import type { Node } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import { lastMap } from '../nets/head/last_map.js';
import { seenBehind } from '../nets/head/seen_behind.js';
import type { NetworkOutputs } from '../nets/outputs.js';
import { permute } from '../ops/general/permute.js';
import { reshape } from '../ops/general/reshape.js';
import { sigmoid } from '../ops/layers/activation.js';
import type { Activation } from '../ops/layers/activations.js';
import { classActivationMap } from '../ops/layers/class_activation_map.js';
import type { Conv2dAttributes } from '../ops/layers/conv2d.attributes.js';
import { forward as layerNormalisation } from '../ops/layers/layer_norm.js';
import { forward as linear } from '../ops/layers/linear.js';
import { lsePool } from '../ops/layers/lse_pool.js';
import type { PoolAttributes } from '../ops/layers/pool.js';
import { softmax } from '../ops/layers/softmax.js';
import { compact } from '../ops/packing/compact.js';
import { type Kit, parameter } from './kit.js';

/** How logits become probabilities: each class by itself (sigmoid), or all classes together with the sum 1 (softmax). */
type Probabilities = 'sigmoid' | 'softmax';

/** What a caller may say about a network's outputs. With `none` they are probabilities already. */
const PROBABILITIES = ['sigmoid', 'softmax', 'none'] as const;
/** One of these. */
export type GivenProbabilities = (typeof PROBABILITIES)[number];

/** The outputs of a network in which the localizer was found. */
export interface Localizer extends NetworkOutputs {
  /** The function that the network itself ends with; undefined if its outputs are not probabilities. */
  readonly ends?: Probabilities;
}

/** A function y = W · x + b of channels. */
interface Linear {
  /** [outputs, inputs] row by row. */
  readonly weight: Float64Array;
  readonly bias: Float64Array;
  readonly inputs: number;
  readonly outputs: number;
}

/** Layers from pooled features to classes, and the feature map before. */
interface Head {
  readonly features: Tensor;
  /** Sharpness of the pooling: 0 for the average, Infinity for the maximum. */
  readonly r: number;
  /** A layer norm after the pooling, as in ConvNeXt. */
  readonly norm?: Node;
  readonly linear: Linear;
}

/**
 * Adds pooling, prediction layer and class activation maps in place of the network's own last layers, with the numbers of those. If those
 * are not linear, they stay, and there are no heatmaps.
 * @param output the network's output, [n, 1, 1, classes]
 * @param given how its numbers become probabilities if the network does not end with a sigmoid or softmax; default: a sigmoid of each
 * @throws InputError if there is no feature map
 */
export function localizerOf(kit: Kit, output: Tensor, given: GivenProbabilities = 'sigmoid'): Localizer {
  if (!PROBABILITIES.includes(given))
    throw new InputError('probabilities', { expected: PROBABILITIES.join(', '), given });
  const { g } = kit;
  const producers = new Map(g.nodes.flatMap((node) => node.outputs.map((tensor) => [tensor, node] as const)));
  refuseMaps(output);
  const { logits: last, ends } = beforeProbabilities(output, producers);
  const kind = ends ?? given;
  const probabilitiesOf = (logits: Tensor) => {
    if (kind === 'none') return reshape(g, logits, [0, -1], 'probabilities');
    return kind === 'softmax' ? softmax(g, logits, 'probabilities') : sigmoid(g, logits, 'probabilities');
  };
  const found = headOf(kit, last, producers);
  if (!found) {
    const features = lastMap(g.nodes, last);
    const logits = reshape(g, permute(g, compact(g, last), [0, 3, 1, 2]), [0, -1], 'logits');
    return { features, logits, probabilities: probabilitiesOf(logits), ...(ends ? { ends } : {}) };
  }
  const { features, r, norm, linear: head } = found;
  const x = compact(g, features, 'head.compact');
  let pooled = lsePool(g, x, r, 'head.pooling');
  if (norm) pooled = g.apply(norm.operation, [pooled, ...norm.inputs.slice(1)], norm.attributes, 'head.norm');
  const { inputs, outputs } = head;
  const weight = parameter(kit, 'head.prediction.weight', 'head', head, [outputs, inputs], () => head.weight);
  const bias = parameter(kit, 'head.prediction.bias', 'head', head, [outputs], () => head.bias);
  const logits = g.apply(linear, [pooled, weight, bias], {}, 'head.prediction');
  const probabilities = probabilitiesOf(logits);
  // The norm subtracts the average of the channels, so the weights of the maps must not see it.
  const seen = norm
    ? parameter(kit, 'head.seen.weight', 'head', head, [outputs, inputs], () => behindNorm(kit, head, norm))
    : weight;
  const heatmaps = classActivationMap(g, x, seen, 'heatmaps');
  return { features: x, logits, probabilities, heatmaps, ...(ends ? { ends } : {}) };
}

function refuseMaps(output: Tensor): void {
  const [, height, width, channels] = output.shape;
  if (height === 1 && width === 1) return;
  throw new InputError('the output of the network is a map and not a number for each class', {
    given: `${channels} × ${height} × ${width} numbers for an image`,
    hint: 'raybox needs a classifier; it cannot localize with networks that segment or detect',
  });
}

type Producers = ReadonlyMap<Tensor, Node>;

/** The logits that the probabilities are computed from. */
function beforeProbabilities(output: Tensor, producers: Producers): { logits: Tensor; ends?: Probabilities } {
  const node = producers.get(output);
  if (node?.operation.name === 'softmax') return { logits: node.inputs[0]!, ends: 'softmax' };
  if (node?.operation.name === 'activation') {
    const { activation } = node.attributes as { activation: Activation };
    if (activation.kind === 'sigmoid') return { logits: node.inputs[0]!, ends: 'sigmoid' };
  }
  return { logits: output };
}

/** Walks from the logits back to the pooling, and joins the layers on the way to one. Undefined if they are not linear. */
function headOf(kit: Kit, logits: Tensor, producers: Producers): Head | undefined {
  let head: Linear | undefined;
  let norm: Node | undefined;
  for (let tensor = logits; ; ) {
    const node = producers.get(tensor);
    if (!node) return undefined;
    const [x] = node.inputs as [Tensor];
    const pooling = poolingOf(node);
    if (pooling !== undefined) {
      const found = { features: x, r: pooling, linear: head ?? identity(channelCount(tensor)) };
      return norm ? { ...found, norm } : beforeAverage(kit, found, producers);
    }
    if (node.operation === (layerNormalisation as unknown)) {
      if (norm || !head) return undefined;
      norm = node;
    } else if (node.operation.name !== 'compact') {
      const layer = norm ? undefined : linearOf(kit, node);
      if (!layer) return undefined;
      head = head ? joined(layer, head) : layer;
    }
    tensor = x;
  }
}

/**
 * A layer with an output for each class computes the same before the average as after it. If it stands before, it is taken to be after it, so
 * that its bias, which is the same at all positions, is not part of the maps.
 */
function beforeAverage(kit: Kit, head: Head, producers: Producers): Head {
  const node = producers.get(head.features);
  const layer = node && head.r === 0 && linearOf(kit, node);
  if (!layer || layer.outputs !== head.linear.outputs) return head;
  return beforeAverage(kit, { ...head, features: node.inputs[0]!, linear: joined(layer, head.linear) }, producers);
}

/** The sharpness of a pooling over all positions; undefined for any other layer. */
function poolingOf({ operation, attributes, inputs: [x] }: Node): number | undefined {
  if (operation.name === 'lse_pool') return (attributes as { r: number }).r;
  if (operation.name !== 'pool') return undefined;
  const { mode, kernel, padding, dilation } = attributes as PoolAttributes;
  const isWhole = kernel[0] === x!.shape[1] && kernel[1] === x!.shape[2];
  const isPlain = padding.every((side) => side === 0) && dilation.every((one) => one === 1);
  if (!isWhole || !isPlain) return undefined;
  return mode === 'average' ? 0 : Number.POSITIVE_INFINITY;
}

/** The function that a layer applies to each position; undefined if it is not linear. */
function linearOf(kit: Kit, { operation, inputs, attributes }: Node): Linear | undefined {
  const valuesOf = (tensor: Tensor | undefined) =>
    (tensor && (kit.weights.get(tensor.name)?.data ?? tensor.data)) as ArrayLike<number> | undefined;
  const [x, weight, bias] = inputs as [Tensor, Tensor, Tensor | undefined];
  if (operation.name === 'conv2d') {
    const { groups, activation, padding, stride } = attributes as Conv2dAttributes;
    const [outputs, inputCount, height, width] = weight.shape;
    const isPlain = [...stride, groups].every((one) => one === 1) && padding.every((side) => side === 0);
    const onOne = height === 1 && width === 1 && isPlain;
    const values = valuesOf(weight);
    if (!onOne || activation || inputs.length > 3 || !values) return undefined;
    return {
      weight: Float64Array.from(values),
      bias: Float64Array.from(valuesOf(bias) ?? new Float64Array(outputs)),
      ...{ inputs: inputCount, outputs },
    };
  }
  if (operation.name !== 'batch_norm') return undefined;
  const channels = channelCount(x);
  const { epsilon } = attributes as { epsilon: number };
  const [gamma, beta, mean, variance] = inputs.slice(1).map(valuesOf) as ArrayLike<number>[];
  const weights = new Float64Array(channels * channels);
  const shift = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    const factor = gamma[c] / Math.sqrt(variance[c] + epsilon);
    weights[c * channels + c] = factor;
    shift[c] = beta[c] - mean[c] * factor;
  }
  return { weight: weights, bias: shift, inputs: channels, outputs: channels };
}

function identity(channels: number): Linear {
  const weight = new Float64Array(channels * channels);
  for (let c = 0; c < channels; c++) weight[c * channels + c] = 1;
  return { weight, bias: new Float64Array(channels), inputs: channels, outputs: channels };
}

/** The function that applies `first` and then `second`. */
function joined(first: Linear, second: Linear): Linear {
  const { inputs } = first;
  const { outputs } = second;
  const weight = new Float64Array(outputs * inputs);
  const bias = Float64Array.from(second.bias);
  for (let o = 0; o < outputs; o++)
    for (let k = 0; k < second.inputs; k++) {
      const factor = second.weight[o * second.inputs + k];
      if (factor === 0) continue;
      bias[o] += factor * first.bias[k];
      for (let i = 0; i < inputs; i++) weight[o * inputs + i] += factor * first.weight[k * inputs + i];
    }
  return { weight, bias, inputs, outputs };
}

/** The weights of class activation maps before a norm of the pooled features. */
function behindNorm(kit: Kit, { weight, inputs }: Linear, norm: Node): Float32Array {
  return seenBehind(kit.weights.get((norm.inputs[1] as Tensor).name)!.data, weight, inputs);
}
