/**
 * How raybox behaves in a page: two workers at once, under COOP and COEP, offline from a service worker. In Chromium, and in Firefox where
 * it is installed.
 */
import type { Browser } from 'puppeteer-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { launchChromium } from '../../src/node/browser/chromium.js';
import { runInPage } from '../support/browser_suite.js';
import { findFirefox, launchFirefox } from '../support/firefox.js';
import { openPage } from '../support/page.js';
import { tinyWeights } from '../support/tiny.js';
import type * as tinyPage from '../support/tiny_page.js';

const PAGE = '/bundle/empty.html';
const WEIGHTS = '/bundle/tiny.safetensors';

/** Keeps the page, its script and the weights, and answers with them. */
const serviceWorker = (scriptUrl: string) => `
  const kept = ${JSON.stringify([PAGE, scriptUrl, WEIGHTS])};
  addEventListener('install', (event) => event.waitUntil(caches.open('kept').then((cache) => cache.addAll(kept))));
  addEventListener('activate', (event) => event.waitUntil(clients.claim()));
  addEventListener('fetch', (event) => event.respondWith(caches.match(event.request).then((found) => found ?? new Response('', { status: 404 }))));`;

const open = (browser: Browser) =>
  openPage(browser, {
    script: 'dist/test/support/tiny_page.js',
    start: false,
    headers: { 'Cross-Origin-Embedder-Policy': 'require-corp' }, // the server sends COOP always
    contents: {
      [WEIGHTS]: tinyWeights(1),
      '/bundle/service_worker.js': Buffer.from(serviceWorker('/bundle/tiny_page.js')),
    },
  });

function behaves(name: string, start: () => Promise<{ browser: Browser; close(): Promise<void> }>): void {
  const test = suite(name);
  let started: ReturnType<typeof start> | undefined;
  const browserOf = async () => {
    started ??= start();
    return (await started).browser;
  };

  test('an isolated page and two workers give the same results at the same time; offline, a service worker replaces the server', async () => {
    const { page, scriptUrl, errors, goOffline, close } = await open(await browserOf());
    try {
      const answers = await page.evaluate(async (url): Promise<string[]> => {
        if (!crossOriginIsolated) throw new Error('the page is not isolated');
        return ((await import(url)) as typeof tinyPage).localizeWithWorkers(url, 2);
      }, scriptUrl);
      assert.is(answers.length, 3);
      assert.match(answers[0], /"findings":\[\{"label"/);
      for (const answer of answers) assert.is(answer, answers[0]);

      await page.evaluate(async () => {
        await navigator.serviceWorker.register('service_worker.js');
        await navigator.serviceWorker.ready;
      });
      await goOffline();
      await page.reload();
      const offline = await page.evaluate(
        async (url, weights) => ((await import(url)) as typeof tinyPage).localizeFrom(weights),
        ...([scriptUrl, WEIGHTS] as const),
      );
      assert.is(offline, answers[0]);
      assert.equal(errors, []);
    } finally {
      await close();
    }
  });

  if (name === 'Firefox') {
    test('two localizers on a device, many calls at once, opened and closed again and again', async () =>
      runInPage(await browserOf(), 'dist/test/gpu/behaviour.test.js'));
  }

  test.after(async () => (await started)?.close());
  test.run();
}

behaves('Chromium', () => launchChromium());

const firefox = findFirefox();
if (firefox !== undefined) {
  behaves('Firefox', async () => {
    const browser = await launchFirefox(firefox);
    return { browser, close: () => browser.close() };
  });
} else {
  const missing = suite('Firefox');
  missing.skip('everything');
  missing.run();
  console.log('skipped: Firefox is not installed');
}
