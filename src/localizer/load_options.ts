/** The options of `load`, `classify`, `localize` and `localizeAll`, and their names. */
import { WEIGHTS_FIELDS } from '../formats/weights/field_names.js';
import type { WeightsMetadata } from '../formats/weights/metadata.js';
import { type GpuOptions, OPEN_OPTIONS } from '../gpu/device.js';
import { type OptionKinds, optionKinds } from '../options.js';
import type { OnnxRuntimeOption } from './onnx/runtime.js';
import { LOCALIZE_OPTIONS, type LocalizeOptions } from './request.js';
import type { Precision } from './session/session.js';
import type { TuneOptions } from './tuning/types.js';
import type { ModelOptions } from './weights/weights_input.js';

/** Options of `load`: the device, the precision, and what the weights do not say about themselves. */
export interface LoadOptions extends Omit<GpuOptions, 'device'>, ModelOptions {
  /** A device of the caller's. raybox keeps within its limits and never destroys it. */
  device?: GPUDevice;
  /**
   * Element type of weights and activations; sums are f32 in both. Default `f32`; `f16` needs the feature `shader-f16`. With `int8`, convolutions
   * whose inputs have `activationRanges` in the metadata multiply 8-bit integers, and everything else is f32. That changes probabilities.
   */
  precision?: Precision;
  /**
   * `true` measures which kernels are fastest for this network on this adapter, and keeps that for the next time; with `seconds` and `batches` it
   * says how long, and for which batch sizes. `false` also leaves unused what was kept. Default: the environment variable RAYBOX_TUNE, or else
   * what was kept is used, and nothing is measured. The results differ by no more than rounding.
   */
  tune?: boolean | TuneOptions;
  /**
   * What the network runs on: WebGPU, or onnxruntime, which computes on the CPU and comes from the package onnxruntime-node (in a page
   * onnxruntime-web). Default: the environment variable RAYBOX_BACKEND, or else `auto`. That is WebGPU if there is a GPU or an option for WebGPU
   * alone, otherwise onnxruntime if it is installed, or else WebGPU on a software adapter.
   */
  backend?: 'auto' | 'webgpu' | 'onnxruntime';
  /** The module onnxruntime-web or onnxruntime-node, or a function that imports it, for bundlers, which have to see the import. */
  onnxruntime?: OnnxRuntimeOption;
  /** Gets the share of the loading that is done, 0…1. */
  onProgress?: (done: number) => void;
  signal?: AbortSignal;
}

/** The options of `load` that are neither fields of the weights' metadata nor options of `openGpu`. */
const OWN_OPTIONS = optionKinds<Omit<LoadOptions, keyof WeightsMetadata | keyof GpuOptions>>({
  precision: ['f32', 'f16', 'int8'],
  tune: 'true, false or an object',
  backend: 'anything',
  onnxruntime: 'anything',
  metadata: 'an object',
  transformInput: 'true or false',
  prefix: 'a text',
  preset: 'a text',
  ignore: 'a list of texts',
  network: 'a function',
  output: 'a text',
  probabilities: ['sigmoid', 'softmax', 'none'],
  externalData: 'an object or a list',
  maxBytes: 'a number of bytes, 0 or more',
  cache: 'true, false or a text',
  integrity: 'a text',
  onProgress: 'a function',
  signal: 'an AbortSignal',
});

/** Options of `Localizer.classify`. */
export type ClassifyOptions = Pick<LocalizeOptions, 'bits' | 'maxImageBytes' | 'signal'>;

/** Options of `Localizer.localizeAll`. Those of `localize` apply to all images. */
export interface LocalizeAllOptions extends LocalizeOptions {
  /** Images in one run of the network. Fewer are taken if the GPU cannot hold that many. Default 4. */
  batch?: number;
  /**
   * Called for an image that cannot be processed, which is then left out. Without it, the first such image ends the iteration. It is called
   * in the order of the images: after the results of all images before that one, and before those of the images after it. If it returns a
   * promise, that is awaited. What it throws ends the iteration.
   */
  onError?: (error: Error, index: number) => unknown;
}

const { assumed: _, told: __, ...GIVEN_FIELDS } = WEIGHTS_FIELDS;
const { bits, maxImageBytes, signal } = LOCALIZE_OPTIONS;

/** All options of each call. */
export const KNOWN_OPTIONS = {
  load: { ...OPEN_OPTIONS, ...OWN_OPTIONS, ...GIVEN_FIELDS },
  classify: { bits, maxImageBytes, signal },
  localize: { ...LOCALIZE_OPTIONS, output: ['cpu', 'gpu'] },
  localizeAll: {
    ...LOCALIZE_OPTIONS,
    ...optionKinds<Omit<LocalizeAllOptions, keyof LocalizeOptions>>({
      batch: 'a whole number from 1 on',
      onError: 'a function',
    }),
  },
} satisfies Record<string, OptionKinds>;
