/** Functions of one number in ONNX: raybox's activations, and the other functions of imported networks. */
import type { UnaryFunction } from '../ops/general/functions.js';
import type { Activation } from '../ops/layers/activations.js';
import type { OnnxBuilder } from './builder.js';

/** x · Φ(x), or with the approximation of Φ by a hyperbolic tangent. Written as exporters of PyTorch do it. */
function gelu(onnx: OnnxBuilder, x: string, isExact: boolean): string {
  const times = (a: string, b: string) => onnx.add('Mul', [a, b]);
  let inner: string;
  if (isExact) inner = onnx.add('Erf', [onnx.add('Div', [x, onnx.real(Math.SQRT2)])]);
  else {
    const cube = times(times(x, x), x);
    const sum = onnx.add('Add', [x, times(cube, onnx.real(0.044715))]);
    inner = onnx.add('Tanh', [times(sum, onnx.real(Math.sqrt(2 / Math.PI)))]);
  }
  return times(times(x, onnx.add('Add', [inner, onnx.real(1)])), onnx.real(0.5));
}

/** Adds an activation of a value. Returns the value itself if there is no activation. */
export function activated(onnx: OnnxBuilder, x: string, activation: Activation | undefined): string {
  if (!activation) return x;
  switch (activation.kind) {
    case 'relu':
      return onnx.add('Relu', [x]);
    case 'leaky_relu':
      return onnx.add('LeakyRelu', [x], { alpha: { real: activation.a } });
    case 'clip': {
      const bound = (value: number) => (Number.isFinite(value) ? onnx.real(value) : '');
      const bounds = [bound(activation.a), bound(activation.b)];
      return onnx.add('Clip', [x, ...(bounds[1] === '' ? bounds.slice(0, 1) : bounds)]);
    }
    case 'sigmoid':
      return onnx.add('Sigmoid', [x]);
    case 'tanh':
      return onnx.add('Tanh', [x]);
    case 'hard_swish':
      return onnx.add('HardSwish', [x]);
    case 'silu':
      return onnx.add('Mul', [x, onnx.add('Sigmoid', [x])]);
    case 'hard_sigmoid':
      return onnx.add('HardSigmoid', [x], { alpha: { real: 1 / 6 }, beta: { real: 0.5 } });
    case 'gelu':
      return gelu(onnx, x, true);
    case 'gelu_tanh':
      return gelu(onnx, x, false);
  }
}

/** Functions that ONNX has under these names, without parameters. */
const SAME: Partial<Record<UnaryFunction['kind'], string>> = {
  ...{ exp: 'Exp', log: 'Log', sqrt: 'Sqrt', reciprocal: 'Reciprocal', abs: 'Abs', neg: 'Neg', floor: 'Floor' },
  ...{ ceil: 'Ceil', round: 'Round', sign: 'Sign', erf: 'Erf', softplus: 'Softplus', softsign: 'Softsign' },
  ...{ sin: 'Sin', cos: 'Cos', tan: 'Tan', asin: 'Asin', acos: 'Acos', atan: 'Atan', sinh: 'Sinh', cosh: 'Cosh' },
  ...{ asinh: 'Asinh', acosh: 'Acosh', atanh: 'Atanh' },
};

/** Element types by their numbers in ONNX's TensorProto.DataType. */
const FLOAT = 1;
const BOOL = 9;

/** Numbers as truth values: every number except 0 is true. */
export const truth = (onnx: OnnxBuilder, x: string) => onnx.add('Cast', [x], { to: BOOL });
/** Truth values as 1 and 0, and numbers of other types as float32. */
export const asReal = (onnx: OnnxBuilder, x: string) => onnx.add('Cast', [x], { to: FLOAT });

/** Adds a function of one number. */
export function applied(onnx: OnnxBuilder, x: string, spec: UnaryFunction): string {
  const same = SAME[spec.kind];
  if (same) return onnx.add(same, [x]);
  const times = (a: string, b: string) => onnx.add('Mul', [a, b]);
  switch (spec.kind) {
    case 'trunc':
      return times(onnx.add('Sign', [x]), onnx.add('Floor', [onnx.add('Abs', [x])]));
    case 'elu':
      return onnx.add('Elu', [x], { alpha: { real: spec.a } });
    case 'selu':
      return onnx.add('Selu', [x], { alpha: { real: spec.a }, gamma: { real: spec.b } });
    case 'celu':
      return onnx.add('Celu', [x], { alpha: { real: spec.a } });
    case 'mish':
      return times(x, onnx.add('Tanh', [onnx.add('Softplus', [x])]));
    case 'thresholded_relu':
      return onnx.add('ThresholdedRelu', [x], { alpha: { real: spec.a } });
    case 'clamped_line':
      return onnx.add('HardSigmoid', [x], { alpha: { real: spec.a }, beta: { real: spec.b } });
    case 'shrink':
      return onnx.add('Shrink', [x], { lambd: { real: spec.a }, bias: { real: spec.b } });
    case 'not':
      return asReal(onnx, onnx.add('Not', [truth(onnx, x)]));
    case 'swish':
      return times(x, onnx.add('Sigmoid', [times(x, onnx.real(spec.a))]));
    case 'line':
      return onnx.add('Add', [times(x, onnx.real(spec.a)), onnx.real(spec.b)]);
    default:
      throw new Error(`no row for ${spec.kind}`);
  }
}
