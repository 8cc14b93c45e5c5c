/** Worker threads: which thread carries out what, how tasks fail, and that no thread stays behind. */
import { spawnSync } from 'node:child_process';
import { threadId } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inOrder } from '../../src/cli/localize/pipeline.js';
import { InputError } from '../../src/errors.js';
import { openThreadPool, type ThreadPool } from '../../src/node/threads/thread_pool.js';
import { tasks } from '../support/pool_tasks.js';

const module = new URL('../support/pool_tasks.js', import.meta.url);
const open = (threads: number, from = module): ThreadPool<typeof tasks> =>
  openThreadPool({ module: from, here: async () => tasks, threads });
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: Error) => error,
  );

test('tasks run in threads, no more than allowed, and memory is handed over', async () => {
  const pool = open(2);
  const used = new Set(await Promise.all(Array.from({ length: 6 }, () => pool.run('thread', [5]))));
  assert.ok(used.size <= 2 && !used.has(threadId));
  const values = Uint8Array.of(1, 2, 3);
  assert.equal(await pool.run('twice', [values], [values.buffer]), Uint8Array.of(2, 4, 6));
  assert.is(values.length, 0);
  await pool.close();
});

test('a task that fails says why, and its thread goes on', async () => {
  const pool = open(1);
  const [refused, failed, done] = await Promise.all([
    failure(pool.run('refuse', ['image'])),
    failure(pool.run('fail', [])),
    pool.run('twice', [Uint8Array.of(4)]),
  ]);
  assert.instance(refused, InputError);
  assert.is(refused?.message, 'no image');
  assert.not.instance(failed, InputError);
  assert.match(failed?.stack ?? '', /a mistake[\s\S]*pool_tasks/);
  assert.equal(done, Uint8Array.of(8));
  await pool.close();
});

test('if a thread ends, its task and all that wait fail; so they do if the pool is closed', async () => {
  const ended = open(1);
  const errors = await Promise.all([failure(ended.run('end', [])), failure(ended.run('thread', [0]))]);
  for (const error of errors) assert.match(error?.message ?? '', /a worker thread ended with code 3/);
  assert.match((await failure(ended.run('thread', [0])))?.message ?? '', /ended with code 3/);
  await ended.close();
  const closed = open(1);
  const running = [closed.run('thread', [60_000]), closed.run('thread', [0])].map(failure);
  await closed.close();
  for (const error of await Promise.all(running)) assert.match(error?.message ?? '', /threads were closed/);
});

test('where threads cannot be started, this one does the work', async () => {
  const pool = open(2, new URL('./is-not-there.js', import.meta.url));
  const values = Uint8Array.of(5);
  assert.equal(await pool.run('twice', [values], [values.buffer]), Uint8Array.of(10));
  assert.is(await pool.run('thread', [0]), threadId);
  assert.instance(await failure(pool.run('refuse', ['image'])), InputError);
  await pool.close();
});

test('threads without work do not keep the process from ending', () => {
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `import { openThreadPool } from ${url('../../src/node/threads/thread_pool.js')};
    const pool = openThreadPool({ module: new URL(${url('../support/pool_tasks.js')}), here: null, threads: 2 });
    console.log((await Promise.all([1, 2, 3].map(() => pool.run('thread', [1])))).length);`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal([stdout, status], ['3\n', 0], stderr);
});

test('a process that closes a pool does not end before its threads, also if one of them has just answered', () => {
  const pool = new URL('../../src/node/threads/thread_pool.js', import.meta.url).href;
  const script = `
    import { openThreadPool } from '${pool}';
    const threads = openThreadPool({ module: new URL('${module.href}'), here: undefined, threads: 2 });
    await Promise.all([threads.run('thread', [5]), threads.run('thread', [5])]);
    const late = [threads.run('thread', [1]), threads.run('thread', [1])];
    for (const one of late) one.catch(() => {});
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300); // both answers come meanwhile, and are not looked at
    await threads.close();
    console.log('closed');`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.equal([status, stdout], [0, 'closed\n'], stderr);
});

test('work is finished in its order, a few pieces at a time, and nothing after a failure', async () => {
  const order = inOrder(2);
  const finished: number[] = [];
  const finish = async (value: number) => {
    finished.push(value);
  };
  let release: (value: number) => void = () => {};
  await order.add(new Promise<number>((resolve) => (release = resolve)), finish);
  let isTaken = false;
  const second = order.add(2, finish).then(() => {
    isTaken = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal([finished, isTaken], [[], false], 'it waits while two pieces are under way');
  release(1);
  await second;
  await order.add(Promise.reject(new Error('full')), finish);
  await failure(order.add(4, finish));
  assert.is((await failure(order.end()))?.message, 'full');
  assert.equal(finished, [1, 2]);
});

test.run();
