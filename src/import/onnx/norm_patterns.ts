/** Norms and poolings that exporters write as means, differences and powers. */
import type { PlainNode } from '../plain.js';
import { type Around, keptAxes, type Pattern, withNumber } from './around.js';
import { own } from './call.js';

export const ONE = 'raybox: one';

export const ZERO = 'raybox: zero';

/** Finds x, the axis and ε in (x − mean) / √(variance + ε). The axis is checked later, when the rank of the value is known. */
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

/** A layer norm over the last dimension, with or without factors and summands. */
export const layerNormed: Pattern = (node, around) => {
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
export const pooledByLogSumExp: Pattern = (node, around) => {
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
export const localResponse: Pattern = (node, around) => {
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
