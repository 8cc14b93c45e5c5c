/** `raybox/graph`: networks of one's own, operations from outside. Operations themselves come from `raybox/ops`. */
export { type Gpu, type GpuOptions, openGpu } from '../gpu/device.js';
export type { Kernel } from '../gpu/wgsl.js';
export { evaluateReference, registerReference } from '../verify/reference.js';
export { createGraph, type Graph, type GraphBuilder, type Node } from './ir/graph.js';
export type { Case, Dispatch, Gradient, Lowering, Operation, Reference, Traits } from './ir/operation.js';
export type { Tensor, TensorSpec } from './ir/tensor.js';
export { gradients, registerGradient } from './passes/gradient.js';
export type { WeightSource } from './plan/constants.js';
export { createPlan, type Plan, type PlanOptions } from './plan/plan.js';
