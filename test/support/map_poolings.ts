/** Heads that pool class maps, with PyTorch's results and gradients. */
import { createGraph, createTensor } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { readModel } from '../../src/localizer/weights/model.js';
import type { Head } from '../../src/nets/architecture.js';
import { localizerHead } from '../../src/nets/index.js';
import { gradients } from '../../src/ops/differentiate.js';
import { evaluateReference } from '../../src/verify/reference.js';
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

/** The poolings of class maps, with numbers for maps of 16 × 16. */
export const mapPoolings: readonly Omit<Head, 'classes'>[] = [
  { pooling: 'pcam' },
  { pooling: 'top-k', topK: 5, lowK: 2 },
  { pooling: 'lse-lba', lseR0: 2 },
  { pooling: 'attention', attentionChannels: 5 },
];

/** Logits and heatmaps of a weights file or model for a fixed image, as the network gets it, in float64. */
export async function runReference(weights: Uint8Array) {
  const model = await readModel(weights, {});
  const { inputWidth: side } = model.metadata;
  const g = createGraph();
  const image = g.input('image', [1, side, side, 1]);
  const { logits, probabilities, heatmaps } = model.network(g, image);
  const pixels = Float64Array.from({ length: side * side }, (_, i) => Math.sin(i * i));
  const values = new Map<Tensor, Float64Array>([[image, pixels]]);
  for (const [name, tensor] of g.parameters)
    values.set(tensor, Float64Array.from(model.checkpoint.tensors.get(name)!.data));
  const results = evaluateReference(g.finish([logits, probabilities, heatmaps!]), values);
  const [scores, maps] = [results.get(probabilities)!, results.get(heatmaps!)!];
  return { model, pixels, side, probabilities: scores, heatmaps: maps, numbers: [...results.get(logits)!, ...maps] };
}
