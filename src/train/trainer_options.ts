/** What `createTrainer` can be told. */

import { InputError } from '../errors.js';
import type { Gpu } from '../gpu/device.js';
import { checkGpu } from '../gpu/given.js';
import type { ChooseVariant } from '../graph/plan/lower.js';
import type { WeightSource } from '../graph/plan/types.js';
import type { NetworkDescription } from '../nets/architecture.js';
import type { NetworkFunction } from '../nets/outputs.js';
import { checkRequiredOptions, optionKinds } from '../options.js';
import type { Loss } from './losses.js';
import { checkPartFields, type Optimizer, type Part } from './optimizers.js';

/** What a training step needs. */
export interface TrainerOptions {
  /** The network: its description, or a function that builds it. All of its operations must have gradients. */
  architecture: NetworkDescription | NetworkFunction;
  /** Images of a micro-batch. */
  batch: number;
  /** Height and width of the images. */
  size: number | readonly [height: number, width: number];
  /** Default 3. */
  channels?: number;
  loss: Loss;
  optimizer: Optimizer;
  /**
   * `frozen`: batch norms use the statistics that come with the weights. `train`: they use those of the micro-batch, and update the running
   * statistics by them. `unfrozen`: as `train`, but batch norms whose weights are frozen by `parts` use the statistics that come with them;
   * they are then fused into convolutions, so that frozen layers take less time.
   */
  batchNorm: 'frozen' | 'train' | 'unfrozen';
  /** Weights to start from, by PyTorch's names. Default: random ones from the seed. */
  weights?: WeightSource;
  /** Default 0. */
  seed?: number;
  /** Learning rates, and what is frozen. For each parameter the first part that matches its name is used. */
  parts?: readonly Part[];
  /** Limit of the norm of all gradients together. Default: none. */
  clipNorm?: number;
  /**
   * Keeps a moving average of each trained parameter, and of the running statistics of batch norms, over the updates: after each update
   * average = decay · average + (1 − decay) · value. While there were few updates the decay is smaller, n / (n + 9) after n of them, so that
   * the random first weights are forgotten. Between 0 and 1, 0.998 say. Default: no average.
   */
  averageDecay?: number;
  /**
   * Micro-batches for each update, over which gradients are averaged. Each micro-batch has its own β and its own batch statistics, so the
   * result is not the same as with one batch of all their images. Default 1.
   */
  accumulate?: number;
  /**
   * Bytes on the GPU that a step may take. If it would take more, activations are dropped in the forward pass and computed again in the
   * backward pass, with the same bits. Default: as much as the GPU has.
   */
  memory?: number;
  /**
   * Whether steps begin after the first layers, which `parts` must freeze: they then take what these layers compute instead of images, in
   * the tensors that `splitNetwork` calls the border. Default: false.
   */
  skipsFrozen?: boolean;
  /** Picks one of the kernels that can run a node. Default: the first. */
  choose?: ChooseVariant;
}

export const TRAINER_OPTIONS = optionKinds<TrainerOptions>({
  architecture: 'anything',
  batch: 'a whole number from 1 on',
  size: 'anything',
  channels: 'a whole number from 1 on',
  loss: 'a function',
  optimizer: 'an object',
  batchNorm: ['frozen', 'train', 'unfrozen'],
  weights: 'a function',
  seed: 'a number',
  parts: 'an object or a list',
  clipNorm: 'a number',
  averageDecay: 'a number',
  accumulate: 'a whole number from 1 on',
  memory: 'a number of bytes, 0 or more',
  skipsFrozen: 'true or false',
  choose: 'a function',
});

/** @throws InputError for a missing argument, for options that are missing, misspelt or of a wrong type, and for parts that are none */
export function checkTrainer(gpu: Gpu, options: TrainerOptions): void {
  checkRequiredOptions('createTrainer', options, TRAINER_OPTIONS, [
    ...(['architecture', 'batch', 'size', 'loss', 'optimizer', 'batchNorm'] as const),
  ]);
  checkGpu('createTrainer', gpu);
  const { optimizer, parts, size } = options;
  const sides = typeof size === 'number' ? [size, size] : size;
  if (!Array.isArray(sides) || sides.length !== 2 || !sides.every((side) => Number.isInteger(side) && side >= 1))
    throw new InputError('createTrainer: size', { expected: 'pixels, or [height, width]', given: String(size) });
  if (typeof optimizer.update !== 'function' || typeof optimizer.hyper !== 'function')
    throw new InputError('createTrainer: optimizer', {
      expected: 'what sgd or adamw gives',
      given: Object.keys(optimizer).join(', '),
    });
  if (parts) checkPartFields(parts);
}
