/** Weights as an ONNX model. The writer is loaded on demand, because most pages never need it. */
import { checkOptions, type OptionKinds } from '../../options.js';
import type { Warning } from '../../warnings.js';
import { KNOWN_OPTIONS, type LoadOptions } from '../load_options.js';
import { readModel } from './model.js';
import type { WeightsInput } from './weights_input.js';

/** Options of `exportOnnx`: how weights are stored, and those of `load` that say what the weights do not say about themselves. */
export interface ExportOptions
  extends Omit<
    LoadOptions,
    'device' | 'adapter' | 'powerPreference' | 'dawn' | 'precision' | 'backend' | 'onnxruntime'
  > {
  /** How weights are stored: in full, or as halves that the graph converts to f32, with which all of it computes. Default `f32`. */
  dtype?: 'f32' | 'f16';
}

const OF_RUNS = ['device', 'adapter', 'powerPreference', 'dawn', 'precision', 'backend', 'onnxruntime'];
const OF_READING = Object.entries(KNOWN_OPTIONS.load).filter(([name]) => !OF_RUNS.includes(name));
const OPTIONS: OptionKinds = { ...Object.fromEntries(OF_READING), dtype: ['f32', 'f16'] };

/**
 * Writes a localizer as an ONNX model (opset 17), for other runtimes and for `load`, which makes the same localizer of it. Its input `image` is
 * [n, channels, height, width] for any n, normalised as the metadata says; its outputs are `logits` and `probabilities` [n, classes], and
 * `heatmaps` [n, classes, h, w]. The metadata have classes, thresholds, size, mean, std, order of channels and fit. No GPU is needed.
 * @throws InputError for weights that cannot be read, for an operation that ONNX does not have, and for a model of more than 2 GiB
 */
export async function exportOnnx(
  weights: WeightsInput,
  options: ExportOptions = {},
): Promise<{ bytes: Uint8Array; warnings: readonly Warning[] }> {
  checkOptions('exportOnnx', options, OPTIONS);
  const { dtype = 'f32', ...rest } = options;
  const model = await readModel(weights, rest);
  options.signal?.throwIfAborted();
  const { writeOnnx } = await import('../../export/onnx.js');
  return { bytes: await writeOnnx(model, dtype), warnings: model.warnings };
}
