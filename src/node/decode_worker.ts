/** The worker thread of `image_store.ts`. It receives paths of images, which it reads, decodes and resizes. */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { DecodeOptions } from '../formats/images/pixels.js';
import { examineImage } from '../localizer/examine.js';
import type { Fit } from '../ops/images/frame.js';
import { networkImage } from '../train/network_image.js';
import { readImage } from './image_files.js';

const { size, fit, decode } = workerData as { size: number; fit: Fit; decode: DecodeOptions };

parentPort?.on('message', async (path: string) => {
  try {
    const decoded = examineImage(await readImage(path, decode));
    const image = networkImage(decoded, size, fit);
    const hash = createHash('sha256').update(image).digest('hex').slice(0, 16);
    parentPort?.postMessage({ image, hash, warnings: decoded.warnings ?? [] }, [image.buffer as ArrayBuffer]);
  } catch (error) {
    parentPort?.postMessage({ error: (error as Error).message });
  }
});
