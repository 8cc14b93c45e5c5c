/** Times the Localizer end to end, as an application calls it: from the pixels of an X-ray to probabilities and boxes. */
import { CHEST_XRAY8_LABELS } from '../src/formats/data_sets/image_table.js';
import { writeSafetensors } from '../src/formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../src/formats/weights/weights.js';
import { createGraph } from '../src/graph/ir/graph.js';
import { load } from '../src/localizer/localizer.js';
import type { Localization } from '../src/localizer/results.js';
import { buildNetwork } from '../src/nets/index.js';
import { seededRandom } from '../src/random.js';
import { measure } from './measure.js';
import { architectureOf, seededWeights } from './networks.js';
import type { Row } from './results.js';

/** The paper's best backbone, on X-rays of the data set's size. */
const NETWORK = 'resnet50';
const PIXELS = 1024;

export interface LocalizerBench {
  readonly size: number;
  readonly type: 'f32' | 'f16';
  readonly batches: readonly number[];
  readonly adapter?: string | undefined;
  readonly dawn: readonly string[];
}

/** Times `localize` and `localizeAll`. Milliseconds are those of one image. All classes are asked for, so that all get boxes. */
export async function benchLocalizer(options: LocalizerBench, seconds: number): Promise<Row[]> {
  const { size, type, batches, adapter, dawn } = options;
  const weights = await writeWeights(size);
  const started = performance.now();
  const localizer = await load(weights, { backend: 'webgpu', precision: type, dawn, ...(adapter ? { adapter } : {}) });
  try {
    const images = [1, 2, 3, 4].map(blobs);
    const request = { classes: CHEST_XRAY8_LABELS };
    const truth: Localization[] = [];
    let firstMs: number | undefined;
    for (const image of images) {
      truth.push(await localizer.localize(image, request));
      firstMs ??= performance.now() - started;
    }
    const rows: Row[] = [];
    for (const batch of batches) {
      const label = `localizer ${NETWORK} ${PIXELS}×${PIXELS} pixels at ${size}×${size} batch ${batch}`;
      const start = { suite: 'localizer' as const, engine: 'raybox', label, type, variant: 'localize' };
      const run = async (compare: boolean) => {
        const queue = Array.from({ length: batch }, (_, at) => images[at % images.length]);
        for await (const result of localizer.localizeAll(queue, { ...request, batch })) {
          if (compare) requireAgreement(result, truth[result.index % images.length], type);
        }
      };
      try {
        await run(true);
        const enqueue = async (repeats: number) => {
          for (let i = 0; i < repeats; i++) await run(false);
        };
        const [timing] = await measure(localizer.gpu, [{ label, enqueue }], { seconds, minSamples: 3 });
        if (timing instanceof Error) throw timing;
        const each = { medianMs: timing.medianMs / batch, ...(timing.cpuMs ? { cpuMs: timing.cpuMs / batch } : {}) };
        rows.push({ ...start, ...timing, ...each, memoryBytes: localizer.memory().bytes });
        if (rows.length === 1) Object.assign(rows[0], { firstMs });
      } catch (error) {
        rows.push({ ...start, failure: (error as Error).message });
      }
    }
    return rows;
  } finally {
    localizer.close();
  }
}

// The results must be those of one image at a time, within the differences that another batch size may cause. Where a heatmap is flat, a box
// may appear or disappear.
function requireAgreement(actual: Localization, expected: Localization, type: 'f32' | 'f16'): void {
  const bound = type === 'f32' ? 1e-5 : 5e-3;
  for (const label of CHEST_XRAY8_LABELS) {
    const [p, q] = [actual.probabilities[label], expected.probabilities[label]];
    if (!(Math.abs(p - q) <= bound)) throw new Error(`wrong result: ${label} is ${p} in a batch and ${q} alone`);
  }
  for (const { label, box } of actual.findings) {
    const { x, y, width, height } = box;
    const inside = x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= PIXELS && y + height <= PIXELS;
    if (!inside) throw new Error(`wrong result: a box of ${label} is not in the image: ${JSON.stringify(box)}`);
  }
  if (expected.findings.length > 0 && actual.findings.length === 0) throw new Error('wrong result: no boxes');
}

/** Random weights as a file. The times do not depend on the weights. */
async function writeWeights(size: number): Promise<Uint8Array> {
  const architecture = architectureOf(NETWORK);
  const g = createGraph();
  buildNetwork(g, architecture, g.input('image', [1, size, size, 3]));
  const source = seededWeights();
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const { name, shape } of g.parameters.values()) {
    tensors.set(name, { shape: [...shape], data: Float32Array.from(await source(name, shape)) });
  }
  const metadata = formatWeightsMetadata({
    architecture: NETWORK,
    classes: [...CHEST_XRAY8_LABELS],
    inputWidth: size,
    inputHeight: size,
    inputChannels: 3,
    channelOrder: 'rgb',
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    fit: 'stretch',
    transitionChannels: 2048,
    transitionKernel: 1,
    transitionActivation: 'relu',
    pooling: 'lse',
    lseR: 10,
    heatmapScaling: 'minmax',
    trainingData: 'none',
    license: 'MIT',
  });
  return writeSafetensors(tensors, metadata);
}

/** A grey image with soft bright blobs, so that heatmaps have regions. */
function blobs(seed: number) {
  const random = seededRandom(seed);
  const spots = Array.from({ length: 6 }, () => [random() * PIXELS, random() * PIXELS, 40 + random() * 120]);
  const data = new Uint8Array(PIXELS * PIXELS);
  for (let y = 0; y < PIXELS; y++) {
    for (let x = 0; x < PIXELS; x++) {
      let value = 40;
      for (const [cx, cy, radius] of spots) value += 180 * Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / radius ** 2);
      data[y * PIXELS + x] = Math.min(255, value);
    }
  }
  return { data, width: PIXELS, height: PIXELS };
}
