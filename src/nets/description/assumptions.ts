/**
 * Writes the warnings about weights that do not fully describe themselves: which fields of their metadata were assumed, or read from the
 * file.
 */

import { poolsClassMaps } from '../../formats/weights/poolings.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { Warning } from '../../warnings.js';
import type { PublicLayout } from '../presets/index.js';
import { recognitionOf } from '../recognise/recognition.js';
import type { Found, Sources } from './describe_network.js';

/** Warns of outputs of a public checkpoint that were never trained, and of a preset that the caller asked for although its marks do not fit. */
export function warningsOfLayout({ untrained, title, note, isForced }: PublicLayout): Warning[] {
  const warnings: Warning[] = [];
  if (untrained.length > 0)
    warnings.push({
      code: 'untrained-outputs',
      message: `${untrained.length === 1 ? 'An output was' : `${untrained.length} outputs were`} never trained and ${untrained.length === 1 ? 'is' : 'are'} left out: number ${untrained.join(', ')}, counted from 0. The layout is ${title}.`,
    });
  if (isForced && note) warnings.push({ code: 'assumed-network', message: `${note}.` });
  return warnings;
}

const round = (value: number) => String(Number(value.toPrecision(4)));
const list = (values: readonly number[]) => [...new Set(values)].map(String).join(', ');

/**
 * @param family the backbone's family. Networks of some families normalise their input in one of two ways, which the warning then mentions
 * @param found what the file says outside its tensors
 */
export function assumptionsOf(metadata: WeightsMetadata, family: string, found?: Found): Warning[] {
  const { assumed = [] } = metadata;
  const { title: whose, marks, note } = found?.layout ?? {};
  const layout = whose === undefined ? '' : ` The layout is ${whose}, told by ${marks}.${note ? ` ${note}.` : ''}`;
  if (assumed.length === 0) return [];
  const { title = '', transformsInput } = recognitionOf(family) ?? {};
  const warnings: Warning[] = [];
  const input = inputOf(metadata, assumed);
  const each = (value: number) => Array(metadata.inputChannels).fill(value).join(',');
  if (input.length > 0) {
    const fields = INPUT.filter((field) => assumed.includes(field));
    const transform =
      transformsInput && assumed.includes('mean')
        ? ` ${title[0].toUpperCase()}${title.slice(1)} that was trained with transform_input, like torchvision’s pretrained one, needs the option transformInput (--transform-input), which is the same as mean and std of 0.5.`
        : '';
    const range = assumed.includes('mean')
      ? `. For values from −1024 to 1024, for example, give mean ${each(0.5)} and std ${each(1 / 2048)}`
      : '';
    warnings.push({
      code: 'assumed-input',
      message: `The file does not fully say how images are prepared for its network. Assumed: ${input.join(', ')}.${layout} Give other values with ${fields.join(', ')} (--input-size, --mean, --std, --metadata)${range}.${transform}`,
    });
  }
  const network = networkOf(metadata, assumed);
  if (network.length > 0) {
    const fields = NETWORK.filter((field) => assumed.includes(field));
    warnings.push({
      code: 'assumed-network',
      message: `The tensors do not show what is computed between and after the layers. Assumed: ${network.join(', ')}, a sigmoid for each output; strides, activations, poolings and norms${title && ` of ${title}`} as torchvision has them. Give other values with ${fields.join(', ')} (--metadata).`,
    });
  }
  if (assumed.includes('probabilities')) warnings.push(ASSUMED_SIGMOID);
  if (assumed.includes('classes')) warnings.push(unnamedOutputs(metadata.classes, found));
  return warnings;
}

const ASSUMED_SIGMOID: Warning = {
  code: 'assumed-network',
  message:
    "The model does not end with a sigmoid or softmax. A sigmoid was assumed for each class. If the classes exclude each other, load the ONNX model with probabilities: 'softmax' (--probabilities softmax). If its outputs are probabilities already, use 'none'.",
};

const CORRECTING_OPTIONS = 'classes, inputWidth, mean, std, … (--names, --input-size, --mean, --std, --metadata)';

/**
 * Warns of what was taken from the file's settings, and of settings that were not used. If the caller gave a field, the setting is ignored
 * without a warning.
 * @param options the options with which a user can correct it, in words
 */
export function warningsOfSettings(
  metadata: Partial<WeightsMetadata>,
  sources: Sources,
  { taken, unused }: Pick<Found, 'taken' | 'unused'>,
  options = CORRECTING_OPTIONS,
): Warning[] {
  const fields = (['classes', 'inputWidth', 'channelOrder', 'mean', 'std'] as const).filter(
    (field) => sources[field] === 'file' && taken[field] !== undefined,
  );
  const { classes = [], inputWidth, inputHeight, channelOrder, mean = [], std = [] } = metadata;
  const clauses = {
    classes: `the outputs are ${classes.join(', ')}`,
    inputWidth: `an input of ${inputWidth} × ${inputHeight} pixels`,
    channelOrder: `channels in the order ${channelOrder}`,
    mean: `mean ${mean.map(round).join(', ')}`,
    std: `std ${std.map(round).join(', ')}`,
  };
  // Fields that were read from the same place are listed in one sentence.
  const places = [...new Set(fields.map((field) => taken[field]!))];
  const sentences = places.map((place) => {
    const own = fields.filter((field) => taken[field] === place).map((field) => clauses[field]);
    return `Taken from the file's ${place}: ${own.join(', ')}.`;
  });
  const warnings: Warning[] = [];
  if (sentences.length > 0)
    warnings.push({ code: 'file-settings', message: `${sentences.join(' ')} Give other values with ${options}.` });
  const isOpen = (field: string) => sources[field as keyof WeightsMetadata] !== 'given';
  const ignored = [...new Set(Object.entries(unused).flatMap(([field, why]) => (isOpen(field) ? [why] : [])))];
  if (ignored.length > 0) {
    const message = `These settings of the file were not used: ${ignored.join('; ')}. Give the right values with ${options}.`;
    warnings.push({ code: 'ignored-data', message });
  }
  return warnings;
}

const INPUT = ['inputWidth', 'inputHeight', 'fit', 'channelOrder', 'mean', 'std'] as const;
const NETWORK = ['pooling', 'lseR', 'transitionActivation'] as const;

function inputOf(
  { inputWidth, inputHeight, fit, channelOrder, inputChannels, mean, std }: WeightsMetadata,
  assumed: readonly string[],
) {
  const is = (...fields: string[]) => fields.some((field) => assumed.includes(field));
  const [least, most] = [mean.map((value, i) => -value / std[i]), mean.map((value, i) => (1 - value) / std[i])];
  const range = `${round(Math.min(...least))} to ${round(Math.max(...most))}`;
  const channels = inputChannels === 1 ? '1 channel' : `${inputChannels} channels`;
  return [
    ...(is('inputWidth', 'inputHeight') ? [`${inputWidth} × ${inputHeight} pixels`] : []),
    ...(is('fit') ? [`fit ${fit}`] : []),
    ...(is('channelOrder') ? [`channels in the order ${channelOrder}`] : []),
    ...(is('mean', 'std')
      ? [`${channels} of 0 to 1, minus ${list(mean)}, over ${list(std)} (values from ${range})`]
      : []),
  ];
}

function networkOf({ pooling, lseR, transitionActivation }: WeightsMetadata, assumed: readonly string[]) {
  const is = (field: string) => assumed.includes(field);
  return [
    ...(is('pooling')
      ? [
          `${pooling === 'lse' ? 'log-sum-exp' : pooling} pooling${pooling && poolsClassMaps(pooling) ? ' of class maps' : ' of the features'}`,
        ]
      : []),
    ...(is('lseR') && lseR !== undefined ? [`r = ${lseR}`] : []),
    ...(is('transitionActivation') && transitionActivation !== undefined
      ? [`${transitionActivation} after the transition layer`]
      : []),
  ];
}

function unnamedOutputs(classes: readonly string[], { unfit, layout }: Partial<Found> = {}): Warning {
  const numbered = classes.filter((name, index) => name === `output ${index}`).length;
  const instead = unfit ? `What the file has instead is not one name for each output: ${unfit}. ` : '';
  const { candidates } = layout ?? {};
  const which = candidates
    ? `The file may be one of several public checkpoints with different outputs: ${candidates.join(', ')}. Choose one with preset (--preset), or `
    : '';
  const how = `${instead}${which}${which ? 'name' : 'Name'} the outputs in their order with classes (--names).`;
  if (numbered === classes.length) {
    const called = numbered === 1 ? 'it is called output 0' : `they are called output 0 to output ${numbered - 1}`;
    return {
      code: 'unnamed-outputs',
      message: `The weights do not name their ${numbered === 1 ? 'output' : `${numbered} outputs`}: ${called}. ${how}`,
    };
  }
  return {
    code: 'unnamed-outputs',
    message: `The weights do not name their ${classes.length} outputs. Their layout is ${layout?.title}, told by ${layout?.marks}, and its names were used: ${classes.join(', ')}. ${how}`,
  };
}
