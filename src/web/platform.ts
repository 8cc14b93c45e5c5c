/** The page's side of `#gpu`. */
import { GpuUnavailableError, InputError } from '../errors.js';
import { type Platform, streamPieces } from '../gpu/platform.js';
import { drawnPixels } from './drawable.js';

export const platform: Platform = {
  name: 'web',
  spinsWhileWaiting: false,

  async gpu() {
    const gpu = globalThis.navigator?.gpu;
    if (!gpu) {
      throw new GpuUnavailableError('this browser offers no WebGPU', {
        hint: 'use a recent Chrome, Edge, Safari or Firefox, and serve the page over https or from localhost',
      });
    }
    return gpu;
  },

  async open(source, signal) {
    const response = await fetch(source, { signal: signal ?? null });
    if (!response.ok || !response.body) {
      throw new InputError(`cannot read ${source}`, {
        given: `HTTP status ${response.status}`,
        expected: 'status 200',
      });
    }
    const length = Number(response.headers.get('content-length'));
    const encoded = response.headers.get('content-encoding');
    return { size: length > 0 && !encoded ? length : undefined, pieces: streamPieces(response.body) };
  },

  pixels: drawnPixels,

  environment(name) {
    const search = globalThis.location?.search;
    return search ? (new URLSearchParams(search).get(name) ?? undefined) : undefined;
  },
};
