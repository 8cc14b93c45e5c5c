/** Numbers around a map, and the same in other dimensions. */
import { padMap, pick } from '../general.js';
import { mapsOf, Unsupported } from '../kit.js';
import {
  type Call,
  listInput,
  listOf,
  numberInput,
  numberOf,
  type Operand,
  shapeOfOperand,
  textOf,
  value,
} from './call.js';

/** Numbers around a map: one number, or those of the map itself. Zeros before a convolution have become its own padding. */
export function pad(call: Call): Operand {
  const x = value(call, 0);
  const isInput = call.version >= 11;
  const pads = (isInput ? listInput(call, 1) : listOf(call, 'pads')) ?? [];
  if (pads.every((side) => side === 0)) return x;
  const rank = x.dims.length;
  if (pads.length !== 2 * rank || call.operands[3]) throw new Unsupported(`pads ${pads.join(', ')}`);
  const mode = textOf(call, 'mode', 'constant');
  const filled = (isInput ? numberInput(call, 2) : undefined) ?? numberOf(call, 'value', 0);
  if (mode === 'constant') {
    const others = [0, 1].every((dimension) => pads[dimension] === 0 && pads[dimension + rank] === 0);
    if (rank !== 4 || !others) throw new Unsupported('it pads other dimensions than rows and columns');
    return padMap(call.kit, x, mapsOf(call.kit), [pads[2], pads[3], pads[6], pads[7]], filled);
  }
  return x.dims.reduce((result, _, dimension) => {
    const [before, behind] = [pads[dimension], pads[dimension + rank]];
    if (before === 0 && behind === 0) return result;
    return pick(call.kit, result, dimension, placesAround(mode, shapeOfOperand(x)[dimension], before, behind));
  }, x);
}

/** Which place of a dimension each place of the padded one is. */
function placesAround(mode: string, size: number, before: number, behind: number): number[] {
  const place: Record<string, (at: number) => number> = {
    edge: (at) => Math.min(Math.max(at, 0), size - 1),
    wrap: (at) => ((at % size) + size) % size,
    // Beyond the ends it goes back again, without the places at the ends once more.
    reflect: (at) => {
      const period = Math.max(1, 2 * size - 2);
      const own = ((at % period) + period) % period;
      return own < size ? own : period - own;
    },
  };
  const count = size + before + behind;
  if (!place[mode] || !(count >= 1 && count <= 65_536))
    throw new Unsupported(`padding (${mode}) by ${before} and ${behind}`);
  return Array.from({ length: count }, (_, i) => place[mode](i - before));
}
