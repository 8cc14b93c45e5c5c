/** The case table of every operation in Firefox, whose WebGPU is another than Chromium's. */
import { runInPage } from '../support/browser_suite.js';
import { findFirefox, launchFirefox } from '../support/firefox.js';

const LIMIT_MS = 30 * 60_000;

/** Runs all cases. @returns how many passed, or why none was run. @throws Error with those that failed */
export async function verifyInFirefox(): Promise<string> {
  const path = findFirefox();
  if (path === undefined) return 'skipped: Firefox is not installed';
  process.env.RAYBOX_CASES = 'all';
  const browser = await launchFirefox(path, LIMIT_MS);
  try {
    let last = '';
    await runInPage(browser, 'dist/test/gpu/kernels.test.js', (line) => {
      last = line;
    });
    return last;
  } finally {
    await browser.close();
  }
}
