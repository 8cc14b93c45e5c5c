/**
 * A page compiles every kernel again for each device, which takes nearly all of a suite's time in a browser on a software adapter. There
 * `npm test` runs a fixed part of the longest suites, and `npm run test:browser` runs all of them, before a release or after a change to
 * code that differs between platforms. Node always runs whole suites.
 */
import { platform } from '#gpu';

/** Whether whole suites are run: in Node, Deno and Bun, and if RAYBOX_CASES=all. */
export const runsWhole = platform.name !== 'web' || platform.environment('RAYBOX_CASES') === 'all';

/**
 * uvu's `test` for arithmetic or bookkeeping that is the same on every platform and is tested in Node. A page skips it, unless whole suites
 * are run.
 */
export const unlessPart = <T extends { skip: unknown }>(test: T): T | T['skip'] => (runsWhole ? test : test.skip);

/** The first of each kind and every fifteenth of the others, or all if whole suites are run. */
export function partOf<T>(all: readonly T[], kindOf: (one: T) => string): readonly T[] {
  if (runsWhole) return all;
  const seen = new Map<string, number>();
  return all.filter((one) => {
    const kind = kindOf(one);
    const place = seen.get(kind) ?? 0;
    seen.set(kind, place + 1);
    return place % 15 === 0;
  });
}
