/** Which head a checkpoint without metadata has: the linear layer that reads the backbone's features, wherever it stands. */
import { InputError } from '../errors.js';
import type { Backbone, Head } from '../formats/architecture.js';
import type { BackboneParameters } from './backbone.js';
import type { Shapes } from './infer.js';
import { leftoverOf } from './leftover.js';
import { standardBackbone } from './standard.js';

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

/** What the names of a backbone's parameters begin with. */
export function prefixOf(backbone: string | Backbone): string {
  const { prefix, family, ...rest } = descriptionOf(backbone);
  if (prefix !== undefined) return prefix;
  return family === 'resnet' || family === 'googlenet' || 'names' in rest ? '' : 'features.';
}

export const descriptionOf = (backbone: string | Backbone): Backbone =>
  typeof backbone === 'string' ? standardBackbone(backbone) : backbone;

/** As a sentence has it. */
export const familyName = (family: Backbone['family']) =>
  ({
    alexnet: 'an AlexNet',
    vgg: 'a VGG',
    resnet: 'a ResNet',
    densenet: 'a DenseNet',
    googlenet: 'a GoogLeNet',
    squeezenet: 'a SqueezeNet',
  })[family];

interface Linear {
  name: string;
  outputs: number;
  inputs: number;
}

/**
 * @returns undefined where no linear layer follows the backbone.
 * @throws InputError for a head that has a hidden layer, or several prediction layers.
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
    return {
      classes: own[0],
      ...(transition ? { transition: { channels: transition[0], kernel: transition[3], activation } } : {}),
      ...pooled('lse'),
    };
  }
  const { family } = descriptionOf(backbone);
  const { others } = leftoverOf(tensors, parameters, { family, prefix: prefixOf(backbone), ...options });
  const linears = others.flatMap((name): Linear[] => {
    const shape = tensors.get(name)!.shape;
    return name.endsWith('.weight') && shape.length === 2
      ? [{ name: name.slice(0, -'.weight'.length), outputs: shape[0], inputs: shape[1] }]
      : [];
  });
  const wanted = options.prediction;
  const layer = wanted === undefined ? onlyOne(linears) : namedOne(linears, wanted, others);
  if (!layer) return undefined;
  if (layer.inputs !== channels)
    throw new InputError(`the prediction layer ${layer.name} does not read the backbone's pooled features`, {
      expected: `${channels} inputs, one for each channel`,
      given: `${layer.inputs}`,
      hint: 'a class activation map needs one linear layer on one pooled number for each channel: neither a flattened map nor two poolings side by side',
    });
  return {
    classes: layer.outputs,
    ...pooled('average'),
    ...(layer.name === 'head.prediction' ? {} : { prediction: layer.name }),
  };
}

function onlyOne(linears: readonly Linear[]): Linear | undefined {
  if (linears.length < 2) return linears[0];
  throw severalLayers(linears, 'several prediction layers');
}

function namedOne(linears: readonly Linear[], wanted: string, names: readonly string[]): Linear {
  const inside = linears.filter(({ name }) => name.startsWith(`${wanted}.`));
  const layer = linears.find(({ name }) => name === wanted) ?? (inside.length === 1 ? inside[0] : undefined);
  if (!layer)
    throw new InputError(`the checkpoint has no linear layer ${wanted}`, {
      expected: linears.map(({ name }) => name).join(', ') || 'a layer with a weight of two sizes',
      given: names.filter((name) => name.startsWith(`${wanted}.`)).join(', ') || 'none of that name',
    });
  // What puts out as many numbers as the layer reads may stand before it.
  if (linears.some((other) => other !== layer && other.outputs === layer.inputs)) throw severalLayers(linears, '');
  return layer;
}

function severalLayers(linears: readonly Linear[], otherwise: string): InputError {
  const listed = linears.slice(0, 6).map(({ name, inputs, outputs }) => `${name} (${inputs} → ${outputs})`);
  const given = listed.join(', ') + (linears.length > 6 ? ` and ${linears.length - 6} more` : '');
  const isHidden = linears.some(({ outputs }, i) => linears.some(({ inputs }, j) => j !== i && outputs === inputs));
  if (isHidden || otherwise === '')
    return new InputError('the head has a hidden layer', {
      expected: 'one linear layer on pooled features',
      given,
      hint: 'there is no class activation map through a hidden layer',
    });
  return new InputError(`the head has ${otherwise}`, {
    expected: 'one linear layer on pooled features',
    given,
    hint: 'where they are of several tasks, say which with prediction, and the others in ignore',
  });
}
