/**
 * Trains a ResNet with the localization head in TensorFlow.js, in the way in which its users would write it: with the same layers, loss and
 * update as in raybox, and from the same weights. The WebGPU back end has kernels for all gradients that are needed.
 */

import type { Gpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { product } from '../../src/graph/ir/tensor.js';
import type { Head } from '../../src/nets/architecture.js';
import type { ResNet } from '../../src/nets/families/resnet.js';
import { buildNetwork } from '../../src/nets/index.js';
import type { Contestant, TrainingTask } from '../training.js';
import { filter, loadTensorFlow, type Tensor, type TensorFlow, type Variable } from './tensorflow.js';

type Layer = (name: string) => Variable;

/** @throws MissingEngine if TensorFlow.js is not installed. */
export async function trainWithTensorFlow(gpu: Gpu, task: TrainingTask): Promise<Contestant> {
  const { architecture, batch, size, images, labels, weights, learningRate, momentum } = task;
  const tf = await loadTensorFlow(gpu);
  const variables = new Map<string, Variable>();
  const g = createGraph();
  buildNetwork(g, architecture, g.input('image', [batch, size, size, 3]));
  for (const { name, shape } of g.parameters.values()) {
    const values = Float32Array.from(await weights(name, shape));
    const value = shape.length === 4 ? tf.tensor(...filter(values, shape)) : tf.tensor(values, shape);
    variables.set(name, tf.variable(value, !/\.running_(mean|var)$/.test(name)));
    value.dispose();
  }
  const trained = [...variables].flatMap(([name, variable]) => (name.includes('.running_') ? [] : variable));
  const optimizer = tf.train.momentum(learningRate, momentum);
  const layer: Layer = (name) => variables.get(name)!;
  const [counts, shape] = [classWeights(labels), [batch, architecture.head.classes]];
  return {
    engine: `tensorflow.js ${tf.version_core}`,
    gpu,
    step() {
      const cost = tf.tidy(() => {
        const x = tf.tensor(images, [batch, size, size, 3]);
        const y = tf.tensor(labels, shape);
        return optimizer.minimize(
          () => crossEntropy(tf, network(tf, x, layer, architecture), y, counts),
          true,
          trained,
        );
      });
      return async () => {
        const [loss] = await cost.data();
        cost.dispose();
        return loss;
      };
    },
    close() {
      optimizer.dispose();
      for (const variable of variables.values()) variable.dispose();
      tf.removeBackend('webgpu');
      gpu.close();
    },
  };
}

function network(tf: TensorFlow, image: Tensor, layer: Layer, { backbone, head }: { backbone: ResNet; head: Head }) {
  let x = tf.relu(norm(tf, convolve(tf, image, layer('conv1.weight'), 2), layer, 'bn1'));
  x = tf.maxPool(x, 3, 2, 1);
  for (const [stage, blocks] of backbone.layers.entries()) {
    for (let index = 0; index < blocks; index++) {
      x = basicBlock(tf, x, layer, `layer${stage + 1}.${index}`, stage > 0 && index === 0 ? 2 : 1);
    }
  }
  x = convolve(tf, x, layer('head.transition.weight'), 1);
  x = tf.relu(tf.add(x, layer('head.transition.bias')));
  const r = head.r!;
  const positions = x.shape[1] * x.shape[2];
  x = tf.mul(tf.sub(tf.logSumExp(tf.mul(x, r), [1, 2]), Math.log(positions)), 1 / r);
  return tf.add(tf.matMul(x, layer('head.prediction.weight'), false, true), layer('head.prediction.bias'));
}

function basicBlock(tf: TensorFlow, x: Tensor, layer: Layer, name: string, stride: number): Tensor {
  let y = tf.relu(norm(tf, convolve(tf, x, layer(`${name}.conv1.weight`), stride), layer, `${name}.bn1`));
  y = norm(tf, convolve(tf, y, layer(`${name}.conv2.weight`), 1), layer, `${name}.bn2`);
  let shortcut = x;
  if (stride > 1) {
    shortcut = norm(tf, convolve(tf, x, layer(`${name}.downsample.0.weight`), stride), layer, `${name}.downsample.1`);
  }
  return tf.relu(tf.add(y, shortcut));
}

function convolve(tf: TensorFlow, x: Tensor, weight: Variable, stride: number): Tensor {
  const pad = (weight.shape[0] - 1) / 2;
  return tf.conv2d(x, weight, stride, [
    [0, 0],
    [pad, pad],
    [pad, pad],
    [0, 0],
  ]);
}

/** Batch norm with the statistics of the batch. As in PyTorch, the running variance is updated with the unbiased variance. */
function norm(tf: TensorFlow, x: Tensor, layer: Layer, name: string): Tensor {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const count = product(x.shape.slice(0, 3));
  const follow = (running: Variable, value: Tensor, factor: number) =>
    running.assign(tf.add(tf.mul(running, 0.9), tf.mul(value, factor)));
  follow(layer(`${name}.running_mean`), mean, 0.1);
  follow(layer(`${name}.running_var`), variance, (0.1 * count) / (count - 1));
  return tf.batchNorm(x, mean, variance, layer(`${name}.bias`), layer(`${name}.weight`), 1e-5);
}

interface ClassWeights {
  positive: number;
  negative: number;
}

/** The weights β of the paper for labels of 0 and 1. */
function classWeights(labels: Float32Array): ClassWeights {
  const ones = labels.reduce((sum, label) => sum + label, 0);
  return { positive: ones && labels.length / ones, negative: labels.length / (labels.length - ones) };
}

function crossEntropy(tf: TensorFlow, logits: Tensor, labels: Tensor, { positive, negative }: ClassWeights): Tensor {
  const missed = tf.mul(tf.mul(labels, tf.softplus(tf.neg(logits))), positive);
  const raised = tf.mul(tf.mul(tf.sub(1, labels), tf.softplus(logits)), negative);
  return tf.sum(tf.add(missed, raised));
}
