/** Weights files of standard networks with the localization head, filled with random numbers. */
import { CHEST_XRAY8_LABELS } from '../src/formats/data_sets/image_table.js';
import { writeSafetensors } from '../src/formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../src/formats/weights/weights.js';
import { createGraph } from '../src/graph/ir/graph.js';
import { type Architecture, architectureMetadata } from '../src/nets/architecture.js';
import { buildNetwork } from '../src/nets/index.js';
import { seededWeights } from './networks.js';

/** The bytes of a safetensors file for images of `size` × `size`. */
export async function weightsFile(architecture: Architecture & { head: object }, size: number): Promise<Uint8Array> {
  const g = createGraph();
  buildNetwork(g, architecture, g.input('image', [1, size, size, 3]));
  const source = seededWeights();
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [name, { shape }] of g.parameters)
    tensors.set(name, { shape: [...shape], data: Float32Array.from(await source(name, shape)) });
  const metadata = formatWeightsMetadata({
    ...architectureMetadata(architecture),
    ...{ classes: [...CHEST_XRAY8_LABELS], inputWidth: size, inputHeight: size, inputChannels: 3, channelOrder: 'rgb' },
    ...{ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], fit: 'stretch', heatmapScaling: 'minmax' },
    ...{ trainingData: 'none', license: 'MIT' },
  });
  return writeSafetensors(tensors, metadata);
}
