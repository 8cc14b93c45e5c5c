/** Runs a model in float64, without a GPU. */
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import type { Model } from '../../src/nets/model.js';
import { evaluateReference } from '../../src/verify/reference.js';

/** What a model gives for the pixels of one square image, as its network's input has them: rows × columns × channels. */
export function evaluated(model: Model, pixels: ArrayLike<number>, side = model.metadata.inputHeight) {
  const g = createGraph();
  const input = g.input('image', [1, side, side, model.metadata.inputChannels]);
  const outputs = model.network(g, input);
  const values = new Map<Tensor, Float64Array>([[input, Float64Array.from(pixels)]]);
  for (const [name, tensor] of g.parameters)
    values.set(tensor, Float64Array.from(model.checkpoint.tensors.get(name)!.data));
  const results = evaluateReference(g.finish(Object.values(outputs)), values);
  return {
    logits: Array.from(results.get(outputs.logits)!),
    probabilities: Array.from(results.get(outputs.probabilities)!),
    heatmaps: outputs.heatmaps ? Array.from(results.get(outputs.heatmaps)!) : [],
  };
}
