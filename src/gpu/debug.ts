/**
 * Diagnostics on stderr. The environment variable DEBUG (in a page: `?DEBUG=`) gives a level from 0 to 4; each level prints what the
 * lower ones print, and more:
 *
 * | level | prints                                                                                              |
 * | ----- | --------------------------------------------------------------------------------------------------- |
 * | 1     | the adapter, and for each plan its dispatches, pipelines, memory and submits                        |
 * | 2     | time, GFLOP/s and GB/s of each dispatch; slower, since each dispatch is run in a pass of its own    |
 * | 3     | which operations were fused, and which kernel variant was chosen                                    |
 * | 4     | the WGSL of each pipeline as it is compiled                                                         |
 */
import { platform } from '#gpu';

/** The level that DEBUG asks for. A value that is not a number counts as 0, because other tools use the variable too. */
export function debugLevel(): number {
  const level = Number(platform.environment('DEBUG'));
  return Number.isFinite(level) ? level : 0;
}

/** Prints `text` if DEBUG is at least `level`. A function is only called then. */
export function debug(level: 1 | 2 | 3 | 4, text: string | (() => string)): void {
  if (debugLevel() >= level) console.error(`raybox: ${typeof text === 'string' ? text : text()}`);
}

/** Whether every operation of a plan has to be checked against its float64 reference (`VALIDATE=1`). */
export function validating(): boolean {
  return platform.environment('VALIDATE') === '1';
}
