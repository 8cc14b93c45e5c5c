/**
 * Takes the first modules of a Keras Inception v3, as TensorFlow.js stores it, and writes them as weights to start training from. The later
 * modules know what their own classes look like, and their maps are coarse.
 *
 *   node dist/bench/studies/weights/keras_inception.js model.json --modules 7 --out inception7.safetensors
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { print, wholeNumber } from '../../../src/cli/terminal.js';
import { InputError } from '../../../src/errors.js';
import type { TensorData } from '../../../src/formats/weights/checkpoint.js';
import { writeSafetensors } from '../../../src/formats/weights/safetensors.js';
import type { Constant } from '../../../src/import/plain.js';
import { readManifest, readWeights } from '../../../src/import/tensorflow/manifest.js';
import { descriptionOf } from '../../../src/nets/backbone.js';
import { convolutionNames, type InceptionV3 } from '../../../src/nets/families/inception_v3.js';
import { writeWhole } from '../../../src/node/text_files.js';
import { exitCodeOf, readJson } from '../training_runs.js';

/** Torchvision's names of what a norm of Keras has. Keras leaves out the factor, because an activation function follows that a factor does not change. */
const NORM = { beta: 'bias', moving_mean: 'running_mean', moving_variance: 'running_var' };

/** The whole network. */
const WHOLE = descriptionOf('inception_v3') as InceptionV3;

/** The weights of the first modules under torchvision's names, and the description of a backbone that ends after them. */
export function firstModules(constants: ReadonlyMap<string, Constant>, modules: number) {
  const tensors = new Map<string, TensorData>();
  const read = (name: string): TensorData => {
    const constant = constants.get(name);
    if (constant === undefined)
      throw new InputError(`the model has no weight ${name}`, { expected: "Keras' Inception v3" });
    return { shape: [...constant.shape], data: Float32Array.from(constant.values()) };
  };
  for (const [index, name] of convolutionNames(modules).entries()) {
    const kernel = read(`conv2d_${index + 1}/kernel`);
    tensors.set(`${name}.conv.weight`, outputsFirst(kernel));
    const norm = `batch_normalization_${index + 1}`;
    for (const [keras, torch] of Object.entries(NORM)) tensors.set(`${name}.bn.${torch}`, read(`${norm}/${keras}`));
    const channels = kernel.shape[3];
    tensors.set(`${name}.bn.weight`, { shape: [channels], data: new Float32Array(channels).fill(1) });
  }
  return { tensors, backbone: { ...WHOLE, modules: WHOLE.modules.slice(0, modules), averages: 'edges' } };
}

/** A kernel [rows, columns, inputs, outputs] as [outputs, inputs, rows, columns]. */
function outputsFirst({ shape: [rows, columns, inputs, outputs], data }: TensorData): TensorData {
  const result = new Float32Array(data.length);
  let next = 0;
  for (let output = 0; output < outputs; output++)
    for (let input = 0; input < inputs; input++)
      for (let tap = 0; tap < rows * columns; tap++) result[next++] = data[(tap * inputs + input) * outputs + output];
  return { shape: [outputs, inputs, rows, columns], data: result };
}

async function main(path: string, options: { modules: number; out: string }): Promise<void> {
  const { weightsManifest } = await readJson<{ weightsManifest: unknown }>(path);
  const constants = await readWeights(readManifest(weightsManifest), async (file) =>
    readFile(join(dirname(path), file)),
  );
  const { tensors, backbone } = firstModules(constants, options.modules);
  await writeWhole(options.out, writeSafetensors(tensors));
  await print(`${JSON.stringify(backbone)}\n`);
}

await new Command('keras_inception')
  .argument('<model.json>', 'a layers model of TensorFlow.js')
  .requiredOption('--modules <n>', 'how many of the modules', wholeNumber(1, WHOLE.modules.length))
  .requiredOption('--out <file>', 'where the weights go; the description of the backbone is printed')
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    console.error(`keras_inception: ${(error as Error).message}`);
    process.exitCode = exitCodeOf(error);
  });
