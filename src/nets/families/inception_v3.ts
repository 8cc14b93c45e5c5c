/** Inception v3: Szegedy et al., Rethinking the Inception architecture for computer vision, 2015. */
import { InputError } from '../../errors.js';
import { isSize, listOf, oneOf, optional } from '../../formats/checks.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { concat } from '../../ops/layers/concat.js';
import { averagePool, maxPool } from '../../ops/layers/pool.js';
import type { Family, Recognition, Shapes } from '../family.js';
import { checkColumns, joinColumns } from '../layers/columns.js';
import { convolutionNorm } from '../layers/layers.js';
import { convolutionShape, named } from '../recognise/shapes.js';

/** Szegedy et al. 2015, as torchvision has it. */
export type InceptionV3 = {
  family: 'inception_v3';
  prefix?: string;
  /** Channels of the five convolutions before the modules. */
  stem: number[];
  /** Channels of each module's convolutions, in the order in which torchvision names them. Fewer than eleven: the network ends after them. */
  modules: number[][];
  /**
   * For hypercolumns (Hariharan et al. 2015): numbers of the modules whose outputs are joined to the last feature map, in ascending order, from 1.
   * All outputs are resized bilinearly to the size of the first of them. Default: only the last module's output.
   */
  columns?: number[];
  /** `edges`: the averages in the modules leave out the padding, as Keras does. Default: it counts as zeros, as with torchvision. */
  averages?: 'edges';
};

/** The epsilon of all norms. */
const EPSILON = 1e-3;

/** The part of a convolution's name after `branch`, and the size of its kernel. */
type Layer = readonly [name: string, height: number, width: number];

/** Layers one after the other. The last entry may be two layers that both read the layer before, and whose channels are joined. */
type Branch = readonly (Layer | readonly [Layer, Layer])[];

interface Module {
  readonly branches: readonly Branch[];
  /**
   * The branch that begins with a pooling. `average`: over 3×3 pixels, with a convolution after it; the size stays the same. `max`: halves
   * the size, and then the last convolution of every other branch halves it too.
   */
  readonly pooled: 'average' | 'max';
}

/** The paper's figure 5. */
const A: Module = {
  branches: [
    [['1x1', 1, 1]],
    [
      ['5x5_1', 1, 1],
      ['5x5_2', 5, 5],
    ],
    [
      ['3x3dbl_1', 1, 1],
      ['3x3dbl_2', 3, 3],
      ['3x3dbl_3', 3, 3],
    ],
  ],
  pooled: 'average',
};

/** Figure 10, the first of the modules that halve the size. */
const B: Module = {
  branches: [
    [['3x3', 3, 3]],
    [
      ['3x3dbl_1', 1, 1],
      ['3x3dbl_2', 3, 3],
      ['3x3dbl_3', 3, 3],
    ],
  ],
  pooled: 'max',
};

/** Figure 6, with rows and columns of 7. */
const C: Module = {
  branches: [
    [['1x1', 1, 1]],
    [
      ['7x7_1', 1, 1],
      ['7x7_2', 1, 7],
      ['7x7_3', 7, 1],
    ],
    [
      ['7x7dbl_1', 1, 1],
      ['7x7dbl_2', 7, 1],
      ['7x7dbl_3', 1, 7],
      ['7x7dbl_4', 7, 1],
      ['7x7dbl_5', 1, 7],
    ],
  ],
  pooled: 'average',
};

/** The second of the modules that halve the size. */
const D: Module = {
  branches: [
    [
      ['3x3_1', 1, 1],
      ['3x3_2', 3, 3],
    ],
    [
      ['7x7x3_1', 1, 1],
      ['7x7x3_2', 1, 7],
      ['7x7x3_3', 7, 1],
      ['7x7x3_4', 3, 3],
    ],
  ],
  pooled: 'max',
};

/** Figure 7. */
const E: Module = {
  branches: [
    [['1x1', 1, 1]],
    [
      ['3x3_1', 1, 1],
      [
        ['3x3_2a', 1, 3],
        ['3x3_2b', 3, 1],
      ],
    ],
    [
      ['3x3dbl_1', 1, 1],
      ['3x3dbl_2', 3, 3],
      [
        ['3x3dbl_3a', 1, 3],
        ['3x3dbl_3b', 3, 1],
      ],
    ],
  ],
  pooled: 'average',
};

const MODULES: readonly (readonly [name: string, module: Module])[] = [
  ...(['5b', '5c', '5d'] as const).map((name) => [name, A] as const),
  ['6a', B],
  ...(['6b', '6c', '6d', '6e'] as const).map((name) => [name, C] as const),
  ['7a', D],
  ...(['7b', '7c'] as const).map((name) => [name, E] as const),
];

const STEM = ['1a_3x3', '2a_3x3', '2b_3x3', '3b_1x1', '4a_3x3'];

const isPair = (place: Branch[number]): place is readonly [Layer, Layer] => typeof place[0] !== 'string';

/** Names of a module's convolutions, in order. */
const namesIn = ({ branches, pooled }: Module): string[] => [
  ...branches.flatMap((branch) => branch.flatMap((place) => (isPair(place) ? place : [place])).map(([name]) => name)),
  ...(pooled === 'average' ? ['_pool'] : []),
];

/** Names of all convolutions before the end of a number of modules, in the order in which torchvision and Keras make them. */
export const convolutionNames = (modules: number): string[] => [
  ...STEM.map((name) => `Conv2d_${name}`),
  ...MODULES.slice(0, modules).flatMap(([name, module]) =>
    namesIn(module).map((layer) => `Mixed_${name}.branch${layer}`),
  ),
];

const inceptionA = (pooled: number) => [64, 48, 64, 64, 96, 96, pooled];
const inceptionC = (inner: number) => [192, inner, inner, 192, inner, inner, inner, inner, 192, 192];
const INCEPTION_E = [320, 384, 384, 384, 448, 384, 384, 384, 192];

export const family: Family<InceptionV3> = {
  fields: () => ({
    stem: [listOf(isSize, STEM.length, STEM.length), `${STEM.length} sizes`],
    modules: [listOf(listOf(isSize, 1, 16), 1, MODULES.length), `1 … ${MODULES.length} lists of sizes`],
    columns: [optional(listOf(isSize)), 'numbers of modules'],
    averages: [optional(oneOf('edges')), 'edges, or nothing'],
  }),
  checkTogether({ modules, columns = [] }) {
    checkColumns(columns, modules.length, 'inception_v3');
    for (const [index, [name, module]] of MODULES.slice(0, modules.length).entries()) {
      if (modules[index].length === namesIn(module).length) continue;
      throw new InputError(`architecture: the inception_v3's module Mixed_${name} is wrong`, {
        expected: `${namesIn(module).length} sizes, one for each convolution`,
        given: modules[index].join(', '),
      });
    }
  },
  prefix: '',
  standard: () => ({
    inception_v3: {
      family: 'inception_v3',
      stem: [32, 32, 64, 80, 192],
      modules: [
        ...[32, 64, 64].map(inceptionA),
        [384, 64, 96, 96],
        ...[128, 160, 160, 192].map(inceptionC),
        [192, 320, 192, 192, 192, 192],
        ...[INCEPTION_E, INCEPTION_E],
      ],
    },
  }),
  /** [n, h, w, channels] → [n, 8, 8, 2048] from 299 × 299 pixels. The smallest image is 75 × 75. */
  build(g, image, { stem, modules, prefix, columns = [], averages }) {
    const layer = (x: Tensor, index: number, kernel: number, padding: number, stride = 1) =>
      basic(g, x, `${prefix}Conv2d_${STEM[index]}`, { outputs: stem[index], kernel, padding, stride });
    const pool = (x: Tensor, index: number) =>
      maxPool(g, x, { kernel: 3, stride: 2, name: `${prefix}maxpool${index}` });
    let x = layer(image, 0, 3, 0, 2);
    x = pool(layer(layer(x, 1, 3, 0), 2, 3, 1), 1);
    x = pool(layer(layer(x, 3, 1, 0), 4, 3, 0), 2);
    const joined: Tensor[] = [];
    // Nothing reads modules after the last column, so the network has no parameters of them.
    modules.slice(0, columns.at(-1)).forEach((widths, index) => {
      const [name, module] = MODULES[index];
      x = inception(g, x, `${prefix}Mixed_${name}`, module, { widths, countIncludePad: averages !== 'edges' });
      if (columns.includes(index + 1)) joined.push(x);
    });
    return joined.length > 0 ? joinColumns(g, joined) : x;
  },
};

type BasicOptions = Pick<Parameters<typeof convolutionNorm>[3], 'outputs' | 'kernel' | 'padding' | 'stride'>;

const basic = (g: GraphBuilder, x: Tensor, name: string, options: BasicOptions) =>
  convolutionNorm(g, x, [`${name}.conv`, `${name}.bn`], { ...options, epsilon: EPSILON, activation: { kind: 'relu' } });

function inception(
  g: GraphBuilder,
  x: Tensor,
  name: string,
  module: Module,
  { widths, countIncludePad }: { widths: readonly number[]; countIncludePad: boolean },
): Tensor {
  const { branches, pooled } = module;
  const widthOf = new Map(namesIn(module).map((layer, index) => [layer, widths[index]]));
  const add = (from: Tensor, [layer, height, width]: Layer, halves = false) =>
    basic(g, from, `${name}.branch${layer}`, {
      ...{ outputs: widthOf.get(layer)!, kernel: [height, width] },
      ...(halves ? { stride: 2, padding: 0 } : {}),
    });
  const ends = branches.flatMap((branch) => {
    let y = [x];
    branch.forEach((place, index) => {
      const halves = pooled === 'max' && index === branch.length - 1;
      y = isPair(place) ? place.map((one) => add(y[0], one)) : [add(y[0], place, halves)];
    });
    return y;
  });
  const pool = { name: `${name}.pool`, kernel: 3 };
  const last =
    pooled === 'max'
      ? maxPool(g, x, { ...pool, stride: 2 })
      : add(averagePool(g, x, { ...pool, stride: 1, padding: 1, countIncludePad }), ['_pool', 1, 1]);
  return concat(g, [...ends, last], name);
}

export const recognition: Recognition<InceptionV3> = {
  title: 'an Inception v3',
  ways: [{ mark: /^(|.*\.)Mixed_5b\.branch1x1\.conv\.weight$/, read }],
  trainingOnly: /^AuxLogits\./,
  transformsInput: true,
  inputSize: 299,
};

/** Outputs of TensorFlow's Inception of 2015, eight of which mean nothing. */
const TENSORFLOW_OUTPUTS = 1008;

function read(tensors: Shapes, prefix: string): InceptionV3 {
  if (tensors.get(`${prefix}fc.weight`)?.shape[0] === TENSORFLOW_OUTPUTS)
    throw new InputError("TensorFlow's Inception of 2015, which measures FID, is not supported", {
      expected: "torchvision's Inception v3",
      given: `${prefix}fc with ${TENSORFLOW_OUTPUTS} outputs`,
      hint: 'its layers have the same names and shapes, but its poolings leave out the padding, and one of them is a maximum',
    });
  // Weights to start from may end after any module. If they end within one, its first missing layer is named.
  const isThere = ([name]: (typeof MODULES)[number]) =>
    [...tensors.keys()].some((tensor) => tensor.startsWith(`${prefix}Mixed_${name}.`));
  const modules = MODULES.findLastIndex(isThere) + 1;
  const widthOf = (layer: string) => convolutionShape(tensors, `${prefix}${layer}.conv`)[0];
  return {
    family: 'inception_v3',
    stem: STEM.map((layer) => widthOf(`Conv2d_${layer}`)),
    modules: MODULES.slice(0, modules).map(([name, module]) =>
      namesIn(module).map((layer) => widthOf(`Mixed_${name}.branch${layer}`)),
    ),
    ...named(prefix, ''),
  };
}
