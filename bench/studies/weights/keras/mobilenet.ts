/**
 * The first blocks of Keras' MobileNetV2.
 *
 * Keras pads a convolution of stride 2 at the right and at the bottom only, raybox's MobileNetV2 on all sides, as PyTorch does. Features are
 * therefore those of an image that is moved by a pixel. A prediction layer that is trained on them does not mind.
 */
import type { TensorData } from '../../../../src/formats/weights/checkpoint.js';
import type { Constant } from '../../../../src/import/plain.js';
import { DEPTHWISE, type FirstModules, FULL, readerOf, transposed } from './tensors.js';

/** Keras adds the first to a variance, raybox's MobileNetV2 (as PyTorch's) the second. */
const [KERAS_EPSILON, EPSILON] = [1e-3, 1e-5];
/** Blocks after the first one (Sandler et al. 2018, table 2) that another one follows. */
export const MOBILENET_BLOCKS = 16;
/** The blocks whose maps are half as wide as those before. */
const HALVING = [1, 3, 6, 13];
/** Torchvision's names of what a norm of Keras has. */
const NORM = { gamma: 'weight', beta: 'bias', moving_mean: 'running_mean', moving_variance: 'running_var' };

/** The weights of the first blocks. The last layer is the expansion of the block after them, as in the whole network a wider layer is the last. */
export function firstOfMobileNet(constants: ReadonlyMap<string, Constant>, blocks: number): FirstModules {
  const tensors = new Map<string, TensorData>();
  const read = readerOf(constants, 'MobileNetV2 (of any width)');
  /** Takes a convolution and the norm after it. Gives its number of outputs. */
  const take = (layer: string, norm: string, [convolution, own]: readonly [string, string], isDepthwise = false) => {
    const kernel = isDepthwise
      ? transposed(read(`${layer}/depthwise_kernel`), DEPTHWISE)
      : transposed(read(`${layer}/kernel`), FULL);
    tensors.set(`${convolution}.weight`, kernel);
    for (const [keras, torch] of Object.entries(NORM)) tensors.set(`${own}.${torch}`, read(`${norm}/${keras}`));
    const { shape, data } = read(`${norm}/moving_variance`);
    const moved = data.map((value) => Math.max(value, 0) + KERAS_EPSILON - EPSILON);
    tensors.set(`${own}.running_var`, { shape, data: moved });
    return kernel.shape[0];
  };

  const stem = take('Conv1', 'bn_Conv1', ['features.0.0', 'features.0.1']);
  const described = Array.from({ length: blocks }, (_, index) => {
    const keras = index === 0 ? 'expanded_conv_' : `block_${index}_`;
    const torch = `features.${index + 1}.conv.`;
    // The first block has no expansion, so that its other layers are counted from 0.
    const first = index === 0 ? 0 : 1;
    const expanded = index === 0 ? stem : take(`${keras}expand`, `${keras}expand_BN`, [`${torch}0.0`, `${torch}0.1`]);
    take(`${keras}depthwise`, `${keras}depthwise_BN`, [`${torch}${first}.0`, `${torch}${first}.1`], true);
    const names = [`${torch}${first + 1}`, `${torch}${first + 2}`] as const;
    const outputs = take(`${keras}project`, `${keras}project_BN`, names);
    return { expanded, kernel: 3, stride: HALVING.includes(index) ? 2 : 1, outputs };
  });
  const end = `features.${blocks + 1}`;
  const last = take(`block_${blocks}_expand`, `block_${blocks}_expand_BN`, [`${end}.0`, `${end}.1`]);
  return { tensors, backbone: { family: 'mobilenet_v2', stem, blocks: described, last } };
}
