/** `raybox quantize`: writes weights as 8-bit integers with a scale for each output channel, and says what that changes. */
import { stat } from 'node:fs/promises';
import { InputError } from '../../errors.js';
import { int8File } from '../../formats/weights/quantize_int8.js';
import { writeSafetensors } from '../../formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../../formats/weights/weights.js';
import { product } from '../../graph/ir/tensor.js';
import { describeModel, readTensors } from '../../localizer/weights/model.js';
import { trace } from '../../nets/description/trace.js';
import type { Model } from '../../nets/model.js';
import { withFile } from '../../node/lock.js';
import { writeWhole } from '../../node/text_files.js';
import type { Command } from '../../node/vendor/commander.js';
import { adapterOption, backendOption } from '../adapter_option.js';
import { addImageOptions, threadsOption } from '../image_options.js';
import { interruptible, nameList, naming, number, print, say, UsageError, wholeNumber } from '../terminal.js';
import { parametersOf, refuseOut } from '../weights_file.js';
import { addWeightsOptions, modelOptions, WEIGHTS_FORMATS, type WeightsOptions } from '../weights_options.js';
import { type Calibration, calibrate } from './calibrate.js';
import { type ComparisonOptions, compareOnImages, type Images, imagesOf } from './comparison.js';
import { format, type Quantization } from './text.js';

interface Options extends WeightsOptions, Omit<ComparisonOptions, 'data'> {
  out: string;
  keep?: string[];
  data?: string;
  calibrate?: string;
  calibrationList?: string;
  calibrationImages: number;
  percentile: number;
  json?: true;
}

/**
 * Weights with fewer numbers for each output channel stay as they are, such as those of depthwise convolutions: a scale takes four bytes, so that
 * little would be saved.
 */
const LEAST_PER_CHANNEL = 16;

async function quantize(weights: string, options: Options, signal: AbortSignal): Promise<Quantization> {
  const { out, data } = options;
  refuseOut(out, []);
  // Looked for first, so that no file is written if they are not there.
  const images = data === undefined ? undefined : await imagesOf({ ...options, data });
  const measured =
    options.calibrate === undefined
      ? undefined
      : await imagesOf({ ...asComparison(options), data: options.calibrate, list: options.calibrationList });
  const given = await modelOptions(options);
  const { checkpoint, warnings } = await readTensors(weights, given);
  if (checkpoint.int8)
    throw new InputError('the weights are stored as 8-bit integers already', {
      hint: 'give the weights that they were made from; raybox convert turns integers into floating-point numbers again, without what was lost',
    });
  const model = await describeModel(checkpoint, given);
  for (const { message } of [...warnings, ...model.warnings]) say(`raybox: ${weights}: ${message}`);
  const parameters = await parametersOf(model);
  const chosen = weightsToQuantize(model, options.keep ?? []);
  const calibration = measured && (await calibrated(model, chosen, measured, options, signal));
  const metadata = { ...model.metadata, ...(calibration ? { activationRanges: calibration.ranges } : {}) };
  const file = int8File(parameters, formatWeightsMetadata(metadata), chosen);
  const bytes = writeSafetensors(file.tensors, file.metadata, { dtype: file.typeOf });
  await writeWhole(out, bytes);
  const layers = [...file.relativeErrors].map(([name, relativeError]) => {
    const { shape } = parameters.get(name)!;
    return { name, shape, relativeError };
  });
  const kept = [...parameters].filter(([name]) => !chosen.has(name));
  const size = await stat(weights).catch(() => undefined);
  return {
    file: out,
    bytes: bytes.length,
    ...(size?.isFile() ? { bytesBefore: size.size } : {}),
    layers,
    kept: kept.reduce((sum, [, { shape }]) => sum + product(shape), 0),
    ...(calibration
      ? { calibration: { images: calibration.images, layers: Object.keys(calibration.ranges).length } }
      : {}),
    ...(images && data !== undefined
      ? await compare(weights, { ...options, data }, images, calibration !== undefined, signal)
      : {}),
  };
}

/** Compares the written file with the given one, and also what 8-bit arithmetic computes with it, if it can be used. */
async function compare(
  weights: string,
  options: Options & { data: string },
  images: Images,
  isCalibrated: boolean,
  signal: AbortSignal,
): Promise<Pick<Quantization, 'comparison' | 'int8Comparison'>> {
  const before = { weights, options: await modelOptions(options) };
  const rounded = { weights: options.out, options: {} };
  const int8 = { weights: options.out, options: { precision: 'int8', backend: 'webgpu' } } as const;
  const others = isCalibrated ? [rounded, int8] : [rounded];
  const [comparison, int8Comparison] = await compareOnImages(before, others, images, options, signal);
  return { comparison, ...(int8Comparison ? { int8Comparison } : {}) };
}

const asComparison = ({ adapter, threads, bits, maxImageBytes }: Options) => ({
  adapter,
  threads,
  bits,
  maxImageBytes,
});

function calibrated(
  model: Model,
  chosen: ReadonlySet<string>,
  images: Images,
  options: Options,
  signal: AbortSignal,
): Promise<Calibration> {
  const { calibrationImages: most, percentile } = options;
  return calibrate(model, chosen, images, { ...asComparison(options), most, share: 1 - percentile / 100 }, signal);
}

/**
 * The weights of convolutions and linear layers, whose first axis has the output channels. The prediction layer stays as it is: its weights may be
 * large and cancel each other, so that what rounding changes in them moves probabilities most (those of ridge regression did), and it is small.
 */
function weightsToQuantize({ network, metadata }: Model, keep: readonly string[]): Set<string> {
  const { graph } = trace(network, metadata, 1);
  const nameOf = new Map([...graph.parameters].map(([name, tensor]) => [tensor, name]));
  const kept = (name: string) => keep.some((start) => name.startsWith(start));
  const unknown = keep.find((start) => ![...graph.parameters.keys()].some((name) => name.startsWith(start)));
  if (unknown !== undefined) throw new UsageError(`--keep ${unknown}: no parameter has a name that begins like this`);
  const found = new Set<string>();
  for (const { operation, inputs } of graph.nodes) {
    if (!['conv2d', 'linear'].includes(operation.name)) continue;
    const weight = inputs[1]!;
    const name = nameOf.get(weight);
    const [channels] = weight.shape;
    const isLarge = product(weight.shape) >= LEAST_PER_CHANNEL * channels;
    if (name !== undefined && isLarge && channels !== metadata.classes.length && !kept(name)) found.add(name);
  }
  if (found.size > 0) return found;
  throw new InputError('there is nothing to quantize', {
    expected: `convolutions or linear layers with at least ${LEAST_PER_CHANNEL} weights for each output`,
  });
}

/** Adds `raybox quantize`. */
export function addQuantizeCommand(program: Command): void {
  const command = addWeightsOptions(program.command('quantize'))
    .description('write weights as 8-bit integers, and say how far weights and probabilities move')
    .argument('<weights>', WEIGHTS_FORMATS)
    .requiredOption('--out <file>', 'safetensors file to write')
    .option('--keep <names>', 'beginnings of names of parameters that stay as they are: conv1,head', nameList)
    .option(
      '--calibrate <folder>',
      'images, or a data set, on which the ranges of activations are measured, for arithmetic with 8-bit integers (--precision int8)',
    )
    .option(
      '--calibration-list <file>',
      'names of the images to measure on; default: all of --calibrate but the test images',
    )
    .option('--calibration-images <n>', 'the most images to measure on, spread over all', wholeNumber(1, 1e6), 256)
    .option(
      '--percentile <p>',
      'ranges leave out what is beyond it at either end; 100: nothing',
      number(50, 100),
      99.99,
    )
    .option('--data <folder>', 'images, or a data set with labels, on which both files are compared')
    .option('--list <file>', 'names of the images to compare on; default: all of --data but the test images')
    .option('--batch <n>', 'images in one run of the network', wholeNumber(1, 4096))
    .addOption(threadsOption('decode images'))
    .addOption(adapterOption())
    .addOption(backendOption())
    .option('--json', 'print JSON');
  addImageOptions(command).action(async (weights: string, options: Options) => {
    if (options.list !== undefined && options.data === undefined)
      throw new UsageError('--list needs --data, the folder with the images');
    if (options.calibrationList !== undefined && options.calibrate === undefined)
      throw new UsageError('--calibration-list needs --calibrate, the folder with the images');
    const done = await interruptible((signal) =>
      withFile(options.out, () => quantize(weights, options, signal)).catch(naming(weights)),
    );
    await print(options.json ? `${JSON.stringify(done, null, 2)}\n` : format(done));
    if ((done.comparison?.failed ?? 0) > 0) process.exitCode = 1;
  });
}
