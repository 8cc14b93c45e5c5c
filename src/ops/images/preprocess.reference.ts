import type { Case, Reference } from '../../graph/ir/operation.js';
import type { Fit } from './frame.js';
import { type PixelFormat, type PreprocessAttributes, type PreprocessInputs, sampleBits } from './preprocess.js';
import { preprocessOnCpu } from './preprocess_on_cpu.js';

export const reference: Reference<PreprocessAttributes, PreprocessInputs> = ([words, into], { attributes }) => {
  const { size, mean, batch, slot } = attributes;
  const bytes = new Uint8Array(Uint32Array.from(words).buffer);
  const samples = sampleBits(attributes) === 8 ? bytes : new Uint16Array(bytes.buffer);
  const numbers = size * size * mean.length;
  const y = into?.slice() ?? new Float64Array(batch * numbers);
  preprocessOnCpu(samples, attributes, y, { first: slot * numbers, pixel: mean.length, channel: 1 });
  return [y];
};

interface CaseOptions extends Partial<PreprocessAttributes> {
  fill?: (index: number) => number;
}

function caseOf(
  format: PixelFormat,
  size: number,
  options: CaseOptions = {},
  more: Partial<Case<PreprocessAttributes>> = {},
): Case<PreprocessAttributes> {
  const { fill = (index: number) => Math.imul(index + 1, 0x9e3779b1) >>> 0, ...attributes } = options;
  const words = Math.ceil((format.width * format.height * format.channels * sampleBits(format)) / 32);
  return {
    inputs: [{ shape: [words, 1], layout: 'dense' as const, type: 'u32' as const, kind: 'input' as const, fill }],
    attributes: {
      ...format,
      size,
      fit: 'stretch' as Fit,
      mean: [0.5, 0.4, 0.3],
      std: [0.25, 0.3, 0.35],
      scale: 1,
      order: 'rgb' as const,
      batch: 1,
      slot: 0,
      type: 'f32' as const,
      ...attributes,
    },
    ...more,
  };
}

/** A case that fills one place of a batch. */
function into({ inputs, attributes, ...rest }: Case<PreprocessAttributes>): Case<PreprocessAttributes> {
  const shape = [attributes.batch, attributes.size, attributes.size, attributes.mean.length];
  return { ...rest, attributes, inputs: [...inputs, { shape, layout: 'nhwc4', type: 'f32', kind: 'state' }] };
}

const format = (width: number, height: number, channels: 1 | 3 | 4 = 1, bits = 8): PixelFormat => ({
  width,
  height,
  channels,
  bits,
});
const grey = { mean: [0.5], std: [0.25] };

export const cases = (): Case<PreprocessAttributes>[] => [
  caseOf(format(1, 1), 1),
  caseOf(format(1, 1), 7),
  caseOf(format(1, 53), 8, grey),
  caseOf(format(53, 1), 8, { fit: 'pad' }),
  caseOf(format(133, 141), 32),
  caseOf(format(133, 141, 3), 32, { order: 'bgr', scale: 255, mean: [104, 117, 123], std: [1, 1, 1] }),
  caseOf(format(133, 141, 3), 32, grey),
  caseOf(format(67, 31, 4), 17, { fit: 'crop' }),
  caseOf(format(67, 32, 4, 16), 17, { fit: 'crop', ...grey }),
  caseOf(format(31, 67, 1, 16), 18, { fit: 'pad' }),
  caseOf(format(67, 31, 3, 16), 19, { fit: 'pad' }),
  caseOf(format(31, 29, 1, 12), 16, { ...grey, fill: (i) => Math.imul(i + 1, 0x9e3779b1) & 0x0fff0fff }),
  // Alpha of 12 bits; above that, in the upper half of each pair, it is opaque.
  caseOf(format(31, 29, 4, 12), 16, { ...grey, fill: (i) => Math.imul(i + 1, 0x9e3779b1) & 0x1fff0fff }),
  caseOf(format(13, 17), 33), // enlarged
  caseOf(format(32, 32), 32), // as it is
  into(caseOf(format(5, 7, 3), 16, { batch: 3, slot: 1 })),
  caseOf(format(20, 20), 10, { type: 'f16' }),
  caseOf(format(19, 23), 10, { fill: () => 0xffffffff }), // constant
  caseOf(format(1024, 1024), 224, {}, { full: true, bench: true }),
  caseOf(format(3000, 2500, 1, 16), 512, {}, { full: true, bench: true }),
];
