/**
 * The operations that networks in files are made of, among them all of raybox's own families. What is loaded on demand is given them, so that a bundler keeps them in one
 * piece with the rest of the core.
 */
import { forward as activation } from '../ops/layers/activation.js';
import { forward as add } from '../ops/layers/add.js';
import { forward as batchNorm, normalise } from '../ops/layers/batch_norm.js';
import { forward as channelShuffle } from '../ops/layers/channel_shuffle.js';
import { forward as classActivationMap } from '../ops/layers/class_activation_map.js';
import { forward as concat } from '../ops/layers/concat.js';
import { forward as conv2d } from '../ops/layers/conv2d.js';
import { forward as layerNorm } from '../ops/layers/layer_norm.js';
import { forward as linear } from '../ops/layers/linear.js';
import { forward as lrn } from '../ops/layers/lrn.js';
import { forward as lsePool } from '../ops/layers/lse_pool.js';
import { forward as mul } from '../ops/layers/mul.js';
import { forward as pool } from '../ops/layers/pool.js';
import { forward as resize } from '../ops/layers/resize.js';
import { forward as slice } from '../ops/layers/slice.js';
import { forward as compact } from '../ops/packing/compact.js';

export const coreOperations = {
  ...{ activation, add, batchNorm, classActivationMap, compact, concat, conv2d, linear, lrn, lsePool, pool, resize },
  ...{ channelShuffle, layerNorm, mul, slice },
  /** Adds a batch norm as the graph is meant for: with given statistics, or with those of the batch. */
  normalise,
};

export type CoreOperations = typeof coreOperations;
