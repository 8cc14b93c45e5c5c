/** Starts Firefox, if it is installed. Its WebGPU is wgpu, which the other browsers do not use. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, launch } from 'puppeteer-core';

/** On Linux, WebGPU has to be enabled, and software adapters have to be taken off a list of refused ones. */
const PREFERENCES = { 'dom.webgpu.enabled': true, 'gfx.webgpu.ignore-blocklist': true };

/** The Firefox that RAYBOX_FIREFOX names, else that of the search path. */
export function findFirefox(): string | undefined {
  if (process.env.RAYBOX_FIREFOX) return process.env.RAYBOX_FIREFOX;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return ['firefox', 'firefox-esr'].flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** Starts it on the system's adapter. Another one cannot be chosen. */
export async function launchFirefox(executablePath: string, callTimeout = 180_000): Promise<Browser> {
  const preferences = { extraPrefsFirefox: PREFERENCES, protocolTimeout: callTimeout };
  return launch({ browser: 'firefox', executablePath, headless: true, ...preferences });
}
