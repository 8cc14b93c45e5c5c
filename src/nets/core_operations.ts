/**
 * The operations that networks in files are made of, among them all of raybox's own families. What is loaded on demand is given them, so that a bundler keeps them in one
 * piece with the rest of the core.
 */
import { forward as activation } from '../ops/activation.js';
import { forward as add } from '../ops/add.js';
import { forward as batchNorm, normalise } from '../ops/batch_norm.js';
import { forward as classActivationMap } from '../ops/class_activation_map.js';
import { forward as compact } from '../ops/compact.js';
import { forward as concat } from '../ops/concat.js';
import { forward as conv2d } from '../ops/conv2d.js';
import { forward as linear } from '../ops/linear.js';
import { forward as lrn } from '../ops/lrn.js';
import { forward as lsePool } from '../ops/lse_pool.js';
import { forward as mul } from '../ops/mul.js';
import { forward as pool } from '../ops/pool.js';
import { forward as resize } from '../ops/resize.js';
import { forward as slice } from '../ops/slice.js';

export const coreOperations = {
  ...{ activation, add, batchNorm, classActivationMap, compact, concat, conv2d, linear, lrn, lsePool, pool, resize },
  ...{ mul, slice },
  /** Adds a batch norm as the graph is meant for: with given statistics, or with those of the batch. */
  normalise,
};

export type CoreOperations = typeof coreOperations;
