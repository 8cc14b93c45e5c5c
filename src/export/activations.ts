/** Functions of one number in ONNX: raybox's activations, and the functions that imported networks have besides. */
import type { UnaryFunction } from '../ops/general/functions.js';
import type { Activation } from '../ops/layers/activations.js';
import type { Sheet } from './sheet.js';

/** x · Φ(x), or with the approximation of Φ by a hyperbolic tangent. Written as exporters of PyTorch do it. */
function gelu(sheet: Sheet, x: string, isExact: boolean): string {
  const times = (a: string, b: string) => sheet.add('Mul', [a, b]);
  let inner: string;
  if (isExact) inner = sheet.add('Erf', [sheet.add('Div', [x, sheet.real(Math.SQRT2)])]);
  else {
    const cube = times(times(x, x), x);
    const sum = sheet.add('Add', [x, times(cube, sheet.real(0.044715))]);
    inner = sheet.add('Tanh', [times(sum, sheet.real(Math.sqrt(2 / Math.PI)))]);
  }
  return times(times(x, sheet.add('Add', [inner, sheet.real(1)])), sheet.real(0.5));
}

/** Adds an activation to a value; the value itself where there is none. */
export function activated(sheet: Sheet, x: string, activation: Activation | undefined): string {
  if (!activation) return x;
  switch (activation.kind) {
    case 'relu':
      return sheet.add('Relu', [x]);
    case 'leaky_relu':
      return sheet.add('LeakyRelu', [x], { alpha: { real: activation.a } });
    case 'clip': {
      const bound = (value: number) => (Number.isFinite(value) ? sheet.real(value) : '');
      const bounds = [bound(activation.a), bound(activation.b)];
      return sheet.add('Clip', [x, ...(bounds[1] === '' ? bounds.slice(0, 1) : bounds)]);
    }
    case 'sigmoid':
      return sheet.add('Sigmoid', [x]);
    case 'tanh':
      return sheet.add('Tanh', [x]);
    case 'hard_swish':
      return sheet.add('HardSwish', [x]);
    case 'silu':
      return sheet.add('Mul', [x, sheet.add('Sigmoid', [x])]);
    case 'hard_sigmoid':
      return sheet.add('HardSigmoid', [x], { alpha: { real: 1 / 6 }, beta: { real: 0.5 } });
    case 'gelu':
      return gelu(sheet, x, true);
    case 'gelu_tanh':
      return gelu(sheet, x, false);
  }
}

/** Functions that ONNX has under these names, without parameters. */
const SAME: Partial<Record<UnaryFunction['kind'], string>> = {
  ...{ exp: 'Exp', log: 'Log', sqrt: 'Sqrt', reciprocal: 'Reciprocal', abs: 'Abs', neg: 'Neg', floor: 'Floor' },
  ...{ ceil: 'Ceil', round: 'Round', sign: 'Sign', erf: 'Erf', softplus: 'Softplus', softsign: 'Softsign' },
  ...{ sin: 'Sin', cos: 'Cos', tan: 'Tan', asin: 'Asin', acos: 'Acos', atan: 'Atan', sinh: 'Sinh', cosh: 'Cosh' },
  ...{ asinh: 'Asinh', acosh: 'Acosh', atanh: 'Atanh' },
};

const FLOAT = 1;
const BOOL = 9;

/** Truth values of numbers: all but 0 is true. */
export const truth = (sheet: Sheet, x: string) => sheet.add('Cast', [x], { to: BOOL });
/** 1 for true, 0 for false; also numbers of other types as real ones. */
export const asReal = (sheet: Sheet, x: string) => sheet.add('Cast', [x], { to: FLOAT });

/** Adds a function of one number. */
export function applied(sheet: Sheet, x: string, spec: UnaryFunction): string {
  const same = SAME[spec.kind];
  if (same) return sheet.add(same, [x]);
  const times = (a: string, b: string) => sheet.add('Mul', [a, b]);
  switch (spec.kind) {
    case 'trunc':
      return times(sheet.add('Sign', [x]), sheet.add('Floor', [sheet.add('Abs', [x])]));
    case 'elu':
      return sheet.add('Elu', [x], { alpha: { real: spec.a } });
    case 'selu':
      return sheet.add('Selu', [x], { alpha: { real: spec.a }, gamma: { real: spec.b } });
    case 'celu':
      return sheet.add('Celu', [x], { alpha: { real: spec.a } });
    case 'mish':
      return times(x, sheet.add('Tanh', [sheet.add('Softplus', [x])]));
    case 'thresholded_relu':
      return sheet.add('ThresholdedRelu', [x], { alpha: { real: spec.a } });
    case 'clamped_line':
      return sheet.add('HardSigmoid', [x], { alpha: { real: spec.a }, beta: { real: spec.b } });
    case 'shrink':
      return sheet.add('Shrink', [x], { lambd: { real: spec.a }, bias: { real: spec.b } });
    case 'not':
      return asReal(sheet, sheet.add('Not', [truth(sheet, x)]));
    case 'swish':
      return times(x, sheet.add('Sigmoid', [times(x, sheet.real(spec.a))]));
    case 'line':
      return sheet.add('Add', [times(x, sheet.real(spec.a)), sheet.real(spec.b)]);
    default:
      throw new Error(`no row for ${spec.kind}`);
  }
}
