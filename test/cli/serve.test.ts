/** What the server of the demo page refuses: other hosts, other methods, and paths that lead out of its folder. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEMO_HEADERS, serveFolder } from '../../src/cli/serve.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-test-'));
const page = join(folder, 'page');
mkdirSync(join(page, 'sub'), { recursive: true });
writeFileSync(join(page, 'index.html'), '<p>home');
writeFileSync(join(page, 'sub', 'a b.js'), 'let x;');
writeFileSync(join(page, 'empty.txt'), '');
writeFileSync(join(page, 'report.HTML'), 'upper case');
mkdirSync(join(folder, 'page-beside'));
for (const name of ['secret.txt', 'page-beside/secret.txt']) writeFileSync(join(folder, name), 'secret');
symlinkSync(join(folder, 'secret.txt'), join(page, 'link.txt'));
symlinkSync('../../secret.txt', join(page, 'sub', 'relative.txt'));
symlinkSync(folder, join(page, 'up'));
symlinkSync(join(folder, 'page-beside'), join(page, 'beside'));
symlinkSync('/', join(page, 'root'));
symlinkSync('sub', join(page, 'inside'));
symlinkSync('nowhere', join(page, 'dangling'));
symlinkSync('loop', join(page, 'loop'));
// The folder itself may be reached through a link.
symlinkSync(page, join(folder, 'linked'));

const served = await serveFolder(join(folder, 'linked'), {
  headers: DEMO_HEADERS,
  contents: new Map([['/made.js', new TextEncoder().encode('made')]]),
});
const port = Number(new URL(served.url).port);
test.after(async () => {
  await served.close();
  rmSync(folder, { recursive: true });
});

/** Sends a request byte for byte, as no well-behaved client would. */
function ask(target: string, { method = 'GET', host = `127.0.0.1:${port}` as string | null, version = '1.1' } = {}) {
  return new Promise<{ status: number; head: string; body: string }>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      const lines = [`${method} ${target} HTTP/${version}`, ...(host === null ? [] : [`Host: ${host}`])];
      socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`, 'latin1');
    });
    let answer = '';
    socket.on('data', (piece) => {
      answer += piece.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const [head, ...body] = answer.split('\r\n\r\n');
      resolve({ status: Number(head.split(' ')[1]), head, body: body.join('\r\n\r\n') });
    });
  });
}

test('files of the folder are served, with their type and without sniffing', async () => {
  for (const [target, body, type] of [
    ['/', '<p>home', 'text/html; charset=utf-8'],
    ['/index.html?a=/../b#c', '<p>home', 'text/html; charset=utf-8'],
    ['/sub/a%20b.js', 'let x;', 'text/javascript; charset=utf-8'],
    ['/inside/a%20b.js', 'let x;', 'text/javascript; charset=utf-8'],
    ['/report.HTML', 'upper case', 'text/html; charset=utf-8'],
    ['/empty.txt', '', 'application/octet-stream'],
    ['/made.js', 'made', 'text/javascript; charset=utf-8'],
  ]) {
    const answer = await ask(target);
    assert.is(answer.status, 200, target);
    assert.is(answer.body, body, target);
    assert.ok(answer.head.includes(`Content-Type: ${type}\r\n`), answer.head);
    assert.ok(answer.head.includes(`Content-Length: ${body.length}\r\n`), answer.head);
    const head = await ask(target, { method: 'HEAD' });
    assert.is(head.status, 200, target);
    assert.is(head.body, '', target);
    assert.ok(head.head.includes(`Content-Length: ${body.length}\r\n`), head.head);
  }
});

test('every response, also a refusal, has the headers that keep other pages out', async () => {
  for (const answer of [await ask('/'), await ask('/nothing'), await ask('/', { host: 'evil.example' })]) {
    for (const header of [
      'X-Content-Type-Options: nosniff',
      'Cross-Origin-Resource-Policy: same-origin',
      'Referrer-Policy: no-referrer',
      "frame-ancestors 'none'",
    ]) {
      assert.ok(answer.head.includes(header), `${header} is missing in ${answer.head}`);
    }
  }
});

test('it only answers requests to its own host name, so that other pages cannot reach it by DNS rebinding', async () => {
  const own = ['127.0.0.1', `127.0.0.1:${port}`, `localhost:${port}`, 'LOCALHOST', `[::1]:${port}`, 'localhost:9000'];
  for (const host of own) assert.is((await ask('/', { host })).status, 200, host);
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    'localhost.evil.example',
    'evil-localhost',
    'localhost@evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.2',
    '0.0.0.0',
    '::1',
    'localhost:80:80',
    'localhost, evil.example',
    '',
  ]) {
    for (const target of ['/', '/made.js', '/nothing']) {
      const answer = await ask(target, { host });
      assert.is(answer.status, 403, host);
      assert.not.ok(/home|made/.test(answer.body));
    }
  }
  assert.is((await ask('/', { host: null, version: '1.0' })).status, 403);
  assert.is((await ask('http://evil.example/')).status, 400);
  assert.is((await ask('//evil.example/')).status, 400);
});

test('links and paths do not lead out of the folder', async () => {
  for (const target of [
    '/link.txt',
    '/sub/relative.txt',
    '/up/secret.txt',
    '/up/page/index.html/../../secret.txt',
    '/beside/secret.txt',
    '/root/etc/hostname',
    '/dangling',
    '/loop',
    '/inside',
    '/../secret.txt',
    '/sub/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '/%252e%252e/secret.txt',
    '/..\\secret.txt',
    '/..%5csecret.txt',
    '/../page-beside/secret.txt',
    '/sub/./a%20b.js',
    '//index.html',
    '/index.html%00.js',
    '/index.html%00',
    '/%00',
    '/C:/windows',
    '/%',
    '/%ff',
    '/index.html/',
    '/sub',
    '*',
    'index.html',
  ]) {
    const { status, body } = await ask(target);
    assert.ok(status === 400 || status === 404, `${target}: ${status}`);
    assert.not.ok(/secret|home|let x|root/.test(body), target);
  }
});

test('only GET and HEAD are answered', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
    const { status, head } = await ask('/', { method });
    assert.is(status, 405, method);
    assert.ok(head.includes('Allow: GET, HEAD'), head);
  }
});

test('a missing folder is an error at the start', async () => {
  const message = await serveFolder(join(folder, 'missing')).then(
    async ({ close }) => close().then(() => 'served'),
    (error: Error) => `${error.name}: ${error.message}`,
  );
  assert.match(message, /InputError: .*missing cannot be served/);
});

test.run();
