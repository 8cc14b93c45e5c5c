/** Engines in the headless Chromium of the tests, whose adapter is SwiftShader: raybox, and onnxruntime-web on WebGPU. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { serveFolder } from '../../src/cli/serve.js';
import { launchChromium } from '../../src/node/browser/chromium.js';
import { ownVersion } from '../machine.js';
import { mainMemory, type StartEngine } from './engine.js';
import type { Calls } from './in_page.js';
import { packageFolder, root, versionOf } from './installed.js';
import { MissingEngine } from './missing.js';
import { refuseHalves } from './onnx_session.js';

type Kind = Parameters<Calls['start']>[0];

const start =
  (kind: Kind): StartEngine =>
  async (folder, task) => {
    if (kind !== 'raybox') refuseHalves(task);
    const version = kind === 'raybox' ? ownVersion() : versionOf(kind);
    const served = await serveFolder(folder, { contents: await contentsFor(kind) });
    const { browser, close } = await launchChromium().catch((error: Error) => {
      throw new MissingEngine(error.message);
    });
    const page = await browser.newPage();
    await page.goto(`${served.url}index.html`);
    await page.waitForFunction('globalThis.bench');
    const call = <T>(text: string) => page.evaluate(text) as Promise<T>;
    const started = await call<{ name: string; device?: string }>(`bench.start('${kind}', '${version}')`);
    const processes = () => groupOf(browser.process()!.pid!);
    return {
      ...started,
      first: () => call<number[][]>('bench.first()'),
      run: () => call('bench.time(1)'),
      time: (count) => call<number[]>(`bench.time(${count})`),
      cpuMs: () => processes().reduce((sum, pid) => sum + processorMs(pid), 0),
      bareBytes: processes().reduce((sum, pid) => sum + (mainMemory('VmRSS', pid) ?? 0), 0),
      memory: () => ({ peakBytes: processes().reduce((sum, pid) => sum + (mainMemory('VmHWM', pid) ?? 0), 0) }),
      async close() {
        await close();
        await served.close();
      },
    };
  };

export const startRayboxInChromium = start('raybox');
export const startOnnxRuntimeInChromium = start('onnxruntime-web');

/** The page with its script, and onnxruntime-web. */
async function contentsFor(kind: Kind): Promise<Map<string, Uint8Array>> {
  const { build } = (await import('esbuild').catch(() => {
    throw new MissingEngine('engines in a page need the package esbuild, which bundles them');
  })) as typeof import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['dist/bench/peers/in_page.js'],
    ...{ bundle: true, write: false, minify: true, format: 'esm', platform: 'browser', target: 'es2022' },
    logLevel: 'silent',
  });
  const html = '<!doctype html><title>bench</title><script type="module" src="/page.js"></script>';
  const contents = new Map<string, Uint8Array>([
    ['/index.html', Buffer.from(html)],
    ['/page.js', outputFiles[0].contents],
  ]);
  if (kind === 'raybox') return contents;
  const { resolve } = createRequire(join(packageFolder(kind), 'package.json'));
  contents.set('/ort.js', readFileSync(resolve('./dist/ort.webgpu.bundle.min.mjs')));
  contents.set('/ort.wasm', readFileSync(resolve('./dist/ort-wasm-simd-threaded.asyncify.wasm')));
  return contents;
}

/** The processes of a browser, which is the leader of its process group. None outside of Linux. */
function groupOf(leader: number): number[] {
  try {
    const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return all.map(Number).filter((pid) => Number(statOf(pid)[2]) === leader);
  } catch {
    return [];
  }
}

/** The fields of a process after its name: state, parent, group, and so on. Empty for one that has ended. */
function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** Processor time in ticks of 10 ms, which is what Linux counts in for other processes. */
const processorMs = (pid: number) => (Number(statOf(pid)[11] ?? 0) + Number(statOf(pid)[12] ?? 0)) * 10;
