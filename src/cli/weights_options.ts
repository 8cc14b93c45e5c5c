/** The options of commands that read weights. They say what the file does not say, or says wrongly. */

import { CHEST_XRAY8_LABELS, CHEST_XRAY14_LABELS } from '../formats/data_sets/image_table.js';
import { parseJson } from '../formats/json.js';
import { HEATMAP_METHODS, type HeatmapMethod } from '../formats/weights/heatmap_methods.js';
import type { WeightsMetadata } from '../formats/weights/weights.js';
import type { ModelOptions } from '../localizer/weights/weights_input.js';
import { type Backbone, checkBackbone } from '../nets/backbone.js';
import { readText } from '../node/text_files.js';
import { type Command, Option } from '../node/vendor/commander.js';
import { nameList, numberList, UsageError, wholeNumber } from './terminal.js';

/** What `<weights>` may be, for `--help`. */
export const WEIGHTS_FORMATS =
  "safetensors, torch checkpoint, ONNX model, TensorFlow.js' model.json, Keras' .keras or .h5: a path or URL";

/** The options as commander gives them. */
export interface WeightsOptions {
  names?: readonly string[];
  architecture?: string;
  prediction?: string;
  mean?: number[];
  std?: number[];
  inputSize?: number;
  transformInput?: true;
  prefix?: string;
  preset?: string;
  ignore?: string[];
  metadata?: string;
  output?: string;
  probabilities?: NonNullable<ModelOptions['probabilities']>;
  heatmaps?: HeatmapMethod;
  cache?: string;
  integrity?: string;
}

/** Parses classes: `8`, `14`, or names with commas between them. */
export function classList(text: string): readonly string[] {
  if (text === '8') return CHEST_XRAY8_LABELS;
  if (text === '14') return CHEST_XRAY14_LABELS;
  return nameList(text);
}

/** Parses a backbone: the name of a standard one, or a description as JSON. */
export const backboneOf = (text: string, option = '--backbone'): string | Backbone =>
  text.trimStart().startsWith('{') ? checkBackbone(parseJson(text, option)) : text;

/** Adds all of these options. */
export function addWeightsOptions(command: Command): Command {
  return command
    .option(
      '--names <names>',
      'names of the outputs in their order, if the weights do not have them: 8, 14, or A,B,C',
      classList,
    )
    .option('--architecture <name>', 'the backbone, if names and shapes do not show it: a name or a JSON description')
    .option('--prediction <layer>', 'name of the linear layer whose outputs are the classes')
    .option('--mean <numbers>', 'mean of each channel, for pixels from 0 to 1: 0.485,0.456,0.406', numberList)
    .option(
      '--std <numbers>',
      'standard deviation of each channel; for an input of one channel from -1024 to 1024: --mean 0.5 --std 0.00048828125',
      numberList,
    )
    .option(
      '--input-size <pixels>',
      'width and height to which images are resized; default: as the weights say, else 224',
      wholeNumber(1, 16_384),
    )
    .option(
      '--transform-input',
      'a GoogLeNet or Inception v3 that was trained with transform_input, as those of torchvision',
    )
    .option(
      '--prefix <name>',
      'if the file has several networks: beginning of the names of its tensors, or name of its dict',
    )
    .option(
      '--preset <name>',
      'name of a public checkpoint, such as densenet121-res224-nih, if the file does not show which one it is',
    )
    .option('--ignore <names>', 'beginnings of the names of tensors that take no part in the result', nameList)
    .option('--metadata <json>', 'any fields of the metadata (pooling, fit, channelOrder, …): JSON, or a file with it')
    .option(
      '--output <name>',
      'for an ONNX, TensorFlow.js or Keras model with several outputs: the one with a number for each class',
    )
    .addOption(
      new Option(
        '--probabilities <function>',
        'for an ONNX, TensorFlow.js or Keras model that does not end with a sigmoid or softmax: how its numbers become probabilities; none: they are',
      ).choices(['sigmoid', 'softmax', 'none']),
    )
    .addOption(
      new Option(
        '--heatmaps <method>',
        'how heatmaps are computed; default: cam, and hirescam where the classifier is not linear',
      ).choices(HEATMAP_METHODS),
    )
    .option('--cache <dir>', 'folder that keeps weights from the web, so that they are fetched only once')
    .option('--integrity <hash>', 'hash that the weights must have: sha256-… (or sha384, sha512) in base64');
}

/** The options in the form that `load` takes. They are checked where they are used. */
export async function modelOptions(options: WeightsOptions): Promise<ModelOptions> {
  const { names, architecture, prediction, mean, std, inputSize, transformInput, prefix, ignore, metadata } = options;
  const { cache, integrity, output, probabilities, preset } = options;
  return {
    ...(names ? { classes: [...names] } : {}),
    ...(architecture === undefined ? {} : { architecture: backboneOf(architecture, '--architecture') }),
    ...(prediction === undefined ? {} : { prediction }),
    ...(mean ? { mean } : {}),
    ...(std ? { std } : {}),
    ...(inputSize === undefined ? {} : { inputWidth: inputSize, inputHeight: inputSize }),
    ...(transformInput ? { transformInput } : {}),
    ...(prefix === undefined ? {} : { prefix }),
    ...(preset === undefined ? {} : { preset }),
    ...(ignore ? { ignore } : {}),
    ...(metadata === undefined ? {} : { metadata: await readMetadata(metadata) }),
    ...(output === undefined ? {} : { output }),
    ...(probabilities ? { probabilities } : {}),
    ...(options.heatmaps ? { heatmapMethod: options.heatmaps } : {}),
    ...(cache === undefined ? {} : { cache }),
    ...(integrity === undefined ? {} : { integrity }),
  };
}

/** Reads metadata from JSON, or from a file with JSON. */
export async function readMetadata(text: string): Promise<Partial<WeightsMetadata>> {
  const isJson = text.trimStart().startsWith('{');
  const json = isJson ? text : await readText(text).catch(() => undefined);
  if (json === undefined)
    throw new UsageError(`--metadata ${text}: there is no such file, and it is not a JSON object`);
  const fields = parseJson(json, '--metadata');
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new UsageError(`--metadata ${text}: it is not a JSON object`);
  return fields as Partial<WeightsMetadata>;
}

/** The names of tensors that were left out. The counters of batch norms are only counted, because there is one for each. */
export function leftOutText(names: readonly string[]): string {
  const isCounter = (name: string) => name.endsWith('.num_batches_tracked');
  const counters = names.filter(isCounter).length;
  const others = names.filter((name) => !isCounter(name));
  return [...others, ...(counters > 0 ? [`${counters} × num_batches_tracked`] : [])].join(', ');
}
