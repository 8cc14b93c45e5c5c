/** Networks with any pooling, for callers that have all operations loaded anyway. */

import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import type { Architecture, Head } from './architecture.js';
import * as head from './head/localizer_head.js';
import { poolClassMaps } from './head/map_pooling.js';
import { addNetwork, type NetworkOf, networkWith } from './network.js';
import type { NetworkFunction } from './outputs.js';

/**
 * Adds the localization head of Wang et al. 2017 to features: transition layer, pooling, prediction layer, class activation maps.
 * @param features [n, h, w, channels] nhwc4
 * @throws InputError for a head whose numbers are wrong
 */
export const localizerHead = (g: GraphBuilder, features: Tensor, description: Head): head.HeadOutputs =>
  head.localizerHead(g, features, description, poolClassMaps);

/** The function of a network that is a backbone with a head. */
export const networkOf = (architecture: Architecture & { head: Head }): NetworkFunction =>
  networkWith(architecture, poolClassMaps);

/** Adds a backbone and, if the architecture has one, the localization head. */
export const buildNetwork = <A extends Architecture>(g: GraphBuilder, architecture: A, image: Tensor): NetworkOf<A> =>
  addNetwork(g, architecture, image, poolClassMaps);
