/** AlexNet: Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014, as torchvision has it. */
import { isSize, listOf } from '../../formats/checks.js';
import { maxPool } from '../../ops/layers/pool.js';
import type { Family, Recognition } from '../family.js';
import { convolutionRelu } from '../layers/layers.js';
import { convolutionShape, named } from '../recognise/shapes.js';

/** Krizhevsky 2014, as torchvision has it. */
export type AlexNet = {
  family: 'alexnet';
  prefix?: string;
  /** Channels of the five convolutions. */
  widths: number[];
};

export const family: Family<AlexNet> = {
  fields: () => ({ widths: [listOf(isSize, 5, 5), 'five sizes'] }),
  prefix: 'features.',
  standard: () => ({ alexnet: { family: 'alexnet', widths: [64, 192, 384, 256, 256] } }),
  /** [n, h, w, channels] → about [n, h / 32, w / 32, widths[4]]. */
  build(g, image, { widths, prefix }) {
    const pool = (x: typeof image, index: number) => maxPool(g, x, { kernel: 3, stride: 2, name: `${prefix}${index}` });
    const conv = (x: typeof image, index: number, width: number, kernel = 3) =>
      convolutionRelu(g, x, `${prefix}${index}`, { outputs: widths[width], kernel });
    let x = convolutionRelu(g, image, `${prefix}0`, { outputs: widths[0], kernel: 11, stride: 4, padding: 2 });
    x = pool(x, 2);
    x = pool(conv(x, 3, 1, 5), 5);
    x = conv(x, 6, 2);
    x = conv(x, 8, 3);
    return pool(conv(x, 10, 4), 12);
  },
};

export const recognition: Recognition<AlexNet> = {
  title: 'an AlexNet',
  hasHiddenLayers: true,
  ways: [
    {
      mark: /^(|.*\.)0\.weight$/,
      isCommon: true,
      read(tensors, prefix) {
        if (convolutionShape(tensors, `${prefix}0`)[3] !== 11) return undefined;
        const widths = [0, 3, 6, 8, 10].map((index) => convolutionShape(tensors, `${prefix}${index}`)[0]);
        return { family: 'alexnet', widths, ...named(prefix, 'features.') };
      },
    },
  ],
};
