/** Activations that exporters write as products with a gate, such as x · sigmoid(x), found by their factors. */
import type { PlainNode } from '../plain.js';
import { type Around, near, type Pattern, withNumber } from './around.js';
import { own } from './call.js';

interface Product {
  readonly factors: readonly string[];
  readonly number: number;
}

/** The product of a node, and the same product with one factor after the other expanded if it is a product itself. */
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

/** Kinds of gates: how the gated value is found, the number that the product is multiplied by, and the activation that results. */
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

/** The x in clip(x + 3, 0, 6). */
function clippedOf(name: string, around: Around): string | undefined {
  const clip = around.by(name, 'Clip');
  if (!clip) return undefined;
  const bound = (attribute: 'min' | 'max', input: number) =>
    (own(clip, attribute) as number | undefined) ?? around.number(clip.inputs[input] ?? '');
  const sum = withNumber(around.by(clip.inputs[0], 'Add'), around);
  return bound('min', 1) === 0 && bound('max', 2) === 6 && sum?.number === 3 ? sum.other : undefined;
}

/** The x in 1 + erf(x / √2). */
function erfOf(name: string, around: Around): string | undefined {
  const sum = withNumber(around.by(name, 'Add'), around);
  const erf = sum?.number === 1 ? around.by(sum.other, 'Erf') : undefined;
  if (!erf) return undefined;
  const [quotient, product] = [around.by(erf.inputs[0], 'Div'), around.by(erf.inputs[0], 'Mul')];
  if (quotient) return near(around.number(quotient.inputs[1]), Math.SQRT2) ? quotient.inputs[0] : undefined;
  const scaled = withNumber(product, around);
  return near(scaled?.number, Math.SQRT1_2) ? scaled?.other : undefined;
}

/** The x in 1 + tanh(√(2/π) · (x + 0.044715 · x³)). */
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

export const gated: Pattern = (node, around) => {
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
