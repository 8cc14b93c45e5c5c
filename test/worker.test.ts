/**
 * A worker that is ended the way the README says takes nobody along. Dawn's binding for Node aborts the process where something of the
 * GPU is pending when a worker's thread ends, so that each trial is a process of its own.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const url = (path: string) => new URL(path, import.meta.url).href;

/** Runs in the worker: loads, localizes again and again, and on any message comes to rest. */
const WORKER = `
import { parentPort } from 'node:worker_threads';
import { load } from '${url('../src/index.js')}';

const controller = new AbortController();
const { signal } = controller;
const loading = load('${fileURLToPath(url('../../weights/phantom8.safetensors'))}', { signal });
parentPort.on('message', async () => {
  controller.abort();
  const localizer = await loading.catch(() => undefined);
  await localizer?.close();
  parentPort.postMessage('at rest');
});
parentPort.postMessage('loading');
try {
  const localizer = await loading;
  parentPort.postMessage('loaded');
  const image = { data: new Uint8Array(200 * 200).fill(90), width: 200, height: 200 };
  for (;;) await localizer.localize(image, { signal });
} catch (error) {
  if (!signal.aborted) throw error;
}
`;

/** Runs in the process: ends the worker so many milliseconds after it began to load, or to localize. */
const MAIN = `
import { Worker } from 'node:worker_threads';
const [code, after, ms] = process.argv.slice(1);
const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(code)));
worker.on('message', async (word) => {
  if (word === after) setTimeout(() => worker.postMessage('end'), Number(ms));
  if (word !== 'at rest') return;
  await worker.terminate();
  setTimeout(() => console.log('the main thread goes on'), 100);
});
`;

for (const [after, moments] of [
  ['loading', [0, 40, 90, 150, 220, 300]],
  ['loaded', [0, 20, 70]],
] as const) {
  test(`a worker that comes to rest while ${after} can be terminated`, async () => {
    for (const ms of moments) {
      const args = ['--input-type=module', '-e', MAIN, WORKER, after, String(ms)];
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
      assert.match(stdout, /the main thread goes on/, `after ${ms} ms`);
    }
  });
}

test.run();
