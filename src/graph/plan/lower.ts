/** Turns the nodes of a graph into dispatches: chooses kernel variants, adds the packing of weights, and decides what is bound. */
import { InputError } from '../../errors.js';
import { ALIGNMENT, mebibytes } from '../../gpu/buffers.js';
import { debug } from '../../gpu/debug.js';
import {
  describe,
  type Gpu,
  MATRIX_FEATURE,
  PACKED_DOT,
  READ_TEXTURES,
  SUBGROUP_SIZE_FEATURE,
} from '../../gpu/device.js';
import { createNode, createTensor, type Graph, type Node, nameOf, rootOf, updatesOf } from '../ir/graph.js';
import type { Binding, Dispatch, Lowering, MatrixShape, Range, Traits, View } from '../ir/operation.js';
import { byteSize, bytesPerElement, describeShape, groupCount, pixelCount, type Tensor } from '../ir/tensor.js';

/** A dispatch and the node that it belongs to. */
export interface Step extends Omit<Dispatch, 'bindings'> {
  readonly node: Node;
  readonly bindings: readonly Binding[];
  /** This dispatch's share of the node's work. */
  readonly flops: number;
}

export interface Lowered {
  /** Steps that depend on constants only. They run once, when the plan is made. */
  readonly constantSteps: readonly Step[];
  readonly steps: readonly Step[];
  /** Describes what a constant is computed from. The key is the same in every plan of the same weights, so that plans can share it. */
  keyOf(tensor: Tensor): string;
}

/** Picks one of the variants that can run a node. Default: the first. */
export type ChooseVariant = (node: Node, variants: readonly string[]) => string;

/** The properties of a device that decide which kernels run on it. Where subgroups have several sizes, the one nearest to 32 is chosen. */
export function traitsOf(gpu: Gpu): Traits {
  const info = gpu.info as { subgroupMinSize?: number; subgroupMaxSize?: number };
  const { subgroupMinSize: least = 0, subgroupMaxSize: most = 0 } = info;
  const has = (feature: string) => gpu.features.has(feature);
  const pinned = least !== most && has(SUBGROUP_SIZE_FEATURE);
  const subgroupSize = has('subgroups') && (least === most || pinned) ? Math.max(least, Math.min(most, 32)) : 0;
  return {
    software: gpu.software,
    f16: has('shader-f16'),
    subgroupSize,
    ...(pinned ? { pinsSubgroups: true } : {}),
    matrices: subgroupSize ? matricesOf(gpu) : [],
    packedDot: has(PACKED_DOT),
    // On llvmpipe a vec4 is one load of 16 bytes from a texture, and four guarded loads for each lane from a buffer. On SwiftShader a texture is slower.
    fastTexels: gpu.software && has(READ_TEXTURES) && /llvmpipe/i.test(describe(gpu.info)),
    maxInvocations: gpu.limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupBytes: gpu.limits.maxComputeWorkgroupStorageSize,
    maxBindingBytes: Math.floor(gpu.limits.maxStorageBufferBindingSize / ALIGNMENT) * ALIGNMENT,
  };
}

function matricesOf({ features, info }: Gpu): MatrixShape[] {
  const { subgroupMatrixConfigs } = info as { subgroupMatrixConfigs?: Iterable<MatrixConfig> };
  const offered = features.has(MATRIX_FEATURE) ? [...(subgroupMatrixConfigs ?? [])] : [];
  return offered.map(({ componentType, resultComponentType, M, N, K }) => ({
    ...{ factor: componentType, sum: resultComponentType, rows: M, columns: N, depth: K },
  }));
}

/** Dawn's GPUSubgroupMatrixConfig. */
interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/**
 * Turns a graph into dispatches, in their order. What depends on constants alone is computed once, before the first run.
 * @throws InputError for a node that reads what an earlier one has overwritten, or that exceeds a limit of the adapter
 */
export function lower(graph: Graph, traits: Traits, choose: ChooseVariant = (_, variants) => variants[0]): Lowered {
  const constantSteps: Step[] = [];
  const steps: Step[] = [];
  const folded = new Map<Tensor, string>();
  const derived = new Map<string, Tensor>();
  const updated = new Set<Tensor>();
  const keyOf = (tensor: Tensor) => folded.get(tensor) ?? (tensor.data ? `${tensor.name}#${tensor.id}` : tensor.name);
  const isConstant = (tensor: Tensor | undefined) => !tensor || tensor.kind === 'constant' || folded.has(tensor);

  function lowerNode(node: Node): void {
    refuseLateReads(node);
    const constant = node.inputs.length > 0 && node.inputs.every(isConstant);
    if (constant) {
      const inputs = node.inputs.map((tensor) => (tensor ? keyOf(tensor) : '')).join();
      const made = `${node.operation.name}(${inputs})${JSON.stringify(node.attributes)}`;
      for (const [index, tensor] of node.outputs.entries()) folded.set(tensor, `${made}.${index}`);
    }
    const variants = node.operation.variants?.(node, traits, isConstant) ?? ['default'];
    if (variants.length === 0) {
      throw new InputError(`no kernel of ${node.operation.name} can run ${nameOf(node)} on this adapter`);
    }
    const variant = choose(node, variants);
    if (variants.length > 1) debug(3, `${nameOf(node)}: ${variant} of ${variants.join(', ')}`);
    const own: Dispatch[] = [];
    node.operation.lower(node, contextFor(node, variant, own));
    (constant ? constantSteps : steps).push(...stepsOf(node, own));
  }

  function refuseLateReads(node: Node): void {
    const late = node.inputs.find((tensor) => tensor && updated.has(tensor));
    if (late) throw new InputError(`${nameOf(node)} reads ${late.name}, which an earlier node has overwritten`);
    for (const tensor of updatesOf(node)) updated.add(tensor);
  }

  function contextFor(node: Node, variant: string, own: Dispatch[]): Lowering {
    return {
      traits,
      variant,
      dispatch(dispatch) {
        refuseTooMany(dispatch, node);
        const pins = traits.pinsSubgroups && dispatch.constants.SUBGROUPS;
        own.push(pins ? { ...dispatch, constants: { ...dispatch.constants, PINNED: traits.subgroupSize } } : dispatch);
      },
      derive(operation, inputs, attributes) {
        const ids = inputs.map((tensor) => tensor?.id).join();
        const key = [operation.name, ids, JSON.stringify(attributes), node.again ? 'again' : ''].join(' ');
        const known = derived.get(key);
        if (known) return known;
        const made = createNode(operation, inputs, attributes, `${nameOf(node)}/${operation.name}`);
        // The derived tensor's dispatches are added at once, and so run before all dispatches of this node.
        lowerNode(made as unknown as Node);
        derived.set(key, made.outputs[0]);
        return made.outputs[0];
      },
      scratch: (name, spec) => createTensor(`${nameOf(node)}/${name}`, 'temporary', spec),
      read: (tensor, pixels) => view(graph, tensor, 'read', pixels, traits, node),
      write: (tensor, pixels) => view(graph, tensor, 'write', pixels, traits, node),
      isConstant,
      isSlice: (part, whole) => graph.slices.get(part)?.of === whole,
      bands: (output, needs) => bands(graph, output, needs, traits, node),
    };
  }

  for (const node of graph.nodes) lowerNode(node);
  return { constantSteps, steps, keyOf };
}

/**
 * The dispatches of a node as steps. Dispatches that do not give their `flops` share the rest of the node's work in proportion to their
 * numbers of workgroups.
 */
function stepsOf(node: Node, own: readonly Dispatch[]): Step[] {
  const workgroupCount = ({ workgroups }: Dispatch) => workgroups.reduce((all, one) => all * one, 1);
  const unstated = own.filter((dispatch) => dispatch.flops === undefined);
  const total = unstated.reduce((sum, dispatch) => sum + workgroupCount(dispatch), 0);
  const stated = own.reduce((sum, dispatch) => sum + (dispatch.flops ?? 0), 0);
  const remaining = Math.max(0, node.operation.flops(node) - stated);
  return own.map((dispatch) => {
    const bindings = dispatch.bindings.map(({ binding }) => binding);
    return { ...dispatch, bindings, node, flops: dispatch.flops ?? (remaining * workgroupCount(dispatch)) / total };
  });
}

/** WebGPU's default limit for the workgroups along a dimension. Hardly any device has a higher one. */
const MAX_WORKGROUPS = 65_535;

// A dispatch beyond the limit would be a validation error that does not name the node.
function refuseTooMany({ workgroups }: Dispatch, node: Node): void {
  if (Math.max(...workgroups) <= MAX_WORKGROUPS) return;
  throw new InputError(`${nameOf(node)} (${node.operation.name}) takes too many workgroups`, {
    expected: `at most ${MAX_WORKGROUPS} along each dimension`,
    given: `${workgroups.join('×')} for ${node.inputs.map((tensor) => tensor && describeShape(tensor)).join(', ')}`,
    hint: 'use a smaller image or batch',
  });
}

function view(
  graph: Graph,
  tensor: Tensor | undefined,
  access: Binding['access'],
  pixels: Range | undefined,
  traits: Traits,
  node: Node,
): View {
  if (!tensor) return { binding: { tensor, access }, offset: 0, pitch: 0 };
  const { of, offset } = rootOf(graph.slices, tensor);
  const elementBytes = bytesPerElement(of.type) * (of.layout === 'nhwc4' ? 4 : 1);
  const pitch = of.layout === 'nhwc4' ? groupCount(of) : 1;
  const { start, size } = windowOf(of, pixels);
  if (size > traits.maxBindingBytes) {
    throw new InputError(`${node.operation.name}: tensor ${tensor.name} is too large for this adapter`, {
      expected: `at most ${mebibytes(traits.maxBindingBytes)} at a time (maxStorageBufferBindingSize)`,
      given: `${mebibytes(size)} (${describeShape(of)})`,
      hint: tensor.kind === 'constant' ? 'use narrower layers' : 'use a smaller image or batch',
    });
  }
  return { binding: { tensor: of, access, start, size }, offset: offset - start / elementBytes, pitch };
}

// The bytes of some pixels, or of the whole tensor. The start is rounded down to where a binding may begin.
function windowOf(root: Tensor, pixels: Range | undefined): { start: number; size: number } {
  const total = byteSize(root);
  if (!pixels) return { start: 0, size: total };
  const perPixel = total / pixelCount(root);
  const start = Math.floor((pixels[0] * perPixel) / ALIGNMENT) * ALIGNMENT;
  return { start, size: Math.ceil(pixels[1] * perPixel) - start };
}

function bands(
  graph: Graph,
  output: Tensor,
  needs: Parameters<Lowering['bands']>[1],
  traits: Traits,
  node: Node,
): Range[] {
  const fits = (range: Range) =>
    [[output, (own: Range) => own] as const, ...needs].every(([tensor, need]) => {
      if (!tensor) return true;
      const root = rootOf(graph.slices, tensor).of;
      return windowOf(root, need(range)).size <= traits.maxBindingBytes;
    });
  const split = (range: Range): Range[] => {
    if (fits(range)) return [range];
    const [from, to] = range;
    if (to - from <= 1) {
      throw new InputError(`${node.operation.name}: ${output.name} cannot be split to fit this adapter`, {
        expected: `windows of at most ${mebibytes(traits.maxBindingBytes)} (maxStorageBufferBindingSize)`,
        given: `${describeShape(output)} from ${node.inputs.map((tensor) => tensor && describeShape(tensor)).join(', ')}`,
        hint: 'use a smaller image or batch',
      });
    }
    const middle = Math.floor((from + to) / 2);
    return [...split([from, middle]), ...split([middle, to])];
  };
  return split([0, pixelCount(output)]);
}
