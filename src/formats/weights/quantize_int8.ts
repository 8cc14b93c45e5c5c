/** Rounds weights to 8-bit integers with a scale for each output channel, as `int8_weights.ts` reads them. */
import { InputError } from '../../errors.js';
import { f16ToF32, f32ToF16 } from '../half.js';
import { elementCount, type TensorData } from './checkpoint.js';
import { INT8_FORM, INT8_KEY, scaleName } from './int8_weights.js';
import type { WrittenType } from './safetensors.js';

/** The largest integer. −128 is not used, so that a weight and its negative have the same size. */
const LARGEST = 127;

/** Weights as integers, and the scales that they have to be multiplied by. */
export interface Int8Weights {
  /** Whole numbers from −127 to 127, in the shape of the weights. */
  integers: TensorData;
  /** One for each output channel; 0 for a channel of zeros. */
  scales: TensorData;
  /** Root of Σ (weight − integer × scale)² / Σ weight², over the whole tensor; 0 if all weights are 0. */
  relativeError: number;
}

/**
 * Rounds each weight to the nearest multiple of its output channel's scale. The scale is the channel's largest absolute value / 127, so no weight is
 * clipped, and each is off by at most half a scale.
 * @param weights the first axis has the output channels
 * @throws InputError for a tensor without axes, or for a weight that is not finite
 */
export function quantizeInt8({ shape, data }: TensorData): Int8Weights {
  if (shape.length === 0) throw new InputError('a single number has no output channels');
  const [channels, ...others] = shape;
  const perChannel = elementCount(others, 'weights');
  const integers = new Float32Array(data.length);
  const scales = new Float32Array(channels);
  let error = 0;
  let total = 0;
  for (let channel = 0; channel < channels; channel++) {
    const start = channel * perChannel;
    const end = start + perChannel;
    const scale = Math.fround(largest(data, start, end) / LARGEST);
    scales[channel] = scale;
    for (let i = start; i < end; i++) {
      // Adding 0 turns −0 into 0. A scale may be 0 for numbers that are too small for any.
      integers[i] = scale === 0 ? 0 : Math.max(-LARGEST, Math.min(LARGEST, Math.round(data[i] / scale))) + 0;
      error += (data[i] - Math.fround(integers[i] * scale)) ** 2;
      total += data[i] ** 2;
    }
  }
  return {
    integers: { shape: [...shape], data: integers },
    scales: { shape: [channels], data: scales },
    relativeError: total === 0 ? 0 : Math.sqrt(error / total),
  };
}

function largest(data: Float32Array, start: number, end: number): number {
  let most = 0;
  for (let i = start; i < end; i++) {
    if (!Number.isFinite(data[i]))
      throw new InputError('a weight is not finite', { expected: 'numbers', given: `${data[i]} at ${i}` });
    most = Math.max(most, Math.abs(data[i]));
  }
  return most;
}

/** What `writeSafetensors` takes for a file with 8-bit weights. */
export interface Int8File {
  tensors: Map<string, TensorData>;
  metadata: Record<string, string>;
  typeOf: (name: string) => WrittenType;
  /** By name of the weight. */
  relativeErrors: Map<string, number>;
}

/**
 * Quantizes some tensors of a network. The others stay as they are: halves if they fit these exactly, as those of most files do, else float32.
 * Scales come before their integers, so that a download can use each tensor as soon as it is there.
 * @param weights the names of the tensors to quantize
 * @throws InputError that names the tensor, for a name of scales that another tensor has, or as `quantizeInt8` does
 */
export function int8File(
  tensors: ReadonlyMap<string, TensorData>,
  metadata: Record<string, string>,
  weights: ReadonlySet<string>,
): Int8File {
  const written = new Map<string, TensorData>();
  const types = new Map<string, WrittenType>();
  const relativeErrors = new Map<string, number>();
  const add = (name: string, tensor: TensorData, type: WrittenType) => {
    written.set(name, tensor);
    types.set(name, type);
  };
  for (const [name, tensor] of tensors) {
    if (!weights.has(name)) {
      add(name, tensor, fitsHalves(tensor.data) ? 'F16' : 'F32');
      continue;
    }
    if (tensors.has(scaleName(name)))
      throw new InputError(`the weights have a tensor ${scaleName(name)} already`, {
        hint: 'its name is needed for the scales; rename it',
      });
    const { integers, scales, relativeError } = quantizeInt8(tensor);
    add(scaleName(name), scales, 'F32');
    add(name, integers, 'I8');
    relativeErrors.set(name, relativeError);
  }
  return {
    tensors: written,
    metadata: { ...metadata, [INT8_KEY]: INT8_FORM },
    typeOf: (name) => types.get(name)!,
    relativeErrors,
  };
}

const fitsHalves = (data: Float32Array): boolean => f16ToF32(f32ToF16(data)).every((half, i) => half === data[i]);
