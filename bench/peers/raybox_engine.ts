/** raybox as one of the engines, in Node and in a page. */
import { describe, type Gpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import type { Plan } from '../../src/graph/plan/types.js';
import type { Engine } from './engine.js';
import { addTo, inputOf } from './networks.js';
import type { Task } from './task.js';

export interface Given {
  readonly task: Task;
  /** [n, height, width, channels] */
  readonly image: Float32Array;
  readonly weights: () => ReadonlyMap<string, Float32Array>;
  readonly name: string;
}

export function rayboxOn(gpu: Gpu, { task, image, weights, name }: Given): Engine {
  const { height, width, channels } = inputOf(task);
  const g = createGraph({ type: task.type });
  const input = g.input('image', [task.batch, height, width, channels]);
  let plan: Plan;
  const run = async () => {
    plan.write(input, image);
    await plan.run();
    return Promise.all(plan.graph.outputs.map((tensor) => plan.read(tensor)));
  };
  return {
    name,
    device: describe(gpu.info),
    async first() {
      const { logits, heatmaps } = addTo(g, task.network, input);
      const values = weights();
      plan = await createPlan(gpu, g.finish([logits, heatmaps!]), { weights: (name) => values.get(name)! });
      return run();
    },
    run,
    memory: () => {
      const { constants, arenas, tensors } = plan.memory;
      return { gpuBytes: constants + arenas + tensors };
    },
    close() {
      plan?.close();
      gpu.close();
    },
  };
}
