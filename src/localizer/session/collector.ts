/** Reads results back. Each is copied as soon as it has been computed, and one wait at the end is for all of them. */
import { copyForReading, readCopied } from '../../gpu/buffers.js';
import type { Gpu } from '../../gpu/device.js';
import type { Location } from '../../graph/plan/record.js';

export interface Collector {
  /** Copies results, so that later runs may overwrite them. Returns their index in the array that `finish` returns. */
  take(places: readonly Location[]): number;
  /** Waits for the GPU. Returns, for each call of `take`, the bytes of its places. */
  finish(): Promise<ArrayBuffer[][]>;
  close(): void;
}

export function createCollector(gpu: Gpu): Collector {
  const taken: { staging: GPUBuffer; places: readonly Location[] }[] = [];
  return {
    take: (places) => taken.push({ staging: copyForReading(gpu, 'results', places), places }) - 1,
    finish: () => Promise.all(taken.map(({ staging, places }) => readCopied(gpu, staging, places))),
    close() {
      for (const { staging } of taken) staging.destroy();
    },
  };
}
