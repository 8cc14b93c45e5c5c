/**
 * Computes pooled features of frozen networks for the images of a data set: the mean and the maximum of each channel. onnxruntime computes
 * them from the graph that raybox exports, which takes a sixth of the processor time of a software adapter. A file keeps them, and an
 * interrupted pass goes on.
 */

import { resolve } from 'node:path';
import { featureFile } from '../../../src/cli/train/feature_file.js';
import { type InitSource, readInit } from '../../../src/cli/train/init.js';
import { exportedGraph } from '../../../src/export/graph.js';
import { writeModel } from '../../../src/export/write.js';
import type { WeightsMetadata } from '../../../src/formats/weights/weights.js';
import { loadRuntime, type OnnxRuntime } from '../../../src/localizer/onnx/runtime.js';
import { networkFrom } from '../../../src/nets/written/graphs.js';
import { openImageStore } from '../../../src/node/caches/image_store.js';
import type { Dataset } from '../../../src/node/dataset.js';
import { onnxruntimeNode } from '../../../src/node/runtime/onnxruntime.js';
import { initialWeights } from '../../../src/train/initial.js';
import { prefetch } from '../../../src/train/prefetch.js';
import { type Start, startOf } from '../../../src/train/start.js';

/** A frozen network: where its weights come from, and in which size it sees the images. */
export interface FeatureSet extends InitSource {
  name: string;
  size: number;
  /** Without `init`. Its weights are then random. */
  backbone?: string;
  channels?: 1 | 3;
  /** The modules of a SqueezeNet whose outputs are joined. */
  columns?: readonly number[];
  metadata?: Partial<WeightsMetadata>;
}

export interface Features {
  /** [images, 2 · channels]: the means of all channels, then their maxima. */
  values: Float32Array;
  channels: number;
}

/** The seed of random weights. */
const SEED = 1;
const BATCH = 16;
/** The operator before which the last feature map is read. */
const POOLING = 'GlobalAveragePool';

interface Work {
  out: string;
  signal: AbortSignal;
  onProgress?: (done: number) => void;
}

/** Reads the features of images from the folder `out`, or computes those that are missing. */
export async function featuresOf(
  set: FeatureSet,
  data: Dataset,
  images: readonly string[],
  { out, signal, onProgress }: Work,
): Promise<Features> {
  const start = await startFor(set);
  const network = await openNetwork(start);
  const { channels } = network;
  const file = featureFile(out, JSON.stringify([set, images, resolve(data.folder)]));
  const known = await file.read(2 * channels);
  const values = new Float32Array(images.length * 2 * channels);
  values.set(known);
  const from = known.length / (2 * channels);
  const store = await openImageStore({ size: set.size, fit: start.input.fit, threads: 1 });
  const load = (first: number) =>
    Promise.all(images.slice(first, first + BATCH).map((image) => store.read(data.paths.get(image) as string)));
  const starts = Array.from({ length: Math.ceil((images.length - from) / BATCH) }, (_, i) => from + i * BATCH);
  try {
    for await (const [first, batch] of prefetch(starts, load, 2)) {
      signal.throwIfAborted();
      const found = await network.run(batch);
      values.set(found, first * 2 * channels);
      await file.append(found);
      onProgress?.(first + batch.length);
    }
    return { values, channels };
  } finally {
    await store.close();
    await network.close();
  }
}

async function startFor(set: FeatureSet): Promise<Start> {
  const { size, backbone, channels, columns, metadata } = set;
  const init = await readInit(set);
  return startOf({
    ...{ size, classes: ['any'], transition: 0, pooling: 'average', seed: SEED },
    ...(init ? { init } : { backbone }),
    ...{ channels, columns, metadata },
  });
}

/** The network up to its last feature map, in onnxruntime. */
async function openNetwork({ architecture, input, weights }: Start) {
  const { size, channels, mean, std } = input;
  const graph = exportedGraph(networkFrom(architecture), { height: size, width: size, channels });
  const at = graph.nodes.findIndex(({ operator }) => operator === POOLING);
  const [map] = graph.nodes[at].inputs;
  const nodes = graph.nodes.slice(0, at);
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const parameters = [...graph.parameters].filter(([name]) => read.has(name));
  const source = weights ?? initialWeights(SEED);
  const tensors = [...graph.constants].filter(([name]) => read.has(name)).map(([name, one]) => ({ name, ...one }));
  for (const [name, shape] of parameters) {
    tensors.push({ name, shape, data: Float32Array.from(await source(name, shape)) });
  }
  const bytes = writeModel({
    ...{ nodes, tensors, inputs: { image: graph.input }, outputs: { [map]: ['n', 'c', 'h', 'w'] as never } },
    ...{ metadata: {}, description: '' },
  });
  const runtime: OnnxRuntime = await loadRuntime({ name: 'node', onnxruntime: onnxruntimeNode });
  const session = await runtime.InferenceSession.create(bytes, { logSeverityLevel: 3, intraOpNumThreads: 1 } as object);
  const run = async (images: readonly Uint16Array[]): Promise<Float32Array> => {
    const pixels = new Float32Array(images.length * channels * size * size);
    for (const [n, image] of images.entries()) {
      for (let c = 0; c < channels; c++) {
        const offset = (n * channels + c) * size * size;
        for (let i = 0; i < size * size; i++) pixels[offset + i] = (image[i] / 65535 - mean[c]) / std[c];
      }
    }
    const given = new runtime.Tensor('float32', pixels, [images.length, channels, size, size]);
    const found = (await session.run({ image: given }, [map]))[map];
    return pool(found.data as Float32Array, found.dims);
  };
  const blank = new Uint16Array(2 * Math.ceil((size * size) / 2));
  const width = (await run([blank])).length / 2;
  return { channels: width, run, close: () => session.release() };
}

/** Means and maxima of the channels of feature maps [images, channels, rows, columns]: [images, 2 · channels]. */
function pool(map: Float32Array, [images, channels, rows, columns]: readonly number[]): Float32Array {
  const positions = rows * columns;
  const pooled = new Float32Array(images * 2 * channels);
  for (let n = 0; n < images; n++) {
    for (let c = 0; c < channels; c++) {
      const first = (n * channels + c) * positions;
      let [sum, most] = [0, Number.NEGATIVE_INFINITY];
      for (let i = first; i < first + positions; i++) {
        sum += map[i];
        if (map[i] > most) most = map[i];
      }
      pooled[2 * n * channels + c] = sum / positions;
      pooled[(2 * n + 1) * channels + c] = most;
    }
  }
  return pooled;
}
