/** The examples of the README run as they stand. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodePng } from '../src/formats/png.js';
import { launchChromium } from '../src/node/chromium.js';
import { openPage } from './support/page.js';

const fixture = fileURLToPath(
  new URL('../../test/fixtures/torch-reference/resnet-basic/model.safetensors', import.meta.url),
);
const folder = mkdtempSync(join(tmpdir(), 'raybox-test-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('in Node: an image file to printed findings', async () => {
  const [width, height] = [96, 64];
  const data = Uint8Array.from({ length: width * height }, (_, i) => (i % width) + Math.floor(i / width));
  const image = join(folder, 'image.png');
  writeFileSync(image, await encodePng({ data, width, height, channels: 1 }));
  const script = fileURLToPath(new URL('./examples/node.js', import.meta.url));
  const output = execFileSync(process.execPath, [script, image, fixture], { encoding: 'utf8' });
  assert.match(output, /output 0.: 0\.\d+/);
  assert.match(output, /^output \d 0\.\d\d at \d+, \d+: \d+ × \d+ pixels$/m);
});

test('in a page: a canvas to listed findings', async () => {
  const { browser, close } = await launchChromium();
  try {
    const opened = await openPage(browser, {
      script: 'dist/test/examples/browser.js',
      html: 'examples/browser.html',
      start: false,
    });
    try {
      await opened.page.waitForFunction("document.querySelector('ul').textContent !== ''", { timeout: 60_000 });
      assert.equal(opened.errors, []);
      const text = await opened.page.$eval('ul', (list) => list.textContent);
      assert.match(text!, /^output \d 0\.\d\d at \d+, \d+$/m);
    } finally {
      await opened.close();
    }
  } finally {
    await close();
  }
});

test('in a page without a bundler: one ES module from a script tag', async () => {
  const { browser, close } = await launchChromium();
  try {
    const opened = await openPage(browser, { folder: '.', html: 'test/examples/script_tag.html' });
    try {
      await opened.page.waitForFunction("document.querySelector('ul').textContent !== ''", { timeout: 60_000 });
      assert.equal(opened.errors, []);
      const text = await opened.page.$eval('ul', (list) => list.textContent);
      assert.match(text!, /^output \d 0\.\d\d at \d+, \d+$/m);
    } finally {
      await opened.close();
    }
  } finally {
    await close();
  }
});

test('in a page: a head is trained on drawn X-rays, and used', async () => {
  const { browser, close } = await launchChromium();
  try {
    const opened = await openPage(browser, {
      script: 'dist/test/examples/train.js',
      html: 'examples/train.html',
      start: false,
    });
    try {
      const done = "document.querySelector('ul').textContent.includes('Effusion')";
      await opened.page.waitForFunction(done, { timeout: 90_000 });
      assert.equal(opened.errors, []);
      const text = (await opened.page.$eval('ul', (list) => list.textContent))!;
      const epochs = text.matchAll(/^epoch \d: loss (\d+\.\d{3}), validation AUC [01]\.\d{3}$/gm);
      const losses = [...epochs].map(([, loss]) => Number(loss));
      assert.is(losses.length, 2);
      assert.ok(losses[1] < losses[0], text);
      assert.match(text, /^Cardiomegaly 0\.\d\d$/m);
    } finally {
      await opened.close();
    }
  } finally {
    await close();
  }
});

test.run();
