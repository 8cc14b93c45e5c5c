/** The comparison of engines: processes that answer, differ, fail or are missing. Engines that are installed compute the same network. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { contest } from '../../bench/peers/contest.js';
import { formatStandings } from '../../bench/peers/standings.js';
import { writeTask } from '../../bench/peers/task.js';

const program = new URL('../../bench/peers/run.js', import.meta.url).pathname;
const peers = new URL('../../../bench/peers/node_modules/', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'raybox-peers-'));
test.after(() => rmSync(folder, { recursive: true }));

const choice = { network: 'squeezenet1_1', size: 32, batch: 1, type: 'f32' } as const;
await writeTask(folder, choice);
const options = { folder, seconds: 0.01, bound: 1e-3, env: process.env };

/** A program that answers as an engine does, with outputs of its own. */
function answering(name: string, answer: string) {
  const script = join(folder, `${name}.mjs`);
  writeFileSync(
    script,
    `import { createInterface } from 'node:readline';
     for await (const line of createInterface({ input: process.stdin })) {
       const { command } = JSON.parse(line);
       console.log('@answer ' + JSON.stringify(command === 'first' ? ${answer} : {}));
       if (command === 'close') process.exit(0);
     }`,
  );
  return { name, command: [process.execPath, script] };
}

const engine = (name: string) => ({ name, command: [process.execPath, program, '--engine', name] });

test('engines are compared, then timed in turns; those that differ, fail or are missing are said', async () => {
  const standings = await contest(
    [
      engine('raybox'),
      { name: 'again', command: engine('raybox').command },
      answering('other', "{ name: 'other 1', outputs: [[1], [2]], firstMs: 1 }"),
      answering('broken', "{ error: 'no memory' }"),
      answering('absent', "{ error: 'not installed', isMissing: true }"),
      { name: 'gone', command: [join(folder, 'no such program')] },
    ],
    options,
  );
  const [own, again, ...others] = standings;
  assert.equal([own.engine, own.ratios, own.differences], ['raybox', undefined, []]);
  assert.equal(again.differences, [0, 0], 'the same bits');
  assert.ok(
    own.medianMs! > 0 && own.firstMs! > 0 && again.ratios!.length >= 5 && again.ratios!.every((one) => one > 0),
  );
  assert.ok(own.memory!.gpuBytes! > 1e6);
  assert.equal(
    others.map(({ failure, leftOut }) => failure ?? leftOut),
    [
      'its results differ from raybox’s by Infinity of their range',
      'no memory',
      'not installed',
      `spawn ${join(folder, 'no such program')} ENOENT`,
    ],
  );
  const text = formatStandings({ ...choice, work: 'run', standings });
  assert.match(text, /^squeezenet1_1 32×32 batch 1 f32, \d+ turns\n/);
  assert.match(text, /\nnot timed: other: its results differ/);
  assert.match(text, /\nleft out: absent: not installed/);
});

test('nothing is compared where raybox itself fails', async () => {
  const standings = await contest(
    [answering('raybox', "{ error: 'broken' }"), engine('onnxruntime-node cpu')],
    options,
  );
  assert.equal(standings, [{ engine: 'raybox', failure: 'broken' }]);
});

if (existsSync(peers)) {
  test('the engines that are installed agree with raybox', async () => {
    const names = ['onnxruntime-node cpu', 'onnxruntime-web wasm', 'tensorflow.js webgpu'];
    for (const { engine: name, failure, differences } of await contest(['raybox', ...names].map(engine), options)) {
      assert.is(failure, undefined, name);
      assert.ok(
        differences!.every((one) => one < 1e-4),
        `${name}: ${differences}`,
      );
    }
  });
} else console.log('skipped: the packages of bench/peers are not installed');

test.run();
