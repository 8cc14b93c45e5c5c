/**
 * Workers and forked processes give the same results as the main thread, and a worker that is ended as the README says does not end the
 * process. Dawn's binding for Node aborts the process if calls to the GPU are pending when a worker's thread ends, so each trial runs in a
 * process of its own.
 */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { localizeTiny } from '../support/tiny.js';

const url = (path: string) => new URL(path, import.meta.url).href;

/** Runs in the worker: loads weights, localizes repeatedly, and stops its work when it receives a message. */
const WORKER = `
import { parentPort } from 'node:worker_threads';
import { load } from '${url('../../src/index.js')}';
import { tinyPicture, tinyWeights } from '${url('../support/tiny.js')}';

const controller = new AbortController();
const { signal } = controller;
const loading = load(tinyWeights(1), { signal });
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
  for (;;) await localizer.localize(tinyPicture(1), { signal });
} catch (error) {
  if (!signal.aborted) throw error;
}
`;

/** Runs in the process: ends the worker this many milliseconds after it began to load or to localize. */
const MAIN = `
import { SHARE_ENV, Worker } from 'node:worker_threads';
const [code, after, ms] = process.argv.slice(1);
const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(code)), { env: SHARE_ENV });
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
  test(`a worker that stops its work while ${after} can be terminated`, async () => {
    for (const ms of moments) {
      const args = ['--input-type=module', '-e', MAIN, WORKER, after, String(ms)];
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
      assert.match(stdout, /the main thread goes on/, `after ${ms} ms`);
    }
  });
}

test('a worker whose environment hides the software adapter gets an error, and not another adapter', async () => {
  const worker = `import { openGpu } from '${url('../../src/gpu/device.js')}'; await openGpu({ adapter: 'swiftshader' });`;
  const main = `
    import { Worker } from 'node:worker_threads';
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(process.argv[1])));
    worker.on('error', ({ message }) => console.log(message));`;
  const env = { ...process.env, VK_ICD_FILENAMES: undefined, VK_DRIVER_FILES: undefined };
  const args = ['--input-type=module', '-e', main, worker];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 120_000 });
  assert.match(stdout, /^SwiftShader, the software adapter, is out of reach for this worker; given .* SHARE_ENV/);
});

test('two workers and a forked process at the same time give the same results as the main thread', async () => {
  const script = url('../support/tiny_elsewhere.js');
  const workers = [1, 2].map(() => new Worker(new URL(script), { env: SHARE_ENV }));
  const child = fork(fileURLToPath(script));
  const ends = [...workers, child].map((each) => once(each, 'exit'));
  const said = await Promise.all([...workers, child].map((each) => once(each, 'message')));
  const truth = await localizeTiny();
  assert.match(truth, /"findings":\[\{"label"/);
  for (const [text] of said) assert.is(text, truth);
  for (const [code] of await Promise.all(ends)) assert.is(code, 0);
});

test.run();
