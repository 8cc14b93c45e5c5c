/** Every case of every operation against float64, before anything is timed: for machines where only the benchmarks can be run. */
import type { Gpu } from '../src/gpu/device.js';
import { listChecks, runCheck } from '../src/graph/check.js';

export interface Verification {
  readonly checked: number;
  /** Not run for lack of time. */
  readonly left: number;
  readonly failures: readonly { readonly label: string; readonly failure: string }[];
  /** The largest NMSE by operation and element type. */
  readonly worst: Readonly<Record<string, number>>;
  readonly summary: string;
}

/** @param ends when to stop, by `performance.now()`. */
export async function verify(gpu: Gpu, wanted: (line: string) => boolean, ends: number): Promise<Verification> {
  const checks = listChecks(gpu).filter(({ label }) => wanted(label));
  const failures: { label: string; failure: string }[] = [];
  const worst: Record<string, number> = {};
  let checked = 0;
  for (const check of checks) {
    if (performance.now() > ends) break;
    checked++;
    try {
      const { nmse, failure } = await runCheck(gpu, check);
      const key = `${check.operation.name} ${check.type}`;
      worst[key] = Math.max(worst[key] ?? 0, nmse);
      if (failure) failures.push({ label: check.label, failure });
    } catch (error) {
      failures.push({ label: check.label, failure: (error as Error).message });
    }
  }
  const left = checks.length - checked;
  const told = failures.map(({ label, failure }) => `wrong: ${label}: ${failure}`);
  const summary = [
    `verified ${checked} cases, ${failures.length} wrong${left > 0 ? `, ${left} left for lack of time` : ''}`,
    ...told,
  ].join('\n');
  return { checked, left, failures, worst, summary };
}
