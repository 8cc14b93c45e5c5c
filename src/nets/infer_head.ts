/** Which head a checkpoint without metadata has: the linear layer that reads the backbone's features, wherever it stands. */

import { InputError } from '../errors.js';
import type { Head } from './architecture.js';
import { type Backbone, type BackboneParameters, descriptionOf, prefixOf } from './backbone.js';
import type { Shapes } from './family.js';
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

/** What no tensor shows, or was said. */
export interface HeadOptions {
  /** Default: `lse` for a localization head, `average` for a classifier on pooled features. */
  pooling?: Head['pooling'];
  /** Sharpness of `lse` pooling. Default 10, which was best in Wang et al. 2017. */
  r?: number;
  /** Default `relu`. */
  transitionActivation?: 'relu' | 'none';
  /** Name of the prediction layer. Default: the only linear layer that is not the backbone's. */
  prediction?: string;
  /** Beginnings of names that take no part. */
  ignore?: readonly string[];
}

/** Most classes, and most channels that they are told from: a small file must not name more than memory holds. */
const MAX_SIZE = 65_536;

/**
 * @returns undefined where no linear layer follows the backbone: `withoutHead` says why.
 * @throws InputError for a head that is none that raybox runs, with the reason
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
    return { pooling, ...(pooling === 'lse' ? { r } : {}) };
  };
  const own = tensors.get('head.prediction.weight')?.shape;
  const transition = tensors.get('head.transition.weight')?.shape;
  if ((own || transition) && (options.prediction ?? 'head.prediction') === 'head.prediction') {
    if (!own)
      throw new InputError('the checkpoint has a transition layer but no prediction layer', {
        expected: 'head.prediction.weight',
      });
    if (own.length !== 2)
      throw new InputError("the checkpoint's head.prediction.weight is no linear layer", {
        expected: '[classes, channels]',
        given: own.join('×') || 'a single number',
      });
    if (transition && transition.length !== 4)
      throw new InputError("the checkpoint's head.transition.weight is no convolution", {
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
  if (layer.kernel && pooling !== 'average') throw notAveraged(layer, pooling);
  refuseSizes(`${layer.name}.weight`, [layer.outputs, layer.inputs]);
  return {
    classes: layer.outputs,
    ...pooled('average'),
    ...(layer.name === 'head.prediction' ? {} : { prediction: layer.name }),
  };
}

/** Why there is no head, where `inferHead` finds none. */
export function withoutHead(
  tensors: Shapes,
  backbone: string | Backbone,
  { parameters, channels }: BackboneParameters,
): InputError {
  const { others, layers } = outside(tensors, backbone, parameters);
  return noPrediction(descriptionOf(backbone).family, layers, others, channels);
}

/** What stands outside the backbone and may belong to a head. */
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

/** A linear layer or a convolution by its weights; nothing for other tensors. */
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

/** A linear layer of that name; or, as it was named, a convolution of one pixel, which is one where its outputs are averaged. */
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
  // What puts out as many numbers as the layer reads may stand before it.
  const linears = layers.filter(({ kernel }) => !kernel);
  if (linears.some((other) => other !== layer && other.outputs === layer.inputs)) throw hiddenLayer(family, linears);
  return layer;
}
