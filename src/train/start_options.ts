/** What `startOf` can be told. */

import { InputError } from '../errors.js';
import type { Checkpoint } from '../formats/weights/checkpoint.js';
import type { PoolingNumbers } from '../formats/weights/poolings.js';
import type { WeightsMetadata } from '../formats/weights/weights.js';
import type { Head } from '../nets/architecture.js';
import type { Backbone } from '../nets/backbone.js';
import { checkRequiredOptions, givenTwice, optionKinds } from '../options.js';

/** Which network, for which classes, and from which weights. */
export interface StartOptions extends PoolingNumbers {
  /** Default: that of the weights to start from. */
  backbone?: string | Backbone;
  /** Side of the input in pixels. */
  size: number;
  /** Only for a SqueezeNet and an Inception v3: see `columns` there. Default: those that the backbone has. */
  columns?: readonly number[];
  /** Channels of the input. Default: those of the weights to start from, or else 1. */
  channels?: 1 | 3;
  classes: readonly string[];
  /**
   * Channels of the transition layer (D in the paper), 0 for none. Default: those of the weights to start from, or else as many as the
   * backbone has outputs.
   */
  transition?: number;
  pooling?: Head['pooling'];
  r?: number;
  seed: number;
  /** Weights to start from. */
  init?: Checkpoint;
  /** Overrides what the weights to start from say about their input. */
  metadata?: Partial<WeightsMetadata>;
  /** The beginning of the names of the network's tensors, for weights that contain several networks. */
  prefix?: string;
  /** Beginnings of the names of tensors to leave unread. */
  ignore?: readonly string[];
}

const START_OPTIONS = optionKinds<StartOptions>({
  backbone: 'anything',
  size: 'a whole number from 1 on',
  columns: 'a list of numbers',
  channels: 'a whole number from 1 on',
  classes: 'a list of texts',
  transition: 'a number',
  pooling: 'anything',
  r: 'a number',
  topK: 'a number',
  lowK: 'a number',
  lseR0: 'a number',
  attentionChannels: 'a number',
  seed: 'a number',
  init: 'an object',
  metadata: 'an object',
  prefix: 'a text',
  ignore: 'a list of texts',
});

/** @throws InputError for an option that is misspelt or of a wrong type, and for classes that are none or there twice: outputs could not be told apart */
export function checkStart(options: StartOptions): void {
  checkRequiredOptions('startOf', options, START_OPTIONS, ['size', 'classes', 'seed']);
  const { classes } = options;
  const twice = givenTwice(classes);
  if (classes.length > 0 && twice === undefined) return;
  throw new InputError('startOf: classes', {
    expected: 'at least one class, each once',
    given: twice === undefined ? 'none' : `${twice} twice`,
  });
}
