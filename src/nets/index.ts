/** Networks as functions that return graphs. */
export { buildBackbone } from './backbone.js';
export { inferArchitecture } from './infer.js';
export { buildNetwork } from './network.js';
export { parameterSource } from './parameters.js';
export { backboneNames, standardBackbone } from './standard.js';
