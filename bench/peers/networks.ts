/** The networks that are compared, by name. */
import type { GraphBuilder } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { localizerHead } from '../../src/nets/head/localizer_head.js';
import { buildNetwork, type NetworkOutputs } from '../../src/nets/index.js';
import { architectureOf } from '../networks.js';
import type { Choice } from './task.js';

/** The networks that are compared. `head` is the localization head alone, on the features of ResNet-50 for an image of that size. */
export const PEER_NETWORKS = [
  'resnet50',
  'densenet121',
  'vgg16',
  'googlenet',
  'squeezenet1_1',
  'mobilenet_v2',
  'head',
] as const;

/** The channels of the features, and how many pixels of the image one of their positions stands for. */
const HEAD = { channels: 2048, stride: 32 } as const;

/** The shape of the network's input without the batch. */
export function inputOf({ network, size }: Pick<Choice, 'network' | 'size'>) {
  if (network !== 'head') return { height: size, width: size, channels: 3 };
  return { height: size / HEAD.stride, width: size / HEAD.stride, channels: HEAD.channels };
}

/** Adds the network to a graph. */
export function addTo(g: GraphBuilder, network: string, image: Tensor): NetworkOutputs {
  if (network !== 'head') return buildNetwork(g, architectureOf(network), image);
  const head = architectureOf('resnet50').head as Parameters<typeof localizerHead>[2];
  return { features: image, ...localizerHead(g, image, head) };
}
