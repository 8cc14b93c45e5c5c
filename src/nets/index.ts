/**
 * `raybox/nets`: networks for `load` and `train`, which are functions that add themselves to a graph. It has the standard backbones by name,
 * and the head of Wang et al. 2017, which can be put on any features.
 */

export type { GraphDescription } from '../formats/weights/graph_description.js';
export type { Architecture, Head } from './architecture.js';
export { type Backbone, backboneNames, backboneParameters, buildBackbone, standardBackbone } from './backbone.js';
export { parameterSource } from './description/parameters.js';
export { buildNetwork, localizerHead, networkOf } from './networks.js';
export type { NetworkFunction, NetworkOutputs } from './outputs.js';
export { inferArchitecture } from './recognise/infer_architecture.js';
export { describeGraph, graphNetwork } from './written/graphs.js';
