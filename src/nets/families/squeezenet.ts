/** SqueezeNet: Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters, 2016. */
import { anyOf, fields, isName, isSize, listOf, oneOf, optional } from '../../formats/checks.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { concat } from '../../ops/layers/concat.js';
import { maxPool } from '../../ops/layers/pool.js';
import type { Family, Recognition, Shapes } from '../family.js';
import { checkColumns, joinColumns } from '../layers/columns.js';
import { convolutionRelu } from '../layers/layers.js';
import { convolutionShape, layerNumbers, named, unknownLayers } from '../recognise/shapes.js';

/** Iandola et al. 2016. Poolings are 3×3 with stride 2, and round sizes up (ceil mode). */
export type SqueezeNet = {
  family: 'squeezenet';
  prefix?: string;
  layers: SqueezeNetLayer[];
  /**
   * Names of the layers if they are not torchvision's, as in Caffe models. `#` stands for the number of the convolution or fire module,
   * counted from 1 (`conv#`, `fire#/squeeze1x1`).
   */
  names?: { conv: string; squeeze: string; expand1x1: string; expand3x3: string };
  /**
   * For hypercolumns (Hariharan et al. 2015): numbers of the modules whose outputs are joined to the last feature map, in ascending order.
   * Convolutions and fire modules are counted together, from 1. All outputs are resized bilinearly to the size of the first of them.
   * Default: only the last module's output.
   */
  columns?: number[];
};

/** `M` is a pooling. `fire` has the channels of the squeeze, the 1×1 expand and the 3×3 expand convolutions. */
export type SqueezeNetLayer = 'M' | { conv: number; kernel: number; stride: number } | { fire: number[] };

const fire = (squeeze: number): SqueezeNetLayer => ({ fire: [squeeze, 4 * squeeze, 4 * squeeze] });

const layersOf1_0 = (): SqueezeNetLayer[] => [
  { conv: 96, kernel: 7, stride: 2 },
  'M',
  ...[16, 16, 32].map(fire),
  'M',
  ...[32, 48, 48, 64].map(fire),
  'M',
  fire(64),
];

const layersOf1_1 = (): SqueezeNetLayer[] => [
  { conv: 64, kernel: 3, stride: 2 },
  'M',
  ...[16, 16].map(fire),
  'M',
  ...[32, 32].map(fire),
  'M',
  ...[48, 48, 64, 64].map(fire),
];

export const family: Family<SqueezeNet> = {
  fields: () => ({
    layers: [
      listOf(
        anyOf(
          oneOf('M'),
          fields({ conv: isSize, kernel: isSize, stride: isSize }),
          fields({ fire: listOf(isSize, 3, 3) }),
        ),
      ),
      "a list of conv and fire layers and 'M'",
    ],
    names: [
      optional(fields({ conv: isName, squeeze: isName, expand1x1: isName, expand3x3: isName })),
      'names of conv, squeeze, expand1x1 and expand3x3',
    ],
    columns: [optional(listOf(isSize)), 'numbers of modules'],
  }),
  checkTogether({ layers, columns = [] }) {
    const modules = layers.filter((layer) => layer !== 'M').length;
    checkColumns(columns, modules, 'squeezenet');
  },
  prefix: ({ names }) => (names ? '' : 'features.'),
  standard: () => ({
    squeezenet1_0: { family: 'squeezenet', layers: layersOf1_0() },
    squeezenet1_1: { family: 'squeezenet', layers: layersOf1_1() },
  }),
  /** Adds all layers of the list and joins the columns. The lists of the standard networks end before the classifier's convolution. */
  build(g, image, { layers, names, prefix, columns = [] }) {
    const joined: Tensor[] = [];
    let index = 0; // place in torchvision's nn.Sequential, in which the ReLU of a convolution is a layer too
    let module = 0; // number of the convolution or fire module, as in Caffe models
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
      // Nothing reads later layers, so the network has no parameters of them.
      if (columns.at(-1) === module) break;
    }
    return joined.length > 0 ? joinColumns(g, joined) : x;
  },
};

export const recognition: Recognition<SqueezeNet> = {
  title: 'a SqueezeNet',
  ways: [
    { mark: /^(|.*\.)\d+\.squeeze\.weight$/, read },
    { mark: /^()fire2\/(?:squeeze1x1|conv1x1_1)\.weight$/, read: readCaffe },
  ],
  convolutionHead:
    "torchvision's SqueezeNet has a ReLU between this convolution and the average, so its outputs are not a linear function of pooled features",
};

function read(tensors: Shapes, prefix: string): SqueezeNet {
  const [conv, , kernel] = convolutionShape(tensors, `${prefix}0`);
  const layers: SqueezeNetLayer[] = [{ conv, kernel, stride: 2 }];
  let next = 2; // after the convolution and its ReLU
  for (const index of layerNumbers(tensors, prefix, /^squeeze\.weight$/)) {
    if (index - next > 1) throw unknownLayers(prefix, next, index - 1);
    if (index > next) layers.push('M');
    layers.push({ fire: fireOf((part) => convolutionShape(tensors, `${prefix}${index}.${part}`)) });
    next = index + 1;
  }
  return { family: 'squeezenet', layers, ...named(prefix, 'features.') };
}

const fireOf = (shape: (part: 'squeeze' | 'expand1x1' | 'expand3x3') => readonly number[]) =>
  (['squeeze', 'expand1x1', 'expand3x3'] as const).map((part) => shape(part)[0]);

/** The names in Caffe models: those in the authors' models, and those in their compressed weights. */
const CAFFE_NAMES: readonly NonNullable<SqueezeNet['names']>[] = [
  {
    conv: 'conv#',
    squeeze: 'fire#/squeeze1x1',
    expand1x1: 'fire#/expand1x1',
    expand3x3: 'fire#/expand3x3',
  },
  { conv: 'conv#', squeeze: 'fire#/conv1x1_1', expand1x1: 'fire#/conv1x1_2', expand3x3: 'fire#/conv3x3_2' },
];

/** Caffe's numbers do not show where the poolings are. They are assumed where the standard network with the same first kernel has them. */
function readCaffe(tensors: Shapes): SqueezeNet {
  const names = CAFFE_NAMES.find(({ squeeze }) => tensors.has(`${squeeze.replace('#', '2')}.weight`))!;
  const [conv, , kernel] = convolutionShape(tensors, 'conv1');
  let module = 0;
  const layers = (kernel === 7 ? layersOf1_0() : layersOf1_1()).map((layer): SqueezeNetLayer => {
    if (layer === 'M') return layer;
    module++;
    if ('conv' in layer) return { ...layer, conv, kernel };
    return { fire: fireOf((part) => convolutionShape(tensors, names[part].replace('#', String(module)))) };
  });
  return { family: 'squeezenet', layers, names };
}
