/** The configurations that are compared. Each block changes one thing of the reference. Runs that several blocks need are done only once. */

import { CHEST_XRAY8_LABELS } from '../../../src/formats/data_sets/image_table.js';
import { type PoolingNumbers, poolingNumbers } from '../../../src/formats/weights/poolings.js';
import { createGraph } from '../../../src/graph/ir/graph.js';
import { product } from '../../../src/graph/ir/tensor.js';
import type { Head } from '../../../src/nets/architecture.js';
import type { Backbone } from '../../../src/nets/backbone.js';
import { buildNetwork } from '../../../src/nets/index.js';
import type { LossSettings } from '../../../src/train/settings.js';

export interface Configuration extends PoolingNumbers {
  /** Its identifier, which is also the name of its files. */
  id: string;
  label: string;
  backbone: Backbone;
  pooling: Head['pooling'];
  r?: number;
  loss: LossSettings;
}

export interface Block {
  name: string;
  title: string;
  configurations: readonly Configuration[];
}

/** Channels of the transition layer in all networks. */
export const TRANSITION = 64;

const vgg = (...layers: (number | 'M')[]): Backbone => ({ family: 'vgg', layers, batchNorm: true });

/** Backbones by the ratio of image size and S. Each has four convolutions and about the same cost: with fewer positions, more channels. */
const VGG: Readonly<Record<2 | 4 | 8, Backbone>> = {
  2: vgg(8, 'M', 20, 20, 24),
  4: vgg(8, 'M', 32, 'M', 48, 48),
  8: vgg(8, 'M', 32, 'M', 60, 'M', 116),
};

const RESNET: Backbone = { family: 'resnet', block: 'basic', layers: [2], widths: [32], stem: 32 };

const GOOGLENET: Backbone = {
  family: 'googlenet',
  layers: [
    { conv: 32, kernel: 7, stride: 2 },
    { maxPool: 3, stride: 2 },
    { inception: [16, 24, 32, 8, 16, 16] },
    { inception: [24, 32, 48, 8, 16, 16] },
  ],
};

export const REFERENCE: Configuration = {
  id: 'lse-10',
  label: 'LSE, r = 10',
  backbone: VGG[4],
  pooling: 'lse',
  r: 10,
  loss: { kind: 'w-cel' },
};

const lse = (r: number): Configuration =>
  r === REFERENCE.r ? REFERENCE : { ...REFERENCE, id: `lse-${r}`, label: `LSE, r = ${r}`, r };

/** The reference under another name. */
const named = (label: string): Configuration => ({ ...REFERENCE, label });

const { r: _, ...withoutR } = REFERENCE;
const AVERAGE: Configuration = { ...withoutR, id: 'average', label: 'average', pooling: 'average' };
const MAXIMUM: Configuration = { ...withoutR, id: 'max', label: 'maximum', pooling: 'max' };

/** A tenth of the positions of the map at an input of 64 × 64, whose side is 16. */
const TENTH = 26;

export const BLOCKS: readonly Block[] = [
  {
    name: 'methods',
    title: 'Pooling method',
    configurations: [
      AVERAGE,
      MAXIMUM,
      REFERENCE,
      { ...withoutR, id: 'lse-lba', label: 'LSE-LBA, r₀ = 4', pooling: 'lse-lba', lseR0: 4 },
      { ...withoutR, id: 'pcam', label: 'PCAM', pooling: 'pcam' },
      { ...withoutR, id: 'top-k', label: `top ${TENTH}`, pooling: 'top-k', topK: TENTH, lowK: 0 },
      { ...withoutR, id: 'weldon', label: `WELDON, ${TENTH} + ${TENTH}`, pooling: 'top-k', topK: TENTH, lowK: TENTH },
      { ...withoutR, id: 'attention', label: 'attention', pooling: 'attention', attentionChannels: 16 },
    ],
  },
  {
    name: 'pooling',
    title: 'Pooling',
    configurations: [AVERAGE, ...[0.1, 0.5, 1, 5, 8, 10, 12].map(lse), MAXIMUM],
  },
  {
    name: 'loss',
    title: 'Loss',
    configurations: [named('W-CEL'), { ...REFERENCE, id: 'cel', label: 'CEL', loss: { kind: 'cel' } }],
  },
  {
    name: 'backbone',
    title: 'Backbone',
    configurations: [
      named('VGG'),
      { ...REFERENCE, id: 'googlenet', label: 'GoogLeNet', backbone: GOOGLENET },
      { ...REFERENCE, id: 'resnet', label: 'ResNet', backbone: RESNET },
    ],
  },
  {
    name: 'map',
    title: 'Side of the map',
    configurations: [
      { ...REFERENCE, id: 'stride-8', label: 'size / 8', backbone: VGG[8] },
      named('size / 4'),
      { ...REFERENCE, id: 'stride-2', label: 'size / 2', backbone: VGG[2] },
    ],
  },
];

/** The configurations of some blocks, each once, the reference first. */
export function configurationsOf(blocks: readonly Block[]): Configuration[] {
  const all = [REFERENCE, ...blocks.flatMap(({ configurations }) => configurations)];
  return all.filter(({ id }, at) => all.findIndex((one) => one.id === id) === at);
}

export interface Cost {
  /** Side of the last feature map. */
  side: number;
  /** Cost of the forward pass of one image through the network and its head. */
  megaflops: number;
  parameters: number;
}

export function costOf({ backbone, pooling, r, ...rest }: Configuration, size: number): Cost {
  const g = createGraph();
  const image = g.input('image', [1, size, size, 1]);
  const transition = { channels: TRANSITION, kernel: 1, activation: 'relu' as const };
  const head = {
    classes: CHEST_XRAY8_LABELS.length,
    transition,
    pooling,
    ...(r === undefined ? {} : { r }),
    ...poolingNumbers(rest),
  };
  const { features, probabilities } = buildNetwork(g, { backbone, head }, image);
  const { nodes } = g.finish([probabilities]);
  return {
    side: features.shape[1],
    megaflops: nodes.reduce((sum, node) => sum + node.operation.flops(node), 0) / 1e6,
    parameters: [...g.parameters.values()].reduce((sum, { shape }) => sum + product(shape), 0),
  };
}
