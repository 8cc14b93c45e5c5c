/**
 * Reads from the settings in a checkpoint how images are prepared for its network: mean, standard deviation, size, order of channels.
 * Training scripts use many names for them and keep them anywhere (`args.img_size`, `config.data.mean`). So all places are searched, and a
 * setting is only used if it can mean just one thing and all places agree.
 */

import { IMAGENET } from '../description/input_layouts.js';
import { recognitionOf } from '../recognise/recognition.js';
import { orderOf, resizingOf, sizeOf } from './images.js';
import type { FileInput } from './input.js';
import { normalisationOf } from './normalisation.js';
import { rounded } from './units.js';
import { settingsIn } from './values.js';

/** @param inputChannels the number of channels that the first convolution reads */
export function fileInput(
  metadata: Readonly<Record<string, string>>,
  { family }: { family: string },
  inputChannels: 1 | 3,
): FileInput {
  const settings = settingsIn(metadata);
  const parts = [
    sizeOf(settings, inputChannels),
    orderOf(settings, inputChannels),
    normalisationOf(settings, inputChannels),
    resizingOf(settings),
  ];
  const all: FileInput = {
    fields: Object.assign({}, ...parts.map(({ fields }) => fields)),
    taken: Object.assign({}, ...parts.map(({ taken }) => taken)),
    unused: Object.assign({}, ...parts.map(({ unused }) => unused)),
  };
  if (
    !saysTransformInput(metadata) ||
    !recognitionOf(family)?.transformsInput ||
    inputChannels !== 3 ||
    all.unused.mean
  )
    return all;
  const { mean = IMAGENET.mean, std = IMAGENET.std } = all.fields;
  const from = [all.taken.mean, 'transform_input'].filter(Boolean).join(' and ');
  return {
    ...all,
    fields: { ...all.fields, ...transformedInput(mean, std) },
    taken: { ...all.taken, mean: from, std: from },
  };
}

/** Whether a file says that its network transforms its input. */
export const saysTransformInput = (metadata: Readonly<Record<string, string>>) =>
  Object.hasOwn(metadata, 'transform_input') && /^(true|1)$/i.test(metadata.transform_input);

/**
 * The normalisation that has the same effect as the given one followed by torchvision's `transform_input`. That step takes an image that was
 * normalised with ImageNet's mean and deviation, and turns it into (x − 0.5) / 0.5 of its pixels x.
 */
export function transformedInput(mean: readonly number[], std: readonly number[]): { mean: number[]; std: number[] } {
  const { mean: m, std: s } = IMAGENET;
  const scales = std.map((value, i) => (value * 0.5) / s[i]);
  const offsets = mean.map((value, i) => value - (scales[i] * (m[i] - 0.5)) / 0.5);
  return { mean: offsets.map(rounded), std: scales.map(rounded) };
}
