/** `raybox convert`: weights as safetensors of raybox, with the metadata that the network needs, in full or half precision. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError } from '../errors.js';
import type { TensorData } from '../formats/checkpoint.js';
import { writeSafetensors } from '../formats/safetensors.js';
import { formatWeightsMetadata } from '../formats/weights.js';
import { createGraph } from '../graph/graph.js';
import { readModel } from '../localizer/model.js';
import { buildNetwork, parameterSource } from '../nets/index.js';
import { withFile } from './lock.js';
import { readMetadata } from './metadata_option.js';
import { print, UsageError } from './terminal.js';
import { writeWhole } from './text_files.js';
import { type Command, Option } from './vendor/commander.js';

interface Options {
  out: string;
  dtype: 'f32' | 'f16' | 'bf16';
  metadata?: string;
}

/** What belongs to no layer of the network (an optimizer's memory, counters of batches) is left out. */
async function convert(weights: string, options: Options): Promise<string> {
  return withFile(options.out, () => write(weights, options));
}

async function write(weights: string, { out, dtype, metadata }: Options): Promise<string> {
  if (existsSync(out) && resolve(out) !== resolve(weights)) {
    throw new UsageError(`--out ${out} is there already: name another file, or move it away`);
  }
  const model = await readModel(weights, metadata === undefined ? {} : { metadata: await readMetadata(metadata) });
  const { inputWidth, inputHeight, inputChannels } = model.metadata;
  const g = createGraph();
  buildNetwork(g, model.architecture, g.input('image', [1, inputHeight, inputWidth, inputChannels]));
  const parameters = new Map(g.parameters);
  const source = parameterSource(model.checkpoint, parameters);
  const tensors = new Map<string, TensorData>();
  for (const [name, { shape }] of parameters) {
    tensors.set(name, { shape: [...shape], data: Float32Array.from(await source(name, shape)) });
  }
  const element = dtype.toUpperCase() as 'F32' | 'F16' | 'BF16';
  const bytes = writeSafetensors(tensors, formatWeightsMetadata(model.metadata), { dtype: element });
  await writeWhole(out, bytes);
  return `${out}: ${tensors.size} tensors as ${element}, ${bytes.length.toLocaleString('en')} bytes\n`;
}

/** Adds `raybox convert`. */
export function addConvertCommand(program: Command): void {
  program
    .command('convert')
    .description('write weights as safetensors that say all about their network')
    .argument('<weights>', 'safetensors or torch checkpoint: a path or URL')
    .requiredOption('--out <file>', 'safetensors; may be the file that is read')
    .addOption(new Option('--dtype <type>', 'of the numbers').choices(['f32', 'f16', 'bf16']).default('f16'))
    .option(
      '--metadata <json>',
      'what the weights do not say (classes, inputWidth, …), or say wrongly: JSON or a file of it',
    )
    .action(async (weights: string, options: Options) => {
      await print(
        await convert(weights, options).catch((error) => {
          if (error instanceof InputError) throw new InputError(`${weights}: ${error.message}`, { cause: error });
          throw error;
        }),
      );
    });
}
