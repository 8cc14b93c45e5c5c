/**
 * `raybox convert`: writes weights as a safetensors file of raybox, with the metadata that the network needs, in full or half precision.
 */
import { InputError } from '../errors.js';
import { readModel } from '../localizer/model.js';
import { withFile } from '../node/lock.js';
import type { Command } from '../node/vendor/commander.js';
import { print, say } from './terminal.js';
import { dtypeOption, type ElementName, parametersOf, refuseExisting, writeWeightsFile } from './weights_file.js';
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
  dtype: ElementName;
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
  refuseExisting(out, [weights]);
  const { classes: names = options.names } = options;
  const model = await readModel(weights, await modelOptions({ ...options, ...(names ? { names } : {}) }));
  const written = await writeWeightsFile(out, await parametersOf(model), model.metadata, dtype);
  for (const { message } of model.warnings) say(`raybox: ${weights}: ${message}`);
  const { leftOut } = model;
  if (leftOut.length > 0)
    say(`raybox: ${weights}: left out, as it takes no part in the result: ${leftOutText(leftOut)}`);
  return written;
}

/** Adds `raybox convert`. */
export function addConvertCommand(program: Command): void {
  addWeightsOptions(program.command('convert'))
    .description('write weights as safetensors that say all about their network')
    .argument('<weights>', WEIGHTS_FORMATS)
    .requiredOption('--out <file>', 'safetensors file to write; may be the file that is read')
    .addOption(dtypeOption())
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
