/** Networks as functions that return graphs. */
export { backboneParameters, buildBackbone } from './backbone.js';
export { inferArchitecture } from './infer_architecture.js';
export { buildNetwork } from './network.js';
export { parameterSource } from './parameters.js';
export { backboneNames, standardBackbone } from './standard.js';
