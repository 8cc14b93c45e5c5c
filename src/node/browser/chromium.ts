/** Starts a headless Chromium with WebGPU that is installed through npm alone, for tests and pages that have to run in a browser. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser, LaunchOptions } from 'puppeteer-core';
import { GpuUnavailableError } from '../../errors.js';
import { SLOW_ON_SWIFTSHADER } from '../runtime/swiftshader.js';
import { unpack } from '../runtime/unpack.js';
import { makeProfile } from './browser_profile.js';

/** A browser that takes longer than this to close is killed. */
const CLOSE_LIMIT_MS = 5_000;

export interface ChromiumOptions {
  /** More command-line switches. */
  args?: string[];
  /** How long one call into the page may take, in milliseconds. Default: 180,000. */
  callTimeout?: number;
}

/**
 * Returns the path of the Chromium in the package `@sparticuz/chromium`, which is unpacked on first use (about 190 MB).
 *
 * @throws GpuUnavailableError if that package is missing or not made for this machine.
 */
export async function unpackChromium(): Promise<string> {
  const archives = ['chromium.br', 'al2023.tar.br', 'swiftshader.tar.br', 'fonts.tar.br'];
  return join(await unpack('chromium', archives, 'Chromium'), 'chromium');
}

export interface Chromium {
  browser: Browser;
  /** Ends the browser, by force if it hangs, and removes its profile. */
  close(): Promise<void>;
}

/**
 * Starts a headless browser whose WebGPU adapter is SwiftShader: the one that `RAYBOX_CHROMIUM` names, or else the packaged one. It is ended
 * when this process exits, also by SIGINT, SIGTERM or SIGHUP.
 *
 * @throws GpuUnavailableError if a package is missing, or if the browser does not start.
 */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Chromium> {
  const { launch } = await importPuppeteer();
  const own = process.env.RAYBOX_CHROMIUM;
  const executablePath = own || (await unpackChromium());
  const profile = makeProfile();
  const settings: LaunchOptions = {
    executablePath,
    headless: own ? true : 'shell',
    userDataDir: profile.folder,
    pipe: true, // unless it hangs, the browser ends by itself when the pipe is closed
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    protocolTimeout: options.callTimeout ?? 180_000,
    env: { ...process.env, ...(own ? {} : packagedEnvironment(executablePath, profile.folder)) },
    args: [
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--enable-features=Vulkan', // this and the next three are needed for WebGPU canvases to show anything
      '--use-vulkan=swiftshader',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      `--disable-dawn-features=${SLOW_ON_SWIFTSHADER}`,
      '--disable-background-networking',
      '--disable-dev-shm-usage', // in containers /dev/shm often has only 64 MB
      ...(options.args ?? []),
    ],
  };
  try {
    const browser = await launchSandboxed(launch, settings);
    profile.usedBy(browser.process()?.pid);
    const close = async () => {
      const hung = setTimeout(profile.kill, CLOSE_LIMIT_MS);
      await browser.close().finally(() => clearTimeout(hung));
      profile.remove();
    };
    return { browser, close };
  } catch (cause) {
    profile.remove();
    throw new GpuUnavailableError('the browser did not start', {
      given: `${executablePath} ${complaintOf(settings)}`.trim(),
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

/** Starts the browser in its sandbox if possible. Chromium refuses the sandbox for root, and many containers do not allow it at all. */
async function launchSandboxed(launch: (settings: LaunchOptions) => Promise<Browser>, settings: LaunchOptions) {
  const unsandboxed = { ...settings, args: [...(settings.args ?? []), '--no-sandbox'] };
  if (process.getuid?.() === 0) return launch(unsandboxed);
  return launch(settings).catch(() => launch(unsandboxed));
}

/** The browser's own message about why it does not start, which puppeteer does not pass on. */
function complaintOf({ executablePath, env }: LaunchOptions): string {
  const { stderr, error, status } = spawnSync(executablePath ?? '', ['--version'], {
    env: env as NodeJS.ProcessEnv,
    encoding: 'utf8',
    timeout: 10_000,
  });
  if (error) return `(${error.message})`;
  return status === 0 ? '' : `(${stderr.trim() || `exit status ${status}`})`;
}

/** Environment variables with which the packaged browser uses the libraries (NSS and others) and fonts of its package if the system has none. */
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
