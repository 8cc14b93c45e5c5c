/** Quantised values. raybox computes with real numbers, and keeps only the range to which quantisation limits them. */
import { activate } from '../elementwise.js';
import { Unsupported, type Value } from '../kit.js';
import { type Call, isValue, numberInput, type Operand, value } from './call.js';
import { dequantised } from './casts.js';

/** The range that a quantised type has. */
function levelsOf(call: Call): [least: number, most: number] {
  const { operands } = call;
  const zero = operands[2];
  const type = zero === undefined ? 'U8' : 'type' in zero ? String(zero.type) : 'another type';
  const ranges: Record<string, [number, number]> = {
    U8: [0, 255],
    I8: [-128, 127],
    U16: [0, 65535],
    I16: [-32768, 32767],
  };
  if (ranges[type]) return ranges[type];
  throw new Unsupported(`it quantises to ${type}`);
}

/**
 * Quantises a value, which is dequantised right after. What remains is the range to which this limits the value; exporters may have merged a
 * ReLU into it.
 */
export function quantise(call: Call): Value {
  const x = value(call, 0);
  if (call.kit.ownImages) throw new Unsupported('it makes computed values whole numbers');
  const scale = numberInput(call, 1);
  const zero = numberInput(call, 2) ?? 0;
  if (scale === undefined || !(scale > 0)) throw new Unsupported('it has no scale');
  const [a, b] = levelsOf(call).map((level) => (level - zero) * scale);
  call.tell('quantised');
  return activate(call.kit, x, { kind: 'clip', a, b });
}

export const dequantise = (call: Call): Operand => {
  const [x] = call.operands;
  // `quantise` has kept the real numbers of a value.
  return x && isValue(x) ? x : dequantised(call);
};
