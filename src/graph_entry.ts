/** `raybox/graph`: networks of one's own, operations from outside. Operations themselves come from `raybox/ops`. */
export { type Gpu, type GpuOptions, openGpu } from './gpu/device.js';
export type { Kernel } from './gpu/wgsl.js';
export { createGraph, type Graph, type GraphBuilder, type Node } from './graph/ir/graph.js';
export type { Case, Dispatch, Gradient, Lowering, Operation, Reference, Traits } from './graph/ir/operation.js';
export type { Tensor, TensorSpec } from './graph/ir/tensor.js';
export type { WeightSource } from './graph/plan/constants.js';
export type { Plan, PlanOptions } from './graph/plan/plan.js';
export { gradients, registerGradient } from './ops/differentiate.js';
export { createCheckedPlan as createPlan } from './verify/checked_plan.js';
export { evaluateReference, registerReference } from './verify/reference.js';
