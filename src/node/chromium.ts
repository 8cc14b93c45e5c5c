/** A headless Chromium with WebGPU that comes through npm alone, for pages and suites that must run in a browser. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Browser, LaunchOptions } from 'puppeteer-core';
import { GpuUnavailableError } from '../errors.js';
import { unpack } from './unpack.js';

export interface ChromiumOptions {
  /** Further command-line switches. */
  args?: string[];
  /** How long one call into the page may take, in milliseconds. Default: 180,000. */
  callTimeout?: number;
}

/**
 * Returns the path of the Chromium that `@sparticuz/chromium` carries, unpacked on first use (about 190 MB).
 *
 * @throws GpuUnavailableError when that package is missing or not made for this machine
 */
export async function unpackChromium(): Promise<string> {
  const archives = ['chromium.br', 'al2023.tar.br', 'swiftshader.tar.br', 'fonts.tar.br'];
  return join(await unpack('chromium', archives, 'Chromium'), 'chromium');
}

/**
 * Starts a headless browser whose WebGPU adapter is SwiftShader: the one that `RAYBOX_CHROMIUM` names, else the
 * packaged one. It ends with `close()`, with this process, and on SIGINT and SIGTERM; its profile is removed.
 *
 * @throws GpuUnavailableError when a package is missing or the browser does not start
 */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  const { launch } = await importPuppeteer();
  const own = process.env.RAYBOX_CHROMIUM;
  const executablePath = own || (await unpackChromium());
  const profile = mkdtempSync(join(tmpdir(), 'raybox-browser-'));
  const settings: LaunchOptions = {
    executablePath,
    headless: own ? true : 'shell',
    userDataDir: profile,
    pipe: true, // a browser whose pipe breaks ends by itself, even when this process was killed
    protocolTimeout: options.callTimeout ?? 180_000,
    env: { ...process.env, ...(own ? {} : packagedEnvironment(executablePath, profile)) },
    args: [
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--enable-features=Vulkan', // this and the next two: WebGPU canvases show
      '--use-vulkan=swiftshader',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--disable-background-networking',
      '--disable-dev-shm-usage', // containers give it 64 MB
      ...(options.args ?? []),
    ],
  };
  const remove = () => rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  process.once('exit', remove);
  try {
    const browser = await launchSandboxed(launch, settings);
    process.off('exit', remove).once('exit', remove); // behind puppeteer's own listener, which kills the browser
    browser.process()?.once('close', () => {
      process.off('exit', remove);
      remove();
    });
    return browser;
  } catch (cause) {
    process.off('exit', remove);
    remove();
    throw new GpuUnavailableError('the browser did not start', {
      given: executablePath,
      hint: own ? 'RAYBOX_CHROMIUM must name a Chromium or Chrome' : 'RAYBOX_CHROMIUM can name a browser of your own',
      cause,
    });
  }
}

async function importPuppeteer() {
  try {
    return await import('puppeteer-core');
  } catch (cause) {
    throw new GpuUnavailableError('driving a browser needs the npm package puppeteer-core, which could not be loaded', {
      hint: 'install it: npm install puppeteer-core@24',
      cause,
    });
  }
}

/** Root cannot have Chromium's sandbox, and many containers allow it to nobody. */
async function launchSandboxed(launch: (settings: LaunchOptions) => Promise<Browser>, settings: LaunchOptions) {
  const unsandboxed = { ...settings, args: [...(settings.args ?? []), '--no-sandbox'] };
  if (process.getuid?.() === 0) return launch(unsandboxed);
  try {
    return await launch(settings);
  } catch (error) {
    if (!/sandbox/i.test(String(error))) throw error;
    return launch(unsandboxed);
  }
}

/** What the packaged browser finds beside itself where the system has none: NSS and a few more libraries, and fonts. */
function packagedEnvironment(executable: string, profile: string): Record<string, string> {
  const folder = dirname(executable);
  const fontConfig = join(profile, 'fonts.conf');
  writeFileSync(
    fontConfig,
    `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>${folder}/fonts</dir>
  <cachedir>${profile}/fonts-cache</cachedir>
</fontconfig>
`,
  );
  const starts = spawnSync(executable, ['--version'], { stdio: 'ignore' }).status === 0;
  const libraries = [join(folder, 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return { FONTCONFIG_FILE: fontConfig, ...(starts ? {} : { LD_LIBRARY_PATH: libraries }) };
}
