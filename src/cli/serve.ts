/** A small web server that only answers this machine. It serves the demo page and the pages of the tests. */
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../errors.js';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.svg': 'image/svg+xml',
};

/** The options of `serveFolder`. */
export interface ServeOptions {
  /** The port. 0 (default) takes any that is free. */
  port?: number;
  /** Contents by path, such as `/bundle/page.js`. They come before files of the folder with the same path. */
  contents?: ReadonlyMap<string, Uint8Array>;
  /** Headers that are sent with every answer. */
  headers?: Readonly<Record<string, string>>;
}

/** A folder that is being served. */
export interface Served {
  /** `http://127.0.0.1:PORT/` */
  url: string;
  close(): Promise<void>;
}

const ADDRESS = '127.0.0.1';
/**
 * The host names that are answered, with any port, because the port may be forwarded. They protect against DNS rebinding: a page of another
 * site whose name was made to point to this address sends the name of that site.
 */
const HOSTS = new Set([ADDRESS, 'localhost', '[::1]']);

/** The browser must not guess types from contents, and pages of other origins can neither load nor frame anything from here. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'SAMEORIGIN',
};

/**
 * Serves the files of a folder on 127.0.0.1. Browsers count this address as a secure context, which WebGPU requires. Only the methods GET
 * and HEAD and the host names above are answered, and links that lead out of the folder are not followed.
 * @throws InputError if the port is in use, or if there is no such folder
 */
export async function serveFolder(folder: string, options: ServeOptions = {}): Promise<Served> {
  const { port = 0, contents, headers = {} } = options;
  const root = await realpath(folder).catch((cause) => {
    throw new InputError(`${folder} cannot be served`, { given: (cause as Error).message, cause });
  });
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries({ ...HEADERS, ...headers })) response.setHeader(name, value);
    answer(root, contents, request, response).catch(() => fail(response, 404, 'not found'));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new InputError(`cannot listen on port ${port}`, { hint: 'choose another with --port', cause }));
    });
    server.listen(port, ADDRESS, resolve);
  });
  return {
    url: `http://${ADDRESS}:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  root: string,
  contents: ServeOptions['contents'],
  { method, url = '/', headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const host = (headers.host ?? '').toLowerCase().replace(/:\d{1,5}$/, '');
  if (!HOSTS.has(host)) return fail(response, 403, `this server answers only as ${[...HOSTS].join(', ')}`);
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return fail(response, 405, 'only GET and HEAD');
  }
  const path = pathOf(url);
  if (path === undefined) return fail(response, 400, 'no path of this server');
  const send = (size: number, named: string) => {
    response.setHeader('Content-Type', TYPES[extname(named).toLowerCase()] ?? 'application/octet-stream');
    response.setHeader('Content-Length', size);
  };
  const content = contents?.get(path);
  if (content) {
    send(content.byteLength, path);
    response.end(method === 'HEAD' ? undefined : content);
    return;
  }
  const name = path.endsWith('/') ? `${path}index.html` : path;
  const { file, size } = await openWithin(root, name);
  send(size, name);
  if (method === 'HEAD' || size === 0) {
    await file.close();
    response.end();
    return;
  }
  // Not more bytes than were announced are sent, even if the file grows meanwhile. The stream closes the file.
  const stream = file.createReadStream({ start: 0, end: size - 1 });
  response.on('close', () => stream.destroy());
  stream.on('error', () => response.destroy()).pipe(response);
}

/**
 * The decoded path of a request; undefined if it cannot be that of a file of the folder, for example because it has `..` or a backslash.
 */
function pathOf(url: string): string | undefined {
  if (!url.startsWith('/')) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(url.split(/[?#]/, 1)[0]);
  } catch {
    return undefined;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\\:]/.test(path)) return undefined;
  const parts = path.slice(1).split('/');
  const within = parts.every((part, i) => part !== '.' && part !== '..' && (part !== '' || i === parts.length - 1));
  return within ? path : undefined;
}

/** Opens a file. Links are only followed within the folder. @throws Error for anything that is not a file in the folder */
async function openWithin(root: string, path: string): Promise<{ file: FileHandle; size: number }> {
  const real = await realpath(join(root, path));
  const below = relative(root, real);
  if (below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below)) throw new Error('a link out of the folder');
  // This opens no link that has been put there meanwhile, and does not wait if the path is a pipe without a writer.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const file = await open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const stats = await file.stat();
  if (stats.isFile()) return { file, size: stats.size };
  await file.close();
  throw new Error(`${path} is not a file`);
}

function fail(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.removeHeader('Content-Length');
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${text}\n`);
}

/** The demo page can load its own files and those that the user gives it. No page can show it in a frame. */
export const DEMO_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { Command } = await import('../node/vendor/commander.js');
  const { wholeNumber } = await import('./terminal.js');
  const { port } = new Command('npm run demo:web --')
    .description('serves the demo page to this machine alone')
    .option('--port <number>', '0 for any that is free', wholeNumber(0, 65_535), 8017)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .parse()
    .opts<{ port: number }>();
  try {
    const folder = fileURLToPath(new URL('../../web/', import.meta.url));
    const { url } = await serveFolder(folder, { port, headers: DEMO_HEADERS });
    console.log(`raybox demo: ${url}   (Ctrl-C ends it)`);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
  }
}
