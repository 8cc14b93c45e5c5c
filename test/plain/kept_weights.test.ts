/** The options `cache` and `integrity` of `load`, in Node and in a page, with a `fetch` that simulates a server. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { platform } from '#gpu';
import { InputError } from '../../src/errors.js';
import { numbersOf } from '../../src/formats/weights/checkpoint.js';
import type { KeptFiles } from '../../src/gpu/platform.js';
import { checkedWeights } from '../../src/localizer/weights/checked_weights.js';
import { hashOf } from '../../src/localizer/weights/integrity.js';
import { beginModel, readModel } from '../../src/localizer/weights/model.js';
import { readFixture } from '../support/fixture.js';
import { jsonBytes, layer } from '../support/tensorflow.js';
import { convolution, keras } from '../support/tensorflow_network.js';

const folder = await cacheFolder();
const weights = await readFixture('torch-reference/resnet-basic/model.safetensors');
const realFetch = globalThis.fetch;

/** The file that the server has, the headers that it gives, and the methods of the requests. */
const server = {
  bytes: Uint8Array.of(),
  headers: {} as Record<string, string>,
  head: 200,
  get: 200,
  asked: [] as string[],
};

function serve(content: string | Uint8Array, headers: Record<string, string> = {}, more: Partial<typeof server> = {}) {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  Object.assign(server, { head: 200, get: 200, asked: [], bytes, headers }, more);
}

globalThis.fetch = async (_, { method = 'GET', signal } = {}) => {
  signal?.throwIfAborted();
  server.asked.push(method);
  const status = method === 'HEAD' ? server.head : server.get;
  if (status === 0) throw new TypeError('fetch failed');
  const body = method === 'HEAD' || status !== 200 ? null : (server.bytes as BodyInit);
  const headers = { 'content-length': String(server.bytes.length), ...server.headers };
  return new Response(body, { status, headers });
};

let places = 0;
const freshAddress = () => `https://weights.example/${++places}.safetensors?v=1`;

const what = 'weights';
const load = async (
  url: string | URL,
  options: { integrity?: string; maxBytes?: number; signal?: AbortSignal } = {},
) => {
  const given = { what, maxBytes: 1000, ...options, cache: true };
  const { bytes, warnings: told, keep, discard } = await checkedWeights(url, given);
  const isPage = bytes[0] === 60; // '<' begins an HTML page: the reader notices that these are not weights, and they are not kept
  if (isPage) await discard?.();
  const warnings = [...told, ...((!isPage && (await keep?.())) || [])];
  return {
    text: new TextDecoder().decode(bytes),
    codes: warnings.map(({ code }) => code),
    asked: server.asked.splice(0),
  };
};

/** Keeps a file, whatever is in it. */
async function put(files: KeptFiles, key: string, bytes: Uint8Array, note: string): Promise<void> {
  const growing = await files.begin?.(key);
  if (!growing) return files.write!(key, bytes, note);
  await growing.write(bytes);
  await growing.end(note);
  await growing.keep();
}

async function refused(work: Promise<unknown>, message: RegExp): Promise<void> {
  const outcome = await work.catch((error: Error) => error);
  assert.instance(outcome, InputError, JSON.stringify(outcome));
  assert.match((outcome as Error).message, message);
}

const sri = async (content: string | Uint8Array, algorithm: 'sha256' | 'sha384' | 'sha512' = 'sha256') =>
  `${algorithm}-${btoa(String.fromCharCode(...(await hashOf(typeof content === 'string' ? new TextEncoder().encode(content) : content, algorithm))))}`;

test('files that are not weights are not kept, and the kept file stays', async () => {
  const url = freshAddress();
  serve('first', { etag: '"1"' });
  await load(url);
  serve('<html>', { etag: '"2"' });
  assert.is((await load(url)).text, '<html>');
  serve('first', { etag: '"1"' });
  assert.equal(await load(url), { text: 'first', codes: [], asked: ['HEAD'] });
  const cut = freshAddress();
  serve(weights.subarray(0, weights.length - 100), { etag: '"9"' });
  await refused(readModel(cut, { cache: true }), /the file is cut/);
  serve(weights, { etag: '"9"' });
  assert.is((await readModel(cut, { cache: true })).checkpoint.tensors.size > 10, true);
});

test('a fetched file is kept, and used as long as the server says that it has not changed', async () => {
  const url = freshAddress();
  serve('first', { etag: '"1"' });
  assert.equal(await load(url), { text: 'first', codes: [], asked: ['GET'] });
  assert.equal(await load(new URL(`${url}#part`)), { text: 'first', codes: [], asked: ['HEAD'] });
  serve('second', { etag: '"2"' });
  assert.equal(await load(url), { text: 'second', codes: [], asked: ['HEAD', 'GET'] });
  assert.equal(await load(url), { text: 'second', codes: [], asked: ['HEAD'] });
  serve('other', { etag: '"2"' });
  assert.equal((await load(freshAddress())).text, 'other', 'another address is another file');
});

test('each file of a model in several files is kept by its own address, and integrity is refused unless the other files are given', async () => {
  const { json, files } = keras([convolution(), layer('Activation', 'between', { activation: 'relu' }, ['conv'])]);
  const model = jsonBytes(json);
  const url = `https://weights.example/${++places}/model.json`;
  const asked: string[] = [];
  const fetchOne = globalThis.fetch;
  globalThis.fetch = async (address, { method = 'GET' } = {}) => {
    const name = new URL(String(address)).pathname.split('/').pop()!;
    asked.push(`${method} ${name}`);
    const bytes = name === 'model.json' ? model : files[name];
    const headers = { 'content-length': String(bytes.length), etag: `"${name}"` };
    return new Response(method === 'HEAD' ? null : (bytes as BodyInit), { headers });
  };
  try {
    const first = await readModel(url, { cache: true });
    const names = ['model.json', ...Object.keys(files)];
    assert.equal(
      asked.splice(0),
      names.map((name) => `GET ${name}`),
    );
    const second = await readModel(url, { cache: true });
    assert.equal(
      asked.splice(0),
      names.map((name) => `HEAD ${name}`),
    );
    assert.equal([...second.checkpoint.tensors], [...first.checkpoint.tensors]);
    const integrity = await sri(new TextDecoder().decode(model));
    await refused(readModel(url, { integrity }), /hash of one file.*group1-shard1of2\.bin.*raybox convert/);
    const own = await readModel(url, { integrity, externalData: files });
    assert.is(own.checkpoint.tensors.size, first.checkpoint.tensors.size);
  } finally {
    globalThis.fetch = fetchOne;
  }
});

test('without an ETag, date and length show whether the file has changed; without those it is fetched again', async () => {
  const url = freshAddress();
  const dated = { 'last-modified': 'Fri, 27 Nov 2026 03:00:00 GMT' };
  serve('first', dated);
  await load(url);
  assert.equal((await load(url)).asked, ['HEAD']);
  serve('longer than the first', dated);
  assert.equal(await load(url), { text: 'longer than the first', codes: [], asked: ['HEAD', 'GET'] });
  serve('of another day', { 'last-modified': 'Fri, 27 Nov 2026 03:00:01 GMT' });
  assert.equal((await load(url)).text, 'of another day');
  serve('nothing said');
  await load(url);
  assert.equal((await load(url)).asked, ['HEAD', 'GET']);
});

test('if the server fails or does not answer, the kept file is used with a warning', async () => {
  const url = freshAddress();
  serve('first', { etag: '"1"' });
  await load(url);
  for (const head of [0, 500, 503]) {
    Object.assign(server, { head });
    assert.equal(await load(url), { text: 'first', codes: ['kept-weights'], asked: ['HEAD'] });
  }
  for (const head of [405, 501, 403]) {
    Object.assign(server, { head });
    assert.equal((await load(url)).asked, ['HEAD', 'GET'], 'one that only refuses to be asked');
  }
  Object.assign(server, { head: 404, get: 404 });
  await refused(load(url), /cannot read https:.*HTTP status 404/);
  Object.assign(server, { get: 0 });
  await refused(load(freshAddress()), /cannot read https:.*fetch failed/);
});

test('with integrity the server is not asked, and no other file is used', async () => {
  const url = freshAddress();
  serve('first', { etag: '"1"' });
  const integrity = await sri('first');
  await refused(
    load(url, { integrity: await sri('second') }),
    /expected sha256-.{44}; given sha256-.{44}; the file was/,
  );
  assert.equal((await load(url, { integrity })).asked, ['GET', 'GET'], 'what was refused was not kept');
  assert.equal((await load(url, { integrity })).asked, []);
  serve('second', { etag: '"2"' });
  assert.equal(await load(url, { integrity: await sri('second') }), { text: 'second', codes: [], asked: ['GET'] });
});

test('integrity without cache: bytes, functions, several hashes; invalid hashes are refused before anything is read', async () => {
  const bytes = new TextEncoder().encode('first');
  const check = (integrity: string) => checkedWeights(bytes, { what, integrity, maxBytes: 1000 });
  for (const algorithm of ['sha256', 'sha384', 'sha512'] as const) {
    assert.equal((await check(await sri('first', algorithm))).bytes, bytes);
    await refused(check(await sri('other', algorithm)), new RegExp(`expected ${algorithm}-.*; given ${algorithm}-`));
  }
  await check(`${await sri('other')} ${await sri('first')}`);
  await check(`${await sri('other')}\n ${await sri('first', 'sha512')}?ct=x`); // the strongest counts
  await refused(check(`${await sri('first')} ${await sri('other', 'sha384')}`), /expected sha384-/);
  await check((await sri('first')).replaceAll('+', '-').replaceAll('/', '_').replace('=', ''));
  const hex = 'a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e';
  for (const wrong of ['', hex, `sha256-${hex}`, 'md5-AAAA', 'sha256-AAAA', 'sha1-x', `${await sri('first')} x`]) {
    const unread = new ReadableStream({ pull: () => assert.unreachable('it was read') }, { highWaterMark: 0 });
    const options = { what, integrity: wrong, maxBytes: 1000 };
    await refused(checkedWeights(unread, options), /^integrity; expected sha256-/);
    assert.not.ok(unread.locked);
  }
});

test('integrity of a Blob', async () => {
  const blob = new Blob([weights as BlobPart]);
  const { model, end } = await beginModel(blob, { integrity: await sri(weights) });
  const expected = (await readModel(weights, {})).checkpoint.tensors;
  for (const [name, tensor] of model.checkpoint.tensors)
    assert.equal(await numbersOf(tensor), expected.get(name)!.data, name);
  await end();
  await refused(beginModel(blob, { integrity: await sri('other') }), /weights: not the file that the option integrity/);
});

test('cache is refused for anything but web addresses', async () => {
  for (const [given, told] of [
    ['file:///tmp/weights.pth', /file:\/\/\/tmp/],
    ['data:,x', /data:,x/],
    [Uint8Array.of(1), /Uint8Array/],
    [new Response('x'), /Response/],
  ] as const) {
    const error = await checkedWeights(given, { what, cache: true, maxBytes: 1 }).catch((thrown: Error) => thrown);
    assert.match(
      String(error),
      /InputError: cache keeps weights that come from the web; expected an address with http/,
    );
    assert.match(String(error), told);
  }
  await refused(readModel('x', { cache: 1 as never }), /cache; expected true, false or a folder; given 1/);
});

test('a damaged kept file is fetched again; a file that is too large is refused', async () => {
  const url = freshAddress();
  serve('first', { etag: '"1"' });
  await load(url);
  const files = (await platform.keep!())!;
  const key = [...(await hashOf(new TextEncoder().encode(url), 'sha256'))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  const { note } = (await files.read(key, 1000))!;
  for (const [content, said] of [
    ['firsT', note],
    ['', note],
    ['first', 'no JSON'],
  ]) {
    await put(files, key, new TextEncoder().encode(content), said);
    assert.equal(await load(url), { text: 'first', codes: [], asked: ['GET'] });
    assert.equal((await load(url)).asked, ['HEAD']);
  }
  await refused(load(url, { maxBytes: 4 }), /too large; expected at most 4 bytes/);
});

test('an abort ends the request to the server, and the download', async () => {
  const url = freshAddress();
  serve('first', { etag: '"1"' });
  await load(url);
  const signal = AbortSignal.abort(new Error('enough'));
  for (const address of [url, freshAddress()]) {
    const error = await load(address, { signal }).catch((thrown: Error) => thrown);
    assert.is((error as Error).message, 'enough');
  }
});

test('if nothing can be kept, the weights are used with a warning', async () => {
  serve('first', { etag: '"1"' });
  const url = freshAddress();
  const allow = await forbidKeeping();
  assert.equal(await load(url), { text: 'first', codes: ['not-kept'], asked: ['GET'] });
  allow();
  assert.equal((await load(url)).codes, []);
});

test('the description of a model says where its weights come from', async () => {
  serve(weights, { etag: '"1"' });
  const url = freshAddress();
  const plain = await readModel(weights, {});
  const seen: number[] = [];
  assert.equal((await readModel(url, { cache: true })).warnings, plain.warnings);
  Object.assign(server, { head: 0 });
  const { warnings } = await readModel(() => url, { cache: true, onProgress: (done) => seen.push(done) });
  assert.is(warnings[0].code, 'kept-weights');
  assert.equal([warnings.slice(1), seen], [plain.warnings, [1]]);
});

if (typeof process !== 'undefined') {
  test('in Node, files are written completely or not at all, and leftovers of killed processes are removed', async () => {
    const { readdirSync, writeFileSync } = await import('node:fs');
    const kept = `${folder}/raybox/weights`;
    const names = readdirSync(kept);
    assert.ok(names.length > 3 && names.every((name) => /^[0-9a-f]{64}\.kept$/.test(name)), String(names));
    writeFileSync(`${kept}/x.kept.y.999999999.part`, 'half');
    serve('first', { etag: '"1"' });
    const url = freshAddress();
    await Promise.all(Array.from({ length: 5 }, () => load(url)));
    assert.equal((await load(url)).asked, ['HEAD']);
    assert.is(readdirSync(kept).length, names.length + 1);
  });

  test('in Node, the tensors of a fetched file are in the kept one, which others who fetch it may replace', async () => {
    const { mkdtempSync, readdirSync, rmSync, truncateSync } = await import('node:fs');
    const cache = mkdtempSync(`${folder}/own-`);
    serve(weights, { etag: '"1"' });
    const expected = (await readModel(weights, {})).checkpoint.tensors;
    const url = freshAddress();
    const models = await Promise.all([1, 2, 3].map(() => readModel(url, { cache })));
    assert.equal(server.asked, ['GET', 'GET', 'GET']);
    const files = readdirSync(cache);
    assert.match(files.join(), /^[0-9a-f]{64}\.kept$/);
    for (const { checkpoint } of models) assert.equal(checkpoint.tensors, expected);
    const [later, last] = [await readModel(freshAddress(), { cache }), await readModel(freshAddress(), { cache })];
    for (const file of readdirSync(cache)) truncateSync(`${cache}/${file}`, 5000);
    assert.throws(
      () => [...later.checkpoint.tensors.values()].map(({ data }) => data),
      /has changed while it was read/,
    );
    rmSync(cache, { recursive: true });
    assert.throws(() => [...last.checkpoint.tensors.values()].map(({ data }) => data), /cannot read .*no such file/s);
  });

  test('in Node, a file that cannot be written as it comes is fetched into memory, with a warning', async () => {
    const { mkdtempSync, readdirSync } = await import('node:fs');
    const { keep } = platform;
    serve(weights, { etag: '"1"' });
    const expected = (await readModel(weights, {})).checkpoint.tensors;
    const full = () => Promise.reject(new Error('no space is left'));
    try {
      for (const [step, asked, left] of [
        ['write', ['GET', 'GET'], 0],
        ['end', ['GET', 'GET'], 0],
        ['keep', ['GET'], 1],
      ] as const) {
        const cache = mkdtempSync(`${folder}/own-`);
        const files = (await keep!(cache))!;
        platform.keep = async () => ({
          ...files,
          begin: async (key) => ({ ...(await files.begin!(key)), [step]: full }),
        });
        server.asked = [];
        const { checkpoint, warnings } = await readModel(freshAddress(), { cache });
        assert.match(warnings[0].message, /could not be kept here .*no space is left/);
        assert.equal(checkpoint.tensors, expected);
        assert.equal([server.asked, readdirSync(cache).length], [asked, left], step);
      }
    } finally {
      Object.assign(platform, { keep });
    }
  });

  test('in Node, the tensors of a kept file stay in it until they are read', async () => {
    const { rmSync, mkdtempSync } = await import('node:fs');
    const cache = mkdtempSync(`${folder}/own-`);
    serve(weights, { etag: '"1"' });
    const url = freshAddress();
    const integrity = await sri(weights);
    const models = [];
    for (const more of [{}, {}, {}, { integrity }]) models.push(await readModel(url, { cache, ...more }));
    assert.equal(server.asked, ['GET', 'HEAD', 'HEAD']);
    const [fetched, kept, ...later] = models.map(({ checkpoint }) => checkpoint.tensors);
    assert.equal(kept, fetched);
    rmSync(cache, { recursive: true });
    for (const tensors of later)
      assert.throws(() => [...tensors.values()].map(({ data }) => data), /cannot read .*no such file/s);
  });
}

/** In Node, a folder of the test's own instead of the user's cache. */
async function cacheFolder(): Promise<string> {
  if (typeof process === 'undefined') {
    await caches.delete('raybox-weights');
    return '';
  } else {
    const { mkdtempSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    process.env.XDG_CACHE_HOME = mkdtempSync(`${tmpdir()}/raybox-kept-`);
    return process.env.XDG_CACHE_HOME;
  }
}

/** Lasts until the returned function is called. */
async function forbidKeeping(): Promise<() => void> {
  if (typeof process === 'undefined') {
    const { open } = CacheStorage.prototype;
    CacheStorage.prototype.open = () => Promise.reject(new DOMException('not here', 'SecurityError'));
    return () => {
      CacheStorage.prototype.open = open;
    };
  } else {
    const { writeFileSync } = await import('node:fs');
    writeFileSync(`${folder}/file`, '');
    process.env.XDG_CACHE_HOME = `${folder}/file`;
    return () => {
      process.env.XDG_CACHE_HOME = folder;
    };
  }
}

test.after(async () => {
  globalThis.fetch = realFetch;
  if (typeof process === 'undefined') await caches.delete('raybox-weights');
  else (await import('node:fs')).rmSync(folder, { recursive: true });
});
test.run();
