/** What tuning chooses from measurements, how long a record may become, and processes that write at the same time. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createGraph } from '../../src/graph/ir/graph.js';
import { createChoices, workOf } from '../../src/graph/plan/choices.js';
import { createTunedChoices, type Measured } from '../../src/graph/tuning/choose.js';
import { isolate, valuesFor, worksOf } from '../../src/graph/tuning/works.js';
import { extendRecord, parseRecord, worksIn } from '../../src/localizer/tuning/record.js';
import { conv2d } from '../../src/ops/index.js';

const traits = {
  ...{ software: true, f16: false, subgroupSize: 8, maxInvocations: 1024 },
  ...{ maxWorkgroupBytes: 32 << 10, maxBindingBytes: 1 << 30 },
};

/** A convolution's node. */
function convolution(size: number, inputs: number, outputs: number, { kernel = 3, batch = 1 } = {}) {
  const g = createGraph();
  const x = g.input('x', [batch, size, size, inputs]);
  const y = conv2d(g, x, g.parameter('w', [outputs, inputs, kernel, kernel]), g.parameter('b', [outputs]));
  return g.finish([y]);
}

const variants = ['subgroup', 'direct', 'tiled'];
const fastest = (variant: string): Measured => ({ variant, nanoseconds: { [variant]: 1 } });
const keyOf = (graph: ReturnType<typeof convolution>) => workOf(graph.nodes[0]);

test('a work runs on the kernel that was measured, or on that of the most similar work; otherwise the rules choose', () => {
  const measured = new Map([
    [keyOf(convolution(28, 64, 64)), fastest('direct')],
    [keyOf(convolution(14, 64, 256)), fastest('tiled')],
  ]);
  const { choose, made } = createTunedChoices(measured, traits);
  const choiceOf = (graph: ReturnType<typeof convolution>) => choose(graph.nodes[0], variants);
  assert.is(choiceOf(convolution(28, 64, 64)), 'direct');
  assert.is(choiceOf(convolution(28, 64, 64, { batch: 4 })), 'direct', 'a larger batch');
  assert.is(choiceOf(convolution(14, 128, 256)), 'tiled', 'twice the input channels');
  assert.is(choiceOf(convolution(224, 64, 64)), 'subgroup', '64 times as many pixels are not similar');
  assert.is(choiceOf(convolution(28, 64, 64, { kernel: 1 })), 'subgroup', 'nine times fewer weights');
  assert.is(choose(convolution(28, 64, 64).nodes[0], ['subgroup', 'tiled']), 'subgroup', 'it cannot run here');
  assert.equal(
    made().map(({ source, variant, preferred }) => [source, variant, preferred]),
    [
      ['measured', 'direct', 'subgroup'],
      ['similar', 'direct', 'subgroup'],
      ['similar', 'tiled', 'subgroup'],
    ],
  );
});

test('training repeats the kernels of its checkpoint, whatever would be chosen now', () => {
  const node = convolution(28, 64, 64).nodes[0];
  const choices = createChoices({ [workOf(node)]: 'tiled' });
  assert.is(choices.choose(node, variants), 'tiled');
  assert.equal([choices.missing.size, choices.unknown.size], [0, 0]);
});

test('works are the nodes that several kernels can run, with those that compute the same together', () => {
  const g = createGraph();
  const weight = g.parameter('w', [32, 32, 3, 3]);
  let x = g.input('x', [1, 8, 8, 32]);
  for (let i = 0; i < 2; i++) x = conv2d(g, x, weight, undefined, { padding: 1 });
  const y = conv2d(g, x, g.parameter('depthwise', [32, 1, 3, 3]), undefined, { groups: 32 });
  const works = worksOf(g.finish([y]), traits);
  assert.is(works.length, 1, 'there is one kernel for the depthwise convolution');
  assert.is(works[0].flops, 2 * 2 * 64 * 32 * 32 * 9);
  assert.ok(works[0].variants.length > 1);

  const alone = isolate(works[0]);
  assert.is(workOf(alone.node), works[0].key);
  assert.equal(
    alone.node.inputs.map((tensor) => tensor?.kind),
    ['input', 'constant', undefined],
  );
  assert.is(alone.node.inputs[1]!.data!.length, 32 * 32 * 9);
  const values = valuesFor(alone.node.inputs[0]!);
  assert.ok(values.every((value) => Math.abs(value) <= 0.5) && new Set(values).size > 2000);
});

const own = { adapter: 'a', host: 'h', traits, operations: 'v' };

test('a record keeps measurements, and drops the oldest if there are too many', () => {
  const many = new Map(Array.from({ length: 8000 }, (_, i) => [`work ${i}`, fastest('direct')]));
  const text = extendRecord(many, new Map([['work 7', fastest('tiled')], ['new', fastest('tiled')]]), own); // biome-ignore format: short
  const works = worksIn(text, own);
  assert.equal([works.size, works.has('work 0'), works.get('work 7')?.variant], [8000, false, 'tiled']);
  assert.equal([...works.keys()].slice(-2), ['work 7', 'new']);
  assert.throws(() => worksIn(text, { ...own, adapter: 'b' }), /measured elsewhere/);
  assert.throws(
    () => parseRecord(text.replace('{"work 1"', '{"more":{"variant":"x","nanoseconds":{}},"work 1"')),
    /8001/,
  );
});

test('what two processes keep at the same time is all kept, listed and removed', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'raybox-tuning-'));
  const script = `
    import { openKeptTexts } from '${new URL('../../src/node/caches/kept_texts.js', import.meta.url).href}';
    const texts = await openKeptTexts(true);
    for (let i = 0; i < 4; i++) {
      await texts.change('key', 1000, (before = '') => before + process.argv[1]);
      await new Promise((done) => setTimeout(done, 50)); // the other one has its turn
    }`;
  const run = (letter: string) =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, letter], {
      env: { ...process.env, XDG_CACHE_HOME: cache },
    });
  try {
    // Both are awaited even if one fails, because the other one still writes into the folder.
    const ends = await Promise.allSettled(['a', 'b'].map(run));
    assert.equal(
      ends.filter(({ status }) => status === 'rejected'),
      [],
    );
    process.env.XDG_CACHE_HOME = cache;
    const { openKeptTexts } = await import('../../src/node/caches/kept_texts.js');
    const texts = (await openKeptTexts(false))!;
    assert.equal([...(await texts.read('key', 1000))!].sort().join(''), 'aaaabbbb');
    assert.equal(await texts.keys(), ['key']);

    // The command lists what can be read, names what cannot, and removes both.
    await texts.change('another', 1 << 20, () => extendRecord(new Map([['work', fastest('direct')]]), new Map(), own));
    const command = async (...args: string[]) => {
      const cli = fileURLToPath(new URL('../../src/cli/cli.js', import.meta.url));
      const env = { ...process.env, XDG_CACHE_HOME: cache };
      return promisify(execFile)(process.execPath, [cli, 'tune', ...args], { env });
    };
    const { stdout, stderr } = await command('--list', '--json');
    assert.equal(
      JSON.parse(stdout).map((row: object) => ({ ...row, changed: '' })),
      [{ adapter: 'a', host: 'h', changed: '', works: 1 }],
    );
    assert.match(stderr, /^raybox: key: what was kept of tuning cannot be read; given it is not JSON/);
    assert.match((await command('--clear')).stdout, /of 2 adapters/);
    assert.equal(await texts.keys(), []);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
});

test.run();
