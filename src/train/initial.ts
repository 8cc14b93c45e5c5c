/** The random weights with which training from scratch begins. */

import { product } from '../graph/ir/tensor.js';
import type { WeightSource } from '../graph/plan/types.js';
import { fnv1a, normal, seededRandom } from '../random.js';

/**
 * Initial weights by the kind of parameter:
 * - convolutions: normal, with variance 2 / (outputs · window) (He et al. 2015, fan-out, as in torchvision's ResNets);
 * - linear layers: uniform between −1 / √inputs and 1 / √inputs;
 * - norms: weights and variances 1, biases and means 0;
 * - layer scale: 1e-6 (Liu et al. 2022), so that each block begins as nearly the identity;
 * - biases, and β of a learnt sharpness of pooling: 0.
 *
 * The numbers of a parameter depend only on the seed and its name.
 */
export function initialWeights(seed: number): WeightSource {
  return (name, shape) => {
    const size = product(shape);
    const constant = constantOf(name, shape);
    if (constant !== undefined) return new Float32Array(size).fill(constant);
    const random = seededRandom((fnv1a(name) ^ Math.imul(seed, 0x9e3779b9)) >>> 0);
    if (shape.length === 2) return Float32Array.from({ length: size }, () => (2 * random() - 1) / Math.sqrt(shape[1]));
    const deviation = Math.sqrt(2 / (shape[0] * product(shape.slice(2))));
    return Float32Array.from({ length: size }, () => normal(random, deviation));
  };
}

function constantOf(name: string, shape: readonly number[]): number | undefined {
  if (/running_mean$|bias$|(^|\.)pooling\.beta$/.test(name)) return 0;
  if (/layer_scale$/.test(name)) return 1e-6;
  return shape.length === 1 ? 1 : undefined; // weights and variances of norms
}
