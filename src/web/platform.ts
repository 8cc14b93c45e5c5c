/** The `Platform` of pages. */
import { GpuUnavailableError } from '../errors.js';
import { BROWSER_FORMATS, detectFormat } from '../formats/signature.js';
import { openUrl, type Platform } from '../gpu/platform.js';
import { drawnPixels } from './drawable.js';

const ONNXRUNTIME: string = 'onnxruntime-web';

export const platform: Platform = {
  name: 'web',
  version: () => navigator.userAgent,

  async gpu() {
    const gpu = globalThis.navigator?.gpu;
    if (!gpu) {
      throw new GpuUnavailableError('this browser offers no WebGPU', {
        hint: 'use a recent Chrome, Edge, Safari or Firefox, and serve the page over https or from localhost',
      });
    }
    return gpu;
  },

  // Bundlers do not see this import, because the package need not be there. An import map may say where it is.
  onnxruntime: {
    name: ONNXRUNTIME,
    load: () => import(/* webpackIgnore: true */ /* @vite-ignore */ ONNXRUNTIME),
  },

  open: openUrl,

  keep: async () => (await import('./kept_files.js')).openKeptFiles(),

  async tuned(make) {
    // The database is looked for first, because opening it would make it.
    const isThere = make || (await indexedDB.databases()).some(({ name }) => name === 'raybox-tuning');
    return isThere ? (await import('./kept_texts.js')).openKeptTexts() : undefined;
  },

  async decode(bytes, limits) {
    const format = detectFormat(bytes);
    if (!BROWSER_FORMATS.includes(format)) return undefined;
    return (await import('./browser_decoder.js')).decodeByBrowser(format, bytes, limits);
  },

  pixels: drawnPixels,

  environment(name) {
    const search = globalThis.location?.search;
    return search ? (new URLSearchParams(search).get(name) ?? undefined) : undefined;
  },
};
