/** `describeGraph` and `graphNetwork` for callers that have all operations loaded anyway. */

import { type GraphDescription, isGraph } from '../../formats/weights/graph_description.js';
import type { NetworkDescription } from '../architecture.js';
import { networkOf } from '../networks.js';
import type { NetworkFunction } from '../outputs.js';
import { coreOperations } from './core_operations.js';
import * as written from './graph_network.js';

/**
 * Writes a network down as plain JSON.
 * @param image the shape of the image that the network is for. If the network resizes feature maps, their sizes are written down too.
 * @throws InputError if the network has an operation that a file cannot hold, such as one of the caller's own
 */
export const describeGraph = (network: NetworkFunction, image: written.ImageShape): GraphDescription =>
  written.describeGraph(network, image, coreOperations);

/**
 * The network of a description, which may come from an untrusted file. Its results are equal, to the bit, to those of the network that was
 * written down.
 * @throws InputError that names the node whose operation, inputs or attributes are wrong. Some faults are only found, and thrown, when the
 *   returned function is called.
 */
export const graphNetwork = (description: object): NetworkFunction => written.graphNetwork(description, coreOperations);

/** The network of a description: of a backbone with a head, or of a graph. */
export const networkFrom = (description: NetworkDescription): NetworkFunction =>
  isGraph(description) ? graphNetwork(description) : networkOf(description);
