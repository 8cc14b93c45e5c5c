/** Finds the head of a checkpoint without metadata: the linear layer that reads the backbone's pooled features, whatever its name is. */

import { InputError } from '../../errors.js';
import { type PoolingNumbers, poolingNumbers, poolsClassMaps } from '../../formats/weights/poolings.js';
import type { Head } from '../architecture.js';
import { type Backbone, type BackboneParameters, descriptionOf, prefixOf } from '../backbone.js';
import type { Shapes } from '../family.js';
import {
  type HeadLayer,
  hiddenLayer,
  isPixel,
  noPrediction,
  normedHead,
  noSuchLayer,
  notAveraged,
  notPooled,
  severalLayers,
} from './head_refusals.js';
import { leftoverOf } from './leftover.js';

/** What the tensors do not show, or the caller said. */
export interface HeadOptions extends PoolingNumbers {
  /** Default: `lse` for a localization head, `average` for a classifier on pooled features. */
  pooling?: Head['pooling'];
  /** Sharpness of `lse` pooling. Default 10, which was best in Wang et al. 2017. */
  r?: number;
  /** Default `relu`. */
  transitionActivation?: 'relu' | 'none';
  /** The name of the prediction layer. Default: the only linear layer outside the backbone. */
  prediction?: string;
  /** Beginnings of the names of tensors that take no part in the result. */
  ignore?: readonly string[];
}

/** The most classes, and the most channels that a class may be computed from, so that a small file cannot ask for more than memory holds. */
const MAX_SIZE = 65_536;

/**
 * @returns undefined if there is no linear layer outside the backbone; `withoutHead` then gives the error
 * @throws InputError if there is a head that raybox cannot run, with the reason
 */
export function inferHead(
  tensors: Shapes,
  backbone: string | Backbone,
  { parameters, channels }: BackboneParameters,
  options: HeadOptions,
): Head | undefined {
  const { r = 10, transitionActivation: activation = 'relu' } = options;
  const pooled = (fallback: Head['pooling']) => {
    const pooling = options.pooling ?? fallback;
    return { pooling, ...(pooling === 'lse' ? { r } : {}), ...poolingNumbers(options) };
  };
  const own = tensors.get('head.prediction.weight')?.shape;
  const transition = tensors.get('head.transition.weight')?.shape;
  if ((own || transition) && (options.prediction ?? 'head.prediction') === 'head.prediction') {
    if (!own)
      throw new InputError('the checkpoint has a transition layer but no prediction layer', {
        expected: 'head.prediction.weight',
      });
    if (own.length !== 2)
      throw new InputError("the checkpoint's head.prediction.weight is not a linear layer", {
        expected: '[classes, channels]',
        given: own.join('×') || 'a single number',
      });
    if (transition && transition.length !== 4)
      throw new InputError("the checkpoint's head.transition.weight is not a convolution", {
        expected: '[outputs, inputs, height, width]',
        given: transition.join('×') || 'a single number',
      });
    refuseSizes('head.prediction.weight', own);
    return {
      classes: own[0],
      ...(transition ? { transition: { channels: transition[0], kernel: transition[3], activation } } : {}),
      ...pooled('lse'),
    };
  }
  const { family } = descriptionOf(backbone);
  const { others, layers } = outside(tensors, backbone, parameters, options.ignore);
  const linears = layers.filter(({ kernel }) => !kernel);
  const wanted = options.prediction;
  if (wanted === undefined && linears.length === 0) return undefined;
  const layer = wanted === undefined ? onlyOne(family, linears) : namedOne(family, layers, wanted, others);
  if (layer.inputs !== channels) throw notPooled(family, layer, channels);
  const norm = others.find((name) => name.endsWith('.weight') && tensors.get(name)!.shape.join() === `${channels}`);
  if (norm !== undefined) {
    const name = norm.slice(0, -'.weight'.length);
    throw normedHead(family, name, tensors.has(`${name}.running_mean`));
  }
  const { pooling = 'average' } = options;
  if (layer.kernel && pooling !== 'average' && !poolsClassMaps(pooling)) throw notAveraged(layer, pooling);
  refuseSizes(`${layer.name}.weight`, [layer.outputs, layer.inputs]);
  return {
    classes: layer.outputs,
    ...pooled('average'),
    ...(layer.name === 'head.prediction' ? {} : { prediction: layer.name }),
  };
}

/** The error to report if `inferHead` finds no head. */
export function withoutHead(
  tensors: Shapes,
  backbone: string | Backbone,
  { parameters, channels }: BackboneParameters,
): InputError {
  const { others, layers } = outside(tensors, backbone, parameters);
  return noPrediction(descriptionOf(backbone).family, layers, others, channels);
}

/** The tensors outside the backbone, which may belong to a head, and the layers that they are weights of. */
function outside(
  tensors: Shapes,
  backbone: string | Backbone,
  parameters: BackboneParameters['parameters'],
  ignore: readonly string[] = [],
): { others: readonly string[]; layers: HeadLayer[] } {
  const { family } = descriptionOf(backbone);
  const { others } = leftoverOf(tensors, parameters, { family, prefix: prefixOf(backbone), ignore });
  return { others, layers: others.flatMap((name) => layerOf(name, tensors.get(name)!.shape)) };
}

function refuseSizes(name: string, [outputs, inputs]: readonly number[]): void {
  if ([outputs, inputs].every((size) => size >= 1 && size <= MAX_SIZE)) return;
  throw new InputError(`the checkpoint's ${name} is of an impossible size`, {
    expected: `1 to ${MAX_SIZE} outputs and inputs`,
    given: `${outputs} × ${inputs}`,
  });
}

/** The layer that a tensor is the weights of: a linear layer or a convolution. The list is empty for other tensors. */
function layerOf(name: string, shape: readonly number[]): HeadLayer[] {
  if (!name.endsWith('.weight') || (shape.length !== 2 && shape.length !== 4)) return [];
  const [outputs, inputs, ...kernel] = shape;
  const layer = { name: name.slice(0, -'.weight'.length), outputs, inputs };
  return [kernel.length === 2 ? { ...layer, kernel: [kernel[0], kernel[1]] } : layer];
}

function onlyOne(family: Backbone['family'], linears: readonly HeadLayer[]): HeadLayer {
  if (linears.length === 1) return linears[0];
  const isHidden = linears.some(({ outputs }, i) => linears.some(({ inputs }, j) => j !== i && outputs === inputs));
  throw isHidden ? hiddenLayer(family, linears) : severalLayers(linears);
}

/**
 * The layer that the caller named as the prediction layer. Besides a linear layer it may be a 1×1 convolution: if its outputs are averaged, it
 * computes the same as a linear layer on averaged features.
 */
function namedOne(
  family: Backbone['family'],
  layers: readonly HeadLayer[],
  wanted: string,
  names: readonly string[],
): HeadLayer {
  const usable = layers.filter((layer) => !layer.kernel || isPixel(layer));
  const inside = usable.filter(({ name }) => name.startsWith(`${wanted}.`));
  const layer = usable.find(({ name }) => name === wanted) ?? (inside.length === 1 ? inside[0] : undefined);
  if (!layer) throw noSuchLayer(wanted, layers, names);
  // Another layer with as many outputs as this one has inputs is probably a hidden layer before it.
  const linears = layers.filter(({ kernel }) => !kernel);
  if (linears.some((other) => other !== layer && other.outputs === layer.inputs)) throw hiddenLayer(family, linears);
  return layer;
}
