/**
 * Makes a normalised network input from raw pixels. They are resized by Pillow's bilinear filter, which is antialiased if the image
 * shrinks; channels are expanded, reduced or swapped; then values are scaled and normalised. Unlike Pillow with 8-bit images, no step
 * rounds to integers: results equal those of Pillow's 32-bit float images (mode F).
 */
import { InputError } from '../../errors.js';
import { preprocess_columns } from '../../generated/kernels/preprocess_columns.js';
import { preprocess_rows } from '../../generated/kernels/preprocess_rows.js';
import { createTensor, type GraphBuilder } from '../../graph/ir/graph.js';
import type { Lowering, Operation } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import { bytesPerElement, describeShape, type Tensor, type TensorSpec } from '../../graph/ir/tensor.js';
import { colourMatrix, type Normalisation, type PixelFormat } from './colours.js';
import { centreOf, type Fit, frameOf, NOWHERE, positionTable, type Span } from './frame.js';

export type { Normalisation, PixelFormat };

export interface PreprocessAttributes extends PixelFormat, Normalisation {
  /** Side of the network's input. */
  readonly size: number;
  readonly fit: Fit;
  readonly type: 'f32' | 'f16';
  /** Number of images in the batch, and the index of this one. The others do not change. */
  readonly batch: number;
  readonly slot: number;
}

/** Limit in bytes of the rows between the two passes, for a band of the output. */
const SCRATCH_BYTES = 16 << 20;

const INPUTS = ['pixels', 'into?'] as const;
export type PreprocessInputs = typeof INPUTS;

/**
 * pixels: dense u32 [words, 1], the samples little-endian in words, rows without gaps: the bytes of a Uint8Array or Uint16Array, with
 * zeros up to a whole word. y: [1, size, size, 1 or 3] nhwc4. If the second input is a state [batch, size, size, 1 or 3], there is no
 * output: the image is written into the state.
 */
export const forward: Operation<PreprocessAttributes, typeof INPUTS> = {
  name: 'preprocess',
  inputs: INPUTS,
  updates: [1],
  infer([pixels, into], attributes) {
    const { width, height, bits, size, fit, mean, std, batch, slot, type } = attributes;
    frameOf(width, height, size, fit); // throws for impossible sizes
    const words = wordCount(attributes);
    if (pixels.type !== 'u32' || pixels.layout !== 'dense' || pixels.shape.join() !== `${words},1`) {
      throw new InputError('pixels', { expected: `dense u32[${words}×1]`, given: describeShape(pixels) });
    }
    if (![1, 3].includes(mean.length) || mean.length !== std.length || !std.every((deviation) => deviation > 0)) {
      throw new InputError('normalisation', {
        expected: 'mean and std of 1 or 3 channels, std above 0',
        given: `mean ${mean.join(', ')}; std ${std.join(', ')}`,
      });
    }
    if (!(Number.isInteger(bits) && bits >= 8 && bits <= 16)) {
      throw new InputError('bits of a sample', { expected: '8 to 16', given: String(bits) });
    }
    if (!(Number.isInteger(slot) && slot >= 0 && slot < batch)) {
      throw new InputError('place in the batch', { expected: `0 … ${batch - 1}`, given: String(slot) });
    }
    const spec: TensorSpec = { shape: [batch, size, size, mean.length], layout: 'nhwc4', type };
    if (batch > 1 && (into?.shape.join() !== spec.shape.join() || into.layout !== 'nhwc4' || into.type !== type)) {
      throw new InputError('batch', { expected: describeShape(spec), given: into ? describeShape(into) : 'none' });
    }
    return into ? [] : [spec];
  },
  flops: ({ attributes: { width, height, channels, size } }) =>
    6 * channels * (width * Math.max(height, size) + size * Math.max(width, size)),
  lower({ inputs: [pixels, into], outputs, attributes }, context) {
    const y = into ?? outputs[0];
    const { width, height, channels, size, fit, slot } = attributes;
    const bits = sampleBits(attributes);
    const frame = frameOf(width, height, size, fit);
    const [across, down] = [axisOf(frame.x, width, size), axisOf(frame.y, height, size)];
    const columns = across.to - across.from;
    const rowSamples = width * channels;
    const words = ([from, to]: readonly [number, number]) =>
      [Math.floor((from * rowSamples * bits) / 32), Math.ceil((to * rowSamples * bits) / 32)] as const;
    for (const [from, to] of rowBands(context, attributes, down, columns, words)) {
      const rows = to - from;
      const window = words(down.reach(from, to));
      const input = context.read(pixels, window);
      const between = context.scratch('rows', { shape: [rows, columns, channels], layout: 'dense', type: 'f32' });
      context.dispatch({
        kernel: preprocess_rows,
        constants: { SAMPLE_BITS: bits, BITS: attributes.bits, ALPHA: channels === 4 },
        bindings: [input, context.read(down.centres), context.write(between)],
        params: {
          x_offset: input.offset,
          height,
          row_samples: rowSamples,
          first_sample: across.from * channels,
          samples: columns * channels,
          first: from,
          rows,
          radius: down.radius,
          scale: down.scale,
        },
        workgroups: spread(Math.ceil((rows * columns * channels) / 64)),
      });
      const first = (slot * size + from) * size;
      const output = context.write(y, [first, first + rows * size]);
      context.dispatch({
        kernel: preprocess_columns,
        constants: { elem: y.type, CHANNELS: channels },
        bindings: [context.read(between), context.read(across.centres), output],
        params: {
          first,
          count: rows * size,
          size,
          y_offset: output.offset,
          y_pitch: output.pitch,
          width,
          first_column: across.from,
          columns,
          radius: across.radius,
          scale: across.scale,
          ...colourParams(attributes),
        },
        workgroups: spread(Math.ceil((rows * size) / 64)),
      });
    }
  },
};

/** Bits that a sample takes in memory. */
export const sampleBits = ({ bits }: Pick<PixelFormat, 'bits'>) => (bits > 8 ? 16 : 8);

const wordCount = (format: PixelFormat) =>
  Math.ceil((format.width * format.height * format.channels * sampleBits(format)) / 32);

interface Axis {
  /** Source pixels for each output pixel, at least 1. */
  readonly scale: number;
  readonly radius: number;
  readonly centres: Tensor;
  /** First source pixel that the whole output reads, and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** Source pixels that the output pixels `from … to` read. */
  reach(from: number, to: number): readonly [number, number];
}

function axisOf(span: Span, length: number, size: number): Axis {
  const scale = Math.max(1, span.length / span.target);
  const radius = Math.ceil(scale);
  const table = positionTable(size, (index) => centreOf(span, index));
  const reach = (from: number, to: number) => {
    const wholes = Array.from({ length: to - from }, (_, i) => table[2 * (from + i)]).filter((w) => w !== NOWHERE);
    if (wholes.length === 0) return [0, 1] as const;
    return [Math.max(0, wholes[0] - radius), Math.min(length, wholes[wholes.length - 1] + radius + 1)] as const;
  };
  const [from, to] = reach(0, size);
  const centres = createTensor('centres', 'constant', { shape: [size, 2], layout: 'dense', type: 'u32' }, table);
  return { scale, radius, centres, from, to, reach };
}

// Splits the output into bands of rows, so that the adapter can bind each band and the source rows that it reads, and that the rows between
// the two passes take little memory.
function rowBands(
  { traits }: Lowering,
  { size, channels, type }: PreprocessAttributes,
  down: Axis,
  columns: number,
  words: (rows: readonly [number, number]) => readonly [number, number],
): readonly (readonly [number, number])[] {
  const fits = (from: number, to: number) => {
    const [first, last] = words(down.reach(from, to));
    const written = (to - from) * size * 4 * bytesPerElement(type);
    // The bound range of a buffer begins at a multiple of 256 bytes.
    const bound = Math.max((last - first) * 4, written) + 256 <= traits.maxBindingBytes;
    return bound && (to - from) * columns * channels * 4 <= Math.min(SCRATCH_BYTES, traits.maxBindingBytes);
  };
  const split = (from: number, to: number): (readonly [number, number])[] => {
    if (to - from === 1 || fits(from, to)) return [[from, to]];
    const middle = (from + to) >> 1;
    return [...split(from, middle), ...split(middle, to)];
  };
  return split(0, size);
}

function colourParams(attributes: PreprocessAttributes): Record<string, number> {
  const rows = colourMatrix(attributes);
  const named = [0, 1, 2].flatMap((output) => {
    const { weights, bias } = rows[output] ?? { weights: [0, 0, 0], bias: 0 };
    return [...['r', 'g', 'b'].map((name, i) => [name + output, weights[i]]), [`bias${output}`, bias]];
  });
  return Object.fromEntries(named);
}

export interface PreprocessOptions extends PixelFormat, Partial<Normalisation> {
  size: number;
  /** Default: stretch. */
  fit?: Fit;
  mean: readonly number[];
  std: readonly number[];
  batch?: number;
  slot?: number;
  /** Default: the graph's. */
  type?: 'f32' | 'f16';
  name?: string;
}

/**
 * Adds all steps from raw pixels to a network's input.
 * @param pixels made by `pixelInput`.
 * @returns [batch, size, size, 1 or 3 channels] nhwc4. If the batch has more images than this one, it is a state, and this image is
 * written into it; its buffer is given to the plan by `external`.
 */
export function preprocess(g: GraphBuilder, pixels: Tensor, options: PreprocessOptions): Tensor {
  const { fit = 'stretch', scale = 1, order = 'rgb', batch = 1, slot = 0, type = g.type, name, ...rest } = options;
  const attributes = { ...rest, fit, scale, order, batch, slot, type };
  if (batch === 1) return g.apply(forward, [pixels], attributes, name);
  const shape = [batch, options.size, options.size, options.mean.length];
  const into = createTensor(name ?? 'batch', 'state', { shape, layout: 'nhwc4', type });
  g.apply(forward, [pixels, into], attributes, name);
  return into;
}

/** The input for an image's bytes: `plan.write(tensor, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))`. */
export function pixelInput(g: GraphBuilder, name: string, format: PixelFormat): Tensor {
  return g.input(name, [wordCount(format), 1], { layout: 'dense', type: 'u32' });
}
