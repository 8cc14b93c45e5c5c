/** The demo page and the bench page, used as a user would, in Chromium on SwiftShader. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { PNG } from 'pngjs';
import type { Page } from 'puppeteer-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkResults } from '../../bench/collected/layout.js';
import { shared } from '../../bench/collected/shared.js';
import { DEMO_HEADERS, serveFolder } from '../../src/cli/serve.js';
import { encodePng } from '../../src/formats/images/png.js';
import { launchChromium } from '../../src/node/browser/chromium.js';
import { classColor } from '../../src/overlay/colors.js';
import { readFixture } from '../support/fixture.js';
import { tinyWeights } from '../support/tiny.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-test-'));
const { buildPage } = await import(new URL('../../../.ci/web.js', import.meta.url).href);
await buildPage(join(folder, 'page'));
const served = await serveFolder(join(folder, 'page'), { headers: DEMO_HEADERS });
const { browser, close } = await launchChromium();
test.after(async () => {
  await close();
  await served.close();
  rmSync(folder, { recursive: true, force: true });
});

const complaints: string[] = [];
const hosts = new Set<string>();

async function open(prepare?: (page: Page) => Promise<unknown>, path = ''): Promise<Page> {
  const page = await browser.newPage();
  page.on('pageerror', (error) => complaints.push(String((error as Error)?.stack ?? error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:') hosts.add(host);
  });
  await page.setViewport({ width: 1000, height: 800 });
  await prepare?.(page);
  await page.goto(served.url + path);
  await idle(page);
  return page;
}

/** The path of the first file that is complete in a folder. */
async function fileIn(path: string): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const name = (existsSync(path) ? readdirSync(path) : []).find((one) => one.endsWith('.json'));
    if (name !== undefined) return join(path, name);
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`no file in ${path}`);
}

const idle = (page: Page) => page.waitForFunction("document.body.dataset.state === 'idle'", { timeout: 240_000 });
const text = (page: Page, selector: string) => page.$eval(selector, (element) => element.textContent ?? '');
const isShown = (page: Page, selector: string) => page.$eval(selector, (element) => !(element as HTMLElement).hidden);

/** Drops a file on the page and waits until the page has processed it. */
const drop = (page: Page, name: string, bytes: Uint8Array) => dropAll(page, { [name]: bytes });

/** Drops several files together. */
async function dropAll(page: Page, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  await page.evaluate(
    (all) => {
      const dataTransfer = new DataTransfer();
      for (const [fileName, base64] of Object.entries(all)) {
        const content = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        dataTransfer.items.add(new File([content], fileName));
      }
      document.body.dataset.state = 'dropped';
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    },
    Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')])),
  );
  await idle(page);
}

const page = await open();

/** Chooses weights of the list and waits until the picture is localized with them. */
async function choose(weights: string): Promise<void> {
  await page.evaluate((name) => {
    document.body.dataset.state = 'chosen';
    const list = document.querySelector<HTMLSelectElement>('#weights')!;
    list.value = name;
    list.dispatchEvent(new Event('change'));
  }, weights);
  await idle(page);
}

test('the page localizes a phantom at the start, with the shipped weights', async () => {
  assert.match(await text(page, '#status-text'), /^Localized in [\d.]+ s\.$/);
  assert.match(await text(page, '#adapter'), /swiftshader \(software\)/);
  assert.is(await isShown(page, '#untrained'), false);
  assert.match(await text(page, '#weights-detail'), /phantom8\.safetensors: .*8 classes, input 128²/);
  const found = await page.$$eval('#bars .found', (all) => all.map((bar) => (bar as HTMLElement).dataset.label));
  assert.ok(found.includes('Effusion') && found.includes('Pneumothorax'), `drawn, and found: ${found}`);
});

test('the page says if the network is untrained', async () => {
  await choose('untrained');
  assert.match(await text(page, '#status-text'), /^Localized/);
  assert.match(await text(page, '#untrained'), /Untrained network\. .*meaningless/s);
  assert.match(await text(page, 'footer'), /Not a medical device/);
  assert.match(await text(page, '#image-name'), /^phantom 9, 512 × 512 pixels; drawn into it: Pneumothorax, Effusion$/);
  assert.is((await page.$$('#bars li')).length, 8);
  assert.is((await page.$$('#bars .found')).length, 2);
});

test('boxes are drawn where the findings are', async () => {
  const rows = await page.$$eval('#findings tbody tr', (all) => all.map((row) => row.lastElementChild!.textContent!));
  const boxes = await page.$eval('#overlay', (overlay) => {
    const frame = overlay.shadowRoot!.querySelector('.frame')!.getBoundingClientRect();
    return [...overlay.shadowRoot!.querySelectorAll('.box')].map((button) => {
      const box = button.getBoundingClientRect();
      const scale = 512 / frame.width;
      return [box.x - frame.x, box.y - frame.y, box.width, box.height].map((length) => length * scale);
    });
  });
  assert.ok(rows.length >= 2);
  assert.is(boxes.length, rows.length);
  for (const [index, row] of rows.entries()) {
    const expected = row.match(/\d+/g)!.map(Number);
    boxes[index].forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]) < 0.5, `${row}: ${boxes[index]}`);
    });
  }
});

test('only the best boxes are shown until all are asked for, and the page says how many there are', async () => {
  const rows = async () => (await page.$$('#findings tbody tr')).length;
  const caption = () =>
    page.$eval('#overlay', (overlay) => overlay.shadowRoot!.querySelector('figcaption')!.textContent);
  assert.is(await rows(), 2);
  assert.match(await text(page, '#rest'), /^\d+ further box(es)? not shown: choose “all boxes”/);
  const hidden = Number((await text(page, '#rest')).match(/\d+/));
  assert.match((await caption())!, new RegExp(`; ${hidden} further box`));
  const names = () => page.$$eval('#findings tbody button', (all) => all.map((button) => button.textContent!));
  assert.ok((await caption())!.includes(`heatmap of ${(await names())[0]}`), `the most probable: ${await caption()}`);
  assert.is(await isShown(page, '#heat'), false);
  await page.click('#all-boxes');
  assert.is(await rows(), 2 + hidden);
  assert.equal([await isShown(page, '#rest'), await isShown(page, '#heat')], [false, true]);
  assert.not.match((await caption())!, /not shown/);
  const boxes = () => page.$eval('#overlay', (overlay) => overlay.shadowRoot!.querySelectorAll('.box').length);
  assert.is(await boxes(), 2 + hidden);
  const labels = await page.$eval('#overlay', (overlay) =>
    [...overlay.shadowRoot!.querySelectorAll<HTMLElement>('.box')].map(({ dataset }) => dataset.label!),
  );
  assert.equal(labels, await names(), 'boxes are in the order of the list');
  await page.click('#heat label:last-child');
  await page.waitForFunction(
    (all) => document.querySelector('#overlay')!.shadowRoot!.querySelectorAll('.box').length < all,
    {},
    2 + hidden,
  );
  await page.click('#all-boxes');
  assert.is(await boxes(), 2);
});

test('a class can be chosen in the bars, or by the keyboard in the picture, and Escape shows all', async () => {
  const selected = () => page.$eval('#bars [aria-pressed=true] .name', (name) => name.textContent).catch(() => null);
  await page.click('#bars [data-label=Atelectasis]');
  assert.is(await selected(), 'Atelectasis');
  const labels = await page.$eval('#overlay', (overlay) => {
    return [...overlay.shadowRoot!.querySelectorAll<HTMLElement>('.box')].map((box) => box.dataset.label);
  });
  assert.equal([...new Set(labels)], ['Atelectasis']);
  assert.not.match(await text(page, '#findings'), /Atelectasis/); // below its threshold: shown, not found

  await page.click('#bars [data-label=Atelectasis]');
  assert.is(await selected(), null);
  const focused = () =>
    page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.getAttribute('aria-label') ?? '');
  await page.click('#findings tbody button');
  const first = await focused();
  assert.match(first, /^\w+, score 0\.\d\d, \d+ by \d+ pixels at \d+, \d+, heat at or above \d+$/);
  assert.is(await selected(), first.split(',')[0]);
  await page.keyboard.press('Escape');
  assert.is(await selected(), null);
  await page.keyboard.press('ArrowRight');
  assert.not.equal(await focused(), first);
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  assert.is(await selected(), first.split(',')[0]);
  await page.keyboard.press('Escape');
});

test('downloads contain all findings, however many are shown', async () => {
  const session = await browser.target().createCDPSession();
  await session.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: folder });
  const saved = async (kind: string, name: string) => {
    await page.click(`[data-save=${kind}]`);
    const path = join(folder, name);
    for (let tries = 0; tries < 200 && !existsSync(path); tries++) await new Promise((done) => setTimeout(done, 25));
    return readFileSync(path);
  };
  const rows = 2 + Number((await text(page, '#rest')).match(/\d+/));
  const json = JSON.parse((await saved('json', 'phantom-9.json')).toString());
  assert.is(json.findings.length, rows);
  assert.equal([json.width, json.height, json.weights.trainingData], [512, 512, 'none']);
  assert.is(Object.keys(json.probabilities).length, 8);
  const coco = JSON.parse((await saved('coco', 'phantom-9.coco.json')).toString());
  assert.equal(
    coco.annotations.map(({ bbox }: { bbox: number[] }) => bbox),
    json.findings.map(({ box }: { box: Record<string, number> }) => [box.x, box.y, box.width, box.height]),
  );
  const csv = (await saved('csv', 'phantom-9.csv')).toString().trim().split('\n');
  assert.is(csv.length, rows + 1);
  assert.match(csv[1], new RegExp(`^phantom 9,${json.findings[0].label},`));
  const png = PNG.sync.read(await saved('png', 'phantom-9.overlay.png'));
  assert.is(png.width, 768);
  assert.ok(png.height > 768, 'a line below says that it is meaningless');
});

test('a bad file gives a clear message, and the picture stays', async () => {
  await drop(page, 'notes.txt', Buffer.from('these are notes, not an image'));
  assert.match(
    await text(page, '#error-text'),
    /^notes\.txt: image: not a PNG.* file; expected PNG.*; given a text file/,
  );
  assert.match(await text(page, '#image-name'), /^phantom 9/);
  const whole = await encodePng({ data: new Uint8Array(900), width: 30, height: 30, channels: 1 });
  await drop(page, 'half.png', whole.subarray(0, whole.length >> 1));
  assert.match(await text(page, '#error-text'), /^half\.png: png: the file is cut/);
  await drop(page, 'bad.safetensors', Buffer.from('\x10\0\0\0\0\0\0\0{"a":{"dtype":"X', 'latin1'));
  assert.match(await text(page, '#error-text'), /safetensors|weights/);
  assert.ok(await isShown(page, '#restart'));
  await drop(page, 'noise.safetensors', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12));
  assert.match(await text(page, '#error-text'), /weights/);
  assert.not.match(await text(page, '#error-text'), /image/);
  const other = await encodePng({ data: new Uint8Array(900).fill(9), width: 30, height: 30, channels: 1 });
  await drop(page, 'other.png', other);
  assert.match(await text(page, '#image-name'), /^other\.png/);
  assert.is((await page.$$('#bars li, #findings tbody tr')).length, 0, 'nothing of the image before');
  await page.click('#error-close');
});

test('an abort ends the loading, and it can be started again', async () => {
  await page.evaluate(() => {
    document.body.dataset.state = 'chosen';
    const list = document.querySelector<HTMLSelectElement>('#weights')!;
    list.value = 'untrained';
    list.dispatchEvent(new Event('change'));
    document.querySelector<HTMLButtonElement>('#abort')!.click();
  });
  await idle(page).catch(() => {});
  assert.is(await text(page, '#status-text'), 'Aborted.');
  await page.click('#phantom button');
  await page.waitForFunction("document.querySelector('#status-text').textContent.startsWith('Localized')", {
    timeout: 120_000,
  });
});

test('several files that are dropped together: weights and one image are used, and the others are named', async () => {
  const png = await encodePng({ data: new Uint8Array(900).fill(9), width: 30, height: 30, channels: 1 });
  await dropAll(page, { 'first.png': png, 'net.safetensors': tinyWeights(1), 'second.png': png });
  await page.waitForFunction("document.querySelector('#image-name').textContent.includes('Not read')", {
    timeout: 120_000,
  });
  assert.match(
    await text(page, '#image-name'),
    /^first\.png, 30 × 30 pixels\. Not read: second\.png \(the page takes one image and one file of weights at a time\)$/,
  );
  assert.is(await text(page, '#weights-detail'), 'a small vgg, 2 classes, input 32², random numbers');
});

test('dropped weights and a dropped PNG are used, and trained weights have no notice', async () => {
  await drop(page, 'net.safetensors', await readFixture('torch-reference/resnet-basic/model.safetensors'));
  assert.is(await isShown(page, '#untrained'), false);
  assert.match(await text(page, '#weights-detail'), /^net\.safetensors: .*resnet.*8 classes, input 224²/);
  const data = Uint8Array.from({ length: 80 * 50 }, (_, i) => (i % 80) * 3);
  await drop(page, 'ramp.png', await encodePng({ data, width: 80, height: 50, channels: 1 }));
  assert.match(await text(page, '#image-name'), /^ramp\.png, 80 × 50 pixels$/);
  assert.match(await text(page, '#status-text'), /^Localized/);
  const size = await page.$eval('#overlay', (overlay) => {
    const { width, height } = overlay.shadowRoot!.querySelector('.frame')!.getBoundingClientRect();
    return width / height;
  });
  assert.ok(Math.abs(size - 1.6) < 0.01);
});

test('the element draws box, colour and heat at the right pixels', async () => {
  await page.evaluate(() => {
    const overlay = document.querySelector('raybox-overlay')!;
    const heat = new Float32Array(8 * 6);
    heat[3 * 8 + 6] = 1;
    Object.assign(overlay, { image: { data: new Uint8Array(400 * 300), width: 400, height: 300 } });
    Object.assign(overlay, { opacity: 1, selected: null, caption: '', heatThreshold: null });
    overlay.result = {
      width: 400,
      height: 300,
      probabilities: { Mass: 0.2, Nodule: 0.9 },
      findings: [{ label: 'Nodule', score: 0.9, box: { x: 40, y: 60, width: 160, height: 90 }, threshold: 180 }],
      heatmaps: { Nodule: { width: 8, height: 6, data: heat } },
    };
    scrollTo(0, 0);
  });
  await new Promise((done) => setTimeout(done, 200));
  const clip = await page.$eval('#overlay', (overlay) => {
    const { x, y, width, height } = overlay.shadowRoot!.querySelector('.frame')!.getBoundingClientRect();
    return { x, y, width, height };
  });
  const shot = PNG.sync.read(Buffer.from(await page.screenshot({ clip })));
  const scale = clip.width / 400;
  const pixel = (x: number, y: number) => {
    const at = (Math.round(y * scale) * shot.width + Math.round(x * scale)) * 4;
    return [...shot.data.subarray(at, at + 3)];
  };
  const colour = [...classColor(1)];
  const coloured = (length: number, at: (i: number) => number[]) => {
    const places = Array.from({ length }, (_, i) => i).filter((i) => at(i).join() === colour.join());
    return [places[0], places.at(-1)! + 1].map((place) => place / scale);
  };
  const across = coloured(shot.width, (x) => pixel(x / scale, 105));
  const down = coloured(shot.height, (y) => pixel(120, y / scale)).slice(1);
  for (const [actual, expected] of [
    [across[0], 40],
    [across[1], 200],
    [down[0], 150],
  ]) {
    assert.ok(Math.abs(actual - expected) <= 1 / scale, `${actual} for ${expected}`);
  }
  assert.equal(pixel(120, 105), [0, 0, 0], 'inside');
  assert.equal(pixel(20, 280), [0, 0, 0], 'outside');
  // The peak's cell has its centre at (6.5, 3.5) of 8 × 6.
  const peak = pixel((6.5 / 8) * 400, (3.5 / 6) * 300);
  assert.ok(Math.min(peak[0], peak[1]) > 230, `hot: ${peak}`);
  const label = await page.$eval('#overlay', (overlay) => overlay.shadowRoot!.querySelector('.labels')!.textContent);
  assert.is(label, 'Nodule 0.90');
});

test('properties that are set before the element is defined are used, and a huge image is shown', async () => {
  const shown = await page.evaluate(async () => {
    const early = document.createElement('div');
    const overlay = document.createElement('raybox-overlay');
    // While the script is still loading, the property is stored on the object and hides the accessor.
    const image = { data: new Uint8Array(9000 * 50).fill(200), width: 9000, height: 50 };
    Object.defineProperty(overlay, 'image', { value: image, writable: true, configurable: true, enumerable: true });
    early.append(overlay);
    document.body.append(early);
    await new Promise((done) => setTimeout(done, 50));
    const canvas = overlay.shadowRoot!.querySelector<HTMLCanvasElement>('.picture')!;
    const { data } = canvas.getContext('2d')!.getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1);
    const blob = await createImageBitmap(await overlay.toBlob());
    early.remove();
    return [data[0], blob.width, Object.hasOwn(overlay, 'image')];
  });
  assert.equal(shown, [200, 4096, false]);
});

test('raybox/overlay loads neither the engine nor a package', async () => {
  const { metafile, outputFiles } = await build({
    entryPoints: ['dist/src/web/overlay_element.js'],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
  });
  const others = Object.keys(metafile.inputs).filter((path) => !/^dist\/src\/(overlay|web)\//.test(path));
  // A picture is shown without its alpha, as the network sees it. Which boxes are the best is the same rule everywhere.
  assert.equal(others.sort(), ['dist/src/formats/findings.js', 'dist/src/formats/images/alpha.js']);
  assert.ok(outputFiles[0].contents.length < 25_000, `${outputFiles[0].contents.length} bytes`);
});

test('without WebGPU the page shows the picture and says what is missing', async () => {
  const other = await open((fresh) =>
    fresh.evaluateOnNewDocument(() => {
      Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined });
    }),
  );
  assert.match(await text(other, '#error-text'), /this browser offers no WebGPU; use a recent Chrome/);
  assert.match(await text(other, '#image-name'), /^phantom 9/);
  assert.ok(await isShown(other, '#restart'));
  await other.close();
});

test('the bench page verifies, times and saves what npm run bench writes, on a phone too', async () => {
  const bench = await open(
    (fresh) => fresh.setViewport({ width: 390, height: 844, hasTouch: true, isMobile: true }),
    'bench.html?words=softmax+f32&parts=verify,operations',
  );
  assert.is(await bench.$eval('[name=networks]', (box) => (box as HTMLInputElement).checked), false);
  await bench.click('#start');
  await bench.waitForFunction("document.body.dataset.state === 'done'", { timeout: 120_000 });
  assert.match(await text(bench, '#adapter'), /swiftshader.* \(software\)$/i);
  assert.match(await text(bench, '#verified'), /^verified \d+ cases, 0 wrong$/);
  assert.match(await text(bench, '#roofs-text'), /GFLOP\/s f32.*copy/);
  assert.ok((await bench.$$('#rows tbody tr')).length > 0);
  assert.is(await bench.evaluate(() => document.documentElement.scrollWidth), 390, 'the page is as wide as the screen');

  const session = await browser.target().createCDPSession();
  await session.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: join(folder, 'results') });
  await bench.click('#save');
  const saved = await fileIn(join(folder, 'results'));
  assert.match(saved, /swiftshader.*-\d{4}-\d\d-\d\d\.json$/);
  const results = checkResults(JSON.parse(readFileSync(saved, 'utf8')), saved);
  assert.equal(shared(results), results);
  assert.ok(results.verification!.checked > 0 && results.rows.every(({ failure }) => failure === undefined));
  assert.match(Object.keys(results.versions).join(), /^raybox,(chrome|edge)$/);
  await bench.close();
});

test('a run of the bench page can be aborted, and started again', async () => {
  const bench = await open(undefined, 'bench.html?parts=verify');
  const says = (start: string) =>
    bench.waitForFunction(`document.querySelector('#status-text').textContent.startsWith('${start}')`);
  await bench.click('#start');
  await says('verifying');
  await bench.click('#abort');
  assert.match(await text(bench, '#status-text'), /^Aborted\./);
  assert.is(await isShown(bench, '#abort'), false);
  await bench.click('#start');
  await says('verifying');
  await bench.close();
});

test('nothing was fetched from other servers, and the console has no messages', () => {
  assert.equal([...hosts], [new URL(served.url).host]);
  assert.equal(complaints, []);
});

test.run();
