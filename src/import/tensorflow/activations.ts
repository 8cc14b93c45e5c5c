/** Keras' activations, both as layers and as the setting `activation` of other layers. */
import { emit, filled, scalar, vector } from './builder.js';
import { flat, functionOf, type LayerCall, type LayerValue, named, numberOf, refusal } from './layer_config.js';

type Activation = (call: LayerCall, x: string, output?: string) => string;

const same =
  (operator: string, attributes: Record<string, number> = {}): Activation =>
  ({ builder, step }, x, output) =>
    emit(builder, step, operator, [x], attributes, output);

function clip(
  call: LayerCall,
  x: string,
  least: number | undefined,
  most: number | undefined,
  output?: string,
): string {
  const bound = (what: string, number: number | undefined) =>
    number === undefined ? '' : named(call, what, scalar(number));
  const inputs = [x, bound('min', least), bound('max', most)];
  return emit(call.builder, call.step, 'Clip', inputs, {}, output);
}

/** 0.2 x + 0.5, limited to 0 … 1. In Keras 3 the slope is 1/6. */
const hardSigmoid: Activation = (call, x, output) =>
  emit(call.builder, call.step, 'HardSigmoid', [x], { alpha: call.isKeras3 ? 1 / 6 : 0.2, beta: 0.5 }, output);

/** Activations by the names that the setting may have. */
const BY_NAME: Readonly<Record<string, Activation>> = {
  linear: (call, x, output) => (output === undefined ? x : emit(call.builder, call.step, 'Identity', [x], {}, output)),
  relu: same('Relu'),
  relu6: (call, x, output) => clip(call, x, 0, 6, output),
  sigmoid: same('Sigmoid'),
  tanh: same('Tanh'),
  softmax: (call, x, output) => emit(call.builder, call.step, 'Softmax', [x], { axis: -1 }, output),
  elu: same('Elu', { alpha: 1 }),
  selu: same('Selu'),
  softplus: same('Softplus'),
  softsign: same('Softsign'),
  swish: same('raybox::SiLU'),
  silu: same('raybox::SiLU'),
  gelu: same('raybox::GELU'),
  exponential: same('Exp'),
  hard_sigmoid: hardSigmoid,
  hard_silu: same('raybox::HardSwish'),
  hard_swish: same('raybox::HardSwish'),
  leaky_relu: same('LeakyRelu', { alpha: 0.2 }),
};

/** Applies the setting `activation`. */
export function activated(call: LayerCall, x: string, output?: string): string {
  const { kind, config } = functionOf(call, 'activation');
  const name = kind.toLowerCase();
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name](call, x, output);
  // A whole layer may stand in place of a function.
  const layer = Object.hasOwn(activationLayers, kind) ? activationLayers[kind] : undefined;
  if (layer && kind !== 'Activation') return layer({ ...call, config }, x, output);
  throw refusal(call, `the activation ${kind.slice(0, 60)}, which raybox does not have`);
}

/**
 * Keras' ReLU: above the threshold x, at most the largest value; below the threshold slope · (x − threshold), where the slope is 0 by default.
 * At the threshold itself it is 0.
 */
function relu(call: LayerCall, x: string, output?: string): string {
  const most =
    call.config.max_value === undefined || call.config.max_value === null ? undefined : numberOf(call, 'max_value');
  const slope = numberOf(call, 'negative_slope', 0);
  const threshold = numberOf(call, 'threshold', 0);
  const { builder, step } = call;
  if (most !== undefined && most < 0) throw refusal(call, `its largest value is ${most}`);
  if (threshold === 0 && slope === 0)
    return most === undefined ? emit(builder, step, 'Relu', [x], {}, output) : clip(call, x, 0, most, output);
  if (threshold === 0) {
    const leaky = emit(builder, step, 'LeakyRelu', [x], { alpha: slope }, most === undefined ? output : undefined);
    return most === undefined ? leaky : clip(call, leaky, undefined, most, output);
  }
  if (threshold < 0) throw refusal(call, `its threshold is ${threshold}, below 0`);
  const isLast = slope === 0;
  const above = emit(
    ...([builder, step, 'ThresholdedRelu', [x], { alpha: threshold }] as const),
    isLast && most === undefined ? output : undefined,
  );
  const limited = most === undefined ? above : clip(call, above, undefined, most, isLast ? output : undefined);
  if (isLast) return limited;
  const under = emit(builder, step, 'Sub', [named(call, 'threshold', scalar(threshold)), x]);
  const missing = emit(builder, step, 'Relu', [under]);
  const scaled = emit(builder, step, 'Mul', [missing, named(call, 'slope', scalar(slope))]);
  return emit(builder, step, 'Sub', [limited, scaled], {}, output);
}

/** A ReLU with a slope for each channel. Slopes that differ along rows or columns are refused when the node is translated. */
function prelu(call: LayerCall, x: string, output?: string): string {
  const alpha = call.weight('alpha');
  if (!alpha) throw refusal(call, 'its weights alpha are missing');
  const channels = alpha.shape.at(-1) ?? 1;
  const own = alpha.count === channels ? flat(alpha) : alpha;
  return emit(call.builder, call.step, 'PRelu', [x, named(call, 'alpha', own)], {}, output);
}

const alphaOf = (call: LayerCall, otherwise: number) =>
  call.config.negative_slope === undefined ? numberOf(call, 'alpha', otherwise) : numberOf(call, 'negative_slope');

/** Activations that are layers of their own. */
export const activationLayers: Readonly<Record<string, Activation>> = {
  Activation: activated,
  ReLU: relu,
  LeakyReLU: (call, x, output) =>
    emit(call.builder, call.step, 'LeakyRelu', [x], { alpha: alphaOf(call, 0.3) }, output),
  ELU: (call, x, output) => emit(call.builder, call.step, 'Elu', [x], { alpha: numberOf(call, 'alpha', 1) }, output),
  PReLU: prelu,
  ThresholdedReLU: (call, x, output) =>
    emit(call.builder, call.step, 'ThresholdedRelu', [x], { alpha: numberOf(call, 'theta', 1) }, output),
  Softmax: (call, x, output) => {
    const axis = Array.isArray(call.config.axis) ? (call.config.axis as unknown[]).at(-1) : (call.config.axis ?? -1);
    if (!Number.isInteger(axis)) throw refusal(call, 'its axis is no whole number');
    return emit(call.builder, call.step, 'Softmax', [x], { axis: axis as number }, output);
  },
};

/** Multiplies and adds numbers for each channel: `Rescaling`, `Normalization`. */
export function affine(
  call: LayerCall,
  x: LayerValue,
  factor: readonly number[],
  summand: readonly number[],
  output?: string,
): string {
  const { builder, step } = call;
  const scaled = emit(builder, step, 'Mul', [x.name, named(call, 'scale', vector(factor))]);
  return emit(builder, step, 'Add', [scaled, named(call, 'offset', vector(summand))], {}, output);
}

export const ones = (count: number) => filled(count, 1);
export const zeros = (count: number) => filled(count, 0);
