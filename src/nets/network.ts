/** Adds a described network to a graph. */

import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import type { Architecture, Head } from './architecture.js';
import { buildBackbone } from './backbone.js';
import { type HeadOutputs, localizerHead, type PoolMaps } from './head/localizer_head.js';
import type { NetworkFunction } from './outputs.js';

export interface Network extends Partial<HeadOutputs> {
  /** The last feature map, [n, h, w, channels] nhwc4. */
  readonly features: Tensor;
}

/**
 * The function of a network that is a backbone with a head.
 * @param poolMaps see `localizerHead`
 */
export const networkWith =
  (architecture: Architecture & { head: Head }, poolMaps?: PoolMaps): NetworkFunction =>
  (g, image) =>
    addNetwork(g, architecture, image, poolMaps);

/** The tensors of a network: those of the head are only there if the architecture has a head. */
export type NetworkOf<A extends Architecture> = A extends { head: object } ? Network & HeadOutputs : Network;

/** Adds a backbone and, if the architecture has one, the localization head. */
export function addNetwork<A extends Architecture>(
  g: GraphBuilder,
  architecture: A,
  image: Tensor,
  poolMaps?: PoolMaps,
): NetworkOf<A>;
export function addNetwork(
  g: GraphBuilder,
  { backbone, head }: Architecture,
  image: Tensor,
  poolMaps?: PoolMaps,
): Network {
  const features = buildBackbone(g, backbone, image);
  return head ? { features, ...localizerHead(g, features, head, poolMaps) } : { features };
}
