/** Functions over any dimensions, for imported networks. They are composed of other operations. */
import { InputError } from '../../errors.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { softmax } from '../layers/softmax.js';
import { binary } from './binary.js';
import { permute } from './permute.js';
import { reduce } from './reduce.js';
import { reshape } from './reshape.js';
import { unary } from './unary.js';

const line = (g: GraphBuilder, x: Tensor, a: number, b: number) => unary(g, x, { kind: 'line', a, b });
const squareRoot = (g: GraphBuilder, x: Tensor) => unary(g, x, { kind: 'sqrt' });

/** Adds a softmax over one dimension. Result: shape of x. */
export function softmaxOver(g: GraphBuilder, x: Tensor, axis: number, name?: string): Tensor {
  const last = x.shape.length - 1;
  if (axis === last) return softmax(g, x, name);
  const order = x.shape.map((_, d) => (d === axis ? last : d === last ? axis : d));
  return permute(g, softmax(g, permute(g, x, order, x.layout), name), order, x.layout);
}

/** Adds the logarithm of a softmax over one dimension: x − log Σ exp(x). It is precise for small probabilities too. */
export const logSoftmaxOver = (g: GraphBuilder, x: Tensor, axis: number, name?: string): Tensor =>
  binary(g, x, reduce(g, x, { kind: 'log_sum_exp', axes: [axis] }), 'sub', name);

/** Options of `normaliseOver`. */
export interface NormaliseOptions {
  axes: readonly number[];
  /** Added to the variance. */
  epsilon: number;
  /** A factor and (in `bias`) a summand. Both are repeated to the shape of x. */
  weight?: Tensor | undefined;
  bias?: Tensor | undefined;
  name?: string;
}

/**
 * Adds (x − mean) / √(variance + epsilon) · weight + bias, with mean and variance over some dimensions. Over rows and columns it is an instance
 * norm, over the last dimensions a layer norm.
 */
export function normaliseOver(g: GraphBuilder, x: Tensor, options: NormaliseOptions): Tensor {
  const { axes, epsilon, weight, bias, name } = options;
  if (!(epsilon >= 0)) throw new InputError('epsilon', { expected: 'a number from 0 on', given: String(epsilon) });
  const centred = binary(g, x, reduce(g, x, { kind: 'mean', axes }), 'sub');
  const variance = reduce(g, binary(g, centred, centred, 'mul'), { kind: 'mean', axes });
  const normal = binary(g, centred, squareRoot(g, line(g, variance, 1, epsilon)), 'div', name);
  const scaled = weight ? binary(g, normal, weight, 'mul') : normal;
  return bias ? binary(g, scaled, bias, 'add') : scaled;
}

/**
 * Adds a group norm: mean and variance over groups of channels and all positions of an image.
 * @param x [n, h, w, c] nhwc4.
 * @param options.weight, bias [c] dense, or left out.
 */
export function groupNorm(g: GraphBuilder, x: Tensor, groups: number, options: Omit<NormaliseOptions, 'axes'>): Tensor {
  const channels = x.shape[3];
  if (x.layout !== 'nhwc4' || x.shape.length !== 4 || channels % groups !== 0) {
    throw new InputError('group norm', {
      expected: 'nhwc4 [n, h, w, c], and groups that divide c',
      given: `${groups} groups`,
    });
  }
  const [, height, width] = x.shape;
  const split = reshape(g, permute(g, x, [0, 1, 2, 3]), [0, height * width, groups, channels / groups]);
  const { weight, bias, ...rest } = options;
  const normal = reshape(g, normaliseOver(g, split, { ...rest, axes: [1, 3] }), [0, height, width, channels]);
  const scaled = weight ? binary(g, normal, weight, 'mul') : normal;
  return permute(g, bias ? binary(g, scaled, bias, 'add') : scaled, [0, 1, 2, 3], 'nhwc4');
}

/** Adds x divided by its 1-norm or 2-norm over a dimension. If the norm is 0, the result is NaN, unless `least` gives a smallest norm. */
export function lpNormalise(
  g: GraphBuilder,
  x: Tensor,
  options: { axis: number; p: 1 | 2; least?: number; name?: string },
): Tensor {
  const { axis, p, least = 0, name } = options;
  const norm = reduce(g, x, { kind: p === 1 ? 'l1' : 'l2', axes: [axis] });
  const floor = g.constant('least', { shape: norm.shape.map(() => 1), layout: norm.layout, type: norm.type }, [least]);
  return binary(g, x, least > 0 ? binary(g, norm, floor, 'max') : norm, 'div', name);
}

/**
 * Adds the blocks of an image as channels, or channels as blocks of the image.
 * @param x [n, h, w, c] nhwc4.
 * @param options.block side of a block, in pixels.
 * @param options.order `blocks_first`: the channel is the place in the block times c, plus the old channel (ONNX's DCR and SpaceToDepth);
 *   `channels_first`: the old channel times the size of a block, plus the place (ONNX's CRD, PyTorch's pixel shuffle).
 */
export function spaceToDepth(
  g: GraphBuilder,
  x: Tensor,
  { block, order = 'blocks_first' }: { block: number; order?: 'blocks_first' | 'channels_first' },
): Tensor {
  const [, height, width, channels] = x.shape;
  checkBlocks(x, height % block === 0 && width % block === 0, block);
  const split = reshape(g, permute(g, x, [0, 1, 2, 3]), [0, height / block, block, width / block, block, channels]);
  const merged = permute(g, split, order === 'blocks_first' ? [0, 1, 3, 2, 4, 5] : [0, 1, 3, 5, 2, 4]);
  const shape = [0, height / block, width / block, channels * block * block];
  return permute(g, reshape(g, merged, shape), [0, 1, 2, 3], 'nhwc4');
}

/** Adds the inverse of `spaceToDepth`. */
export function depthToSpace(
  g: GraphBuilder,
  x: Tensor,
  { block, order = 'blocks_first' }: { block: number; order?: 'blocks_first' | 'channels_first' },
): Tensor {
  const [, height, width, channels] = x.shape;
  checkBlocks(x, channels % (block * block) === 0, block);
  const own = channels / (block * block);
  const sizes = order === 'blocks_first' ? [block, block, own] : [own, block, block];
  const split = reshape(g, permute(g, x, [0, 1, 2, 3]), [0, height, width, ...sizes]);
  const merged = permute(g, split, order === 'blocks_first' ? [0, 1, 3, 2, 4, 5] : [0, 1, 4, 2, 5, 3]);
  return permute(g, reshape(g, merged, [0, height * block, width * block, own]), [0, 1, 2, 3], 'nhwc4');
}

function checkBlocks(x: Tensor, isWhole: boolean, block: number): void {
  if (x.layout === 'nhwc4' && x.shape.length === 4 && Number.isInteger(block) && block >= 1 && isWhole) return;
  throw new InputError('blocks', {
    expected: 'nhwc4 [n, h, w, c] of whole blocks',
    given: `blocks of ${block} × ${block} in [${x.shape.join(', ')}]`,
  });
}
