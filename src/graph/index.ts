/** `raybox/graph`: networks of one's own, operations from outside. Operations themselves come from `raybox/ops`. */
export { type Gpu, type GpuOptions, openGpu } from '../gpu/device.js';
export type { Kernel } from '../gpu/wgsl.js';
export type { WeightSource } from './constants.js';
export { gradients, registerGradient } from './gradient.js';
export { createGraph, type Graph, type GraphBuilder, type Node } from './graph.js';
export type { Case, Dispatch, Gradient, Lowering, Operation, Reference, Traits } from './operation.js';
export { createPlan, type Plan, type PlanOptions } from './plan.js';
export { evaluateReference, registerReference } from './reference.js';
export type { Tensor, TensorSpec } from './tensor.js';
