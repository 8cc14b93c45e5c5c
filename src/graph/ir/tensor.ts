/**
 * Tensors and how they lie in memory.
 *
 * Activations are `nhwc4`: images, rows, columns, channels. Each pixel's channels are padded with zeros to whole groups of four (a vec4).
 * In the output of a concatenation, each part (`segments`) is padded by itself, so that there can be padding between channels.
 * All other tensors are `dense`: scalars in row-major order without gaps.
 */
import { InputError } from '../../errors.js';
import { f16ToF32, f32ToF16 } from '../../formats/half.js';

export type ElementType = 'f32' | 'f16' | 'u32';
export type Layout = 'nhwc4' | 'dense';

/**
 * - input: its content is given before each run.
 * - constant: its content is known when the plan is made.
 * - state: it keeps its content from run to run and is updated in place, as parameters and running statistics are.
 * - temporary: it is computed and read within a run.
 */
export type Kind = 'input' | 'constant' | 'state' | 'temporary';

/** Everything that determines how a tensor lies in memory. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly layout: Layout;
  readonly type: ElementType;
  /** nhwc4 only: numbers of channels that are padded to whole groups one by one. Default: one segment with all channels. */
  readonly segments?: readonly number[];
  /** Whether a constant lies in a texture when a plan runs, four f32 elements to a texel. The dispatch that computes it writes a buffer. */
  readonly isTexture?: true;
}

/** A value of a graph. It has a shape and a place in memory, and no content until a plan runs. */
export interface Tensor extends TensorSpec {
  readonly id: number;
  readonly name: string;
  readonly kind: Kind;
  /** Content in dense order, for a constant that is not a named parameter. */
  readonly data?: ArrayLike<number>;
}

export const product = (numbers: readonly number[]) => numbers.reduce((all, one) => all * one, 1);

/** Number of logical elements. */
export const elementCount = (tensor: TensorSpec) => product(tensor.shape);

/** nhwc4: number of pixels of all images together. */
export const pixelCount = (tensor: TensorSpec) => product(tensor.shape.slice(0, -1));

/** Length of the last dimension. In activations, that is the channels. */
export const channelCount = (tensor: TensorSpec) => tensor.shape[tensor.shape.length - 1] ?? 1;

export const segmentsOf = (tensor: TensorSpec) => tensor.segments ?? [channelCount(tensor)];

/** nhwc4: groups of four channels in one pixel, padding included. */
export const groupCount = (tensor: TensorSpec) =>
  segmentsOf(tensor).reduce((sum, width) => sum + Math.ceil(width / 4), 0);

export const bytesPerElement = (type: ElementType) => (type === 'f16' ? 2 : 4);

/** Bytes that the tensor takes on the GPU, padding included. */
export function byteSize(tensor: TensorSpec): number {
  const elements = tensor.layout === 'nhwc4' ? pixelCount(tensor) * groupCount(tensor) * 4 : elementCount(tensor);
  return elements * bytesPerElement(tensor.type);
}

/** For each place in a pixel's memory, padding included, the channel that lies there, or −1 for padding. */
export function laneChannels(tensor: TensorSpec): Int32Array {
  const lanes = new Int32Array(groupCount(tensor) * 4).fill(-1);
  let lane = 0;
  let channel = 0;
  for (const width of segmentsOf(tensor)) {
    for (let i = 0; i < width; i++) lanes[lane + i] = channel++;
    lane += Math.ceil(width / 4) * 4;
  }
  return lanes;
}

export function describeShape(tensor: TensorSpec): string {
  return `${tensor.type}[${tensor.shape.join('×')}]`;
}

/** How a tensor lies in memory, in words. If two tensors have the same description, corresponding elements lie at the same places. */
export function describeForm(tensor: TensorSpec): string {
  const segments = segmentsOf(tensor);
  return `${tensor.layout} ${describeShape(tensor)}${segments.length > 1 ? ` in segments ${segments.join(' + ')}` : ''}`;
}

/** From values in dense order to the bytes on the GPU. */
export function encodeTensor(tensor: TensorSpec, values: ArrayLike<number>): Uint8Array {
  if (values.length !== elementCount(tensor)) {
    throw new InputError('wrong number of values for a tensor', {
      expected: `${elementCount(tensor)} for ${describeShape(tensor)}`,
      given: String(values.length),
    });
  }
  let physical: ArrayLike<number> = values;
  if (tensor.layout === 'nhwc4') {
    const lanes = laneChannels(tensor);
    const channels = channelCount(tensor);
    const spread = new Float32Array(pixelCount(tensor) * lanes.length);
    for (let pixel = 0, at = 0; pixel < pixelCount(tensor); pixel++) {
      for (let lane = 0; lane < lanes.length; lane++, at++) {
        if (lanes[lane] >= 0) spread[at] = values[pixel * channels + lanes[lane]];
      }
    }
    physical = spread;
  }
  if (tensor.type === 'u32') return new Uint8Array(Uint32Array.from(physical).buffer);
  const floats = physical instanceof Float32Array ? physical : Float32Array.from(physical);
  if (tensor.type === 'f16') {
    const halves = f32ToF16(floats);
    return new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
  }
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}

/** From the bytes on the GPU to numbers, padding included. */
export function decodePhysical(tensor: TensorSpec, bytes: ArrayBuffer): Float32Array | Uint32Array {
  if (tensor.type === 'u32') return new Uint32Array(bytes, 0, byteSize(tensor) / 4);
  if (tensor.type === 'f16') return f16ToF32(new Uint16Array(bytes, 0, byteSize(tensor) / 2));
  return new Float32Array(bytes, 0, byteSize(tensor) / 4);
}

/** From the bytes on the GPU to values in dense order, without padding. */
export function decodeTensor(tensor: TensorSpec, bytes: ArrayBuffer): Float32Array | Uint32Array {
  const physical = decodePhysical(tensor, bytes);
  if (tensor.layout === 'dense') return physical;
  const lanes = laneChannels(tensor);
  const channels = channelCount(tensor);
  // A float cannot hold every word.
  const values = new (tensor.type === 'u32' ? Uint32Array : Float32Array)(elementCount(tensor));
  for (let pixel = 0, at = 0; pixel < pixelCount(tensor); pixel++) {
    for (let lane = 0; lane < lanes.length; lane++, at++) {
      if (lanes[lane] >= 0) values[pixel * channels + lanes[lane]] = physical[at];
    }
  }
  return values;
}
