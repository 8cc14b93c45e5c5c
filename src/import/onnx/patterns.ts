/**
 * Layers that exporters write as several nodes: an activation as a product, a norm as means and differences. They are found before nodes
 * are translated, and become one node with a name of raybox's own. The nodes that it replaces are then not needed any more, unless
 * something else reads them.
 */
import { activate } from '../elementwise.js';
import { Unsupported } from '../kit.js';
import { layerNorm, poolAll } from '../layers.js';
import { type Constant, constantOf, isConstant, type PlainModel, type PlainNode } from '../plain.js';
import { axesOf, axisOf, type Call, constant, listOf, numberOf, type Operator, own, value } from './call.js';
import { layerOperators } from './layers.js';

const activation = (kind: 'silu' | 'hard_swish' | 'hard_sigmoid' | 'gelu' | 'gelu_tanh'): Operator => ({
  translate: (call) => activate(call.kit, value(call, 0), { kind }),
});

/** Rows of the table of operators for what patterns become. */
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

/** What is known about the values around a node. */
interface Around {
  /** The node that puts out a value, if it is of this operator. */
  by(name: string, operator: string): PlainNode | undefined;
  /** The one number that a name stands for. */
  number(name: string): number | undefined;
  constant(name: string): Constant | undefined;
}

/** A node in place of several, or undefined where the pattern is not there. */
type Pattern = (node: PlainNode, around: Around) => Pick<PlainNode, 'operator' | 'inputs' | 'attributes'> | undefined;

/** The model with every pattern as one node, and the constants that these nodes have. */
export function withPatterns<M extends PlainModel>(model: M): M {
  const producers = new Map<string, PlainNode>();
  for (const node of model.nodes) for (const name of node.outputs) if (name !== '') producers.set(name, node);
  const by = (name: string, operator: string) => {
    const node = producers.get(name);
    return node?.operator === operator && node.outputs[0] === name ? node : undefined;
  };
  const constantNamed = (name: string): Constant | undefined => {
    const found = model.constants.get(name);
    if (found) return found;
    // Exporters write weights that are equal once, and copies as identities.
    const copy = by(name, 'Identity');
    if (copy) return model.constants.get(copy.inputs[0]);
    const attribute = by(name, 'Constant');
    const given = attribute && own(attribute, 'value');
    return isConstant(given) ? given : undefined;
  };
  const around: Around = {
    by,
    constant: constantNamed,
    number(name) {
      const found = constantNamed(name);
      return found?.count === 1 ? found.values()[0] : undefined;
    },
  };
  const constants = new Map(model.constants);
  constants.set(ONE, constantOf([1], Float32Array.of(1)));
  constants.set(ZERO, constantOf([1], Float32Array.of(0)));
  const nodes = model.nodes.map((node) => {
    for (const pattern of PATTERNS[node.operator] ?? []) {
      const found = pattern(node, around);
      if (found) return { ...node, ...found };
    }
    return node;
  });
  return { ...model, nodes, constants };
}

const ONE = 'raybox: one';
const ZERO = 'raybox: zero';

const near = (a: number | undefined, b: number) =>
  a !== undefined && Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(b));

/** For a node of two inputs, a number and the other one, in either order. */
function withNumber(node: PlainNode | undefined, around: Around): { number: number; other: string } | undefined {
  if (node?.inputs.length !== 2) return undefined;
  const [a, b] = node.inputs;
  const [first, second] = [around.number(a), around.number(b)];
  if (first !== undefined) return { number: first, other: b };
  return second === undefined ? undefined : { number: second, other: a };
}

interface Product {
  readonly factors: readonly string[];
  readonly number: number;
}

/** A product as it stands, and with its factors taken apart one by one where they are products themselves. */
function* products(node: PlainNode, around: Around): Generator<Product> {
  let level: Product[] = [{ factors: [node.outputs[0]], number: 1 }];
  for (let depth = 0; depth < 4; depth++) {
    level = level.flatMap((one) => one.factors.flatMap((_, i) => expanded(one, i, around) ?? [])).slice(0, 32);
    yield* level;
  }
}

function expanded({ factors, number }: Product, index: number, around: Around): Product | undefined {
  const others = factors.filter((_, i) => i !== index);
  const product = around.by(factors[index], 'Mul');
  const quotient = around.by(factors[index], 'Div');
  if (product) {
    const scaled = withNumber(product, around);
    return scaled
      ? { factors: [...others, scaled.other], number: number * scaled.number }
      : { factors: [...others, ...product.inputs], number };
  }
  const divisor = quotient && around.number(quotient.inputs[1]);
  return quotient && divisor ? { factors: [...others, quotient.inputs[0]], number: number / divisor } : undefined;
}

/** The value that a factor is a gate of, with the number that the product of both is multiplied by, and what the product is. */
const GATES: readonly {
  of(name: string, around: Around): string | undefined;
  number: number;
  is: string;
  alone?: string;
}[] = [
  { of: (name, { by }) => by(name, 'Sigmoid')?.inputs[0], number: 1, is: 'SiLU' },
  { of: hardSigmoidOf, number: 1, is: 'HardSwish' },
  { of: clippedOf, number: 1 / 6, is: 'HardSwish', alone: 'HardSigmoid' },
  { of: erfOf, number: 0.5, is: 'GELU' },
  { of: tanhOf, number: 0.5, is: 'GELUTanh' },
];

/** The input of a hard sigmoid of PyTorch's slope. */
function hardSigmoidOf(name: string, { by }: Around): string | undefined {
  const node = by(name, 'HardSigmoid');
  const [alpha, beta] = node ? [own(node, 'alpha') ?? 0.2, own(node, 'beta') ?? 0.5] : [];
  return near(alpha as number, 1 / 6) && near(beta as number, 0.5) ? node?.inputs[0] : undefined;
}

/** x of clip(x + 3, 0, 6). */
function clippedOf(name: string, around: Around): string | undefined {
  const clip = around.by(name, 'Clip');
  if (!clip) return undefined;
  const bound = (attribute: 'min' | 'max', input: number) =>
    (own(clip, attribute) as number | undefined) ?? around.number(clip.inputs[input] ?? '');
  const sum = withNumber(around.by(clip.inputs[0], 'Add'), around);
  return bound('min', 1) === 0 && bound('max', 2) === 6 && sum?.number === 3 ? sum.other : undefined;
}

/** x of 1 + erf(x / √2). */
function erfOf(name: string, around: Around): string | undefined {
  const sum = withNumber(around.by(name, 'Add'), around);
  const erf = sum?.number === 1 ? around.by(sum.other, 'Erf') : undefined;
  if (!erf) return undefined;
  const [quotient, product] = [around.by(erf.inputs[0], 'Div'), around.by(erf.inputs[0], 'Mul')];
  if (quotient) return near(around.number(quotient.inputs[1]), Math.SQRT2) ? quotient.inputs[0] : undefined;
  const scaled = withNumber(product, around);
  return near(scaled?.number, Math.SQRT1_2) ? scaled?.other : undefined;
}

/** x of 1 + tanh(√(2/π) · (x + 0.044715 · x³)). */
function tanhOf(name: string, around: Around): string | undefined {
  const sum = withNumber(around.by(name, 'Add'), around);
  const tanh = sum?.number === 1 ? around.by(sum.other, 'Tanh') : undefined;
  const scaled = tanh && withNumber(around.by(tanh.inputs[0], 'Mul'), around);
  const inner = scaled && near(scaled.number, Math.sqrt(2 / Math.PI)) ? around.by(scaled.other, 'Add') : undefined;
  return inner?.inputs.find((x, i) => {
    const cubic = withNumber(around.by(inner.inputs[1 - i], 'Mul'), around);
    if (!cubic || !near(cubic.number, 0.044715)) return false;
    const power = around.by(cubic.other, 'Pow');
    if (power) return power.inputs[0] === x && around.number(power.inputs[1]) === 3;
    const cube = around.by(cubic.other, 'Mul');
    return cube?.inputs.some((one, j) => {
      const square = around.by(cube.inputs[1 - j], 'Mul');
      return one === x && square?.inputs.every((factor) => factor === x);
    });
  });
}

const gated: Pattern = (node, around) => {
  for (const { factors, number } of products(node, around)) {
    for (const { of, number: wanted, is, alone } of GATES) {
      if (!near(number, wanted)) continue;
      const index = factors.findIndex((factor) => of(factor, around) !== undefined);
      if (index < 0) continue;
      const x = of(factors[index], around)!;
      const others = factors.filter((_, i) => i !== index);
      if (others.length === 1 && others[0] === x) return { operator: `raybox::${is}`, inputs: [x], attributes: {} };
      if (others.length === 0 && alone) return { operator: `raybox::${alone}`, inputs: [x], attributes: {} };
    }
  }
  return undefined;
};

/** The axes of a reduction that keeps its dimensions, as an attribute or an input. */
function keptAxes(node: PlainNode, around: Around): readonly number[] | undefined {
  if ((own(node, 'keepdims') ?? 1) !== 1) return undefined;
  const given = own(node, 'axes');
  if (Array.isArray(given)) return given as number[];
  const input = around.constant(node.inputs[1] ?? '');
  return input && input.count <= 8 ? Array.from(input.values()) : undefined;
}

/** (x − mean) / √(variance + ε), with x and ε. Which axis it runs along is checked where the value is known. */
function standardised(name: string, around: Around): { x: string; axis: number; epsilon: number } | undefined {
  const quotient = around.by(name, 'Div');
  const root = quotient && around.by(quotient.inputs[1], 'Sqrt');
  const sum = root && withNumber(around.by(root.inputs[0], 'Add'), around);
  const variance = sum && around.by(sum.other, 'ReduceMean');
  if (!variance) return undefined;
  const difference = around.by(quotient.inputs[0], 'Sub');
  const mean = difference && around.by(difference.inputs[1], 'ReduceMean');
  if (!mean || mean.inputs[0] !== difference.inputs[0]) return undefined;
  const [power, product] = [around.by(variance.inputs[0], 'Pow'), around.by(variance.inputs[0], 'Mul')];
  // Exporters write the difference twice: once for the numerator, once for the square.
  const same = (one: string) => {
    const other = around.by(one, 'Sub');
    return (
      one === quotient.inputs[0] || (other !== undefined && other.inputs.join('\n') === difference.inputs.join('\n'))
    );
  };
  const isSquare = power
    ? same(power.inputs[0]) && around.number(power.inputs[1]) === 2
    : product?.inputs.every(same) === true;
  const [axes, others] = [mean, variance].map((one) => keptAxes(one, around));
  if (!isSquare || axes?.length !== 1 || axes.join() !== others?.join()) return undefined;
  return { x: difference.inputs[0], axis: axes[0], epsilon: sum.number };
}

/** A norm over the last dimension with factors and summands, and one without. */
const layerNormed: Pattern = (node, around) => {
  const constantAnd = (of: PlainNode | undefined) => {
    const index = of?.inputs.findIndex((name) => (around.constant(name)?.count ?? 0) > 1) ?? -1;
    return of && index >= 0 ? { weights: of.inputs[index], other: of.inputs[1 - index] } : undefined;
  };
  const shifted = node.operator === 'Add' ? constantAnd(node) : undefined;
  const scaled = shifted && constantAnd(around.by(shifted.other, 'Mul'));
  const found = standardised(scaled ? scaled.other : node.outputs[0], around);
  if (!found || (node.operator === 'Add' && !scaled)) return undefined;
  const inputs = [found.x, scaled?.weights ?? ONE, scaled ? shifted!.weights : ZERO];
  return { operator: 'raybox::LayerNorm', inputs, attributes: { axis: found.axis, epsilon: found.epsilon } };
};

/** max + ln(mean(exp(r · (x − max)))) / r over some axes: log-sum-exp pooling, written so that nothing overflows. */
const pooledByLogSumExp: Pattern = (node, around) => {
  for (const [i, name] of node.inputs.entries()) {
    const max = around.by(name, 'ReduceMax');
    const quotient = around.by(node.inputs[1 - i] ?? '', 'Div');
    const log = quotient && around.by(quotient.inputs[0], 'Log');
    const mean = log && around.by(log.inputs[0], 'ReduceMean');
    const exp = mean && around.by(mean.inputs[0], 'Exp');
    const scaled = exp && withNumber(around.by(exp.inputs[0], 'Mul'), around);
    const difference = scaled && around.by(scaled.other, 'Sub');
    if (!max || !difference) continue;
    const axes = [max, mean].map((one) => keptAxes(one, around));
    const fits =
      difference.inputs.join('\n') === [max.inputs[0], name].join('\n') &&
      around.number(quotient.inputs[1]) === scaled.number &&
      scaled.number > 0 &&
      axes[0] !== undefined &&
      axes[0].join() === axes[1]?.join();
    if (fits)
      return {
        operator: 'raybox::LogSumExp',
        inputs: [max.inputs[0]],
        attributes: { axes: axes[0]!, r: scaled.number },
      };
  }
  return undefined;
};

/**
 * x / (k + α · average of x² over neighbouring channels)^β, as PyTorch exports its local response norm: the channels become the depth of a
 * volume, which is padded and pooled.
 */
const localResponse: Pattern = (node, around) => {
  const [x] = node.inputs;
  const power = around.by(node.inputs[1] ?? '', 'Pow');
  const sum = power && withNumber(around.by(power.inputs[0], 'Add'), around);
  const scaled = sum && withNumber(around.by(sum.other, 'Mul'), around);
  const pool = scaled && around.by(around.by(scaled.other, 'Squeeze')?.inputs[0] ?? '', 'AveragePool');
  const pad = pool && around.by(pool.inputs[0], 'Pad');
  const square = pad && around.by(around.by(pad.inputs[0], 'Unsqueeze')?.inputs[0] ?? '', 'Mul');
  const beta = power && around.number(power.inputs[1]);
  if (!square?.inputs.every((one) => one === x) || beta === undefined) return undefined;
  const kernel = own(pool!, 'kernel_shape');
  const given = own(pad!, 'pads') ?? around.constant(pad!.inputs[1] ?? '')?.values();
  const pads = given && typeof given === 'object' && 'length' in given ? Array.from(given as ArrayLike<number>) : [];
  const [size, ...others] = Array.isArray(kernel) ? (kernel as number[]) : [];
  const half = (size - 1) / 2;
  const rest = ['strides', 'pads'].map((name) => (own(pool!, name) as number[] | undefined) ?? []);
  const fits =
    size % 2 === 1 &&
    others.join() === '1,1' &&
    pads.join() === [0, 0, half, 0, 0, 0, 0, half, 0, 0].join() &&
    rest[0].every((one) => one === 1) &&
    rest[1].every((one) => one === 0) &&
    (own(pool!, 'ceil_mode') ?? 0) === 0;
  if (!fits) return undefined;
  return { operator: 'raybox::LRN', inputs: [x], attributes: { size, alpha: scaled!.number, beta, bias: sum!.number } };
};

/** Zeros around a map that only a convolution reads become the convolution's own padding. */
const padded: Pattern = (node, around) => {
  const pad = around.by(node.inputs[0], 'Pad');
  const auto = own(node, 'auto_pad') ?? 'NOTSET';
  if (!pad || (own(pad, 'mode') ?? 'constant') !== 'constant' || !['NOTSET', 'VALID'].includes(String(auto)))
    return undefined;
  const given = own(pad, 'pads') ?? around.constant(pad.inputs[1] ?? '')?.values();
  const filled = pad.inputs[2] ? around.number(pad.inputs[2]) : (own(pad, 'value') ?? 0);
  const sides = given && typeof given === 'object' && 'length' in given ? Array.from(given as ArrayLike<number>) : [];
  const [n, c, top, left, n2, c2, bottom, right] = sides;
  const others = [n, c, n2, c2].every((side) => side === 0);
  const outer = [top, left, bottom, right];
  // An average counts such zeros; windows of the last column are others where their number is rounded up.
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
