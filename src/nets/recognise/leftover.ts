/**
 * Sorts the tensors of a checkpoint that the network does not read. Without a layer it would be another network, so a tensor is refused by
 * name unless it is known to take no part in the result. The rules:
 *
 * - Counters (`num_batches_tracked`, `n_averaged`, `total_ops`) and the state of a training (losses, metrics, optimizers, thresholds) take no
 *   part. Nor do layers that are only run in training, such as the auxiliary classifiers of a GoogLeNet.
 * - Within the modules of the backbone, only counters are passed over.
 * - Tensors that the caller names in `ignore` are passed over, unless they are within the backbone.
 */

import { firstFew, InputError } from '../../errors.js';
import { sequenceOf } from '../backbone.js';
import type { Shapes } from '../family.js';
import { recognitionOf } from './recognition.js';

/** The names of tensors that the network does not read, sorted by what it would mean to leave them out. */
export interface Leftover {
  /** They take no part in the result. */
  readonly harmless: readonly string[];
  /** They are within the backbone's modules, so the file holds another network. */
  readonly backbone: readonly string[];
  /** They are anywhere else: further layers of a head, or another network. */
  readonly others: readonly string[];
}

export interface LeftoverOptions {
  family: string;
  /** What the names of the backbone's parameters begin with. */
  prefix: string;
  /** Names of the head's layers, whose tensors are among the parameters too. */
  head?: readonly string[];
  /** Beginnings of the names of tensors that take no part, as the caller says. */
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

/** Matches the names of losses that do not end in a word for a loss: `loss_fn`. */
const LOSS_FUNCTION = /^losse?s?_?(fn|func|function|layer|module)s?$/i;

/** Matches a first segment of a name that can only mean a loss. */
const WHOLLY_LOSS = /^(loss(es)?|loss_?(fn|func|function)|criteri(on|a|ons))\.$/i;

/** The words of a name's segment: `BCELoss` and `bce_loss` both consist of bce and loss. */
const wordsOf = (segment: string) =>
  segment
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .split(/[_\d-]+/);

/** Whether the name of a tensor, or of a module around it, has one of the words for such a thing. */
export function isAbout(name: string, what: keyof typeof WORDS): boolean {
  return name.split('.').some((segment) => wordsOf(segment).some((word) => WORDS[what].includes(word)));
}

/** Whether a module is a loss. Its last word decides: `bce_loss` is one, `loss_attention` is not. */
const isLoss = (module: string) =>
  module.split('.').some((segment) => LOSS_FUNCTION.test(segment) || WORDS.loss.includes(wordsOf(segment).at(-1)!));

/** Sorts the tensors that are not among `parameters`. */
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
  // Whether it is a buffer of the whole network, and not of one of its layers.
  const ofNetwork = prefix.startsWith(module) && shape.length <= 1;
  return (
    (isNumber && COUNTER.test(name)) ||
    (ofNetwork && last === 'pos_weight') ||
    (ofNetwork && (CLASS_WEIGHT.test(last) || isAbout(last, 'threshold'))) ||
    OPTIMIZER_STATE.test(name) ||
    // Under a name that can only mean a loss there may even be a network. Under other names that end in a word for a loss, only vectors,
    // such as weights of classes, are passed over: a matrix may be a layer.
    WHOLLY_LOSS.test(name.slice(0, name.indexOf('.') + 1)) ||
    (isLoss(module) && shape.length <= 1) ||
    (METRIC.test(name) && !/^(weight|bias)$/.test(last)) ||
    isAbout(name.split('.')[0], 'optimizer')
  );
}

/** The error if the tensors that are left show another network than the one that raybox would run; undefined if they do not. */
export function refusalOf(
  leftover: Leftover,
  read: { keys(): Iterable<string> },
  what: string,
): InputError | undefined {
  const layers = new Set([...read.keys()].map(layerOf));
  const named = (names: readonly string[]) => {
    // If the network lacks the whole layer, its name is listed; if it only lacks one of its tensors, the name of the tensor.
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
