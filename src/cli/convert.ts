/**
 * `raybox convert`: writes weights as a safetensors file of raybox, with the metadata that the network needs, in full or half precision.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError } from '../errors.js';
import type { TensorData } from '../formats/weights/checkpoint.js';
import { writeSafetensors } from '../formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../formats/weights/weights.js';
import { createGraph } from '../graph/ir/graph.js';
import { readModel } from '../localizer/model.js';
import { parameterSource } from '../nets/index.js';
import { withFile } from '../node/lock.js';
import { writeWhole } from '../node/text_files.js';
import { type Command, Option } from '../node/vendor/commander.js';
import { print, say, UsageError } from './terminal.js';
import {
  addWeightsOptions,
  classList,
  leftOutText,
  modelOptions,
  WEIGHTS_FORMATS,
  type WeightsOptions,
} from './weights_options.js';

interface Options extends WeightsOptions {
  out: string;
  dtype: 'f32' | 'f16' | 'bf16';
  classes?: readonly string[];
}

async function convert(weights: string, options: Options): Promise<string> {
  return withFile(options.out, () => write(weights, options));
}

/**
 * Tensors that take no part in the result (counters, the weights of a loss) are left out and named. Others that no layer reads are refused.
 */
async function write(weights: string, options: Options): Promise<string> {
  const { out, dtype } = options;
  if (existsSync(out) && resolve(out) !== resolve(weights)) {
    throw new UsageError(`--out ${out} is there already: name another file, or move it away`);
  }
  const { classes: names = options.names } = options;
  const model = await readModel(weights, await modelOptions({ ...options, ...(names ? { names } : {}) }));
  const { inputWidth, inputHeight, inputChannels } = model.metadata;
  const g = createGraph();
  model.network(g, g.input('image', [1, inputHeight, inputWidth, inputChannels]));
  const parameters = new Map(g.parameters);
  const source = parameterSource(model.checkpoint, parameters);
  const tensors = new Map<string, TensorData>();
  for (const [name, { shape }] of parameters) {
    tensors.set(name, { shape: [...shape], data: Float32Array.from(await source(name, shape)) });
  }
  const element = dtype.toUpperCase() as 'F32' | 'F16' | 'BF16';
  const bytes = writeSafetensors(tensors, formatWeightsMetadata(model.metadata), { dtype: element });
  await writeWhole(out, bytes);
  for (const { message } of model.warnings) say(`raybox: ${weights}: ${message}`);
  const { leftOut } = model;
  if (leftOut.length > 0)
    say(`raybox: ${weights}: left out, as it takes no part in the result: ${leftOutText(leftOut)}`);
  return `${out}: ${tensors.size} tensors as ${element}, ${bytes.length.toLocaleString('en')} bytes\n`;
}

/** Adds `raybox convert`. */
export function addConvertCommand(program: Command): void {
  addWeightsOptions(program.command('convert'))
    .description('write weights as safetensors that say all about their network')
    .argument('<weights>', WEIGHTS_FORMATS)
    .requiredOption('--out <file>', 'safetensors file to write; may be the file that is read')
    .addOption(
      new Option('--dtype <type>', 'element type of the tensors').choices(['f32', 'f16', 'bf16']).default('f16'),
    )
    .option('--classes <names>', 'the same as --names', classList)
    .action(async (weights: string, options: Options) => {
      await print(
        await convert(weights, options).catch((error) => {
          if (error instanceof InputError) throw new InputError(`${weights}: ${error.message}`, { cause: error });
          throw error;
        }),
      );
    });
}
