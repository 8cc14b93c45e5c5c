/**
 * What a checkpoint holds beside the parameters of its network. A layer that is left out makes another network, so what is not
 * known to take no part in the result is refused by name. The rules:
 *
 * - Counters (`num_batches_tracked`, `n_averaged`, `total_ops`) and training's state (losses, metrics, optimizers, thresholds) take
 *   no part; nor do layers that only training runs, such as the auxiliary classifiers of a GoogLeNet.
 * - Within the modules of the backbone nothing but counters is passed over.
 * - What the caller names to be ignored is, unless it is within the backbone.
 */

import { firstFew, InputError } from '../errors.js';
import { sequenceOf } from './backbone.js';
import type { Shapes } from './family.js';
import { recognitionOf } from './recognition.js';

/** Names of tensors that the network does not read, by what they would mean. */
export interface Leftover {
  /** Take no part in the result. */
  readonly harmless: readonly string[];
  /** Within the backbone's modules: another network. */
  readonly backbone: readonly string[];
  /** Anywhere else: further layers of a head, or another network. */
  readonly others: readonly string[];
}

export interface LeftoverOptions {
  family: string;
  /** What the names of the backbone's parameters begin with. */
  prefix: string;
  /** Layers of the head that are among the parameters. */
  head?: readonly string[];
  /** Beginnings of names that the caller says take no part. */
  ignore?: readonly string[];
}

/** How many names a message lists. */
const LISTED = 6;

const WORDS = {
  loss: ['loss', 'losses', 'lossfn', 'criterion', 'criteria', 'criterions', 'bce'],
  optimizer: ['optimizer', 'optimizers', 'optim', 'scheduler', 'schedulers'],
  threshold: ['thresh', 'threshs', 'threshold', 'thresholds'],
  head: ['head', 'heads', 'fc', 'classifier', 'classifiers', 'prediction', 'linear', 'logits', 'cls'],
};

const IN_EVERY_LAYER = /(^|\.)(num_batches_tracked|total_ops|total_params)$/;
const COUNTER = /(^|\.)(n_averaged|num_updates|(global_)?step|epochs?|iterations?|it)$/;
const METRIC = /^(train|val|valid|validation|test)?_?(metrics?|auroc|auc|acc|accuracy|f1|confmat)\./i;
const CLASS_WEIGHT = /^(neg|class|label|sample)_?weights?$/;
const OPTIMIZER_STATE = /(^|\.)(exp_avg(_sq)?|momentum_buffer|max_exp_avg_sq)$/;

/** What a loss is called that is not called by its last word: `loss_fn`. */
const LOSS_FUNCTION = /^losse?s?_?(fn|func|function|layer|module)s?$/i;

/** A first segment that can be nothing but a loss. */
const WHOLLY_LOSS = /^(loss(es)?|loss_?(fn|func|function)|criteri(on|a|ons))\.$/i;

/** `BCELoss` and `bce_loss` are both made of the words bce and loss. */
const wordsOf = (segment: string) =>
  segment
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .split(/[_\d-]+/);

/** Whether a segment of a name, which is that of a module, says what the module is. */
export function isAbout(name: string, what: keyof typeof WORDS): boolean {
  return name.split('.').some((segment) => wordsOf(segment).some((word) => WORDS[what].includes(word)));
}

/** Whether a module is a loss, which its last word says: `bce_loss` is one, `loss_attention` is not. */
const isLoss = (module: string) =>
  module.split('.').some((segment) => LOSS_FUNCTION.test(segment) || WORDS.loss.includes(wordsOf(segment).at(-1)!));

/** Sorts what is not among `parameters`. */
export function leftoverOf(
  tensors: Shapes,
  parameters: { has(name: string): boolean; keys(): Iterable<string> },
  { family, prefix, head = [], ignore = [] }: LeftoverOptions,
): Leftover {
  const isHead = (name: string) => head.some((layer) => name.startsWith(`${layer}.`));
  const own = [...parameters.keys()].filter((name) => name.startsWith(prefix) && tensors.has(name) && !isHead(name));
  const modules = new Set(own.map((name) => moduleOf(name, prefix)));
  const isSequence = ['features.', sequenceOf(family)].some((one) => one !== '' && prefix.endsWith(one));
  const { trainingOnly } = recognitionOf(family) ?? {};
  const sorted = { harmless: [] as string[], backbone: [] as string[], others: [] as string[] };
  for (const [name, { shape }] of tensors) {
    if (parameters.has(name)) continue;
    const inBackbone = name.startsWith(prefix) && (isSequence || modules.has(moduleOf(name, prefix)));
    if (IN_EVERY_LAYER.test(name)) sorted.harmless.push(name);
    else if (inBackbone) sorted.backbone.push(name);
    else if (isOfTraining(name, shape, prefix) || trainingOnly?.test(name.slice(prefix.length)))
      sorted.harmless.push(name);
    else if (ignore.some((start) => name.startsWith(start))) sorted.harmless.push(name);
    else sorted.others.push(name);
  }
  return sorted;
}

const moduleOf = (name: string, prefix: string) => name.slice(prefix.length).split('.')[0];

function isOfTraining(name: string, shape: readonly number[], prefix: string): boolean {
  const isNumber = shape.every((size) => size === 1);
  const last = name.slice(name.lastIndexOf('.') + 1);
  const module = name.slice(0, -last.length);
  // Buffers of the whole network, and not of one of its layers.
  const ofNetwork = prefix.startsWith(module) && shape.length <= 1;
  return (
    (isNumber && COUNTER.test(name)) ||
    (ofNetwork && last === 'pos_weight') ||
    (ofNetwork && (CLASS_WEIGHT.test(last) || isAbout(last, 'threshold'))) ||
    OPTIMIZER_STATE.test(name) ||
    // A criterion may hold a network of its own. A module that is a loss by its last word weighs classes: a matrix there is a layer.
    WHOLLY_LOSS.test(name.slice(0, name.indexOf('.') + 1)) ||
    (isLoss(module) && shape.length <= 1) ||
    (METRIC.test(name) && !/^(weight|bias)$/.test(last)) ||
    isAbout(name.split('.')[0], 'optimizer')
  );
}

/** Why a network with such tensors is not the one that raybox would run; undefined where it is. */
export function refusalOf(
  leftover: Leftover,
  read: { keys(): Iterable<string> },
  what: string,
): InputError | undefined {
  const layers = new Set([...read.keys()].map(layerOf));
  const named = (names: readonly string[]) => {
    // A layer that the network has is told by the tensor that it has not, any other by the layer.
    const isWhole = (name: string) =>
      /\.(weight|bias|running_mean|running_var)$/.test(name) && !layers.has(layerOf(name));
    const each = [...new Set(names.map((name) => (isWhole(name) ? layerOf(name) : name)))];
    return firstFew(each, LISTED);
  };
  if (leftover.backbone.length > 0)
    return new InputError(`the checkpoint's backbone has layers that ${what} does not have`, {
      expected: `the layers of ${what} as torchvision has them, and no other`,
      given: named(leftover.backbone),
      hint: 'without them it would be another network, and what it says would be wrong',
    });
  if (leftover.others.length === 0) return undefined;
  return new InputError(`the checkpoint holds layers that ${what} and its prediction layer do not use`, {
    given: named(leftover.others),
    hint: 'without them it might be another network. Of several networks in a file, prefix says which; what takes no part in the result can be named in ignore',
  });
}

const layerOf = (name: string) => (name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : name);
