/**
 * Compares every case of every operation with float64, for results as JSON. It replaces `raybox verify` in pages, and on machines that only
 * have the bundled benchmarks. It stops when its time is over, and continues after a lost device.
 */
import { DeviceLostError } from '../src/errors.js';
import type { Gpu } from '../src/gpu/device.js';
import { listChecks, runCheck } from '../src/verify/check.js';
import type { Verification } from './verification.js';

export interface VerifyOptions {
  wanted: (line: string) => boolean;
  /** When to stop, as a time of `performance.now()`. */
  ends: number;
  onProgress?: (done: number, all: number) => void;
}

export async function verify(
  open: () => Promise<Gpu>,
  { wanted, ends, onProgress }: VerifyOptions,
): Promise<Verification> {
  let gpu = await open();
  const checks = listChecks(gpu).filter(({ label }) => wanted(label));
  const failures: { label: string; failure: string }[] = [];
  const worst: Record<string, number> = {};
  let checked = 0;
  for (const check of checks) {
    if (performance.now() > ends) break;
    onProgress?.(checked, checks.length);
    checked++;
    try {
      const { nmse, failure } = await runCheck(gpu, check);
      const key = [check.operation.name, check.type, check.variant].filter(Boolean).join(' ');
      worst[key] = Math.max(worst[key] ?? 0, Number.isFinite(nmse) ? nmse : Number.MAX_VALUE);
      if (failure) failures.push({ label: check.label, failure });
    } catch (error) {
      failures.push({ label: check.label, failure: (error as Error).message });
      if (error instanceof DeviceLostError) gpu = await open();
    }
  }
  gpu.close();
  return { checked, left: checks.length - checked, failures, worst };
}
