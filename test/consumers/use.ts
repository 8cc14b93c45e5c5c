/** One project of a user: its folder made, packages installed, commands run, its page opened. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'puppeteer-core';
import { serveFolder } from '../../src/cli/serve.js';
import { launchChromium } from '../../src/node/browser/chromium.js';
import { findingsIn } from '../support/examples.js';
import type { Project } from './projects.js';

const PAGE_LIMIT_MS = 120_000;
const COMMAND_LIMIT_MS = 30 * 60_000;
const FILES = ['weights.safetensors', 'chest.png'];

/** The line in which every project reports its findings. */
export const told = (findings: readonly string[]): string => `done ${findings.length}: ${findings.join('; ')}`;

/**
 * @param folder holds the package, the weights and the picture; the project gets a folder in it.
 * @returns what the project says it found, or its last line. @throws Error with what a command printed
 */
export async function use(project: Project, folder: string): Promise<string> {
  const own = mkdtempSync(join(folder, 'project-'));
  writeFileSync(join(own, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }');
  const served = project.page === undefined ? own : join(own, project.page);
  for (const [name, text] of Object.entries(project.files)) {
    mkdirSync(dirname(join(own, name)), { recursive: true });
    writeFileSync(join(own, name), text);
  }
  const programs = (project.programs ?? []).map((name) => join(own, name));
  const run = (command: string) => runIn(own, command, programs);
  if (project.needs !== undefined && run(project.needs).status !== 0) return `skipped: ${project.needs} fails`;
  const runs = (command: string) => {
    const { status, output } = run(command);
    if (status !== 0) throw new Error(`${command}: exit code ${status}\n${output.slice(-3000)}`);
    return output;
  };
  runs(`npm install --no-audit --no-fund --loglevel error ../raybox.tgz ${project.install.join(' ')}`);
  if (project.page === undefined || project.page === '.') place(folder, own);
  let output = '';
  for (const command of project.commands) {
    output = runs(command);
    if (project.refuse?.test(output)) throw new Error(`${command} complains:\n${output.slice(-3000)}`);
  }
  if (project.page === undefined) {
    const found = findingsIn(output);
    return found.length > 0 ? told(found) : output.trim().split('\n').at(-1)!;
  }
  place(folder, served);
  if (project.page !== '.') console.log(`     ${sizeOf(served)}`);
  return openPage(served);
}

function runIn(cwd: string, command: string, programs: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(command, {
    cwd,
    shell: true,
    encoding: 'utf8',
    timeout: COMMAND_LIMIT_MS,
    env: {
      ...process.env,
      PATH: [...programs, process.env.PATH].join(delimiter),
      RAYBOX_ADAPTER: 'swiftshader',
      NEXT_TELEMETRY_DISABLED: '1',
    },
  });
  return { status, output: `${stdout}${stderr}` };
}

function place(from: string, to: string): void {
  for (const name of FILES) copyFileSync(join(from, name), join(to, name));
}

/** The scripts that a build has left, those that are loaded on demand included. */
function sizeOf(folder: string): string {
  const scripts = (readdirSync(folder, { recursive: true }) as string[]).filter((name) => name.endsWith('.js'));
  const bytes = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name))).length, 0);
  return `${scripts.length} scripts, ${(bytes / 1000).toFixed(0)} kB gzipped`;
}

async function openPage(path: string): Promise<string> {
  const server = await serveFolder(path);
  const { browser, close } = await launchChromium();
  try {
    const page = await browser.newPage();
    const messages: string[] = [];
    page.on('pageerror', (error) => messages.push(String(error)));
    page.on('console', (message) => messages.push(message.text()));
    await page.goto(new URL('index.html', server.url).href);
    const input = await page.$('input[type=file]');
    const reading = input ? choose(page, join(path, 'chest.png')) : titleOf(page);
    return await reading.catch((error) => {
      throw new Error(`${error.message}\n${messages.join('\n')}`);
    });
  } finally {
    await close();
    await server.close();
  }
}

async function titleOf(page: Page): Promise<string> {
  await page.waitForFunction('/^(done|failed)/.test(document.title)', { timeout: PAGE_LIMIT_MS });
  return page.title();
}

/** Chooses the picture until the page reacts, as a user would who is faster than its script. */
async function choose(page: Page, picture: string): Promise<string> {
  const started = performance.now();
  for (;;) {
    const input = await page.$<'input'>('input[type=file]' as 'input');
    // Choosing the same file again fires no change event, so the value is cleared first.
    await input!.evaluate((element) => {
      element.value = '';
    });
    await input!.uploadFile(picture);
    for (let look = 0; look < 20; look++) {
      const found = findingsIn((await page.evaluate('document.body.innerText')) as string);
      if (found.length > 0) return told(found);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    if (performance.now() - started > PAGE_LIMIT_MS) {
      throw new Error(`no findings are shown: ${await page.evaluate('document.body.innerText')}`);
    }
  }
}
