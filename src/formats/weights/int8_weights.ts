/**
 * Weights that a safetensors file stores as 8-bit integers (I8), with a scale for each output channel: weight = integer × scale. The scales of the
 * tensor NAME are the tensor `NAME.int8_scale`, one F32 for each index of the first axis, which has the output channels of convolutions and linear
 * layers. The file's metadata says so by `int8_weights`. Readers get float32 tensors, and neither scales nor that key.
 */
import { InputError } from '../../errors.js';
import { brief } from '../brief.js';
import { partsOf } from '../parts.js';
import {
  awaitedTensor,
  type Checkpoint,
  elementCount,
  isAwaited,
  numbersOf,
  piecesOf,
  readInPieces,
  type TensorData,
} from './checkpoint.js';
import { readWhenAsked, tensorsIn } from './file_tensors.js';
import type { SafetensorsEntry, SafetensorsHeader } from './safetensors.js';

/** The key of the metadata that says how integers become weights. */
export const INT8_KEY = 'int8_weights';
/** Its only value so far. */
export const INT8_FORM = 'scale-per-output-channel';

/** The name of the tensor with the scales of another one. */
export const scaleName = (weight: string): string => `${weight}${SCALE_ENDING}`;

const SCALE_ENDING = '.int8_scale';

/**
 * The checkpoint in a file with tensors of 8-bit integers. Integers are multiplied by their scales when the numbers of a tensor are asked for, a
 * piece at a time, so that no more than a piece is in memory twice.
 * @throws InputError if weights have no scales, scales have no weights, or either has another type or shape than it should; later, if a scale is
 *   not a number from 0 on
 */
export function int8Checkpoint(
  { entries, metadata }: SafetensorsHeader,
  tensorIn: (entry: SafetensorsEntry) => TensorData,
): Checkpoint {
  const { [INT8_KEY]: form, ...others } = metadata;
  const stored = new Map(entries.map((entry) => [entry.name, entry]));
  if (form === undefined) refuseUnscaled(entries);
  else if (form !== INT8_FORM)
    throw new InputError(`weights: the metadata's ${INT8_KEY} is wrong`, {
      expected: INT8_FORM,
      given: brief(form),
      hint: 'a newer raybox may read it',
    });
  if (form === undefined) return { tensors: new Map(entries.map((entry) => [entry.name, tensorIn(entry)])), metadata };
  const tensors = new Map<string, TensorData>();
  const int8: string[] = [];
  for (const entry of entries) {
    const { name, dtype } = entry;
    if (dtype === 'I8') {
      tensors.set(name, scaledTensor(name, tensorIn(entry), tensorIn(scalesOf(entry, stored))));
      int8.push(name);
    } else if (!name.endsWith(SCALE_ENDING)) tensors.set(name, tensorIn(entry));
    else refuseAlone(name, stored);
  }
  return { tensors, metadata: others, int8 };
}

/** The same for a file in memory. The integers stay there as they are, because float32 takes four times as much. */
export const int8InMemory = (header: SafetensorsHeader, bytes: Uint8Array): Checkpoint =>
  int8Checkpoint(header, tensorsIn(partsOf(bytes)));

/** Integers of several axes are weights of some other program. A single axis may be anything, such as a counter. */
function refuseUnscaled(entries: readonly SafetensorsEntry[]): void {
  const unscaled = entries.find(({ dtype, shape }) => dtype === 'I8' && shape.length > 1);
  if (!unscaled) return;
  throw new InputError(`weights: ${brief(unscaled.name)} is stored as 8-bit integers, and nothing says their scale`, {
    expected: `metadata ${INT8_KEY}=${INT8_FORM}, and a tensor ${brief(scaleName(unscaled.name))}`,
    hint: 'raybox quantize writes such files from weights in floating-point numbers',
  });
}

function scalesOf({ name, shape }: SafetensorsEntry, stored: ReadonlyMap<string, SafetensorsEntry>): SafetensorsEntry {
  const scales = stored.get(scaleName(name));
  const [channels] = shape;
  if (scales?.dtype === 'F32' && shape.length > 0 && scales.shape.join() === String(channels)) return scales;
  throw new InputError(`weights: the scales of ${brief(name)} are ${scales ? 'wrong' : 'missing'}`, {
    expected: `a tensor ${brief(scaleName(name))}, F32 [${channels ?? 'output channels'}]`,
    ...(scales ? { given: `${scales.dtype} [${scales.shape.join(', ')}]` } : {}),
  });
}

function refuseAlone(name: string, stored: ReadonlyMap<string, SafetensorsEntry>): void {
  const weight = stored.get(name.slice(0, -SCALE_ENDING.length));
  if (weight?.dtype === 'I8') return;
  throw new InputError(`weights: ${brief(name)} belongs to no tensor of 8-bit integers`, {
    expected: `an I8 tensor ${brief(name.slice(0, -SCALE_ENDING.length))}`,
    given: weight ? weight.dtype : 'none',
  });
}

/** A tensor that is read where `stored` is, and multiplied by its scales. */
function scaledTensor(name: string, stored: TensorData, scales: TensorData): TensorData {
  const { shape } = stored;
  const perChannel = elementCount(shape.slice(1), name);
  if (isAwaited(stored))
    return awaitedTensor(shape, async function* () {
      const factors = checked(name, await numbersOf(scales));
      let at = 0;
      for await (const piece of piecesOf(stored)) {
        multiply(piece, at, perChannel, factors);
        yield piece;
        at += piece.length;
      }
    });
  const pieces = function* () {
    // All scales are read before the first piece, because pieces of a file share a buffer.
    const factors = checked(name, scales.data);
    let at = 0;
    for (const piece of piecesOf(stored) as Iterable<Float32Array>) {
      multiply(piece, at, perChannel, factors);
      yield piece;
      at += piece.length;
    }
  };
  const tensor = readWhenAsked([...shape], () => {
    const data = new Float32Array(elementCount(shape, name));
    let at = 0;
    for (const piece of pieces()) {
      data.set(piece, at);
      at += piece.length;
    }
    return data;
  });
  readInPieces(tensor, pieces);
  return tensor;
}

function checked(name: string, scales: Float32Array): Float32Array {
  const wrong = scales.findIndex((scale) => !(scale >= 0 && Number.isFinite(scale)));
  if (wrong < 0) return scales;
  throw new InputError(`weights: a scale of ${brief(name)} is wrong`, {
    expected: 'numbers from 0 on',
    given: `${scales[wrong]} of output channel ${wrong}`,
  });
}

/** Multiplies the elements from `from` on of a tensor, each by the scale of its output channel. */
function multiply(values: Float32Array, from: number, perChannel: number, scales: Float32Array): void {
  for (let i = 0; i < values.length; ) {
    const channel = Math.floor((from + i) / perChannel);
    const end = Math.min(values.length, (channel + 1) * perChannel - from);
    for (; i < end; i++) values[i] *= scales[channel];
  }
}
