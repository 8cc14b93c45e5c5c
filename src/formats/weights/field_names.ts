/**
 * The names of the fields of metadata. They are apart from what reads the fields, because `load` checks the names of its options before a
 * page has loaded anything else.
 */
import { optionKinds } from '../../options.js';
import type { WeightsMetadata } from './metadata.js';

/** All fields, with the kinds of their values. What else holds for them is checked where they are read. */
export const WEIGHTS_FIELDS = optionKinds<WeightsMetadata>({
  architecture: 'anything',
  classes: 'a list of texts',
  inputWidth: 'a number',
  inputHeight: 'a number',
  inputChannels: 'a number',
  channelOrder: 'a text',
  mean: 'a list of numbers',
  std: 'a list of numbers',
  fit: 'a text',
  transitionChannels: 'a number',
  transitionKernel: 'a number',
  transitionActivation: 'a text',
  pooling: 'a text',
  lseR: 'a number',
  topK: 'a number',
  lowK: 'a number',
  lseR0: 'a number',
  attentionChannels: 'a number',
  prediction: 'a text',
  operatingThresholds: 'values by name',
  heatmapMethod: 'a text',
  heatmapScaling: 'a text',
  heatmapBorder: 'a number',
  heatThresholds: 'a list of numbers',
  minRegion: 'a number',
  boxRules: 'values by name',
  activationRanges: 'values by name',
  imageKind: 'a text',
  trainingData: 'a text',
  license: 'a text',
  assumed: 'a list of texts',
  told: 'an object or a list',
});

export const weightsFields: readonly string[] = Object.keys(WEIGHTS_FIELDS);
