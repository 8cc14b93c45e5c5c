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
export type { ByteSource } from './localizer/bytes.js';
export { type ExportOptions, exportOnnx } from './localizer/export_onnx.js';
export type { ImageInput, PixelImage } from './localizer/image_input.js';
export type { ClassifyOptions, LoadOptions, LocalizeAllOptions } from './localizer/load_options.js';
export { Localizer, load } from './localizer/localizer.js';
export type { GpuLocalization, GpuTensor } from './localizer/on_gpu.js';
export type { OnnxRuntime, OnnxRuntimeOption, OnnxSession, OnnxTensor } from './localizer/onnx/runtime.js';
export type { Memory } from './localizer/plans.js';
export type { LocalizeOptions } from './localizer/request.js';
export { type Classification, type Heatmap, type Localization, toCOCO, toCSV } from './localizer/results.js';
export type { Backend, StageTimes } from './localizer/session.js';
export type { TuneOptions } from './localizer/tuning/types.js';
export type { WeightsInput } from './localizer/weights_input.js';
export type { Warning, WarningCode } from './warnings.js';
