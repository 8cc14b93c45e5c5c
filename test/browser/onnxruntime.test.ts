/**
 * A page that brings onnxruntime-web along runs the network in it where there is no GPU, with the results of WebGPU; a page that does not is told
 * how. In Chromium, and in Firefox where it is installed. Where the package is not installed, only the latter is tested.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'puppeteer-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { launchChromium } from '../../src/node/browser/chromium.js';
import { findFirefox, launchFirefox } from '../support/firefox.js';
import type * as onnxPage from '../support/onnx_page.js';
import { openPage } from '../support/page.js';
import { localizeTinyIn } from '../support/tiny.js';
import type * as tinyPage from '../support/tiny_page.js';

/** The part of onnxruntime-web that a page has to serve beside its bundle. */
const WASM = 'ort-wasm-simd-threaded.wasm';

function installedPart(): Uint8Array | undefined {
  try {
    return readFileSync(fileURLToPath(import.meta.resolve(`onnxruntime-web/${WASM}`)));
  } catch {
    return undefined;
  }
}

const wasm = installedPart();
if (!wasm) console.log('skipped: onnxruntime-web is not installed');

/** The bounds of src/localizer/README.md. */
const BOUNDS = { score: 1e-5, map: 1e-4 };

type Answer = Awaited<ReturnType<typeof localizeTinyIn>>;

/** Compares probabilities, raw heatmaps and boxes. No value of these heatmaps lies near a heat threshold. */
function compare(page: Answer, node: Answer): void {
  assert.equal(Object.keys(page.probabilities), Object.keys(node.probabilities));
  for (const [label, score] of Object.entries(node.probabilities)) {
    assert.ok(Math.abs(page.probabilities[label] - score) <= BOUNDS.score, `${label}: ${score}`);
    const [ours, theirs] = [node.heatmaps[label], page.heatmaps[label]];
    const apart = Math.max(...ours.map((value, i) => Math.abs(value - theirs[i])));
    assert.ok(apart <= BOUNDS.map * (Math.max(...ours) - Math.min(...ours)), `${label}: ${apart}`);
  }
  assert.ok(node.boxes.length > 2);
  assert.equal(page.boxes, node.boxes);
}

function behaves(name: string, start: () => Promise<{ browser: Browser; close(): Promise<void> }>): void {
  const test = suite(name);
  let started: ReturnType<typeof start> | undefined;
  const browserOf = async () => {
    started ??= start();
    return (await started).browser;
  };

  (wasm ? test : test.skip)('auto is onnxruntime-web without WebGPU and on a software adapter', async () => {
    const { page, scriptUrl, errors, close } = await openPage(await browserOf(), {
      script: 'dist/test/support/onnx_page.js',
      start: false,
      contents: { [`/bundle/${WASM}`]: wasm! },
    });
    const inPage = (backend: 'auto' | 'onnxruntime') =>
      page.evaluate(
        async (url, choice) => ((await import(url)) as typeof onnxPage).localizeInOnnx(choice),
        ...([scriptUrl, backend] as const),
      );
    try {
      const node = await localizeTinyIn({ backend: 'webgpu' });
      const software = name === 'Chromium' ? await inPage('auto') : undefined;
      await page.evaluate(() => Reflect.deleteProperty(Navigator.prototype, 'gpu'));
      const [missing, asked] = [await inPage('auto'), await inPage('onnxruntime')];
      assert.is(node.backend.name, 'webgpu');
      const reasons = [software, missing, asked].flatMap((answer) => (answer ? [answer.backend] : []));
      assert.equal(reasons.slice(-2), [
        { name: 'onnxruntime', reason: 'this browser offers no WebGPU' },
        { name: 'onnxruntime', reason: 'asked for' },
      ]);
      if (software) assert.match(reasons[0].reason, /the only adapter, .*swiftshader.*, computes on the CPU/);
      for (const answer of [software, missing, asked]) if (answer) compare(answer, node);
      assert.equal(errors, []);
    } finally {
      await close();
    }
  });

  test('without the package the error names it, and says what the page has to give', async () => {
    const { page, scriptUrl, close } = await openPage(await browserOf(), {
      script: 'dist/test/support/tiny_page.js',
      start: false,
    });
    try {
      const refusals = await page.evaluate(async (url): Promise<string[]> => {
        Reflect.deleteProperty(Navigator.prototype, 'gpu');
        const { refusalOf } = (await import(url)) as typeof tinyPage;
        return [await refusalOf({ backend: 'onnxruntime' }), await refusalOf({ backend: 'auto' })];
      }, scriptUrl);
      const hint = /load\(weights, \{ onnxruntime: \(\) => import\('onnxruntime-web'\) \}\)/;
      assert.match(refusals[0], /InputError: the package onnxruntime-web, .*cannot be imported/);
      assert.match(refusals[1], /GpuUnavailableError: this browser offers no WebGPU.*without a GPU/);
      for (const refusal of refusals) assert.match(refusal, hint);
    } finally {
      await close();
    }
  });

  test.after(async () => (await started)?.close());
  test.run();
}

behaves('Chromium', () => launchChromium());

const firefox = findFirefox();
if (firefox !== undefined)
  behaves('Firefox', async () => {
    const browser = await launchFirefox(firefox);
    return { browser, close: () => browser.close() };
  });
else console.log('skipped: Firefox is not installed');
