/** Heads that pool class maps, with PyTorch's results and gradients. */
import { createGraph, createTensor } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import type { Head } from '../../src/nets/architecture.js';
import { localizerHead } from '../../src/nets/index.js';
import { gradients } from '../../src/ops/differentiate.js';
import { readFixture } from './fixture.js';

interface Recorded extends Omit<Head, 'classes'> {
  logits: number[];
  heatmaps: number[];
  /** Parameters besides the prediction layer's. */
  parameters: Record<string, { shape: number[]; data: number[] }>;
  gradients: Record<string, number[]>;
}

interface Reference {
  features: { shape: number[]; data: number[] };
  weight: number[];
  bias: number[];
  seed: number[];
  classes: number;
  heads: Recorded[];
}

export const recordedHeads = JSON.parse(
  new TextDecoder().decode(await readFixture('map-poolings/reference.json')),
) as Reference;

/** The graph of a recorded head and its gradients, with the values of what it reads and PyTorch's of what it computes. */
export function headGraph(recorded: Recorded) {
  const { features, weight, bias, seed, classes } = recordedHeads;
  const { logits: _, heatmaps: __, parameters, gradients: slopes, ...head } = recorded;
  const g = createGraph();
  const x = g.input('features', features.shape);
  const { logits, heatmaps } = localizerHead(g, x, { ...head, classes });
  const values = new Map<string, readonly number[]>([
    ['head.prediction.weight', weight],
    ['head.prediction.bias', bias],
    ...Object.entries(parameters).map(([name, { data }]) => [name, data] as const),
  ]);
  const seeds = createTensor('seed', 'input', logits);
  const found = gradients(g, logits, [x, ...g.parameters.values()], seeds);
  const expected = new Map<Tensor, readonly number[]>([
    [logits, recorded.logits],
    [heatmaps, recorded.heatmaps],
    [found.get(x)!, slopes.features],
    ...[...g.parameters].map(([name, tensor]) => [found.get(tensor)!, slopes[name]] as const),
  ]);
  return {
    graph: g,
    inputs: new Map([
      [x, features.data],
      [seeds, seed],
    ]),
    parameters: values,
    expected,
  };
}
