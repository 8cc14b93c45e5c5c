/** Weights that are kept, with a real server that changes its file, ends, stops responding or fails, and the options of the command line. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addConvertCommand } from '../../src/cli/convert.js';
import { addEvaluateCommand } from '../../src/cli/evaluate/evaluate.js';
import { addInspectCommand } from '../../src/cli/inspect.js';
import { addLocalizeCommand } from '../../src/cli/localize/localize.js';
import { InputError } from '../../src/errors.js';
import { hashOf } from '../../src/localizer/weights/integrity.js';
import { type KeptOptions, keptWeights } from '../../src/localizer/weights/kept_weights.js';
import { readFixture } from '../support/fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-server-'));
const weights = await readFixture('torch-reference/resnet-basic/model.safetensors');

type Way = 'whole' | 'dies' | 'stands still' | 'silent' | 'fails' | 'is gone';
const now = { etag: '"1"', bytes: Buffer.from('first'), way: 'whole' as Way, asked: [] as string[] };

const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  now.asked.push(request.method as string);
  response.setHeader('etag', now.etag);
  if (now.way === 'is gone') return response.writeHead(404).end();
  response.setHeader('content-length', now.bytes.length);
  if (request.method === 'HEAD') return response.end();
  if (now.way === 'fails') return response.writeHead(503).end();
  if (now.way === 'silent') return undefined;
  if (now.way === 'whole') return response.end(now.bytes);
  response.write(now.bytes.subarray(0, 2));
  if (now.way === 'dies') setTimeout(() => response.destroy(), 20);
  return undefined;
});
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
test.after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const load = async (path: string, options: Partial<KeptOptions> = {}) => {
  const given = { folder, maxBytes: 1000, stallMs: 300, ...options };
  const { bytes, warnings, keep } = await keptWeights(`${origin}${path}`, given);
  await keep?.();
  return { text: Buffer.from(bytes).toString(), said: warnings.map(({ code, message }) => `${code}: ${message}`) };
};
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing was refused',
    (error: Error) => (error instanceof InputError ? error.message : `${error.stack}`),
  );
const sri = async (text: string) =>
  `sha256-${Buffer.from(await hashOf(new TextEncoder().encode(text), 'sha256')).toString('base64')}`;
const serve = (etag: string, text: string, way: Way = 'whole') =>
  Object.assign(now, { etag, bytes: Buffer.from(text), way, asked: [] });

test('if the server has a newer file that cannot be fetched, the kept one is used with a warning', async () => {
  serve('"1"', 'first');
  assert.equal(await load('/a'), { text: 'first', said: [] });
  for (const [way, reason] of [
    ['dies', 'terminated'],
    ['stands still', 'nothing for 0.3 s'],
    ['silent', 'nothing for 0.3 s'],
    ['fails', 'HTTP status 503'],
  ] as const) {
    serve('"2"', 'second', way);
    const { text, said } = await load('/a');
    assert.equal([text, now.asked, said.length], ['first', ['HEAD', 'GET'], 1], way);
    assert.match(
      said[0],
      new RegExp(
        `^kept-weights: the server has other weights than those that are kept.*${reason}.*older ones, fetched at 20`,
      ),
    );
    assert.match(await refusal(load('/new')), new RegExp(`cannot read ${origin}/new.*${reason}`), 'nothing is kept');
  }
  serve('"2"', 'second');
  assert.equal(await load('/a'), { text: 'second', said: [] }, 'once it comes it is taken');
});

test('with integrity no other file is used; the error names the kept file', async () => {
  serve('"1"', 'first');
  await load('/b');
  serve('"2"', 'second', 'dies');
  const message = await refusal(load('/b', { integrity: await sri('second') }));
  assert.match(
    message,
    /cannot read .*terminated.*; what is kept, fetched at 20.*, is not the file that the option integrity/,
  );
  assert.equal(await load('/b', { integrity: await sri('first') }), { text: 'first', said: [] });
  serve('"2"', 'other');
  assert.match(
    await refusal(load('/b', { integrity: await sri('second') })),
    /not the file that the option integrity describes/,
  );
});

test('if the server has no such file any more, the error says how the kept one can be used', async () => {
  serve('"1"', 'first');
  await load('/c');
  serve('"1"', 'first', 'is gone');
  const message = await refusal(load('/c'));
  assert.match(
    message,
    /HTTP status 404; the file that is kept, fetched at 20.*Z, is used where the option integrity is sha256-/,
  );
  const integrity = /sha256-\S+$/.exec(message)![0];
  assert.is(integrity, await sri('first'));
  assert.equal(await load('/c', { integrity }), { text: 'first', said: [] });
  serve('"2"', 'a file that is too large');
  assert.match(await refusal(load('/c', { maxBytes: 10 })), /too large; expected at most 10 bytes/);
});

test('nothing half-written is left by downloads that fail, or are refused', async () => {
  serve('"1"', 'another');
  await refusal(load('/e', { integrity: await sri('other') }));
  await refusal(load('/e', { maxBytes: 3 }));
  const shorter = keptWeights(`${origin}/e`, { folder, maxBytes: 1000 });
  await (await shorter).discard!();
  serve('"1"', 'another', 'dies');
  await refusal(load('/e'));
  serve('"1"', 'another', 'stands still');
  const { length } = readdirSync(folder);
  const controller = new AbortController();
  const loading = refusal(load('/e', { signal: controller.signal, stallMs: 60_000 }));
  while (readdirSync(folder).length === length) await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort(new InputError('enough'));
  assert.is(await loading, 'enough');
  assert.equal(
    readdirSync(folder).filter((name) => !name.endsWith('.kept')),
    [],
  );
});

test('an abort ends a download that receives nothing, with the reason of the abort', async () => {
  serve('"1"', 'first');
  await load('/d');
  serve('"2"', 'second', 'stands still');
  const signal = AbortSignal.timeout(100);
  const error = await load('/d', { signal, stallMs: 60_000 }).catch((thrown: Error) => thrown);
  assert.is((error as Error).name, 'TimeoutError');
});

/** What a command prints on stdout and stderr. */
async function run(add: (program: Command) => void, args: string[]): Promise<string> {
  const program = new Command('raybox').exitOverride();
  add(program);
  const writes = [process.stdout.write, process.stderr.write] as const;
  let printed = '';
  const keep = ((text: string, done?: () => void) => {
    printed += text;
    if (typeof done === 'function') done();
    return true;
  }) as typeof process.stdout.write;
  Object.assign(process.stdout, { write: keep });
  Object.assign(process.stderr, { write: keep });
  try {
    await program.parseAsync(args, { from: 'user' });
  } finally {
    Object.assign(process.stdout, { write: writes[0] });
    Object.assign(process.stderr, { write: writes[1] });
  }
  return printed;
}

test('every command that takes weights has --cache and --integrity, and follows them', async () => {
  Object.assign(now, { etag: '"1"', bytes: Buffer.from(weights), way: 'whole', asked: [] });
  const cache = join(folder, 'kept/here');
  const url = `${origin}/model.safetensors`;
  const kept = ['--cache', cache];
  const plain = await run(addInspectCommand, ['inspect', url, ...kept]);
  assert.equal([now.asked, readdirSync(cache).length], [['GET'], 1]);
  assert.is(await run(addInspectCommand, ['inspect', url, ...kept]), plain);
  assert.equal(now.asked, ['GET', 'HEAD']);
  Object.assign(now, { etag: '"2"', way: 'dies' });
  const json = JSON.parse(await run(addInspectCommand, ['inspect', url, ...kept, '--json']));
  assert.is(json.warnings[0].code, 'kept-weights');
  const out = join(folder, 'converted.safetensors');
  const converted = await run(addConvertCommand, ['convert', url, ...kept, '--out', out]);
  assert.match(converted, /model\.safetensors: the server has other weights than those that are kept/);

  const wrong = ['--integrity', await sri('other')];
  const other = /not the file that the option integrity describes/;
  assert.match(await refusal(run(addInspectCommand, ['inspect', out, ...wrong])), other);
  assert.match(await refusal(run(addConvertCommand, ['convert', out, ...wrong, '--out', join(folder, 'x')])), other);
  assert.match(
    await refusal(run(addInspectCommand, ['inspect', out, '--integrity', 'md5-x'])),
    /integrity; expected sha256-/,
  );
  assert.match(
    await refusal(run(addInspectCommand, ['inspect', out, ...kept])),
    /cache keeps weights that come from the web/,
  );
  for (const add of [addLocalizeCommand, addEvaluateCommand, addInspectCommand, addConvertCommand]) {
    const program = new Command('raybox');
    add(program);
    const help = program.commands[0].helpInformation();
    assert.match(help, /--cache <dir>/);
    assert.match(help, /--integrity <hash>/);
  }
});

test.run();
