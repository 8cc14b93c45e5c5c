/** Runs in Chromium, on SwiftShader, the suites that must give the same there as in Node. */
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { serveFolder } from '../../src/cli/serve.js';
import { launchChromium } from '../../src/node/browser/chromium.js';
import { localizePhantom } from '../support/agreement.js';
import { runInPage } from '../support/browser_suite.js';
import { openPage } from '../support/page.js';

/** Test files in the other folders, without `.test.ts`. */
const SUITES = [
  'gpu/browser_smoke',
  'gpu/gpu',
  'gpu/kernels',
  'gpu/ops',
  'gpu/preprocess',
  'gpu/boxes',
  'gpu/localizer',
  'gpu/behaviour',
  'gpu/interruptions',
  'gpu/tuning',
  'plain/kept_weights',
  'plain/phantom',
];

/** Whole networks beside PyTorch, and whole trainings: what they are made of is in the suites above, and Node runs them always. */
const WHOLE_SUITES = process.env.RAYBOX_CASES === 'all' ? ['gpu/nets_torch', 'gpu/train_loop'] : [];

const SUITE_LIMIT_MS = 8 * 60_000;

// This is not in a hook, because uvu does not report what a hook throws.
const { browser, close } = await launchChromium({ callTimeout: SUITE_LIMIT_MS });
test.after(close);

for (const name of [...SUITES, ...WHOLE_SUITES]) {
  test(`${name} passes in Chromium`, () => runInPage(browser, `dist/test/${name}.test.js`));
}

test('images that only a browser decodes, and images as elements of a page', async () => {
  const fixtures = fileURLToPath(new URL('../../../test/fixtures/browser', import.meta.url));
  const other = await serveFolder(fixtures, { headers: { 'Cross-Origin-Resource-Policy': 'cross-origin' } });
  try {
    await runInPage(browser, 'dist/test/support/page_images.js', console.log, { elsewhere: other.url });
  } finally {
    await other.close();
  }
});

test('Node and Chromium give the same scores and boxes for an image', async () => {
  const { page, scriptUrl, close } = await openPage(browser, {
    script: 'dist/test/support/agreement.js',
    start: false,
  });
  const inPage = await page
    .evaluate(async (url) => (await import(url)).localizePhantom() as ReturnType<typeof localizePhantom>, scriptUrl)
    .finally(close);
  const inNode = await localizePhantom();
  assert.match(inNode.adapter, /swiftshader/i);
  assert.match(inPage.adapter, /swiftshader/i);
  assert.is(inPage.pixels, inNode.pixels);
  for (const [label, probability] of Object.entries(inNode.probabilities)) {
    const apart = Math.abs(inPage.probabilities[label] - probability);
    assert.ok(apart <= 1e-6, `${label}: ${apart} apart`);
  }
  const undecided = new Set([...inNode.undecided, ...inPage.undecided]);
  assert.ok(undecided.size <= 2, `${undecided.size} heatmaps too near a threshold to compare`);
  const boxes = ({ findings }: typeof inNode) =>
    findings
      .filter(({ label }) => !undecided.has(label))
      .map(({ label, threshold, box }) => ({ label, threshold, ...box }));
  assert.ok(boxes(inNode).length >= 12);
  assert.equal(boxes(inPage), boxes(inNode));
});

const BROKEN = {
  failing: /bad"\s+these differ[\s\S]*test\/support\/broken\/failing\.ts:6:/,
  hook: /0 of 1 cases passed.*hook failed/,
  empty: /no suite ran/,
  import: /this module does not load[\s\S]*broken\/import\.ts:2:/,
  stray: /a stray rejection[\s\S]*broken\/stray\.ts:5:/,
  node_only: /node:fs/,
};

for (const [name, message] of Object.entries(BROKEN)) {
  test(`a suite that fails in a page fails here too: ${name}`, async () => {
    const failure = await runInPage(browser, `dist/test/support/broken/${name}.js`, () => {}).then(
      () => 'nothing failed',
      (error: Error) => error.message,
    );
    assert.match(failure, message);
  });
}

test('text and WebGPU canvases are visible in screenshots', async () => {
  const { page, errors, close } = await openPage(browser, {
    html: 'support/canvas.html',
    viewport: { width: 200, height: 100 },
  });
  try {
    await page.waitForSelector('canvas[data-drawn]');
    const image = PNG.sync.read(Buffer.from(await page.screenshot()));
    const colours = (top: number, bottom: number) => {
      const rows = image.data.subarray(top * 200 * 4, bottom * 200 * 4);
      return new Set(Array.from({ length: rows.length / 4 }, (_, i) => rows.subarray(4 * i, 4 * i + 3).join()));
    };
    assert.equal(errors, []);
    assert.ok(colours(0, 50).has('0,0,0') && colours(0, 50).has('255,255,255'), 'black text on white');
    assert.equal(colours(50, 100), new Set(['0,128,255']), 'a canvas filled with one colour');
  } finally {
    await close();
  }
});

test.run();
