/** `raybox info`: adapters, their features and limits, and which kernel variant each operation would use for realistic shapes. */

import { describe, type Gpu, listAdapters, openGpu } from '../gpu/device.js';
import { traitsOf } from '../graph/plan/lower.js';
import type { Command } from '../node/vendor/commander.js';
import { listChecks } from '../verify/check.js';
import { adapterOption } from './adapter_option.js';
import { print, table } from './terminal.js';

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

interface Choice {
  operation: string;
  types: ('f32' | 'f16')[];
  shapes: string;
  kernel: string;
  others: string[];
}

interface Info {
  adapters: string[];
  used: string;
  software: boolean;
  features: string[];
  limits: Record<string, number>;
  traits: ReturnType<typeof traitsOf>;
  kernels: Choice[];
}

/** The kernel variant that is used on this adapter for each benchmark shape of each operation, and the other variants that could run it. */
function choices(gpu: Gpu): Choice[] {
  const found = new Map<string, Choice>();
  for (const { operation, case: one, index, type, variant = 'default', label } of listChecks(gpu, { full: true })) {
    if (!one.bench) continue;
    const known = found.get(`${operation.name} ${index} ${type}`);
    const shapes = /\((.*)\)$/.exec(label)?.[1] ?? '';
    // The best variant comes first.
    if (known) known.others.push(variant);
    else
      found.set(`${operation.name} ${index} ${type}`, {
        operation: operation.name,
        types: [type],
        shapes,
        kernel: variant,
        others: [],
      });
  }
  const rows = new Map<string, Choice>();
  for (const choice of found.values()) {
    const key = JSON.stringify({ ...choice, types: [] });
    const same = rows.get(key);
    if (same) same.types.push(...choice.types);
    else rows.set(key, choice);
  }
  return [...rows.values()];
}

async function collect(adapter: string | undefined): Promise<Info> {
  const gpu = await openGpu({ ...(adapter ? { adapter } : {}) });
  try {
    const adapters = adapter ? [gpu.info] : (await listAdapters()).map(({ info }) => info);
    return {
      adapters: [...new Set([...adapters.map(describe), describe(gpu.info)])],
      used: describe(gpu.info),
      software: gpu.software,
      features: [...gpu.features].sort(),
      limits: Object.fromEntries(LIMITS.map((name) => [name, gpu.limits[name]])),
      traits: traitsOf(gpu),
      kernels: choices(gpu),
    };
  } finally {
    gpu.close();
  }
}

function format({ adapters, used, software, features, limits, traits, kernels }: Info): string {
  const amount = (name: string, value: number) =>
    /Size$/.test(name) ? (value < 1 << 20 ? `${value / 1024} KiB` : `${Math.floor(value / 2 ** 20)} MiB`) : `${value}`;
  const limitRows = Object.entries(limits).map(([name, value]) => [`  ${name}`, amount(name, value)]);
  const subgroups = traits.subgroupSize > 0 ? `of ${traits.subgroupSize}` : 'none of one fixed size';
  const rows = kernels.map(({ operation, types, shapes, kernel, others }) => [
    `  ${operation}`,
    types.join(' '),
    kernel,
    others.join(', ') || '–',
    shapes,
  ]);
  return [
    `Adapters (* is used, ${software ? 'a CPU that stands in for a GPU' : 'a GPU'})`,
    ...adapters.map((name) => `${name === used ? '*' : ' '} ${name}`),
    '',
    `Features that raybox uses: f16 ${traits.f16 ? 'yes' : 'no'}, subgroups ${subgroups}, ` +
      `timestamps ${features.includes('timestamp-query') ? 'yes' : 'no'}`,
    `All features: ${features.join(', ')}`,
    '',
    'Limits',
    table(limitRows).trimEnd(),
    '',
    'Kernels at real shapes',
    table([['  operation', 'type', 'runs', 'could also run', 'inputs'], ...rows]),
  ].join('\n');
}

/** Adds `raybox info`. */
export function addInfoCommand(program: Command): void {
  program
    .command('info')
    .description("this machine's adapters, and the kernels that would run")
    .addOption(adapterOption())
    .option('--json', 'print JSON')
    .action(async ({ adapter, json }: { adapter?: string; json?: boolean }) => {
      const info = await collect(adapter);
      await print(json ? `${JSON.stringify(info, null, 2)}\n` : format(info));
    });
}
