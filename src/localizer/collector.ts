/** Brings several results back in one copy. */
import { alignUp, createReadback, mapped } from '../gpu/buffers.js';
import type { Gpu } from '../gpu/device.js';
import type { Location } from '../graph/record.js';

export interface Collector {
  /** Copies a result as it is now; what runs later may overwrite it. */
  take(place: Location): () => ArrayBuffer;
  /** Waits for the GPU. Afterwards what `take` gave can be called. */
  finish(expectedMs: number): Promise<void>;
  close(): void;
}

/** @param places all that will be taken, for the size. */
export function createCollector(gpu: Gpu, places: readonly Location[]): Collector {
  const bytes = places.reduce((sum, { size }) => sum + alignUp(size, 4), 0);
  const staging = createReadback(gpu, 'results', bytes);
  let content: ArrayBuffer | undefined;
  let used = 0;
  return {
    take({ buffer, offset, size }) {
      const at = used;
      used += alignUp(size, 4);
      const encoder = gpu.device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, offset, staging, at, alignUp(size, 4));
      gpu.device.queue.submit([encoder.finish()]);
      return () => content!.slice(at, at + size);
    },
    async finish(expectedMs) {
      content = await mapped(staging, bytes, expectedMs);
    },
    close: () => staging.destroy(),
  };
}
