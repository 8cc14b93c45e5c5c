/** `raybox tune`: measures which kernels are fastest for a network on this machine, and keeps that for later runs. */
import { platform } from '#gpu';
import type { KernelChoice } from '../graph/tuning/choose.js';
import type { LoadOptions } from '../localizer/load_options.js';
import { load } from '../localizer/localizer.js';
import { MAX_LENGTH, parseRecord } from '../localizer/tuning/record.js';
import { type Command, Option } from '../node/vendor/commander.js';
import { adapterOption, runOptions } from './adapter_option.js';
import { interruptible, naming, number, numberList, print, say, startProgress, table, UsageError } from './terminal.js';
import { addWeightsOptions, modelOptions, WEIGHTS_FORMATS, type WeightsOptions } from './weights_options.js';

interface Options extends WeightsOptions {
  adapter?: string;
  precision?: LoadOptions['precision'];
  batches: number[];
  seconds: number;
  list?: true;
  clear?: true;
  json?: true;
}

/** Adds `raybox tune`. */
export function addTuneCommand(program: Command): void {
  addWeightsOptions(program.command('tune'))
    .description('measure which kernels are fastest for a network on this machine, and keep that for later runs')
    .argument('[weights]', WEIGHTS_FORMATS)
    .addOption(adapterOption())
    .addOption(
      new Option('--precision <type>', 'what the network computes with').choices(['f32', 'f16', 'int8']).default('f32'),
    )
    .option('--batches <sizes>', 'batch sizes to measure; raybox localize runs batches of 4', numberList, [1, 4])
    .option('--seconds <n>', 'no measurement is begun after this time', number(0.1, 86_400), 60)
    .option('--list', 'list what is kept')
    .option('--clear', 'remove what is kept, of all adapters')
    .option('--json', 'print JSON')
    .action(async (weights: string | undefined, options: Options) => {
      const { list, clear } = options;
      if ([weights !== undefined, list, clear].filter(Boolean).length !== 1)
        throw new UsageError('name weights to tune for, or give either --list or --clear');
      if (list) return listKept(options);
      if (clear) return clearKept();
      await interruptible((signal) => tune(weights!, options, signal).catch(naming(weights!)));
    });
}

async function tune(weights: string, options: Options, signal: AbortSignal): Promise<void> {
  const { adapter, precision, batches, seconds, json } = options;
  const progress = startProgress('tuning', 100, '%');
  try {
    const given: LoadOptions = {
      ...(await modelOptions(options)),
      ...runOptions({ ...(adapter ? { adapter } : {}), backend: 'webgpu' }),
      ...(precision ? { precision } : {}),
      ...{ tune: { batches, seconds }, signal, onProgress: (done) => progress.update(Math.round(100 * done)) },
    };
    const localizer = await load(weights, given);
    progress.stop();
    for (const { message } of localizer.warnings) say(`raybox: ${weights}: ${message}`);
    const kernels = localizer.tunedKernels;
    await localizer.close();
    await print(json ? `${JSON.stringify(kernels, null, 2)}\n` : tableOf(kernels));
  } finally {
    progress.stop();
  }
}

function tableOf(kernels: readonly KernelChoice[]): string {
  if (kernels.length === 0) return 'Nothing to choose: there is one kernel for each operation of this network here.\n';
  const rows = kernels.map(({ work, variant, preferred, source, nanoseconds }) => [
    work.slice(0, work.indexOf(' {')),
    preferred,
    variant,
    nanoseconds ? `${(nanoseconds[preferred] / nanoseconds[variant]).toFixed(2)}×` : source,
  ]);
  const others = kernels.filter(({ variant, preferred }) => variant !== preferred).length;
  const head = ['operation', 'by rules', 'tuned', 'as fast'];
  return `${table([head, ...rows])}\n${others} of ${kernels.length} kernels are others than by rules.\n`;
}

async function listKept({ json }: Options): Promise<void> {
  const texts = await platform.tuned?.(false);
  const rows: { adapter: string; host: string; changed: string; works: number }[] = [];
  for (const key of (await texts?.keys()) ?? []) {
    try {
      const text = await texts!.read(key, MAX_LENGTH);
      if (text === undefined) continue;
      const { adapter, host, changed, works } = parseRecord(text);
      rows.push({ adapter, host, changed, works: works.size });
    } catch (error) {
      say(`raybox: ${key}: ${(error as Error).message}`);
    }
  }
  if (json) return print(`${JSON.stringify(rows, null, 2)}\n`);
  if (rows.length === 0) return print('Nothing is kept.\n');
  const lines = rows.map(({ adapter, host, changed, works }) => [adapter, host, changed, works]);
  await print(table([['adapter', 'runtime', 'changed', 'operations'], ...lines]));
}

async function clearKept(): Promise<void> {
  const texts = await platform.tuned?.(false);
  const keys = (await texts?.keys()) ?? [];
  for (const key of keys) await texts!.remove(key);
  await print(
    keys.length === 1 ? 'Removed what was kept of 1 adapter.\n' : `Removed what was kept of ${keys.length} adapters.\n`,
  );
}
