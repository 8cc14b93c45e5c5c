/** The backbones by family. */
import type { Backbone } from '../formats/architecture.js';
import { createGraph, type GraphBuilder } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import { alexnet } from './alexnet.js';
import { densenet } from './densenet.js';
import { googlenet } from './googlenet.js';
import { resnet } from './resnet.js';
import { squeezenet } from './squeezenet.js';
import { standardBackbone } from './standard.js';
import { vgg } from './vgg.js';

/**
 * Adds a backbone, cut at its last feature map.
 * @param image [n, h, w, channels] nhwc4, of any size that leaves something at the last layer.
 */
export function buildBackbone(g: GraphBuilder, backbone: string | Backbone, image: Tensor): Tensor {
  const description = typeof backbone === 'string' ? standardBackbone(backbone) : backbone;
  switch (description.family) {
    case 'alexnet':
      return alexnet(g, image, description);
    case 'vgg':
      return vgg(g, image, description);
    case 'resnet':
      return resnet(g, image, description);
    case 'densenet':
      return densenet(g, image, description);
    case 'googlenet':
      return googlenet(g, image, description);
    case 'squeezenet':
      return squeezenet(g, image, description);
  }
}

/** What a backbone reads and puts out. */
export interface BackboneParameters {
  readonly parameters: ReadonlyMap<string, Pick<Tensor, 'shape'>>;
  /** Name of the first convolution's weights, which are of as many inputs as the image has channels. */
  readonly stem: string;
  /** Channels of the features. */
  readonly channels: number;
}

/** For modules that are loaded on demand: what they share with the core is kept small, so their caller, who has the graph, gives it. */
export type ParametersOf = (backbone: string | Backbone) => BackboneParameters;

/** Side of an input that leaves something at the last layer of any network that a description can hold. */
const LARGE = 4096;

/** As the graph has them, which is built for nothing else. */
export function backboneParameters(backbone: string | Backbone): BackboneParameters {
  const g = createGraph();
  const channels = channelCount(buildBackbone(g, backbone, g.input('image', [1, LARGE, LARGE, 3])));
  const parameters = new Map(g.parameters);
  return { parameters, stem: [...parameters.keys()][0], channels };
}
