/** A small web server for this machine alone: the demo page, and the pages of the tests. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../errors.js';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.svg': 'image/svg+xml',
};

export interface ServeOptions {
  /** 0 takes any free one. Default 0. */
  port?: number;
  /** Contents by path, such as `/bundle/page.js`, served before what is in the folder. */
  contents?: ReadonlyMap<string, Uint8Array>;
  /** Sent with every answer. */
  headers?: Readonly<Record<string, string>>;
}

export interface Served {
  /** `http://127.0.0.1:PORT/` */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves the files of a folder on 127.0.0.1, which browsers count as a secure context, as WebGPU asks for.
 * @throws InputError where the port is taken
 */
export async function serveFolder(folder: string, options: ServeOptions = {}): Promise<Served> {
  const { port = 0, contents, headers = {} } = options;
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries({ 'Cache-Control': 'no-store', ...headers })) {
      response.setHeader(name, value);
    }
    answer(folder, contents, request, response).catch(() => fail(response, 404, 'not found'));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new InputError(`cannot listen on port ${port}`, { hint: 'choose another with --port', cause }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  folder: string,
  contents: ServeOptions['contents'],
  { method, url = '/' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') return fail(response, 405, 'only GET and HEAD');
  const path = decodeURIComponent(new URL(url, 'http://127.0.0.1').pathname);
  const send = (size: number, name: string) => {
    response.setHeader('Content-Type', TYPES[extname(name)] ?? 'application/octet-stream');
    response.setHeader('Content-Length', size);
  };
  const content = contents?.get(path);
  if (content) {
    send(content.byteLength, path);
    response.end(method === 'HEAD' ? undefined : content);
    return;
  }
  const file = normalize(join(folder, path.endsWith('/') ? `${path}index.html` : path));
  if (!file.startsWith(normalize(folder + sep)) || file.includes('\0')) return fail(response, 404, 'not found');
  const { size } = await statFile(file);
  send(size, file);
  if (method === 'HEAD') response.end();
  else
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
}

async function statFile(file: string) {
  const found = await stat(file);
  if (!found.isFile()) throw new Error(`${file} is no file`);
  return found;
}

function fail(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.removeHeader('Content-Length');
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${text}\n`);
}

/** What the demo page may load: its own files, and what the user hands it. */
export const DEMO_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; connect-src 'self'",
  'X-Content-Type-Options': 'nosniff',
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { Command } = await import('commander');
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
