/** GoogLeNet: Szegedy et al., Going deeper with convolutions, 2014, with batch norm as torchvision has it. */
import { anyOf, fields, isName, isNumber, isSize, listOf, oneOf, optional } from '../../formats/checks.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { relu } from '../../ops/layers/activation.js';
import { batchNorm } from '../../ops/layers/batch_norm.js';
import { concat } from '../../ops/layers/concat.js';
import { localResponseNorm } from '../../ops/layers/lrn.js';
import { maxPool } from '../../ops/layers/pool.js';
import type { Family, Recognition, Shapes } from '../family.js';
import { convolution } from '../layers/layers.js';
import { convolutionShape, layerNumbers, named, unknownLayers } from '../recognise/shapes.js';

/** Szegedy et al. 2014, with a batch norm after each convolution. */
export type GoogLeNet = { family: 'googlenet'; prefix?: string; layers: GoogLeNetLayer[] };

/** A layer without a name is named by its place in the list, as in torch's nn.Sequential. Sizes after poolings are rounded up (ceil mode). */
export type GoogLeNetLayer = { name?: string } & (
  | { conv: number; kernel: number; stride?: number }
  | { maxPool: number; stride: number }
  /** Local response normalisation over `lrn` channels. */
  | { lrn: number; alpha: number; beta: number; k: number }
  /**
   * Channels of six convolutions: 1×1; 1×1 before the 3×3, 3×3; 1×1 before the 5×5, 5×5; 1×1 after the pooling. torchvision's "5×5" has a
   * 3×3 kernel.
   */
  | { inception: number[]; wideKernel?: 3 | 5 }
);

/** The epsilon of all norms. */
const EPSILON = 1e-3;

const module = (name: string, ...widths: number[]): GoogLeNetLayer => ({
  name: `inception${name}`,
  inception: widths,
});

const googlenet = (): GoogLeNet => ({
  family: 'googlenet',
  layers: [
    { name: 'conv1', conv: 64, kernel: 7, stride: 2 },
    { name: 'maxpool1', maxPool: 3, stride: 2 },
    { name: 'conv2', conv: 64, kernel: 1 },
    { name: 'conv3', conv: 192, kernel: 3 },
    { name: 'maxpool2', maxPool: 3, stride: 2 },
    module('3a', 64, 96, 128, 16, 32, 32),
    module('3b', 128, 128, 192, 32, 96, 64),
    { name: 'maxpool3', maxPool: 3, stride: 2 },
    module('4a', 192, 96, 208, 16, 48, 64),
    module('4b', 160, 112, 224, 24, 64, 64),
    module('4c', 128, 128, 256, 24, 64, 64),
    module('4d', 112, 144, 288, 32, 64, 64),
    module('4e', 256, 160, 320, 32, 128, 128),
    { name: 'maxpool4', maxPool: 2, stride: 2 },
    module('5a', 256, 160, 320, 32, 128, 128),
    module('5b', 384, 192, 384, 48, 128, 128),
  ],
});

export const family: Family<GoogLeNet> = {
  fields: () => ({
    layers: [
      listOf(
        anyOf(
          fields({ conv: isSize, kernel: isSize, stride: optional(isSize), name: optional(isName) }),
          fields({ maxPool: isSize, stride: isSize, name: optional(isName) }),
          fields({ lrn: isSize, alpha: isNumber, beta: isNumber, k: isNumber, name: optional(isName) }),
          fields({ inception: listOf(isSize, 6, 6), wideKernel: optional(oneOf(3, 5)), name: optional(isName) }),
        ),
      ),
      'a list of conv, maxPool, lrn and inception layers',
    ],
  }),
  prefix: '',
  standard: () => ({ googlenet: googlenet() }),
  build(g, image, { layers, prefix }) {
    let x = image;
    layers.forEach((layer, index) => {
      const name = `${prefix}${layer.name ?? index}`;
      if ('conv' in layer) x = basic(g, x, name, layer.conv, layer.kernel, layer.stride);
      else if ('maxPool' in layer)
        x = maxPool(g, x, { kernel: layer.maxPool, stride: layer.stride, ceilMode: true, name });
      else if ('lrn' in layer) {
        const { lrn: size, alpha, beta, k } = layer;
        x = localResponseNorm(g, x, { size, alpha, beta, k, name });
      } else x = inception(g, x, name, layer.inception, layer.wideKernel ?? 3);
    });
    return x;
  },
};

function basic(g: GraphBuilder, x: Tensor, name: string, outputs: number, kernel: number, stride = 1): Tensor {
  const y = convolution(g, x, `${name}.conv`, { outputs, kernel, stride, bias: false });
  return relu(g, batchNorm(g, y, `${name}.bn`, EPSILON), name);
}

function inception(g: GraphBuilder, x: Tensor, name: string, widths: readonly number[], wideKernel: number): Tensor {
  const [one, reduced, three, wideReduced, wide, pooled] = widths;
  const reducedTo = (branch: string, from: number, outputs: number, kernel: number) =>
    basic(g, basic(g, x, `${branch}.0`, from, 1), `${branch}.1`, outputs, kernel);
  const pool = maxPool(g, x, { kernel: 3, stride: 1, padding: 1, ceilMode: true, name: `${name}.branch4.0` });
  return concat(
    g,
    [
      basic(g, x, `${name}.branch1`, one, 1),
      reducedTo(`${name}.branch2`, reduced, three, 3),
      reducedTo(`${name}.branch3`, wideReduced, wide, wideKernel),
      basic(g, pool, `${name}.branch4.1`, pooled, 1),
    ],
    name,
  );
}

export const recognition: Recognition<GoogLeNet> = {
  title: 'a GoogLeNet',
  ways: [{ mark: /^(|.*\.)(?:inception3a|\d+)\.branch1\.conv\.weight$/, read }],
  trainingOnly: /^aux(\d*|_?logits|iliary\w*|_?classifiers?\d*)\./i,
  transformsInput: true,
};

function read(tensors: Shapes, prefix: string): GoogLeNet {
  const layers = tensors.has(`${prefix}0.conv.weight`)
    ? numberedLayers(tensors, prefix)
    : googlenet().layers.map((layer): GoogLeNetLayer => {
        const name = prefix + layer.name;
        if ('inception' in layer) return { name: layer.name!, ...inceptionOf(tensors, name) };
        return 'conv' in layer ? { ...layer, conv: convolutionShape(tensors, `${name}.conv`)[0] } : layer;
      });
  return { family: 'googlenet', layers, ...named(prefix, '') };
}

function inceptionOf(tensors: Shapes, name: string): { inception: number[]; wideKernel?: 5 } {
  const branches = ['branch1', 'branch2.0', 'branch2.1', 'branch3.0', 'branch3.1', 'branch4.1'];
  const shapes = branches.map((branch) => convolutionShape(tensors, `${name}.${branch}.conv`));
  return { inception: shapes.map(([outputs]) => outputs), ...(shapes[4][2] === 5 ? { wideKernel: 5 } : {}) };
}

/** In an nn.Sequential of this family, a gap of one number is a pooling, and a gap of two is a response normalisation and a pooling. */
function numberedLayers(tensors: Shapes, prefix: string): GoogLeNetLayer[] {
  const layers: GoogLeNetLayer[] = [];
  const pooling = { maxPool: 3, stride: 2 };
  for (const index of layerNumbers(tensors, prefix, /^(?:branch1\.)?conv\.weight$/)) {
    const gap = index - layers.length;
    if (gap > 2) throw unknownLayers(prefix, layers.length, index - 1);
    if (gap === 2) layers.push({ lrn: 5, alpha: 1e-4, beta: 0.75, k: 1 });
    if (gap > 0) layers.push(pooling);
    const name = `${prefix}${index}`;
    if (tensors.has(`${name}.branch1.conv.weight`)) layers.push(inceptionOf(tensors, name));
    else {
      const [conv, , kernel] = convolutionShape(tensors, `${name}.conv`);
      layers.push({ conv, kernel, ...(index === 0 ? { stride: 2 } : {}) });
    }
  }
  return layers;
}
