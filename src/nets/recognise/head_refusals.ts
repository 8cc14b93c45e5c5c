/** The errors for heads that raybox cannot run: why, and what to do about it. */

import { firstFew, InputError } from '../../errors.js';
import type { Backbone } from '../backbone.js';
import { familyName, recognitions } from './recognition.js';

/** A layer of the head as its weights show it. For a convolution, `inputs` and `outputs` are channels. */
export interface HeadLayer {
  name: string;
  outputs: number;
  inputs: number;
  /** Height and width of the kernel, if the layer is a convolution. */
  kernel?: readonly [number, number];
}

type Family = Backbone['family'];

const WANTED = 'one linear layer on pooled features';
export const TRAIN =
  'raybox train --init FILE puts a head of one layer on this backbone and trains it, with --freeze backbone nothing else';

const textOf = ({ name, inputs, outputs, kernel }: HeadLayer) =>
  `${name} (${kernel ? `a convolution of ${kernel.join(' × ')}, ` : ''}${inputs} → ${outputs})`;

function listOf(layers: readonly HeadLayer[]): string {
  return firstFew(layers.map(textOf), 6);
}

export const isPixel = ({ kernel }: HeadLayer) => kernel !== undefined && kernel[0] === 1 && kernel[1] === 1;

/** The error for a head of several linear layers, one after the other. */
export function hiddenLayer(family: Family, layers: readonly HeadLayer[]): InputError {
  const { title, hasHiddenLayers } = recognitions[family];
  const usual = hasHiddenLayers ? `, as torchvision's classifier of ${title} has` : '';
  return new InputError(`the head of ${title} has a hidden layer${usual}`, {
    expected: WANTED,
    given: listOf(layers),
    hint: `there is no class activation map through a hidden layer; exported to ONNX, the network has heatmaps from gradients; ${TRAIN}`,
  });
}

/** The error for a network that has no number for each class of an image. @param hint advice */
export const notClassifier = ({ kind, marks }: { kind: string; marks: readonly string[] }, hint?: string): InputError =>
  new InputError(`the checkpoint is of ${kind}`, {
    expected: 'a classifier of images',
    given: firstFew(marks, 3),
    hint,
  });

/** The error for a norm between the pooled features and the prediction layer. */
export function normedHead(family: Family, norm: string, isBatchNorm: boolean): InputError {
  const { title, hasNormInHead } = recognitions[family];
  const usual = hasNormInHead ? `, as torchvision's classifier of ${title} has` : '';
  return new InputError(`the head of ${title} normalises the pooled features${usual}`, {
    expected: WANTED,
    given: `${norm}, ${isBatchNorm ? 'a batch norm' : 'a layer norm'}`,
    hint: `after a norm the outputs are not weighted sums of pooled features, so class activation maps would not show them; ${TRAIN}`,
  });
}

/** The error for several linear layers that all read the features, side by side. */
export function severalLayers(layers: readonly HeadLayer[]): InputError {
  return new InputError('the head has several prediction layers', {
    expected: WANTED,
    given: listOf(layers),
    hint: 'if they are for several tasks, name one with prediction and the others in ignore',
  });
}

/** The error for a prediction layer that reads something else than one number for each channel. */
export function notPooled(family: Family, layer: HeadLayer, channels: number): InputError {
  const positions = layer.inputs / channels;
  const isMap = Number.isInteger(positions) && positions > 1;
  const side = Math.sqrt(positions);
  const size = Number.isInteger(side) ? `, of a flattened map of ${side} × ${side} perhaps` : '';
  return new InputError(`the prediction layer ${layer.name} does not read the backbone's pooled features`, {
    expected: `${channels} inputs, one for each channel of ${familyName(family)}`,
    given: `${layer.inputs}${isMap ? `, which are ${positions} for each channel${size}` : ''}`,
    hint: `a class activation map needs one linear layer on one pooled number for each channel: neither a flattened map nor two poolings side by side; ${TRAIN}`,
  });
}

/** The error if the caller names a prediction layer that is not a linear layer. */
export function noSuchLayer(wanted: string, layers: readonly HeadLayer[], names: readonly string[]): InputError {
  const convolution = layers.find(({ name, kernel }) => kernel && (name === wanted || name.startsWith(`${wanted}.`)));
  if (convolution)
    return new InputError(`the checkpoint's ${convolution.name} is a convolution and cannot be the prediction layer`, {
      expected: `${WANTED}, or a convolution of 1 × 1 whose outputs are averaged`,
      given: textOf(convolution),
    });
  const linears = layers.filter(({ kernel }) => !kernel);
  return new InputError(`the checkpoint has no linear layer ${wanted}`, {
    expected: linears.map(({ name }) => name).join(', ') || 'a layer with a weight of two sizes',
    given: names.filter((name) => name.startsWith(`${wanted}.`)).join(', ') || 'none of that name',
  });
}

/**
 * The error for a prediction layer that is a 1×1 convolution, if the caller says that its outputs are pooled by something else than the
 * average.
 */
export function notAveraged(layer: HeadLayer, pooling: string): InputError {
  return new InputError(`the prediction layer ${layer.name} is a convolution`, {
    expected: 'average pooling behind it: the same as a linear layer on averaged features',
    given: `pooling ${pooling}`,
    hint: 'with another pooling of its outputs, it is not the same as a linear layer on pooled features',
  });
}

/**
 * The error if there is no linear layer at all.
 * @param layers the convolutions outside the backbone
 * @param names the names of all tensors outside the backbone
 */
export function noPrediction(
  family: Family,
  layers: readonly HeadLayer[],
  names: readonly string[],
  channels: number,
): InputError {
  const candidate = layers.find((layer) => isPixel(layer) && layer.inputs === channels);
  const averaged = `say prediction '${candidate?.name}' (--prediction ${candidate?.name})`;
  const { convolutionHead } = recognitions[family];
  const hint = !candidate
    ? TRAIN
    : convolutionHead
      ? `${convolutionHead}; where yours has none, ${averaged}; ${TRAIN}`
      : `where its outputs are averaged as they are, with nothing in between, it is a linear layer on averaged features: ${averaged}`;
  return new InputError(`the checkpoint has no prediction layer for ${familyName(family)}, so it cannot classify`, {
    expected: 'head.prediction.weight, or one linear layer on pooled features',
    given: listOf(layers) || names.slice(0, 6).join(', ') || 'the backbone alone',
    hint,
  });
}
