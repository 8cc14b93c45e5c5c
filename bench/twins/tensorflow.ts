/**
 * Compares raybox's outputs with those of TensorFlow.js itself, for models in its format: layers models and graph models, with float or quantised
 * weights. TensorFlow.js is no dependency of raybox, so it has to be installed aside.
 *
 *   npm install --no-save @tensorflow/tfjs@4.22.0
 *   npm run twins:tensorflow -- MODEL.json… [--side 224]
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { wholeNumber } from '../../src/cli/terminal.js';
import { InputError } from '../../src/errors.js';
import { load } from '../../src/index.js';
import { seededRandom } from '../../src/random.js';

/** Bound of the largest difference, as a share of the largest output. */
const BOUND = 1e-4;
const IMAGES = 3;

interface Tensor {
  data(): Promise<Float32Array>;
}

/** The parts of TensorFlow.js that are used here. */
interface TensorFlow {
  readonly version: { tfjs: string };
  setBackend(name: 'cpu'): Promise<boolean>;
  tensor(values: Float32Array, shape: readonly number[]): Tensor;
  loadLayersModel(handler: object): Promise<{ predict(image: Tensor): Tensor }>;
  loadGraphModel(handler: object): Promise<{ predict(image: Tensor): Tensor }>;
}

interface ModelJson {
  format?: string;
  modelTopology: object;
  weightsManifest: { paths: string[]; weights: object[] }[];
}

async function tensorFlow(): Promise<TensorFlow> {
  const name = '@tensorflow/tfjs';
  const module = await import(name).catch((cause) => {
    throw new InputError('TensorFlow.js is not installed', { hint: `npm install --no-save ${name}@4.22.0`, cause });
  });
  const tf = (module.default ?? module) as TensorFlow;
  await tf.setBackend('cpu');
  return tf;
}

/** Loads a model from a folder into TensorFlow.js. Gives the function that predicts. */
async function loadPeer(tf: TensorFlow, path: string): Promise<(image: Tensor) => Tensor> {
  const json = JSON.parse(readFileSync(path, 'utf8')) as ModelJson;
  const shards = json.weightsManifest.flatMap(({ paths }) =>
    paths.map((shard) => readFileSync(join(dirname(path), shard))),
  );
  const bytes = Buffer.concat(shards);
  const artifacts = {
    modelTopology: json.modelTopology,
    weightSpecs: json.weightsManifest.flatMap(({ weights }) => weights),
    weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  };
  const handler = { load: async () => artifacts };
  const model = json.format === 'graph-model' ? await tf.loadGraphModel(handler) : await tf.loadLayersModel(handler);
  return (image) => model.predict(image);
}

/** The largest difference of the outputs, as a share of the largest output, and the number of outputs. */
async function compare(tf: TensorFlow, path: string, side: number): Promise<{ difference: number; outputs: number }> {
  const predict = await loadPeer(tf, path);
  // Both get pixels from 0 to 1, so that only the networks are compared.
  const localizer = await load(path, { mean: [0, 0, 0], std: [1, 1, 1], backend: 'webgpu' });
  const random = seededRandom(1);
  let [difference, outputs] = [0, 0];
  try {
    for (let image = 0; image < IMAGES; image++) {
      const data = Uint8Array.from({ length: side * side * 3 }, () => Math.floor(random() * 256));
      const { probabilities } = await localizer.classify({ data, width: side, height: side, channels: 3 });
      const own = localizer.classes.map((name) => probabilities[name]);
      const pixels = Float32Array.from(data, (value) => value / 255);
      const theirs = await predict(tf.tensor(pixels, [1, side, side, 3])).data();
      if (own.length !== theirs.length)
        throw new Error(`${path}: ${own.length} outputs, but ${theirs.length} in TensorFlow.js`);
      outputs = own.length;
      const largest = Math.max(...theirs.map(Math.abs));
      difference = Math.max(difference, ...own.map((value, index) => Math.abs(value - theirs[index]) / largest));
    }
  } finally {
    await localizer.close();
  }
  return { difference, outputs };
}

const program = new Command('twins:tensorflow')
  .argument('<models...>', 'model.json of layers models or graph models')
  .option('--side <pixels>', 'width and height of the images', wholeNumber(1, 4096), 224)
  .parse();
const tf = await tensorFlow();
for (const path of program.args) {
  const { difference, outputs } = await compare(tf, path, program.opts<{ side: number }>().side);
  const isRight = difference <= BOUND;
  if (!isRight) process.exitCode = 1;
  console.log(
    `${isRight ? 'ok  ' : 'FAIL'} ${path}: ${outputs} outputs, within ${difference.toExponential(1)} of the largest`,
  );
}
process.exit();
