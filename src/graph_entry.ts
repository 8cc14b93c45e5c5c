/** `raybox/graph`: for networks and operations of a user's own. The operations of raybox are in `raybox/ops`. */
export { type Gpu, type GpuOptions, openGpu } from './gpu/device.js';
export type { Kernel } from './gpu/wgsl.js';
export { createGraph, type Graph, type GraphBuilder, type Node } from './graph/ir/graph.js';
export {
  type ByName,
  type Case,
  type Dispatch,
  type Gradient,
  type InputNames,
  type Lowering,
  type MatrixShape,
  type Operation,
  type Range,
  type Reference,
  spread,
  type Traits,
  type View,
} from './graph/ir/operation.js';
export { channelCount, elementCount, groupCount, pixelCount, type Tensor, type TensorSpec } from './graph/ir/tensor.js';
export type { Plan, PlanOptions, WeightSource } from './graph/plan/types.js';
export { gradients, registerGradient } from './ops/differentiate.js';
export { dispatchGroups, type GroupDispatch } from './ops/groups.js';
export { createCheckedPlan as createPlan } from './verify/checked_plan.js';
export { evaluateReference, registerReference } from './verify/reference.js';
