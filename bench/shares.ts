/** Where the time goes, and how near to the roofs: by operation, and by kernel of a network. */
import type { DispatchTime } from '../src/graph/plan/types.js';
import { markdownTable } from './markdown.js';
import { median } from './measure.js';
import { type KernelShare, leastMs, type Row } from './results.js';
import type { Roofs } from './roofs.js';

const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/** For each operation and element type, the share of the roof that the fastest variant of each case reaches. */
export function formatShares(rows: readonly Row[]): string {
  const best = new Map<string, Row>();
  for (const row of rows) {
    if (row.suite !== 'operations' || row.share === undefined) continue;
    const key = `${row.label}\t${row.type}`;
    if ((best.get(key)?.share ?? 0) < row.share) best.set(key, row);
  }
  const groups = new Map<string, number[]>();
  for (const row of best.values()) {
    const key = `${row.label.split(' ')[0]}\t${row.type}`;
    groups.set(key, [...(groups.get(key) ?? []), row.share!]);
  }
  if (groups.size === 0) return '';
  const lines = [...groups].map(([key, shares]) => {
    const range = [Math.min(...shares), Math.max(...shares)].map(percent);
    return [...key.split('\t'), String(shares.length), percent(median(shares)), ...range];
  });
  const head = ['operation', 'type', 'cases', 'of roof (median)', 'lowest', 'highest'];
  return `share of the roof, fastest variant of each case:\n\n${markdownTable(head, lines)}`;
}

/** Sums the dispatches of a run by kernel, the one that takes longest first. */
export function sharesOf(times: readonly DispatchTime[], type: 'f32' | 'f16', roofs: Roofs | undefined): KernelShare[] {
  const kernels = new Map<string, { dispatches: number; gpuMs: number; least: number }>();
  for (const { kernel, nanoseconds, flops, bytes } of times) {
    const sum = kernels.get(kernel) ?? { dispatches: 0, gpuMs: 0, least: 0 };
    sum.dispatches++;
    sum.gpuMs += nanoseconds / 1e6;
    if (roofs) sum.least += leastMs({ flops, bytes }, type, roofs);
    kernels.set(kernel, sum);
  }
  return [...kernels]
    .map(([kernel, { dispatches, gpuMs, least }]) => ({
      ...{ kernel, dispatches, gpuMs },
      ...(roofs && gpuMs > 0 ? { share: least / gpuMs } : {}),
    }))
    .sort((a, b) => b.gpuMs - a.gpuMs);
}

/** Kernels with less than this share of the time are told as one. */
const LEAST = 0.01;

/** A table of the kernels of each network. */
export function formatKernels(rows: readonly Row[]): string {
  return rows
    .filter(({ kernels }) => kernels && kernels.length > 0)
    .map(({ label, type, variant, kernels }) => {
      const total = kernels!.reduce((sum, { gpuMs }) => sum + gpuMs, 0);
      const shown = kernels!.filter(({ gpuMs }) => gpuMs >= LEAST * total);
      const lines = shown.map(({ kernel, dispatches, gpuMs, share }) => [
        ...[kernel, String(dispatches), gpuMs.toPrecision(3), percent(gpuMs / total)],
        share === undefined ? '' : percent(share),
      ]);
      const rest = kernels!.length - shown.length;
      const head = ['kernel', 'dispatches', 'GPU ms', 'of the time', 'of roof'];
      const more = rest > 0 ? [`and ${rest} kernels with less than 1 % each`] : [];
      return [
        `where the time goes: ${label} ${type}${variant === 'tuned' ? ', tuned' : ''}`,
        '',
        markdownTable(head, lines),
        ...more,
      ].join('\n');
    })
    .join('\n\n');
}
