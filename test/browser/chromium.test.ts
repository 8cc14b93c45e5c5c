/**
 * Proves that processes share one complete copy of SwiftShader, that a damaged copy is replaced, and that a killed process leaves no
 * browser behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const dist = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'raybox-test-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const packaged = process.platform === 'linux' && process.arch === 'x64';
if (!packaged) console.log('skipped: @sparticuz/chromium is made for Linux on x64');
const testPackaged: typeof test | typeof test.skip = packaged ? test : test.skip;

/** Starts a script in a Node of its own, with `dist/src/node` as the base of its imports. */
function start(script: string, env: Record<string, string>): ChildProcess & { output: () => string } {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script.replaceAll('$node', `${dist}src/node`)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return Object.assign(child, { output: () => output });
}

async function run(script: string, env: Record<string, string>): Promise<string> {
  const child = start(script, env);
  await once(child, 'close');
  return child.output().trim();
}

const UNPACK = `import { unpackSwiftShader } from '$node/runtime/swiftshader.js'; console.log(await unpackSwiftShader());`;

testPackaged('processes that unpack at the same time share one complete copy', async () => {
  const env = { XDG_CACHE_HOME: join(folder, 'shared') };
  const [first, ...others] = await Promise.all([1, 2, 3].map(() => run(UNPACK, env)));
  for (const other of others) assert.is(other, first);
  for (const name of ['libvulkan.so.1', 'libvk_swiftshader.so', 'vk_swiftshader_icd.json']) {
    assert.ok(readFileSync(join(first, name)).length > 0, name);
  }
  assert.is(readdirSync(join(folder, 'shared/raybox')).length, 1);
});

testPackaged('a damaged copy is replaced', async () => {
  const env = { XDG_CACHE_HOME: join(folder, 'damaged') };
  const library = join(await run(UNPACK, env), 'libvk_swiftshader.so');
  const { length } = readFileSync(library);
  truncateSync(library, 1000);
  await run(UNPACK, env);
  assert.is(readFileSync(library).length, length);
});

testPackaged('without a cache folder, a private folder in the temporary folder is used', async () => {
  const unpacked = await run(UNPACK, { XDG_CACHE_HOME: '/dev/null', TMPDIR: folder });
  assert.ok(unpacked.startsWith(join(folder, `raybox-${process.getuid?.()}/swiftshader-`)), unpacked);
});

test('the error for a missing package names it', async () => {
  cpSync(join(dist, 'src/node'), join(folder, 'alone/node'), { recursive: true });
  cpSync(join(dist, 'src/errors.js'), join(folder, 'alone/errors.js'));
  const script = `import { unpackSwiftShader } from '${folder}/alone/node/runtime/swiftshader.js'; await unpackSwiftShader();`;
  assert.match(await run(script, {}), /GpuUnavailableError: .*@sparticuz\/chromium/);
});

const LAUNCH = `
  import { launchChromium } from '$node/browser/chromium.js';
  const { browser } = await launchChromium();
  console.log('started', browser.process().pid);`;

/** Launches a browser in a process, ends that process by `end`, and returns what is left after the browser had time to end. */
async function leftBehind(temporary: string, script: string, end: (child: ChildProcess) => void) {
  const child = start(`${LAUNCH}${script}`, { TMPDIR: temporary });
  const closed = once(child, 'close');
  while (!/started \d+/.test(child.output())) {
    if (child.exitCode !== null) throw new Error(`the browser did not start:\n${child.output()}`);
    await Promise.race([once(child.stdout!, 'data'), closed]);
  }
  const pid = Number(/started (\d+)/.exec(child.output())?.[1]);
  end(child);
  await closed;
  for (let tries = 0; tries < 100 && isRunning(pid); tries++) await new Promise((resolve) => setTimeout(resolve, 20));
  return { running: isRunning(pid), profiles: readdirSync(temporary).length };
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const WAIT = 'setTimeout(() => {}, 60_000);';
const ENDS: Record<string, [script: string, end: (child: ChildProcess) => void]> = {
  'process.exit': ['process.exit(0);', () => {}],
  'an uncaught error': ['throw new Error("uncaught");', () => {}],
  SIGINT: [WAIT, (child) => child.kill('SIGINT')],
  SIGTERM: [WAIT, (child) => child.kill('SIGTERM')],
};

for (const [name, [script, end]] of Object.entries(ENDS)) {
  testPackaged(`neither browser nor profile outlives ${name}`, async () => {
    // On a busy machine a process of the browser that is about to end may write once more after the cleaning. It does not do so each time.
    let left = { running: true, profiles: 1 };
    for (let trial = 0; trial < 3 && left.profiles > 0; trial++) {
      left = await leftBehind(mkdtempSync(join(folder, 'end-')), script, end);
    }
    assert.equal(left, { running: false, profiles: 0 });
  });
}

testPackaged('the next launch removes what was left after a SIGKILL', async () => {
  const temporary = mkdtempSync(join(folder, 'killed-'));
  await leftBehind(temporary, WAIT, (child) => child.kill('SIGKILL'));
  // The browser, which ends by itself when its pipe is closed, may leave a temporary file of its own for a moment.
  const profiles = readdirSync(temporary).filter((name) => name.startsWith('raybox-'));
  assert.is(profiles.length, 1, profiles.join());
  // On a busy machine a process that is about to end may write again after the cleaning. The next launch removes that.
  let left = { running: true, profiles: 1 };
  for (let launch = 0; launch < 3 && left.profiles > 0; launch++) {
    left = await leftBehind(temporary, 'process.exit(0);', () => {});
  }
  assert.equal(left, { running: false, profiles: 0 });
});

test.run();
