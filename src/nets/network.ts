/** Adds the network that a description says to a graph. */

import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import type { Architecture, Head } from './architecture.js';
import { buildBackbone } from './backbone.js';
import { type HeadOutputs, localizerHead } from './localizer_head.js';
import type { NetworkFunction } from './outputs.js';

export interface Network extends Partial<HeadOutputs> {
  /** The last feature map, [n, h, w, channels] nhwc4. */
  readonly features: Tensor;
}

/** The function of a network that is a backbone with a head. */
export const networkOf =
  (architecture: Architecture & { head: Head }): NetworkFunction =>
  (g, image) =>
    buildNetwork(g, architecture, image);

/** Adds a backbone and, if the architecture has one, the localization head. */
export function buildNetwork<A extends Architecture>(
  g: GraphBuilder,
  architecture: A,
  image: Tensor,
): A extends { head: object } ? Network & HeadOutputs : Network;
export function buildNetwork(g: GraphBuilder, { backbone, head }: Architecture, image: Tensor): Network {
  const features = buildBackbone(g, backbone, image);
  return head ? { features, ...localizerHead(g, features, head) } : { features };
}
