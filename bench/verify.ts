/**
 * Compares every case of every operation with float64 and writes the results as JSON. It replaces `raybox verify` on machines that only have
 * the bundled benchmarks. It stops when its time is over, and continues after a lost device.
 */
import { DeviceLostError } from '../src/errors.js';
import type { Gpu } from '../src/gpu/device.js';
import { listChecks, runCheck } from '../src/verify/check.js';

export interface Verification {
  readonly checked: number;
  /** Cases that were not run for lack of time. */
  readonly left: number;
  readonly failures: readonly { readonly label: string; readonly failure: string }[];
  /** The largest NMSE by operation, element type and variant. */
  readonly worst: Readonly<Record<string, number>>;
}

/** @param ends when to stop, as a time of `performance.now()`. */
export async function verify(
  open: () => Promise<Gpu>,
  wanted: (line: string) => boolean,
  ends: number,
): Promise<Verification> {
  let gpu = await open();
  const checks = listChecks(gpu).filter(({ label }) => wanted(label));
  const failures: { label: string; failure: string }[] = [];
  const worst: Record<string, number> = {};
  let checked = 0;
  for (const check of checks) {
    if (performance.now() > ends) break;
    checked++;
    try {
      const { nmse, failure } = await runCheck(gpu, check);
      const key = [check.operation.name, check.type, check.variant].filter(Boolean).join(' ');
      worst[key] = Math.max(worst[key] ?? 0, nmse);
      if (failure) failures.push({ label: check.label, failure });
    } catch (error) {
      failures.push({ label: check.label, failure: (error as Error).message });
      if (error instanceof DeviceLostError) gpu = await open();
    }
  }
  gpu.close();
  return { checked, left: checks.length - checked, failures, worst };
}

/** The most failures that are listed as text. The JSON has all of them. */
const LISTED = 20;

export function formatVerification({ checked, left, failures }: Verification): string {
  const told = failures.slice(0, LISTED).map(({ label, failure }) => `wrong: ${label}: ${failure.split('\n')[0]}`);
  if (failures.length > LISTED) told.push(`and ${failures.length - LISTED} more`);
  const rest = left > 0 ? `, ${left} left for lack of time` : '';
  return [`verified ${checked} cases, ${failures.length} wrong${rest}`, ...told].join('\n');
}
