/**
 * What tuning gains: networks with the kernels that raybox's rules choose beside the same networks with those that tuning chooses.
 *
 *     node dist/bench/tuning.js [--networks resnet50,squeezenet1_1] [--size 224] [--runs 7]
 *
 * Runs of the two alternate, so that what else the machine does falls on both. On software adapters, times are processor time of their threads;
 * elsewhere wall time. Nothing that was kept of tuning is used, and nothing is kept. `RAYBOX_ADAPTER` chooses the adapter.
 */
import { Command } from 'commander';
import { table } from '../src/cli/terminal.js';
import { describe, openGpu } from '../src/gpu/device.js';
import { createGraph } from '../src/graph/ir/graph.js';
import { createConstantPool } from '../src/graph/plan/constants.js';
import { traitsOf } from '../src/graph/plan/lower.js';
import { createPlan } from '../src/graph/plan/plan.js';
import { createTunedChoices } from '../src/graph/tuning/choose.js';
import { buildNetwork } from '../src/nets/index.js';
import { otherThreadsMs } from '../src/node/runtime/processor_time.js';
import { median, useProcessorClock } from './measure.js';
import { architectureOf, seededWeights } from './networks.js';
import { tuneGraph } from './tuned.js';

const values = new Command('tuning')
  .option('--networks <names>', 'names of standard networks', 'resnet50,resnet18,squeezenet1_1,densenet121')
  .option('--size <pixels>', 'width and height of the image', '224')
  .option('--runs <count>', 'runs of each alternative', '7')
  .parse()
  .opts<{ networks: string; size: string; runs: string }>();

useProcessorClock(otherThreadsMs);
const gpu = await openGpu();
const processorTime = gpu.software ? otherThreadsMs : undefined;
const rows: (string | number)[][] = [];
for (const network of values.networks.split(',')) {
  const g = createGraph();
  const size = Number(values.size);
  const image = g.input('image', [1, size, size, 3]);
  const { logits, heatmaps } = buildNetwork(g, architectureOf(network), image);
  const built = g.finish([logits, heatmaps!]);
  const tuned = await tuneGraph(gpu, built, 3600);
  const { works } = tuned;
  const others = works.filter(({ node, variants }) => tuned.choose(node, variants) !== variants[0]).length;

  const pool = createConstantPool();
  const how = { pool, weights: seededWeights() };
  const plans = [
    await createPlan(gpu, built, how),
    await createPlan(gpu, built, { ...how, choose: createTunedChoices(tuned.measured, traitsOf(gpu)).choose }),
  ];
  const input = Float32Array.from({ length: size * size * 3 }, (_, i) => Math.sin(i * 0.37));
  for (const plan of plans) plan.write(image, input);
  const times: number[][] = [[], []];
  for (let run = -1; run < Number(values.runs); run++) {
    for (const [index, plan] of plans.entries()) {
      const [cpu, started] = [processorTime?.(), performance.now()];
      await plan.run();
      await plan.read(logits);
      const ended = processorTime?.();
      const taken = cpu === undefined || ended === undefined ? performance.now() - started : ended - cpu;
      if (run >= 0) times[index].push(taken);
    }
  }
  for (const plan of plans) plan.close();
  pool.close();
  const ratios = times[0].map((time, run) => time / times[1][run]).sort((a, b) => a - b);
  const spread = `${ratios[0].toFixed(2)} – ${ratios.at(-1)!.toFixed(2)}`;
  rows.push([
    network,
    `${others} of ${works.length}`,
    ...times.map((each) => median(each).toFixed(0)),
    median(ratios).toFixed(2),
    spread,
  ]);
  console.log(rows.at(-1)!.join('  '));
}
console.log(`\n${describe(gpu.info)}, ${processorTime ? 'processor time' : 'wall time'} of a run in milliseconds`);
console.log(table([['', 'other kernels', 'by rules', 'tuned', 'as fast', 'from – to'], ...rows]));
gpu.close();
