/** The first modules of Keras' Inception v3. */
import type { TensorData } from '../../../../src/formats/weights/checkpoint.js';
import type { Constant } from '../../../../src/import/plain.js';
import { descriptionOf } from '../../../../src/nets/backbone.js';
import { convolutionNames, type InceptionV3 } from '../../../../src/nets/families/inception_v3.js';
import { type FirstModules, FULL, readerOf, transposed } from './tensors.js';

/** Torchvision's names of what a norm of Keras has. Keras leaves out the factor, because an activation function follows that a factor does not change. */
const NORM = { beta: 'bias', moving_mean: 'running_mean', moving_variance: 'running_var' };

/** The whole network. */
const WHOLE = descriptionOf('inception_v3') as InceptionV3;
export const INCEPTION_MODULES = WHOLE.modules.length;

export function firstOfInception(constants: ReadonlyMap<string, Constant>, modules: number): FirstModules {
  const tensors = new Map<string, TensorData>();
  const read = readerOf(constants, 'Inception v3');
  for (const [index, name] of convolutionNames(modules).entries()) {
    const kernel = transposed(read(`conv2d_${index + 1}/kernel`), FULL);
    tensors.set(`${name}.conv.weight`, kernel);
    const norm = `batch_normalization_${index + 1}`;
    for (const [keras, torch] of Object.entries(NORM)) tensors.set(`${name}.bn.${torch}`, read(`${norm}/${keras}`));
    const channels = kernel.shape[0];
    tensors.set(`${name}.bn.weight`, { shape: [channels], data: new Float32Array(channels).fill(1) });
  }
  return { tensors, backbone: { ...WHOLE, modules: WHOLE.modules.slice(0, modules), averages: 'edges' } };
}
