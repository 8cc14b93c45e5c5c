/**
 * `raybox convert`: writes weights as a safetensors file of raybox, with the metadata that the network needs, in full or half precision.
 */
import { InputError } from '../errors.js';
import { fields, isNumber, isObject } from '../formats/checks.js';
import { parseJson } from '../formats/json.js';
import { readModel } from '../localizer/weights/model.js';
import { type ClassScaling, withScaling } from '../nets/head/scaling.js';
import { withFile } from '../node/lock.js';
import { readText } from '../node/text_files.js';
import type { Command } from '../node/vendor/commander.js';
import { naming, print, say } from './terminal.js';
import { dtypeOption, type ElementName, parametersOf, refuseOut, writeWeightsFile } from './weights_file.js';
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
  scaling?: string;
}

async function convert(weights: string, options: Options): Promise<string> {
  return withFile(options.out, () => write(weights, options));
}

/**
 * Tensors that take no part in the result (counters, the weights of a loss) are left out and named. Others that no layer reads are refused.
 */
async function write(weights: string, options: Options): Promise<string> {
  const { out, dtype } = options;
  refuseOut(out, [weights]);
  const { classes: names = options.names } = options;
  const model = await readModel(weights, await modelOptions({ ...options, ...(names ? { names } : {}) }));
  const tensors = await parametersOf(model);
  const scaling = options.scaling === undefined ? undefined : await readScaling(options.scaling);
  const parts = scaling ? withScaling(model, tensors, scaling) : { tensors, metadata: model.metadata };
  const written = await writeWeightsFile(out, parts.tensors, parts.metadata, dtype);
  for (const { message } of model.warnings) say(`raybox: ${weights}: ${message}`);
  const { leftOut } = model;
  if (leftOut.length > 0)
    say(`raybox: ${weights}: left out, as it takes no part in the result: ${leftOutText(leftOut)}`);
  return written;
}

/** The scaling by class in an evaluation.json, or in a file with nothing else. */
async function readScaling(path: string): Promise<Record<string, ClassScaling>> {
  const json = parseJson(await readText(path), path);
  const found = isObject(json) && isObject(json.scaling) ? json.scaling : json;
  const isScaling = fields({ slope: isNumber, offset: isNumber });
  if (isObject(found) && Object.keys(found).length > 0 && Object.values(found).every(isScaling))
    return found as unknown as Record<string, ClassScaling>;
  throw new InputError(`${path} holds no scaling`, {
    expected: 'evaluation.json of raybox evaluate --validation, or {"Mass": {"slope": 1.2, "offset": -0.3}, …}',
  });
}

/** Adds `raybox convert`. */
export function addConvertCommand(program: Command): void {
  addWeightsOptions(program.command('convert'))
    .description('write weights as safetensors that say all about their network')
    .argument('<weights>', WEIGHTS_FORMATS)
    .requiredOption('--out <file>', 'safetensors file to write; may be the file that is read')
    .addOption(dtypeOption())
    .option(
      '--scaling <file>',
      'calibration to write into the network: evaluation.json of raybox evaluate --validation, or slope and offset by class',
    )
    .option('--classes <names>', 'the same as --names', classList)
    .action(async (weights: string, options: Options) => {
      await print(await convert(weights, options).catch(naming(weights)));
    });
}
