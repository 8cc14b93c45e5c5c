/**
 * The features that a run without epochs (`--ridge`) computes for its images. A file in the folder of the run keeps them until the run is
 * done.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { FeatureKeeper } from '../../train/fit_prediction.js';

/**
 * A file of little-endian float32 numbers. If a killed run has left an incomplete row at the end, it is removed.
 * @param whose identifies the data and the adapter. Features that were computed for others are not read.
 */
export function featureFile(folder: string, whose: string): FeatureKeeper & { remove(): Promise<void> } {
  const key = createHash('sha256').update(whose).digest('hex').slice(0, 16);
  const path = join(folder, `features-${key}.f32`);
  return {
    async read(width) {
      if (!existsSync(path)) return new Float32Array();
      const bytes = await readFile(path);
      const whole = bytes.length - (bytes.length % (4 * width));
      await truncate(path, whole);
      return new Float32Array(Uint8Array.from(bytes.subarray(0, whole)).buffer);
    },
    append: (values) => appendFile(path, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
    remove: () => rm(path, { force: true }),
  };
}
