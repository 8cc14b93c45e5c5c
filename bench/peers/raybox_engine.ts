/** raybox as one of the engines, in Node and in a page. */
import { describe, type Gpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import type { ChooseVariant } from '../../src/graph/plan/lower.js';
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
  /** Picks kernels. Default: those that raybox's rules prefer. */
  readonly choose?: ChooseVariant | undefined;
}

/** The network of a task, without its weights. */
export function graphOf(task: Task) {
  const { height, width, channels } = inputOf(task);
  const g = createGraph({ type: task.type });
  const input = g.input('image', [task.batch, height, width, channels]);
  const { logits, heatmaps } = addTo(g, task.network, input);
  return { graph: g.finish([logits, heatmaps!]), input };
}

export function rayboxOn(gpu: Gpu, { task, image, weights, name, choose }: Given): Engine {
  let plan: Plan;
  let input: Tensor;
  const run = async () => {
    plan.write(input, image);
    await plan.run();
    return Promise.all(plan.graph.outputs.map((tensor) => plan.read(tensor)));
  };
  return {
    name,
    device: describe(gpu.info),
    async first() {
      const built = graphOf(task);
      input = built.input;
      const values = weights();
      plan = await createPlan(gpu, built.graph, {
        weights: (name) => values.get(name)!,
        ...(choose ? { choose } : {}),
      });
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
