/** Reads results back. Each is copied as soon as it has been computed, and one wait at the end is for all of them. */
import { alignUp, createReadback, mapped } from '../gpu/buffers.js';
import type { Gpu } from '../gpu/device.js';
import type { Location } from '../graph/plan/record.js';

export interface Collector {
  /** Copies results, so that later runs may overwrite them. Returns their index in the array that `finish` returns. */
  take(places: readonly Location[]): number;
  /** Waits for the GPU. Returns, for each call of `take`, the bytes of its places. */
  finish(): Promise<ArrayBuffer[][]>;
  close(): void;
}

export function createCollector(gpu: Gpu): Collector {
  const taken: { staging: GPUBuffer; sizes: number[] }[] = [];
  return {
    take(places) {
      const sizes = places.map(({ size }) => size);
      const staging = createReadback(
        gpu,
        'results',
        sizes.reduce((sum, size) => sum + alignUp(size, 4), 0),
      );
      const encoder = gpu.device.createCommandEncoder();
      let at = 0;
      for (const { buffer, offset, size } of places) {
        encoder.copyBufferToBuffer(buffer, offset, staging, at, alignUp(size, 4));
        at += alignUp(size, 4);
      }
      gpu.device.queue.submit([encoder.finish()]);
      return taken.push({ staging, sizes }) - 1;
    },
    finish() {
      return Promise.all(
        taken.map(async ({ staging, sizes }) => {
          const bytes = await mapped(gpu, staging, staging.size);
          let at = 0;
          return sizes.map((size) => {
            const part = bytes.slice(at, at + size);
            at += alignUp(size, 4);
            return part;
          });
        }),
      );
    },
    close() {
      for (const { staging } of taken) staging.destroy();
    },
  };
}
