/** The thread that `image_store.ts` starts: reads, decodes and resizes the images whose paths it is sent. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Fit } from '../ops/frame.js';
import { networkImage } from '../train/network_image.js';
import { readImage } from './image_files.js';

const { size, fit } = workerData as { size: number; fit: Fit };

parentPort?.on('message', async (path: string) => {
  try {
    const image = networkImage(await readImage(path), size, fit);
    parentPort?.postMessage({ image }, [image.buffer as ArrayBuffer]);
  } catch (error) {
    parentPort?.postMessage({ error: (error as Error).message });
  }
});
