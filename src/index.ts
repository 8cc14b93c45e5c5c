/**
 * raybox: chest X-rays in; probabilities, heatmaps and boxes out, on WebGPU.
 *
 * `load(weights)` gives a `Localizer`. The other exports are types, errors, and functions that export results and models.
 */
export { DeviceLostError, GpuUnavailableError, InputError, KernelError } from './errors.js';
export type { Box, Finding } from './formats/findings.js';
export type { HeatmapMethod } from './formats/weights/heatmap_methods.js';
export type { WeightsMetadata } from './formats/weights/weights.js';
export { type Gpu, type GpuOptions, openGpu } from './gpu/device.js';
export type { KernelChoice } from './graph/tuning/choose.js';
export type { GpuPixels, ImageInput, PixelImage } from './localizer/images/image_input.js';
export type { ClassifyOptions, LoadOptions, LocalizeAllOptions } from './localizer/load_options.js';
export { Localizer, load } from './localizer/localizer.js';
export type { OnnxRuntime, OnnxRuntimeOption, OnnxSession, OnnxTensor } from './localizer/onnx/runtime.js';
export type { LocalizeOptions } from './localizer/request.js';
export { type Classification, type Heatmap, type Localization, toCOCO, toCSV } from './localizer/results.js';
export type { GpuLocalization, GpuTensor } from './localizer/session/on_gpu.js';
export type { Memory } from './localizer/session/plans.js';
export type { Backend, StageTimes } from './localizer/session/session.js';
export type { TuneOptions } from './localizer/tuning/types.js';
export type { ByteSource } from './localizer/weights/bytes.js';
export { type ExportOptions, exportOnnx } from './localizer/weights/export_onnx.js';
export type { WeightsInput } from './localizer/weights/weights_input.js';
export type { Warning, WarningCode } from './warnings.js';
