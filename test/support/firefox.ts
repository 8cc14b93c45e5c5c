/** Firefox, where it is installed: its WebGPU is wgpu, which no other browser here has. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, launch } from 'puppeteer-core';

/** WebGPU is young on Linux, and software adapters are on a list of those that it does without. */
const PREFERENCES = { 'dom.webgpu.enabled': true, 'gfx.webgpu.ignore-blocklist': true };

/** The Firefox that RAYBOX_FIREFOX names, else that of the search path. */
export function findFirefox(): string | undefined {
  if (process.env.RAYBOX_FIREFOX) return process.env.RAYBOX_FIREFOX;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return ['firefox', 'firefox-esr'].flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** Starts it on whatever adapter the system has: it cannot be told another. */
export async function launchFirefox(executablePath: string, callTimeout = 180_000): Promise<Browser> {
  const preferences = { extraPrefsFirefox: PREFERENCES, protocolTimeout: callTimeout };
  return launch({ browser: 'firefox', executablePath, headless: true, ...preferences });
}
