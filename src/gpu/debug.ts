/**
 * Diagnostics on stderr, chosen by the environment variable DEBUG (in a page: `?DEBUG=`), a level from 0 to 4.
 *
 * | level | tells                                                                    |
 * | ----- | ------------------------------------------------------------------------ |
 * | 1     | adapter, and each plan: dispatches, pipelines, memory, submits           |
 * | 2     | time, GFLOP/s and GB/s of each dispatch (one pass a dispatch, so slower) |
 * | 3     | what was fused, and which kernel variant was chosen                      |
 * | 4     | the WGSL of each pipeline as it is compiled                              |
 */
import { platform } from '#gpu';

/** The level that DEBUG asks for. Anything that is no number counts as 0, since other tools use the variable too. */
export function debugLevel(): number {
  const level = Number(platform.environment('DEBUG'));
  return Number.isFinite(level) ? level : 0;
}

/** Prints `text` where the level is reached. */
export function debug(level: 1 | 2 | 3 | 4, text: string | (() => string)): void {
  if (debugLevel() >= level) console.error(`raybox: ${typeof text === 'string' ? text : text()}`);
}

/** Whether every op of a plan is to be checked against its float64 reference (`VALIDATE=1`). */
export function validating(): boolean {
  return platform.environment('VALIDATE') === '1';
}
