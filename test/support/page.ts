/** Opens scripts and HTML files in a browser page, served from 127.0.0.1 (a secure context, which WebGPU needs). */
import { SourceMap, type SourceMapping } from 'node:module';
import { basename, join, parse, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { build } from 'esbuild';
import type { Browser, Page } from 'puppeteer-core';
import { type Served, serveFolder } from '../../src/cli/serve.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface PageOptions {
  /** A built script, from the repository's root. It is bundled for the browser and served at `scriptUrl`. */
  script?: string;
  /** Whether the page runs the script at once. Default: true. */
  start?: boolean;
  /** An HTML file, from `folder`. Default: an empty page. */
  html?: string;
  /** The folder that is served, from the repository's root. Default: `test`, so that fixtures are at `/fixtures/…`. */
  folder?: string;
  /** The address's search part: where a page looks for the variables that Node takes from the environment. */
  search?: Record<string, string | undefined>;
  /** Sent with every answer of the server. */
  headers?: Readonly<Record<string, string>>;
  /** Further contents by path, served from memory. */
  contents?: Readonly<Record<string, Uint8Array>>;
  /** Width and height in CSS pixels. */
  viewport?: { width: number; height: number };
  /** Gets each line that the page prints. */
  onLine?: (line: string) => void;
}

export interface OpenPage {
  page: Page;
  scriptUrl: string;
  /** Uncaught errors and unhandled rejections so far. */
  errors: string[];
  /** Rejects if the page crashes, and never resolves. It is raced with promises of the page. */
  crashed: Promise<never>;
  /** Replaces the places in the bundle that a stack names by those in the sources. */
  locate(stack: string): string;
  /** Ends the server while the page stays open, to test a page without a network. */
  goOffline(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a page. Its `page.screenshot({ path })` shows it.
 *
 * @throws esbuild's BuildFailure when the script does not bundle, say because it imports a Node module
 */
export async function openPage(browser: Browser, options: PageOptions): Promise<OpenPage> {
  const folder = resolve(root, options.folder ?? 'test');
  const { contents, map } = await bundle(options.script, join(folder, 'bundle'));
  for (const [path, bytes] of Object.entries(options.contents ?? {})) contents.set(path, Buffer.from(bytes));
  let page: Page | undefined;
  let served: Served | undefined;
  const goOffline = async () => {
    await served?.close();
    served = undefined;
  };
  const close = async () => {
    await page?.close().catch(() => {}); // it may have crashed
    await goOffline();
  };
  try {
    served = await serveFolder(folder, { contents, headers: options.headers ?? {} });
    const url = new URL(options.html ?? EMPTY, served.url);
    for (const [key, value] of Object.entries(options.search ?? {})) if (value) url.searchParams.set(key, value);
    const scriptUrl = options.script === undefined ? '' : `/bundle/${parse(options.script).name}.js`;
    const locate = (stack: string) => locateInSources(stack, url.origin + scriptUrl, map, join(folder, 'bundle'));

    page = await browser.newPage();
    const crashed = new Promise<never>((_, reject) => page?.once('error', reject));
    crashed.catch(() => {}); // if nobody waits for it, a crash is noticed in the next call
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(locate((error as Error)?.stack ?? String(error))));
    page.on('console', (message) => options.onLine?.(stripVTControlCharacters(message.text())));

    if (options.viewport) await page.setViewport(options.viewport);
    await page.goto(url.href);
    if (options.start !== false && scriptUrl !== '') await page.addScriptTag({ url: scriptUrl, type: 'module' });
    return { page, scriptUrl, errors, crashed, locate, goOffline, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const EMPTY = 'bundle/empty.html';

/** What is served from memory, never written: an empty page and, under its paths in `folder`, the bundled script. */
async function bundle(script: string | undefined, folder: string) {
  const contents = new Map([[`/${EMPTY}`, Buffer.from('<!doctype html><title>raybox</title>')]]);
  if (script === undefined) return { contents, map: undefined };
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [script],
    outdir: folder,
    entryNames: '[name]',
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    sourcemap: 'linked',
    define: { process: 'undefined' },
    logLevel: 'silent',
  });
  for (const { path, contents: bytes } of outputFiles) contents.set(`/bundle/${basename(path)}`, Buffer.from(bytes));
  const map = outputFiles.find(({ path }) => path.endsWith('.map'));
  return { contents, map: map && new SourceMap(JSON.parse(map.text)) };
}

function locateInSources(stack: string, scriptUrl: string, map: SourceMap | undefined, bundleFolder: string): string {
  const place = /(https?:\/\/[^\s()]+):(\d+):(\d+)/g;
  return stack.replace(place, (whole, url, line, column) => {
    const entry: Partial<SourceMapping> =
      (url === scriptUrl && map?.findEntry(Number(line) - 1, Number(column) - 1)) || {};
    if (entry.originalSource === undefined) return whole;
    const source = relative(root, resolve(bundleFolder, entry.originalSource));
    return `${source}:${entry.originalLine! + 1}:${entry.originalColumn! + 1}`;
  });
}
