/** Losses and optimizers against PyTorch's own, number by number. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { gradients } from '../../src/ops/differentiate.js';
import { forward as firstNonfinite } from '../../src/ops/optimizers/first_nonfinite.js';
import { crossEntropy, euclidean, focal, hinge, type Loss, weightedCrossEntropy } from '../../src/train/losses.js';
import { adamw, type Optimizer, sgd } from '../../src/train/optimizers.js';
import { readFixture } from '../support/fixture.js';

interface Torch {
  logits: number[];
  labels: number[];
  shape: [number, number];
  losses: Record<string, { loss: number; gradient: number[] }>;
  start: number[];
  gradients: number[][];
  optimizers: Record<string, number[][]>;
}

const torch: Torch = JSON.parse(new TextDecoder().decode(await readFixture('torch-training/reference.json')));
const gpu = await openGpu();

function assertClose(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  assert.is(actual.length, expected.length);
  for (const [i, value] of expected.entries()) {
    assert.ok(
      Math.abs(actual[i] - value) <= 1e-5 * Math.max(1, Math.abs(value)),
      `${what}: ${actual[i]}, not ${value}`,
    );
  }
}

const LOSSES: Record<string, Loss> = {
  'w-cel': weightedCrossEntropy(),
  'w-cel per class': weightedCrossEntropy({ perClass: true }),
  cel: crossEntropy(),
  hinge: hinge(),
  euclidean: euclidean(),
  focal: focal(),
};

for (const [name, loss] of Object.entries(LOSSES)) {
  test(`${name}: PyTorch’s value and gradient`, async () => {
    const g = createGraph();
    const logits = g.input('logits', torch.shape, { layout: 'dense' });
    const labels = g.input('labels', torch.shape, { layout: 'dense' });
    const value = loss(g, logits, labels);
    const gradient = gradients(g, value, [logits]).get(logits)!;
    const plan = await createPlan(gpu, g.finish([value, gradient]));
    plan.write(logits, torch.logits);
    plan.write(labels, torch.labels);
    await plan.run();
    assertClose(await plan.read(value), [torch.losses[name].loss], 'loss');
    assertClose(await plan.read(gradient), torch.losses[name].gradient, 'gradient');
    plan.close();
  });
}

const OPTIMIZERS: Record<string, Optimizer> = {
  sgd: sgd({ weightDecay: 0.01 }),
  momentum: sgd({ momentum: 0.9, weightDecay: 0.01 }),
  nesterov: sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  adamw: adamw({ betas: [0.8, 0.95], weightDecay: 0.02 }),
};

for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
  test(`${name}: PyTorch’s path over five steps`, async () => {
    const g = createGraph({ parameters: 'state' });
    const shape = [torch.start.length];
    const parameter = g.state('parameter', shape);
    const gradient = g.input('gradient', shape, { layout: 'dense' });
    const hyper = g.input('hyper', [optimizer.hyperSize], { layout: 'dense' });
    const halt = g.apply(firstNonfinite, [gradient], {}, 'halt');
    const state = (what: string) => g.state(what, shape);
    optimizer.update(g, { parameter, gradient, hyper, factor: undefined, halt, rate: 1, decay: 1, state });
    const plan = await createPlan(gpu, g.finish([halt]));
    plan.write(parameter, torch.start);
    for (const [step, values] of torch.gradients.entries()) {
      plan.write(gradient, values);
      plan.write(hyper, optimizer.hyper(step + 1, step < 3 ? 0.1 : 0.05));
      await plan.run();
      assertClose(await plan.read(parameter), torch.optimizers[name][step], `step ${step + 1}`);
    }
    plan.close();
  });
}

test.run();
