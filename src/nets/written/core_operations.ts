/**
 * The operations that described graphs may be made of and that raybox's own families need. Modules that are loaded on demand get this object
 * as an argument instead of importing the operations, so that a bundler keeps the operations in the core's chunk.
 */
import { forward as activation } from '../../ops/layers/activation.js';
import { forward as add } from '../../ops/layers/add.js';
import { forward as batchNorm, normalise } from '../../ops/layers/batch_norm.js';
import { forward as channelShuffle } from '../../ops/layers/channel_shuffle.js';
import { forward as classActivationMap } from '../../ops/layers/class_activation_map.js';
import { forward as concat } from '../../ops/layers/concat.js';
import { forward as conv2d } from '../../ops/layers/conv2d.js';
import { forward as layerNorm } from '../../ops/layers/layer_norm.js';
import { forward as linear } from '../../ops/layers/linear.js';
import { forward as lrn } from '../../ops/layers/lrn.js';
import { forward as lsePool } from '../../ops/layers/lse_pool.js';
import { forward as mul } from '../../ops/layers/mul.js';
import { forward as pool } from '../../ops/layers/pool.js';
import { forward as resize } from '../../ops/layers/resize.js';
import { forward as slice } from '../../ops/layers/slice.js';
import { forward as compact } from '../../ops/packing/compact.js';

export const coreOperations = {
  ...{ activation, add, batchNorm, classActivationMap, compact, concat, conv2d, linear, lrn, lsePool, pool, resize },
  ...{ channelShuffle, layerNorm, mul, slice },
  /** Adds a batch norm. Whether it uses the given statistics or those of the batch depends on what the graph was created for. */
  normalise,
};

export type CoreOperations = typeof coreOperations;
