/** `raybox export`: writes weights as an ONNX model with network, head, probabilities and heatmaps. */
import { existsSync } from 'node:fs';
import { exportOnnx } from '../localizer/weights/export_onnx.js';
import { withFile } from '../node/lock.js';
import { writeWhole } from '../node/text_files.js';
import { type Command, Option } from '../node/vendor/commander.js';
import { naming, print, say, UsageError } from './terminal.js';
import { addWeightsOptions, modelOptions, type WeightsOptions } from './weights_options.js';

interface Options extends WeightsOptions {
  out: string;
  dtype: 'f32' | 'f16';
}

async function write(weights: string, { out, dtype, ...options }: Options): Promise<string> {
  if (existsSync(out)) throw new UsageError(`--out ${out} is there already: name another file, or move it away`);
  const { bytes, warnings } = await exportOnnx(weights, { ...(await modelOptions(options)), dtype });
  await writeWhole(out, bytes);
  for (const { message } of warnings) say(`raybox: ${weights}: ${message}`);
  return `${out}: ${bytes.length.toLocaleString('en')} bytes, weights as ${dtype.toUpperCase()}\n`;
}

/** Adds `raybox export`. */
export function addExportCommand(program: Command): void {
  addWeightsOptions(program.command('export'))
    .description('write weights as an ONNX model: network, head, probabilities and heatmaps')
    .argument('<weights>', 'weights in any format that raybox reads: a path or URL')
    .requiredOption('--out <file>', 'ONNX model to write')
    .addOption(
      new Option('--dtype <type>', 'how weights are stored; the model computes in f32')
        .choices(['f32', 'f16'])
        .default('f32'),
    )
    .action(async (weights: string, options: Options) => {
      await print(await withFile(options.out, () => write(weights, options)).catch(naming(weights)));
    });
}
