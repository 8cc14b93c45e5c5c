/** raybox in Node. */
import { join } from 'node:path';
import { openGpu } from '../../src/gpu/device.js';
import { ownVersion } from '../machine.js';
import { channelsLast } from './channels.js';
import type { StartEngine } from './engine.js';
import { rayboxOn } from './raybox_engine.js';
import { readNumbers, readWeights } from './task.js';

/** Dawn's options with which NVIDIA's drivers have f16. */
const DAWN = ['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia'];

export const startRaybox: StartEngine = async (folder, task) => {
  const gpu = await openGpu({ dawn: DAWN });
  const image = channelsLast(readNumbers(join(folder, 'image.bin')), task.image);
  return rayboxOn(gpu, { task, image, weights: () => readWeights(folder, task), name: `raybox ${ownVersion()}` });
};
