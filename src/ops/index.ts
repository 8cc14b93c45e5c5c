/**
 * `raybox/ops`: the operations that networks are built from. Each function adds one operation to a graph and returns the tensor that it
 * computes. The others (gradients, packed weights, optimizers) are added by the engine itself.
 */

export type { Boxes, BoxOptions, DecodedBoxes, Gates, HeatBox } from './boxes/component_boxes.js';
export { decodeBoxes, extractBoxes } from './boxes/component_boxes.js';
export { connectedComponents } from './boxes/connected_components.js';
export { scaleHeatmaps } from './boxes/scale255.js';
export { type AxisPadding, type AxisSlice, padAxis, placesOfSlice, sliceAxis, tileAxis } from './general/along_axis.js';
export { type ArgExtremeAttributes, argExtreme } from './general/arg_extreme.js';
export { type BinaryAttributes, binary } from './general/binary.js';
export { type CompareAttributes, compare } from './general/compare.js';
export { type ConvTranspose2dOptions, convTranspose2d } from './general/conv_transpose2d.js';
export { expand } from './general/expand.js';
export type { UnaryFunction } from './general/functions.js';
export { join } from './general/join.js';
export { type LpPoolOptions, lpPool } from './general/lp_pool.js';
export { type GemmOptions, gemm, matmul } from './general/matmul.js';
export {
  depthToSpace,
  groupNorm,
  logSoftmaxOver,
  lpNormalise,
  type NormaliseOptions,
  normaliseOver,
  softmaxOver,
  spaceToDepth,
} from './general/over_axes.js';
export { permute } from './general/permute.js';
export { type ReduceAttributes, reduce } from './general/reduce.js';
export { reshape } from './general/reshape.js';
export { type NearestMode, type ResizeAxisOptions, type ResizeCoordinates, resizeAxis } from './general/resize_axis.js';
export { gather, type TakeAttributes, take } from './general/take.js';
export { topShares } from './general/top_shares.js';
export { unary } from './general/unary.js';
export { where } from './general/where.js';
export { activationOf, relu, sigmoid } from './layers/activation.js';
export type { Activation } from './layers/activations.js';
export { sum } from './layers/add.js';
export { batchNorm, scaleChannels } from './layers/batch_norm.js';
export { channelShuffle } from './layers/channel_shuffle.js';
export { classActivationMap } from './layers/class_activation_map.js';
export { concat } from './layers/concat.js';
export { type Conv2dOptions, conv2d } from './layers/conv2d.js';
export { layerNorm } from './layers/layer_norm.js';
export { linear } from './layers/linear.js';
export { localResponseNorm } from './layers/lrn.js';
export { globalAveragePool, globalMaxPool, lsePool, squeeze } from './layers/lse_pool.js';
export { mul } from './layers/mul.js';
export { pad } from './layers/pad.js';
export { type AveragePoolOptions, averagePool, type MaxPoolOptions, maxPool } from './layers/pool.js';
export { type ResizeMode, type ResizeOptions, resize } from './layers/resize.js';
export { scale } from './layers/scale.js';
export { type SliceAttributes, slice } from './layers/slice.js';
export { softmax } from './layers/softmax.js';
