/**
 * Takes the first modules of a Keras Inception v3, or the first blocks of a Keras MobileNetV2, as TensorFlow.js stores them, and writes them as
 * weights to start training from. The later ones know what their own classes look like, and their maps are coarse.
 *
 *   node dist/bench/studies/weights/keras/run.js model.json --modules 5 --out inception5.safetensors
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { print, wholeNumber } from '../../../../src/cli/terminal.js';
import { InputError } from '../../../../src/errors.js';
import { writeSafetensors } from '../../../../src/formats/weights/safetensors.js';
import { readManifest, readWeights } from '../../../../src/import/tensorflow/manifest.js';
import { writeWhole } from '../../../../src/node/text_files.js';
import { exitCodeOf } from '../../study_program.js';
import { readJson } from '../../training_runs.js';
import { firstOfInception, INCEPTION_MODULES } from './inception.js';
import { firstOfMobileNet, MOBILENET_BLOCKS } from './mobilenet.js';

async function main(path: string, { modules, out }: { modules: number; out: string }): Promise<void> {
  const { weightsManifest } = await readJson<{ weightsManifest: unknown }>(path);
  const constants = await readWeights(readManifest(weightsManifest), async (file) =>
    readFile(join(dirname(path), file)),
  );
  const isMobileNet = constants.has('Conv1/kernel');
  const most = isMobileNet ? MOBILENET_BLOCKS : INCEPTION_MODULES;
  if (modules > most) throw new InputError(`--modules ${modules} is too many`, { expected: `at most ${most}` });
  const { tensors, backbone } = (isMobileNet ? firstOfMobileNet : firstOfInception)(constants, modules);
  await writeWhole(out, writeSafetensors(tensors));
  await print(`${JSON.stringify(backbone)}\n`);
}

await new Command('keras')
  .argument('<model.json>', 'a layers model of TensorFlow.js: Inception v3 or MobileNetV2')
  .requiredOption('--modules <n>', 'how many of the modules, or of the blocks', wholeNumber(1, MOBILENET_BLOCKS))
  .requiredOption('--out <file>', 'where the weights go; the description of the backbone is printed')
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    console.error(`keras: ${(error as Error).message}`);
    process.exitCode = exitCodeOf(error);
  });
