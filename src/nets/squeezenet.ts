/** SqueezeNet: Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters, 2016. */
import type { SqueezeNet } from '../formats/architecture.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { concat } from '../ops/layers/concat.js';
import { maxPool } from '../ops/layers/pool.js';
import { resize } from '../ops/layers/resize.js';
import { convolutionRelu } from './layers.js';

/** Adds all layers of the list, which in the standard networks ends before the classifier's convolution, and joins the columns. */
export function squeezenet(g: GraphBuilder, image: Tensor, description: SqueezeNet): Tensor {
  const { layers, names, prefix = names ? '' : 'features.', columns = [] } = description;
  const joined: Tensor[] = [];
  let index = 0; // place in torchvision's nn.Sequential, where a convolution's ReLU is a layer
  let module = 0; // number of the convolution or fire module, as Caffe models count
  let x = image;
  const called = (part: keyof NonNullable<SqueezeNet['names']>) => {
    if (names) return prefix + names[part].replace('#', String(module));
    return part === 'conv' ? `${prefix}${index}` : `${prefix}${index}.${part}`;
  };
  for (const layer of layers) {
    if (layer === 'M') {
      x = maxPool(g, x, { kernel: 3, stride: 2, ceilMode: true, name: `${prefix}${index++}` });
      continue;
    }
    module++;
    if ('conv' in layer) {
      const { conv: outputs, kernel, stride } = layer;
      x = convolutionRelu(g, x, called('conv'), { outputs, kernel, stride, padding: 0 });
      index += 2;
    } else {
      const [squeeze, narrow, wide] = layer.fire;
      const squeezed = convolutionRelu(g, x, called('squeeze'), { outputs: squeeze, kernel: 1 });
      const expanded = [
        convolutionRelu(g, squeezed, called('expand1x1'), { outputs: narrow, kernel: 1 }),
        convolutionRelu(g, squeezed, called('expand3x3'), { outputs: wide, kernel: 3 }),
      ];
      x = concat(g, expanded, `${prefix}${index++}`);
    }
    if (columns.includes(module)) joined.push(x);
  }
  return joined.length > 0 ? joinColumns(g, joined) : x;
}

function joinColumns(g: GraphBuilder, [first, ...rest]: readonly Tensor[]): Tensor {
  const [, height, width] = first.shape;
  const sizeOf = ({ shape }: Tensor) => shape.slice(1, 3).join();
  const fitted = rest.map((x) =>
    sizeOf(x) === sizeOf(first) ? x : resize(g, x, { height, width, name: `${x.name}/resized` }),
  );
  return concat(g, [first, ...fitted], 'columns');
}
