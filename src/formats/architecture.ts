/**
 * A network as plain JSON data: what a weights file says about the network that its tensors belong to. `src/nets` builds
 * the graph from it.
 */
import { InputError } from '../errors.js';
import { brief } from './checkpoint.js';
import { anyOf, type Check, fields, isName, isNumber, isObject, isSize, listOf, oneOf, optional } from './checks.js';
import type { GraphDescription } from './graph_description.js';

/** Where a backbone's parameters are called otherwise than torchvision calls them. */
interface Named {
  /** What every parameter's name begins with. Default: torchvision's, which is `features.` or nothing. */
  prefix?: string;
}

/** Krizhevsky 2014, as torchvision has it. */
export interface AlexNet extends Named {
  family: 'alexnet';
  /** Channels of the five convolutions. */
  widths: number[];
}

/** Simonyan & Zisserman 2014. */
export interface Vgg extends Named {
  family: 'vgg';
  /** Channels of each 3×3 convolution; `M` is a 2×2 maximum pooling. */
  layers: (number | 'M')[];
  batchNorm: boolean;
}

/** He et al. 2015, with the stride in the bottleneck's 3×3 convolution. */
export interface ResNet extends Named {
  family: 'resnet';
  block: 'basic' | 'bottleneck';
  /** Blocks of each stage. */
  layers: number[];
  /** Channels of each stage; a bottleneck puts out four times as many. */
  widths: number[];
  /** Channels of the first convolution. */
  stem: number;
}

/** Huang et al. 2016. */
export interface DenseNet extends Named {
  family: 'densenet';
  growthRate: number;
  /** Layers of each dense block. */
  blocks: number[];
  /** Channels of the first convolution. */
  initialFeatures: number;
  /** Channels between a layer's two convolutions, in growth rates. */
  bottleneck: number;
}

/** Szegedy et al. 2014, with batch norm behind each convolution. */
export interface GoogLeNet extends Named {
  family: 'googlenet';
  layers: GoogLeNetLayer[];
}

/** Layers without a name are called by their place in the list, as in torch's nn.Sequential. Poolings are in ceil mode. */
export type GoogLeNetLayer = { name?: string } & (
  | { conv: number; kernel: number; stride?: number }
  | { maxPool: number; stride: number }
  /** Local response normalisation over `lrn` channels. */
  | { lrn: number; alpha: number; beta: number; k: number }
  /** Channels of 1×1; 3×3 reduced, 3×3; 5×5 reduced, 5×5; pooled. torchvision's "5×5" is a 3×3. */
  | { inception: number[]; wideKernel?: 3 | 5 }
);

/** Iandola et al. 2016. Poolings are 3×3, stride 2, in ceil mode. */
export interface SqueezeNet extends Named {
  family: 'squeezenet';
  layers: SqueezeNetLayer[];
  /**
   * Names other than torchvision's, as in Caffe models: `#` stands for the number of the convolution or fire module, from
   * 1 on (`conv#`, `fire#/squeeze1x1`).
   */
  names?: { conv: string; squeeze: string; expand1x1: string; expand3x3: string };
  /**
   * Numbers of the modules whose outputs, side by side, are the last feature map, in ascending order; convolutions and fire modules
   * count from 1 on. All are brought to the size of the first of them, bilinearly. Default: the last module's output alone. Hariharan
   * et al. 2015, hypercolumns.
   */
  columns?: number[];
}

/** `fire`: channels of squeeze, 1×1 expand and 3×3 expand. */
export type SqueezeNetLayer = 'M' | { conv: number; kernel: number; stride: number } | { fire: number[] };

/** The description of a backbone, by family. */
export type Backbone = AlexNet | Vgg | ResNet | DenseNet | GoogLeNet | SqueezeNet;

/** The localization head: transition layer, pooling over positions, prediction layer. */
export interface Head {
  /** Outputs of the prediction layer. */
  classes: number;
  /** Absent: the backbone's features are pooled as they are. */
  transition?: { channels: number; kernel: number; activation: 'relu' | 'none'; name?: string };
  pooling: 'lse' | 'average' | 'max';
  /** Sharpness of `lse` pooling, above 0. */
  r?: number;
  /** Name of the prediction layer where it is not `head.prediction`. */
  prediction?: string;
}

/** A network of a family, with the head that localizes. */
export type FamilyNetwork = Architecture & { head: Head };

/** A network as data: of a family, or any other by its graph. */
export type NetworkDescription = FamilyNetwork | GraphDescription;

/** A network that is described as a graph; whether the description is right shows when it is built. */
export const isGraph = (value: unknown): value is GraphDescription => isObject(value) && value.family === 'graph';

/** A backbone and the head on it, as plain JSON. */
export interface Architecture {
  /** A standard one by name (`resnet50`), or its description. */
  backbone: string | Backbone;
  /** Absent: the network ends with its features. */
  head?: Head;
}

const conv = { conv: isSize, kernel: isSize };
const name = { name: optional(isName) };

const FAMILIES: Record<Backbone['family'], Record<string, [check: Check, expected: string]>> = {
  alexnet: { widths: [listOf(isSize, 5, 5), 'five sizes'] },
  vgg: {
    layers: [listOf(anyOf(isSize, oneOf('M'))), "a list of sizes and 'M'"],
    batchNorm: [oneOf(true, false), 'true or false'],
  },
  resnet: {
    block: [oneOf('basic', 'bottleneck'), 'basic or bottleneck'],
    layers: [listOf(isSize, 1, 16), 'the blocks of each stage'],
    widths: [listOf(isSize, 1, 16), 'the channels of each stage'],
    stem: [isSize, 'a size'],
  },
  densenet: {
    growthRate: [isSize, 'a size'],
    blocks: [listOf(isSize, 1, 16), 'the layers of each block'],
    initialFeatures: [isSize, 'a size'],
    bottleneck: [isSize, 'a size'],
  },
  googlenet: {
    layers: [
      listOf(
        anyOf(
          fields({ ...conv, stride: optional(isSize), ...name }),
          fields({ maxPool: isSize, stride: isSize, ...name }),
          fields({ lrn: isSize, alpha: isNumber, beta: isNumber, k: isNumber, ...name }),
          fields({ inception: listOf(isSize, 6, 6), wideKernel: optional(oneOf(3, 5)), ...name }),
        ),
      ),
      'a list of conv, maxPool, lrn and inception layers',
    ],
  },
  squeezenet: {
    layers: [
      listOf(anyOf(oneOf('M'), fields({ ...conv, stride: isSize }), fields({ fire: listOf(isSize, 3, 3) }))),
      "a list of conv and fire layers and 'M'",
    ],
    names: [
      optional(fields({ conv: isName, squeeze: isName, expand1x1: isName, expand3x3: isName })),
      'names of conv, squeeze, expand1x1 and expand3x3',
    ],
    columns: [optional(listOf(isSize)), 'numbers of modules'],
  },
};

// A small file must not describe a graph that fills the memory.
const MAX_BLOCKS = 1024;

/** Checks a description that came from a file. Throws an InputError that names the field. */
export function checkBackbone(value: unknown): Backbone {
  const family = isObject(value) ? value.family : undefined;
  if (!isObject(value) || typeof family !== 'string' || !Object.hasOwn(FAMILIES, family))
    throw new InputError('architecture: unknown family', {
      expected: Object.keys(FAMILIES).join(', '),
      given: brief(isObject(value) ? family : value),
    });
  const checks = FAMILIES[family as Backbone['family']];
  for (const [field, [check, expected]] of Object.entries({
    ...checks,
    prefix: [optional(isName), 'a string'] as [Check, string],
  }))
    if (!check(value[field]))
      throw new InputError(`architecture: the ${family}'s ${field} is wrong`, { expected, given: brief(value[field]) });
  for (const key of Object.keys(value))
    if (!Object.hasOwn(checks, key) && key !== 'family' && key !== 'prefix')
      throw new InputError(`architecture: a ${family} has no ${brief(key)}`, {
        expected: Object.keys(checks).join(', '),
      });
  const backbone = value as unknown as Backbone;
  if (backbone.family === 'resnet' && backbone.layers.length !== backbone.widths.length)
    throw new InputError("architecture: the resnet's widths are wrong", {
      expected: `${backbone.layers.length}, one for each stage`,
      given: String(backbone.widths.length),
    });
  if (backbone.family === 'squeezenet') checkColumns(backbone);
  const blocks = backbone.family === 'resnet' ? backbone.layers : backbone.family === 'densenet' ? backbone.blocks : [];
  const total = blocks.reduce((sum, count) => sum + count, 0);
  if (total > MAX_BLOCKS)
    throw new InputError(`architecture: the ${family} is too deep`, {
      expected: `at most ${MAX_BLOCKS} blocks`,
      given: String(total),
    });
  return backbone;
}

function checkColumns({ layers, columns = [] }: SqueezeNet): void {
  const modules = layers.filter((layer) => layer !== 'M').length;
  const fits = (number: number, i: number) => number <= modules && (i === 0 || number > columns[i - 1]);
  if (columns.every(fits)) return;
  throw new InputError("architecture: the squeezenet's columns are wrong", {
    expected: `ascending numbers of modules, 1 … ${modules}`,
    given: columns.join(', '),
  });
}
