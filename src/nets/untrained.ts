/** Random weights of a small network. They show that everything works, but the results mean nothing. */

import type { TensorData } from '../formats/weights/checkpoint.js';
import { writeSafetensors } from '../formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../formats/weights/weights.js';
import { createGraph } from '../graph/ir/graph.js';
import { product } from '../graph/ir/tensor.js';
import { seededRandom } from '../random.js';
import { type Architecture, architectureMetadata } from './architecture.js';
import { buildNetwork } from './index.js';

/**
 * A safetensors file of a small residual network. Its convolutions have random weights, as He et al. 2015 begin training with, and its metadata
 * says `training_data: none`. The same seed gives the same bytes.
 */
export function untrainedWeights(seed: number, classes: readonly string[], inputSize = 256): Uint8Array {
  const architecture: Architecture = {
    backbone: { family: 'resnet', block: 'basic', layers: [1, 1, 1, 1], widths: [8, 16, 32, 64], stem: 8 },
    head: {
      classes: classes.length,
      transition: { channels: 32, kernel: 1, activation: 'relu' },
      pooling: 'lse',
      r: 10,
    },
  };
  const g = createGraph();
  buildNetwork(g, architecture, g.input('image', [1, inputSize, inputSize, 1]));
  const random = seededRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const tensors = [...g.parameters].map(([name, { shape }]) => {
    // The features of an untrained network may be large. A weak prediction layer keeps the probabilities away from 0 and 1.
    const strength = name.startsWith('head.prediction') ? 0.02 : 1;
    const deviation = strength * Math.sqrt(2 / product(shape.slice(1)));
    // A tensor with one dimension is a bias, which is 0, or belongs to a batch norm that changes nothing.
    const constant = /running_var$|weight$/.test(name) ? 1 : 0;
    const data = Float32Array.from({ length: product(shape) }, () =>
      shape.length > 1 ? normal() * deviation : constant,
    );
    return [name, { shape: [...shape], data }] as [string, TensorData];
  });
  const strings = formatWeightsMetadata({
    ...architectureMetadata(architecture),
    pooling: 'lse',
    classes: [...classes],
    inputWidth: inputSize,
    inputHeight: inputSize,
    inputChannels: 1,
    channelOrder: 'rgb',
    mean: [0.5],
    std: [0.25],
    fit: 'stretch',
    heatmapScaling: 'minmax',
    trainingData: 'none',
    license: 'MIT',
  });
  return writeSafetensors(new Map(tensors), strings);
}
