/** VGG: Simonyan & Zisserman, Very deep convolutional networks for large-scale image recognition, 2014. */
import { anyOf, isSize, listOf, oneOf } from '../../formats/checks.js';
import { relu } from '../../ops/layers/activation.js';
import { batchNorm } from '../../ops/layers/batch_norm.js';
import { maxPool } from '../../ops/layers/pool.js';
import type { Family, Recognition } from '../family.js';
import { convolution } from '../layers/layers.js';
import { convolutionShape, layerNumbers, named, unknownLayers } from '../recognise/shapes.js';

/** Simonyan & Zisserman 2014. */
export type Vgg = {
  family: 'vgg';
  prefix?: string;
  /** A number is a 3×3 convolution with so many channels; `M` is a 2×2 maximum pooling. */
  layers: (number | 'M')[];
  batchNorm: boolean;
};

/** @param deep how many convolutions each of the last three stages has */
const standard = (deep: 3 | 4, batchNorm: boolean): Vgg => ({
  family: 'vgg',
  layers: [64, 128, 256, 512, 512].flatMap((width, stage) => [
    ...Array(stage < 2 ? 2 : deep).fill(width),
    'M' as const,
  ]),
  batchNorm,
});

export const family: Family<Vgg> = {
  fields: () => ({
    layers: [listOf(anyOf(isSize, oneOf('M'))), "a list of sizes and 'M'"],
    batchNorm: [oneOf(true, false), 'true or false'],
  }),
  prefix: 'features.',
  standard: () => ({
    vgg16: standard(3, false),
    vgg16_bn: standard(3, true),
    vgg19: standard(4, false),
    vgg19_bn: standard(4, true),
  }),
  /** The layers are named by numbers that count convolutions, norms, activations and poolings, as in torch's nn.Sequential. */
  build(g, image, { layers, batchNorm: norm, prefix }) {
    let index = 0;
    const next = () => `${prefix}${index++}`;
    let x = image;
    for (const layer of layers) {
      if (layer === 'M') {
        x = maxPool(g, x, { kernel: 2, stride: 2, name: next() });
        continue;
      }
      x = convolution(g, x, next(), { outputs: layer, kernel: 3 });
      if (norm) x = batchNorm(g, x, next());
      x = relu(g, x, next());
    }
    return x;
  },
};

/**
 * Whether convolutions are in stages, as in every VGG: poolings between them, and the same width from one to the next. Any sequence of 3×3
 * convolutions has the names and shapes of a VGG, and other networks mostly have strides instead of poolings, which no shape shows.
 */
const hasStages = (layers: Vgg['layers']) =>
  layers.includes('M') &&
  layers.every((layer, i) => i === 0 || layer === 'M' || layers[i - 1] === 'M' || layers[i - 1] === layer);

export const recognition: Recognition<Vgg> = {
  title: 'a VGG',
  hasHiddenLayers: true,
  ways: [
    {
      mark: /^(|.*\.)0\.weight$/,
      isCommon: true,
      /** No shape shows whether a pooling follows the last convolution. It is assumed, as in the standard networks. */
      read(tensors, prefix) {
        if (convolutionShape(tensors, `${prefix}0`)[3] !== 3) return undefined;
        const batchNorm = tensors.has(`${prefix}1.running_mean`);
        const layers: Vgg['layers'] = [];
        let next = 0;
        for (const index of layerNumbers(tensors, prefix, /^weight$/)) {
          if (tensors.get(`${prefix}${index}.weight`)!.shape.length !== 4) continue; // a batch norm
          if (index - next > 1) throw unknownLayers(prefix, next, index - 1);
          if (index > next) layers.push('M');
          layers.push(convolutionShape(tensors, `${prefix}${index}`)[0]);
          next = index + (batchNorm ? 3 : 2);
        }
        if (!hasStages(layers)) return undefined;
        layers.push('M');
        return { family: 'vgg', layers, batchNorm, ...named(prefix, 'features.') };
      },
    },
  ],
};
