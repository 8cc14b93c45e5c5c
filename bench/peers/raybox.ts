/** raybox in Node, with the kernels that its rules choose, or with those that tuning chooses. */
import { join } from 'node:path';
import { openGpu } from '../../src/gpu/device.js';
import { otherThreadsMs } from '../../src/node/runtime/processor_time.js';
import { ownVersion } from '../machine.js';
import { useProcessorClock } from '../measure.js';
import { tuneGraph } from '../tuned.js';
import { channelsLast } from './channels.js';
import type { Engine, StartEngine } from './engine.js';
import { graphOf, rayboxOn } from './raybox_engine.js';
import { readNumbers, readWeights, type Task } from './task.js';

/** Dawn's options with which NVIDIA's drivers have f16. */
const DAWN = ['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia'];

/** Seconds of measuring kernels before the network is timed, the most expensive works first. It is no part of the first run. */
const TUNING_SECONDS = 10;

export const startRaybox: StartEngine = (folder, task) => start(folder, task, false);

export const startTunedRaybox: StartEngine = (folder, task) => start(folder, task, true);

async function start(folder: string, task: Task, isTuned: boolean): Promise<Engine> {
  useProcessorClock(otherThreadsMs);
  const gpu = await openGpu({ dawn: DAWN });
  const choose = isTuned ? (await tuneGraph(gpu, graphOf(task).graph, TUNING_SECONDS)).choose : undefined;
  const image = channelsLast(readNumbers(join(folder, 'image.bin')), task.image);
  const name = `raybox ${ownVersion()}${isTuned ? ', tuned' : ''}`;
  return rayboxOn(gpu, { task, image, weights: () => readWeights(folder, task), name, choose });
}
