/**
 * Runs the examples unchanged: those of the page that need no other packages, and the two that are files. `npm run test:consumers` runs the
 * others of the page, and these again with the package as it is published.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser } from 'puppeteer-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodePng } from '../../src/formats/images/png.js';
import { launchChromium } from '../../src/node/browser/chromium.js';
import { drawPhantom } from '../../src/phantom/index.js';
import { EXAMPLE_PROJECTS } from '../consumers/examples.js';
import { EXAMPLES_PAGE, findingsIn, readExample, readExamples } from '../support/examples.js';
import { assertLinks, readPage } from '../support/markdown.js';
import { openPage } from '../support/page.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const phantom8 = join(root, 'weights/phantom8.safetensors');
const run = promisify(execFile);

const folder = mkdtempSync(join(tmpdir(), 'raybox-test-'));
mkdirSync(join(folder, 'node_modules'));
symlinkSync(root, join(folder, 'node_modules/raybox'));
const { image, labels } = drawPhantom({ seed: 9, index: 0, size: 256 });
const chest = join(folder, 'chest.png');
writeFileSync(chest, await encodePng({ ...image, channels: 1 }));

/** The findings of the script, which the page must have too. */
let expected: string[] = [];

let started: Promise<{ browser: Browser; close(): Promise<void> }> | undefined;
const browserOf = async () => {
  started ??= launchChromium();
  return (await started).browser;
};
test.after(async () => {
  await (await started)?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes the files of a section, and runs one of them. @returns what it prints */
async function runScript(title: string, ...args: string[]): Promise<string> {
  for (const [name, text] of Object.entries(readExample(title).files)) writeFileSync(join(folder, name), text);
  const { stdout } = await run(process.execPath, args, { cwd: folder, timeout: 120_000 });
  return stdout;
}

test('every section of the page is run by a test, and its links lead to files', () => {
  const run = new Set(EXAMPLE_PROJECTS.map(({ name }) => name));
  assert.equal(
    readExamples().flatMap(({ title }) => (run.has(title) ? [] : [title])),
    [],
  );
  assertLinks(readPage(EXAMPLES_PAGE));
});

test('a Node script finds what was drawn', async () => {
  expected = findingsIn(await runScript('A Node script', 'localize.mjs', 'chest.png'));
  assert.equal([...new Set(expected.map((line) => line.split(' ')[0]))], [...labels]);
});

test('a plain page shows the findings of a chosen image, and a message for another file', async () => {
  const site = join(folder, 'site');
  mkdirSync(site);
  writeFileSync(join(site, 'index.html'), readExample('A plain page').files['index.html']);
  for (const path of [join(root, 'dist/raybox.js'), phantom8]) copyFileSync(path, join(site, path.split('/').at(-1)!));
  const { page, errors, close } = await openPage(await browserOf(), { folder: site, html: 'index.html' });
  try {
    // The handler is set when the weights have been loaded.
    await page.waitForFunction("document.querySelector('input').onchange !== null", { timeout: 60_000 });
    const input = (await page.$('input[type=file]')) as Awaited<ReturnType<typeof page.$<'input'>>>;
    await input!.uploadFile(chest);
    await page.waitForFunction("document.querySelector('ul').textContent !== ''", { timeout: 60_000 });
    assert.equal(findingsIn((await page.$eval('ul', (list) => list.textContent))!), expected);
    // Of each finding the element shows the best box.
    assert.is(
      await page.evaluate(
        "document.querySelector('raybox-overlay').shadowRoot.querySelectorAll('.boxes button').length",
      ),
      new Set(expected.map((line) => line.split(' ')[0])).size,
    );
    await input!.uploadFile(join(site, 'index.html'));
    await page.waitForFunction("document.querySelectorAll('li').length === 0", { timeout: 60_000 });
    assert.match((await page.$eval('ul', (list) => list.textContent))!, /not a PNG/);
    assert.equal(errors, []);
  } finally {
    await close();
  }
});

test('an operation of your own', async () => {
  const title = 'An operation of your own, in WGSL';
  assert.match(await runScript(title, 'mish.mjs'), /^1938 values, at most \d\.\de-[67] from the reference$/m);
});

test('weights of your own: the comparison with PyTorch’s recording passes, and fails for other weights', async () => {
  const title = 'Weights of your own, verified';
  for (const name of ['model.pth', 'input.png', 'expected.json'])
    copyFileSync(join(root, 'test/fixtures/torch-verified', name), join(folder, name));
  const convert = readExample(title).commands.find((command) => command.startsWith('npx raybox'))!;
  await run(process.execPath, [join(root, 'dist/src/cli/cli.js'), ...convert.split(' ').slice(2)], { cwd: folder });
  assert.match(await runScript(title, 'verify.mjs'), /^3 classes, at most \d\.\de-[678] of the range from PyTorch$/m);

  const recorded = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
  recorded.heatmaps[2][3][4] += 0.001;
  writeFileSync(join(folder, 'expected.json'), JSON.stringify(recorded));
  const error = await runScript(title, 'verify.mjs').catch((reason: Error) => reason);
  assert.match(String(error), /raybox computes something else/);
});

test('in a page: the findings of a canvas are listed', async () => {
  const opened = await openPage(await browserOf(), {
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
});

test('in a page: a head is trained on drawn X-rays, and used', async () => {
  const opened = await openPage(await browserOf(), {
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
});

test.run();
