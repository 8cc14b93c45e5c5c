/** `raybox ensemble`: writes several localizers as one weights file, whose results are the mean of theirs. */
import type { TensorData } from '../formats/weights/checkpoint.js';
import type { WeightsMetadata } from '../formats/weights/weights.js';
import { readModel } from '../localizer/weights/model.js';
import { ensembleOf } from '../nets/ensemble.js';
import { describeGraph } from '../nets/index.js';
import type { Model } from '../nets/model.js';
import { withFile } from '../node/lock.js';
import type { Command } from '../node/vendor/commander.js';
import { naming, numberList, print, say, UsageError } from './terminal.js';
import { dtypeOption, type ElementName, parametersOf, refuseOut, writeWeightsFile } from './weights_file.js';
import { WEIGHTS_FORMATS } from './weights_options.js';

interface Options {
  out: string;
  shares?: number[];
  mirror?: true;
  dtype: ElementName;
}

async function write(files: readonly string[], { out, shares, mirror, dtype }: Options): Promise<string> {
  refuseOut(out, []);
  if (shares && shares.length !== files.length)
    throw new UsageError(`--shares has ${shares.length} numbers for ${files.length} networks: give one for each`);
  const models: Model[] = [];
  for (const file of files) {
    const model = await readModel(file, {}).catch(naming(file));
    for (const { message } of model.warnings) say(`raybox: ${file}: ${message}`);
    models.push(model);
  }
  const members = models.map((model, index) => ({ name: files[index], model, share: shares?.[index] ?? 1 }));
  const { network, metadata, prefixOf } = ensembleOf(members, mirror ? { mirror } : {});
  const tensors = new Map<string, TensorData>();
  for (const [index, model] of models.entries()) {
    for (const [name, tensor] of await parametersOf(model)) tensors.set(prefixOf(index) + name, tensor);
  }
  const { inputHeight: height, inputWidth: width, inputChannels: channels } = metadata;
  const architecture = describeGraph(network, { height, width, channels });
  const whole: WeightsMetadata = { ...metadata, architecture };
  const dropped = !metadata.operatingThresholds && models.some(({ metadata: own }) => own.operatingThresholds);
  const unequal = (['heatThresholds', 'minRegion', 'boxRules'] as const).filter(
    (name) => metadata[name] === undefined && models.some(({ metadata: own }) => own[name] !== undefined),
  );
  const written = await writeWeightsFile(out, tensors, whole, dtype);
  if (dropped)
    say("raybox: the members' operating thresholds were left out: they are not those of the ensemble. Fit its own");
  if (models.some(({ metadata: own }) => own.activationRanges))
    say(
      "raybox: the members' activation_ranges were left out, so the ensemble has no 8-bit arithmetic: measure its own with raybox quantize --calibrate",
    );
  if (unequal.length > 0)
    say(
      `raybox: how heatmaps become boxes differs between the members, so this was left out: ${unequal.join(', ')}. Give it with raybox convert --metadata`,
    );
  return written;
}

/** Adds `raybox ensemble`. */
export function addEnsembleCommand(program: Command): void {
  program
    .command('ensemble')
    .description('write several localizers as one weights file: its logits and heatmaps are the mean of theirs')
    .argument('<weights...>', `the members: ${WEIGHTS_FORMATS}`)
    .requiredOption('--out <file>', 'safetensors file to write')
    .option('--shares <numbers>', 'share of each member in the mean: 2,1; default: equal shares', numberList)
    .option('--mirror', 'each member also sees the mirrored image, which takes twice the time')
    .addOption(dtypeOption())
    .action(async (files: string[], options: Options) => {
      await print(await withFile(options.out, () => write(files, options)));
    });
}
