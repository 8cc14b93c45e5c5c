/**
 * Packs raybox as it is published, and uses the package in fresh folders as its users do: bundlers, frameworks, runtimes.
 *
 *     npm run test:consumers -- [PART OF A NAME…]
 *
 * Every project localizes the same picture with the same weights on SwiftShader, and all must find the same boxes; the case table of all
 * kernels passes in Deno and, where it is installed, in Firefox. Takes minutes, and packages from the npm registry. `npm run check` runs
 * what takes seconds of it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodePng } from '../../src/formats/png.js';
import { launchChromium } from '../../src/node/chromium.js';
import { serveFolder } from '../../src/node/serve.js';
import { drawPhantom } from '../../src/phantom/index.js';
import { verifyInFirefox } from './case_table.js';
import { PROJECTS, type Project } from './projects.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const PAGE_LIMIT_MS = 120_000;
const COMMAND_LIMIT_MS = 30 * 60_000;

const folder = mkdtempSync(join(tmpdir(), 'raybox-consumers-'));
const wanted = process.argv.slice(2);

async function prepare(): Promise<void> {
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    stdio: 'pipe',
  });
  renameSync(join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz'))!), join(folder, 'raybox.tgz'));
  const { image } = drawPhantom({ seed: 9, index: 0, size: 256 });
  writeFileSync(join(folder, 'chest.png'), await encodePng({ ...image, channels: 1 }));
  copyFileSync(join(root, 'weights/phantom8.safetensors'), join(folder, 'weights.safetensors'));
}

function run(command: string, cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, {
    cwd,
    shell: true,
    encoding: 'utf8',
    timeout: COMMAND_LIMIT_MS,
    env: { ...process.env, RAYBOX_ADAPTER: 'swiftshader', NEXT_TELEMETRY_DISABLED: '1' },
  });
  const output = `${stdout}${stderr}`;
  if (status !== 0) throw new Error(`${command}: exit code ${status}\n${output.slice(-3000)}`);
  return output;
}

/** @returns what the project says it found. */
async function use(project: Project): Promise<string> {
  const own = mkdtempSync(join(folder, 'project-'));
  writeFileSync(join(own, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }');
  const served = project.page === undefined ? own : join(own, project.page);
  for (const [name, text] of Object.entries(project.files)) {
    mkdirSync(dirname(join(own, name)), { recursive: true });
    writeFileSync(join(own, name), text);
  }
  run(`npm install --no-audit --no-fund --loglevel error ../raybox.tgz ${project.install.join(' ')}`, own);
  if (project.page === undefined || project.page === '.') place(own);
  let output = '';
  for (const command of project.commands) {
    output = run(command, own);
    if (project.refuse?.test(output)) throw new Error(`${command} complains:\n${output.slice(-3000)}`);
  }
  if (project.page === undefined) return output.trim().split('\n').at(-1)!;
  place(served);
  return openPage(served);
}

function place(target: string): void {
  for (const name of ['weights.safetensors', 'chest.png']) copyFileSync(join(folder, name), join(target, name));
}

async function openPage(path: string): Promise<string> {
  const server = await serveFolder(path);
  const { browser, close } = await launchChromium();
  try {
    const page = await browser.newPage();
    const messages: string[] = [];
    page.on('pageerror', (error) => messages.push(String(error)));
    await page.goto(new URL('index.html', server.url).href);
    await page.waitForFunction('/^(done|failed)/.test(document.title)', { timeout: PAGE_LIMIT_MS }).catch((error) => {
      throw new Error(`${error.message}\n${messages.join('\n')}`);
    });
    return await page.title();
  } finally {
    await close();
    await server.close();
  }
}

await prepare();
console.log(`the package: ${(statSync(join(folder, 'raybox.tgz')).size / 1000).toFixed(0)} kB`);
let [passed, failed, skipped] = [0, 0, 0];
let agreed: string | undefined;
const uses = [
  ...PROJECTS.map((project) => ({ name: project.name, run: () => use(project) })),
  { name: 'the case table in Firefox', run: verifyInFirefox },
];
for (const { name, run } of uses) {
  if (wanted.length > 0 && !wanted.some((part) => name.toLowerCase().includes(part.toLowerCase()))) continue;
  const started = performance.now();
  const told = await run().catch((error: Error) => `failed ${error.message}`);
  if (/^skipped/.test(told)) {
    skipped++;
    console.log(`${told} (${name})`);
    continue;
  }
  const isFinding = /^done [1-9]/.test(told);
  if (isFinding) agreed ??= told;
  const right = isFinding ? told === agreed : !/^(done|failed)/.test(told);
  right ? passed++ : failed++;
  console.log(`${right ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - started) / 1000).toFixed(0)} s)`);
  if (/case table/.test(name) && right) console.log(`     ${told}`);
  if (!right) console.log(told === agreed ? told : `${told}\nexpected ${agreed ?? 'findings'}`);
}
rmSync(folder, { recursive: true, force: true });
if (passed + failed + skipped === 0) {
  failed++;
  console.log(`no project has such a name; there are ${uses.map(({ name }) => name).join(', ')}`);
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
