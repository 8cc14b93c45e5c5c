/**
 * Layers that exporters write as several nodes: an activation as a product, a norm as means and differences. They are found before nodes
 * are translated, and become one node with a name of raybox's own. The nodes that it replaces are then not needed any more, unless
 * something else reads them.
 */
import { activate } from '../elementwise.js';
import { Unsupported } from '../kit.js';
import { layerNorm, poolAll } from '../layers.js';
import {
  type Constant,
  constantOf,
  graphsIn,
  isConstant,
  type PlainGraph,
  type PlainModel,
  type PlainNode,
} from '../plain.js';
import type { Around, Pattern } from './around.js';
import { axesOf, axisOf, type Call, constant, listOf, numberOf, type Operator, own, value } from './call.js';
import { gated } from './gated_patterns.js';
import { layerOperators } from './layers.js';
import { layerNormed, localResponse, ONE, pooledByLogSumExp, ZERO } from './norm_patterns.js';

const activation = (kind: 'silu' | 'hard_swish' | 'hard_sigmoid' | 'gelu' | 'gelu_tanh'): Operator => ({
  translate: (call) => activate(call.kit, value(call, 0), { kind }),
});

/** Rows of the table of operators for the nodes that replace patterns. */
export const merged: Readonly<Record<string, Operator>> = {
  'raybox::SiLU': activation('silu'),
  'raybox::HardSwish': activation('hard_swish'),
  'raybox::HardSigmoid': activation('hard_sigmoid'),
  'raybox::GELU': activation('gelu'),
  'raybox::GELUTanh': activation('gelu_tanh'),
  'raybox::LayerNorm': {
    attributes: ['axis', 'epsilon'],
    translate(call) {
      const x = value(call, 0);
      if (axisOf(numberOf(call, 'axis', -1), x.dims.length) !== x.dims.length - 1)
        throw new Unsupported('it normalises another dimension than the last one');
      return layerNorm(call.kit, x, constant(call, 1), constant(call, 2), numberOf(call, 'epsilon', 0));
    },
  },
  'raybox::LRN': layerOperators.LRN,
  'raybox::LogSumExp': { attributes: ['axes', 'r'], translate: logSumExp },
};

function logSumExp(call: Call) {
  const x = value(call, 0);
  return poolAll(call.kit, x, axesOf(listOf(call, 'axes') ?? [], x.dims.length), numberOf(call, 'r', 1), true);
}

/** The model with every pattern replaced by one node. */
export function withPatterns<M extends PlainModel>(model: M): M {
  const constants = new Map(model.constants);
  constants.set(ONE, constantOf([1], Float32Array.of(1)));
  constants.set(ZERO, constantOf([1], Float32Array.of(0)));
  return { ...patternsIn(model), constants };
}

/** @param outer what is known around the graph, if it is a branch */
function patternsIn<G extends PlainGraph>(graph: G, outer?: Around): G {
  const around = aroundIn(graph, outer);
  const nodes = graph.nodes.map((node) => {
    for (const pattern of PATTERNS[node.operator] ?? []) {
      const found = pattern(node, around);
      if (found) return { ...node, ...found };
    }
    const inner = graphsIn(node).length > 0;
    return inner ? { ...node, attributes: withPatternsInside(node.attributes, around) } : node;
  });
  return { ...graph, nodes };
}

const withPatternsInside = (attributes: PlainNode['attributes'], around: Around): PlainNode['attributes'] =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, one]) => [
      name,
      typeof one === 'object' && 'graph' in one ? { graph: patternsIn(one.graph, around) } : one,
    ]),
  );

function aroundIn({ nodes, constants }: PlainGraph, outer: Around | undefined): Around {
  const producers = new Map<string, PlainNode>();
  for (const node of nodes) for (const name of node.outputs) if (name !== '') producers.set(name, node);
  const isOwn = (name: string) => producers.has(name) || constants.has(name);
  const by = (name: string, operator: string) => {
    if (!isOwn(name)) return outer?.by(name, operator);
    const node = producers.get(name);
    return node?.operator === operator && node.outputs[0] === name ? node : undefined;
  };
  const constantNamed = (name: string): Constant | undefined => {
    if (!isOwn(name)) return outer?.constant(name);
    const found = constants.get(name);
    if (found) return found;
    // Exporters write equal weights only once, and an Identity node for each copy.
    const copy = by(name, 'Identity');
    if (copy) return constants.get(copy.inputs[0]) ?? outer?.constant(copy.inputs[0]);
    const attribute = by(name, 'Constant');
    const given = attribute && own(attribute, 'value');
    return isConstant(given) ? given : undefined;
  };
  return {
    by,
    constant: constantNamed,
    number(name) {
      const found = constantNamed(name);
      return found?.count === 1 ? found.values()[0] : undefined;
    },
  };
}

/** The name of the value before two transposes that undo each other, as converters write them between layers; otherwise the name itself. */
function beforeTransposes(name: string, around: Around): string {
  const second = around.by(name, 'Transpose');
  const first = second && around.by(second.inputs[0], 'Transpose');
  const [before, behind] = [first, second].map((node) => (node && own(node, 'perm')) as readonly number[] | undefined);
  if (!first || !Array.isArray(before) || !Array.isArray(behind) || before.length !== behind.length) return name;
  return behind.every((axis, i) => before[axis] === i) ? first.inputs[0] : name;
}

/** Merges zeros around a map into the padding of the layer that reads it. */
const padded: Pattern = (node, around) => {
  const pad = around.by(beforeTransposes(node.inputs[0], around), 'Pad');
  const auto = own(node, 'auto_pad') ?? 'NOTSET';
  if (!pad || (own(pad, 'mode') ?? 'constant') !== 'constant' || !['NOTSET', 'VALID'].includes(String(auto)))
    return undefined;
  const given = own(pad, 'pads') ?? around.constant(pad.inputs[1] ?? '')?.values();
  const filled = pad.inputs[2] ? around.number(pad.inputs[2]) : (own(pad, 'value') ?? 0);
  const sides = given && typeof given === 'object' && 'length' in given ? Array.from(given as ArrayLike<number>) : [];
  const [n, c, top, left, n2, c2, bottom, right] = sides;
  const others = [n, c, n2, c2].every((side) => side === 0);
  const outer = [top, left, bottom, right];
  // An average has to count such zeros. In ceil mode, and with padding of its own, its last windows would differ.
  if (
    node.operator === 'AveragePool' &&
    (own(node, 'ceil_mode') === 1 || ((own(node, 'pads') ?? []) as number[]).some((side) => side !== 0))
  )
    return undefined;
  if (sides.length !== 8 || !others || outer.some((side) => side < 0) || filled !== 0 || pad.inputs[3])
    return undefined;
  const inner = auto === 'VALID' ? [0, 0, 0, 0] : ((own(node, 'pads') as number[] | undefined) ?? [0, 0, 0, 0]);
  const { auto_pad: _, ...attributes } = node.attributes;
  return {
    operator: node.operator,
    inputs: [pad.inputs[0], ...node.inputs.slice(1)],
    attributes: {
      ...attributes,
      pads: outer.map((side, i) => side + inner[i]),
      ...(node.operator === 'AveragePool' ? { count_include_pad: 1 } : {}),
    },
  };
};

const PATTERNS: Readonly<Record<string, readonly Pattern[]>> = {
  Add: [layerNormed, pooledByLogSumExp],
  AveragePool: [padded],
  Conv: [padded],
  Div: [gated, layerNormed, localResponse],
  Mul: [gated],
};
