/**
 * Heads that pool class maps: the prediction layer is applied at every position, which gives each class a map of logits, and the map is pooled
 * to the logit of the image. With the average, the result is the same as with average pooling of the features, because the prediction layer is
 * linear.
 *
 * The poolings are graphs of general operations, which the core does not have. So this module is loaded on demand.
 */
import { InputError } from '../../errors.js';
import { LEAST_R0, POOLINGS, type Pooling } from '../../formats/weights/poolings.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import { binary } from '../../ops/general/binary.js';
import { permute } from '../../ops/general/permute.js';
import { reduce } from '../../ops/general/reduce.js';
import { reshape } from '../../ops/general/reshape.js';
import { topShares } from '../../ops/general/top_shares.js';
import { unary } from '../../ops/general/unary.js';
import { activationOf, sigmoid } from '../../ops/layers/activation.js';
import { classActivationMap } from '../../ops/layers/class_activation_map.js';
import { conv2d } from '../../ops/layers/conv2d.js';
import { mul } from '../../ops/layers/mul.js';
import { softmax } from '../../ops/layers/softmax.js';
import type { Head } from '../architecture.js';
import { convolution } from '../layers/layers.js';
import type { HeadOutputs } from './localizer_head.js';

/** What a pooling reads. */
interface ClassMaps {
  /** What the prediction layer reads: [n, h, w, channels] nhwc4. */
  readonly x: Tensor;
  /** The class activation maps, without the bias: [n, classes, h, w] dense f32. */
  readonly evidence: Tensor;
  /** The logits of all positions, which are the evidence and the bias: [n, classes, h, w] dense f32. */
  readonly maps: Tensor;
  /** The same logits with the positions along one dimension: [n, classes, h · w]. */
  readonly rows: Tensor;
}

interface Pooled {
  /** [n, classes] dense f32. */
  readonly logits: Tensor;
  /** Like the class maps. Default: the evidence. */
  readonly heatmaps?: Tensor;
}

type MapPooling = Exclude<Pooling, 'lse' | 'average' | 'max'>;

const POOLS: Readonly<Record<MapPooling, (g: GraphBuilder, maps: ClassMaps, head: Head) => Pooled>> = {
  pcam: probabilisticCam,
  'top-k': highest,
  'lse-lba': boundedLogSumExp,
  attention: gatedAttention,
};

/**
 * Adds prediction layer and pooling.
 * @param x what the prediction layer reads at each position: [n, h, w, channels] nhwc4 without holes
 * @throws InputError for numbers of a pooling that are missing or wrong
 */
export function poolClassMaps(g: GraphBuilder, x: Tensor, head: Head): HeadOutputs {
  const { classes, pooling, prediction = 'head.prediction' } = head;
  const pool = Object.hasOwn(POOLS, pooling) ? POOLS[pooling as MapPooling] : undefined;
  if (!pool) throw new InputError('unknown pooling', { expected: POOLINGS.join(', '), given: pooling });
  const weight = g.parameter(`${prediction}.weight`, [classes, channelCount(x)]);
  const bias = g.parameter(`${prediction}.bias`, [classes]);
  const evidence = classActivationMap(g, x, weight, `${prediction}/evidence`);
  const maps = binary(g, evidence, reshape(g, bias, [1, classes, 1, 1], `${prediction}/bias`), 'add', prediction);
  const rows = reshape(g, maps, [0, 0, maps.shape[2] * maps.shape[3]], 'head.pooling/rows');
  const { logits, heatmaps = evidence } = pool(g, { x, evidence, maps, rows }, head);
  return { logits, probabilities: sigmoid(g, logits, 'probabilities'), heatmaps };
}

/** [n, classes]: the sum over the positions of logits times weights, whose sum is 1. Both are [n, classes, h · w]. */
function weightedAverage(g: GraphBuilder, rows: Tensor, weights: Tensor): Tensor {
  const shares = binary(g, rows, weights, 'mul', 'head.pooling/shares');
  return reduce(g, shares, { kind: 'sum', axes: [2], keepDims: false, name: 'head.pooling' });
}

const negative = (g: GraphBuilder, x: Tensor, name: string) => unary(g, x, { kind: 'neg' }, `head.pooling/${name}`);

/**
 * Probabilistic-CAM pooling: the weights of positions are σ(z) / Σ σ(z). They are computed as the softmax of ln σ(z) = −softplus(−z), since far
 * below zero every σ(z) is 0 in f32, and the quotient would be no number.
 */
function probabilisticCam(g: GraphBuilder, { maps, rows }: ClassMaps): Pooled {
  const softplus = unary(g, negative(g, rows, 'negative'), { kind: 'softplus' }, 'head.pooling/softplus');
  const weights = softmax(g, negative(g, softplus, 'log_probability'), 'head.pooling/weights');
  return { logits: weightedAverage(g, rows, weights), heatmaps: sigmoid(g, maps, 'heatmaps') };
}

/** The mean of the highest positions or, as the authors of WELDON compute it, half the sum of it and the mean of the lowest ones. */
function highest(g: GraphBuilder, { rows }: ClassMaps, { topK, lowK = 0 }: Head): Pooled {
  const most = rows.shape[2];
  checkNumber('topK', topK, 1, most);
  checkNumber('lowK', lowK, 0, most);
  const top = topShares(g, rows, topK!, 'head.pooling/highest');
  if (lowK === 0) return { logits: weightedAverage(g, rows, top) };
  const low = topShares(g, negative(g, rows, 'negative'), lowK, 'head.pooling/lowest');
  const both = unary(g, binary(g, top, low, 'add', 'head.pooling/both'), { kind: 'line', a: 0.5, b: 0 });
  return { logits: weightedAverage(g, rows, both) };
}

function checkNumber(name: string, value: number | undefined, least: number, most: number): void {
  if (value !== undefined && Number.isInteger(value) && value >= least && value <= most) return;
  throw new InputError(`top-k pooling: ${name} is wrong`, {
    expected: `a whole number from ${least} to ${most}, the positions of the map`,
    given: String(value),
  });
}

/**
 * Log-sum-exp pooling with a lower-bounded, learnt sharpness: m + ln(mean exp(r · (z − m))) / r, with the maximum m of the map and
 * r = r0 + exp(β). The parameter `head.pooling.beta` [classes] has a β for each class.
 */
function boundedLogSumExp(g: GraphBuilder, { rows }: ClassMaps, { classes, lseR0 }: Head): Pooled {
  if (!(lseR0 !== undefined && Number.isFinite(lseR0) && lseR0 >= LEAST_R0))
    throw new InputError('lse-lba pooling: lseR0 is wrong', {
      expected: `the lower bound of the sharpness, from ${LEAST_R0} on`,
      given: String(lseR0),
    });
  const named = (name: string) => `head.pooling/${name}`;
  const overRow = (x: Tensor, kind: 'max' | 'mean') => reduce(g, x, { kind, axes: [2], name: named(kind) });
  const beta = reshape(g, g.parameter('head.pooling.beta', [classes]), [1, classes, 1], named('beta'));
  const r = unary(g, unary(g, beta, { kind: 'exp' }, named('exp')), { kind: 'line', a: 1, b: lseR0 }, named('r'));
  const most = overRow(rows, 'max');
  const below = binary(g, binary(g, rows, most, 'sub', named('below')), r, 'mul', named('exponents'));
  const mean = overRow(unary(g, below, { kind: 'exp' }, named('powers')), 'mean');
  const rise = binary(g, unary(g, mean, { kind: 'log' }, named('log')), r, 'div', named('rise'));
  return { logits: reshape(g, binary(g, most, rise, 'add', named('sum')), [0, classes], 'head.pooling') };
}

/** The most hidden channels. More are refused before anything of their size is allocated. */
const MOST_CHANNELS = 65_536;

/**
 * Gated attention pooling: the weights of positions are the softmax of wᵀ (tanh(V x) ⊙ σ(U x)). U and V, `head.attention.gate` and
 * `head.attention.value`, are shared by all classes, while w, `head.attention.score` [classes, hidden], has a row for each class: what makes
 * a position interesting is much the same for all classes, but which positions matter is not. The heatmap is what each position adds to the
 * logit, times the number of positions, so that its mean is the logit without the bias, as with average pooling.
 */
function gatedAttention(g: GraphBuilder, { x, evidence, rows }: ClassMaps, head: Head): Pooled {
  const { classes, attentionChannels: outputs = Number.NaN } = head;
  if (!(Number.isInteger(outputs) && outputs >= 1 && outputs <= MOST_CHANNELS))
    throw new InputError('attention pooling: attentionChannels is wrong', {
      expected: `a whole number from 1 to ${MOST_CHANNELS}`,
      given: String(head.attentionChannels),
    });
  const layer = (name: string) => convolution(g, x, `head.attention.${name}`, { outputs, kernel: 1 });
  const value = activationOf(g, layer('value'), { kind: 'tanh' }, 'head.attention/tanh');
  const hidden = mul(g, value, sigmoid(g, layer('gate'), 'head.attention/sigmoid'), 'head.attention/gated');
  const score = g.parameter('head.attention.score.weight', [classes, outputs, 1, 1]);
  const scores = permute(g, conv2d(g, hidden, score, undefined, { name: 'head.attention.score' }), [0, 3, 1, 2]);
  const weights = softmax(
    g,
    reshape(g, scores, rows.shape.toSpliced(0, 1, 0), 'head.attention/rows'),
    'head.attention',
  );
  const scaled = unary(g, weights, { kind: 'line', a: rows.shape[2], b: 0 }, 'head.attention/scaled');
  const shares = reshape(g, scaled, evidence.shape.toSpliced(0, 1, 0), 'head.attention/maps');
  return { logits: weightedAverage(g, rows, weights), heatmaps: binary(g, evidence, shares, 'mul', 'heatmaps') };
}
