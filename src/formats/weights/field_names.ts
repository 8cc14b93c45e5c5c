/**
 * The names of the fields of metadata. They are apart from what reads the fields, because `load` checks the names of its options before a
 * page has loaded anything else.
 */
import { optionNames } from '../../options.js';
import type { WeightsMetadata } from './metadata.js';

export const weightsFields: readonly string[] = optionNames<WeightsMetadata>({
  architecture: true,
  classes: true,
  inputWidth: true,
  inputHeight: true,
  inputChannels: true,
  channelOrder: true,
  mean: true,
  std: true,
  fit: true,
  transitionChannels: true,
  transitionKernel: true,
  transitionActivation: true,
  pooling: true,
  lseR: true,
  topK: true,
  lowK: true,
  lseR0: true,
  attentionChannels: true,
  prediction: true,
  operatingThresholds: true,
  heatmapMethod: true,
  heatmapScaling: true,
  heatmapBorder: true,
  heatThresholds: true,
  minRegion: true,
  boxRules: true,
  activationRanges: true,
  imageKind: true,
  trainingData: true,
  license: true,
  assumed: true,
  told: true,
});
