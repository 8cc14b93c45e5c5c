/**
 * A page compiles every kernel anew, for each device, which is nearly all that a suite's time goes to in a browser on a software adapter.
 * There `npm test` runs a part of the longest suites, always the same one, and `npm run test:browser` runs all of them: before a release, and
 * after a change to what platforms do differently. Node always runs them whole.
 */
import { platform } from '#gpu';

/** Whether suites run whole here: in Node, Deno and Bun, and where RAYBOX_CASES=all says so. */
export const runsWhole = platform.name !== 'web' || platform.environment('RAYBOX_CASES') === 'all';

/**
 * uvu's `test` for what no platform changes, since it is arithmetic or bookkeeping that Node has tried: a page skips it, unless suites
 * run whole.
 */
export const unlessPart = <T extends { skip: unknown }>(test: T): T | T['skip'] => (runsWhole ? test : test.skip);

/** The first of each kind, and of the others every fifth. All of them where suites run whole. */
export function partOf<T>(all: readonly T[], kindOf: (one: T) => string): readonly T[] {
  if (runsWhole) return all;
  const seen = new Map<string, number>();
  return all.filter((one) => {
    const kind = kindOf(one);
    const place = seen.get(kind) ?? 0;
    seen.set(kind, place + 1);
    return place % 5 === 0;
  });
}
