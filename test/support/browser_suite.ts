/** Runs a uvu file inside a page and reports its results as if it had run here. */
import { parse } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Browser } from 'puppeteer-core';
import { openPage } from './page.js';

/** What uvu returns for one suite: the failures as text or true, then how many cases passed, were skipped, ran. */
type SuiteResult = [failures: string | true, passed: number, skipped: number, total: number];

/** Environment variables that a page reads from its address. */
const PASSED_ON = /^(DEBUG|VALIDATE|RAYBOX_\w+)$/;

/** uvu's marks of passed and failed cases, which would each take a line of their own. */
const MARKS = /^[•✘] $/;

/**
 * Bundles the built test file `script`, runs it in a page of its own, prints what it prints, and one line of counts.
 *
 * @param more search parameters of the page's address
 * @throws Error with the messages and stacks of the cases that failed; also if a suite ran no case, if one of its
 *   hooks failed, if the page crashed, and for uncaught errors in the page
 */
export async function runInPage(
  browser: Browser,
  script: string,
  print = console.log,
  more: Record<string, string> = {},
): Promise<void> {
  const name = parse(script).name;
  const started = performance.now();
  const passedOn = Object.entries(process.env).filter(([key]) => PASSED_ON.test(key));
  const search = { ...Object.fromEntries(passedOn), ...more };
  const opened = await openPage(browser, {
    script,
    start: false,
    search,
    onLine: (line) => MARKS.test(line) || print(line.trimEnd()),
  });
  try {
    const run = opened.page.evaluate(runSuites, opened.scriptUrl).catch((error: Error) => {
      const message = /timed out/.test(error.message) ? 'it did not end within the time limit' : error.message;
      throw new Error(`${name} in the browser: ${message}`, { cause: error });
    });
    const results = await Promise.race([run, opened.crashed]);
    const count = (field: 1 | 2 | 3) => results.reduce((sum, result) => sum + result[field], 0);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const skipped = count(2) > 0 ? `, ${count(2)} skipped` : '';
    print(`${name} in the browser: ${count(1)} of ${count(3)} cases passed${skipped} (${seconds} s)`);

    const failures = [...opened.errors, ...results.flatMap(failuresOf)];
    if (results.length === 0) failures.push('no suite ran: does the file end with test.run()?');
    if (failures.length > 0) throw new Error(`${name} in the browser:\n${opened.locate(failures.join('\n'))}`);
  } finally {
    await opened.close();
  }
}

function failuresOf([failures, passed, , total]: SuiteResult): string[] {
  if (failures !== true) return [stripVTControlCharacters(failures)];
  if (total === 0) return ['a suite ran no case'];
  return passed === total ? [] : [`${passed} of ${total} cases passed, and none said why: a hook failed`]; // uvu hides it
}

/** This function runs in the page, so it cannot use anything of this file. If uvu is told to defer, it leaves its suites in a queue. */
async function runSuites(scriptUrl: string): Promise<SuiteResult[]> {
  const queue: (() => Promise<SuiteResult>)[][] = [[]];
  Object.assign(globalThis, { UVU_DEFER: true, UVU_QUEUE: queue });
  try {
    await import(scriptUrl);
  } catch (error) {
    return [[`${error instanceof Error ? error.stack : error}`, 0, 0, 1]];
  }
  const results: SuiteResult[] = [];
  for (const run of queue.flat()) results.push(await run());
  await new Promise((resolve) => setTimeout(resolve, 10)); // unhandled rejections are reported one task later
  return results;
}
