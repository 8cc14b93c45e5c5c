/** The script of a page that brings onnxruntime-web along, for browsers without WebGPU. */
import type { LoadOptions } from '../../src/index.js';
import { localizeTinyIn } from './tiny.js';

export const localizeInOnnx = (backend: LoadOptions['backend']) =>
  localizeTinyIn({ backend, onnxruntime: () => import('onnxruntime-web/wasm') });
