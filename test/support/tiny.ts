/** A network that a software adapter compiles in two seconds, and images for it, for tests of everything except the computation itself. */

import type { TensorData } from '../../src/formats/weights/checkpoint.js';
import { writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../../src/formats/weights/weights.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { LoadOptions, Localization, PixelImage } from '../../src/index.js';
import { type Architecture, architectureMetadata, type Head } from '../../src/nets/architecture.js';
import { buildNetwork } from '../../src/nets/index.js';
import { seededRandom } from '../../src/random.js';

const SIZE = 32;

/** Seeded weights of one convolution layer and, unless told otherwise, average pooling, as safetensors with complete metadata. */
export function tinyWeights(
  seed: number,
  classes = ['Mass', 'Nodule'],
  channels = 8,
  head: Omit<Head, 'classes'> = { pooling: 'average' },
): Uint8Array {
  const architecture: Architecture = {
    backbone: { family: 'vgg', layers: [channels, 'M'], batchNorm: false },
    head: { classes: classes.length, ...head },
  };
  const g = createGraph();
  buildNetwork(g, architecture, g.input('image', [1, SIZE, SIZE, 1]));
  const random = seededRandom(seed);
  const tensors = [...g.parameters].map(([name, { shape }]) => {
    const count = shape.reduce((all, one) => all * one, 1);
    const data = Float32Array.from({ length: count }, () => random() * 2 - 1);
    return [name, { shape: [...shape], data }] as [string, TensorData];
  });
  const metadata = formatWeightsMetadata({
    ...architectureMetadata(architecture),
    ...{ pooling: head.pooling, classes, inputWidth: SIZE, inputHeight: SIZE, inputChannels: 1 },
    ...{ channelOrder: 'rgb', mean: [0.5], std: [0.25], fit: 'stretch', heatmapScaling: 'minmax' },
    ...{ trainingData: 'none', license: 'MIT' },
  });
  return writeSafetensors(new Map(tensors), metadata);
}

/** A seeded picture of a few grey steps, so that heatmaps have several regions. */
export function tinyPicture(seed: number, width = 40, height = 36): PixelImage {
  const random = seededRandom(seed);
  const steps = Array.from({ length: 30 }, () => random() * 255);
  const data = Uint8Array.from(
    { length: width * height },
    (_, i) => steps[(Math.floor(i / width / 7) * 6 + (i % 7)) % 30],
  );
  return { data, width, height };
}

/** The parts of two results that must be equal. */
export const contentOf = ({ probabilities, logits, findings }: Localization) => ({ probabilities, logits, findings });

/** What a new localizer finds in an image, as values that a page can send. */
export async function localizeTinyIn(options: LoadOptions) {
  const { load } = await import('../../src/index.js');
  await using localizer = await load(tinyWeights(1), options);
  const { backend, classes } = localizer;
  const { probabilities, findings, heatmaps } = await localizer.localize(tinyPicture(1), { classes, heatmaps: 'raw' });
  const maps = Object.entries(heatmaps!).map(([label, { data }]) => [label, Array.from(data)] as const);
  const boxes = findings.map(({ label, threshold, box }) => ({ label, threshold, ...box }));
  return { backend, probabilities, heatmaps: Object.fromEntries(maps), boxes };
}

/** The result of a new device for an image, as text, to be compared between threads, processes and pages. */
export async function localizeTiny(): Promise<string> {
  const { load } = await import('../../src/index.js');
  await using localizer = await load(tinyWeights(1));
  return JSON.stringify(contentOf(await localizer.localize(tinyPicture(1), { classes: localizer.classes })));
}
