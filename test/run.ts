/**
 * Runs the test files, each in a process of its own, a few at a time, and ends with the line
 * `N passed, N failed`. A file that crashed, or in which no test ran (uvu passes a file whose `test.run()` was
 * forgotten), counts as failed.
 *
 *   node dist/test/run.js [--whole] [--shuffle[=SEED]] [PATTERN…]      PATTERN: part of a file's path, such as `gpu/` or `boxes`
 *
 * With --shuffle, the files begin in a random order, and so do the tests in each file (test/support/shuffled.ts). Tests must pass in any order. The
 * seed, which is printed, repeats an order.
 *
 * A file is in the folder for what it needs. Those in `plain` need nothing and get no adapter, so that a test which needs one fails. With
 * --whole, pages run whole suites, and otherwise a part of them (test/support/part.ts), and studies of bench/ that train several networks are run.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shuffle } from './support/shuffle.js';

const here = dirname(fileURLToPath(import.meta.url));
const FILE_LIMIT_MS = 10 * 60_000;

/**
 * One more than there are cores, because files also wait. With two more, two cores took longer for all of them, although with one more they
 * are idle for a fifth of the time.
 */
const AT_ONCE = Math.min(4, availableParallelism() + 1);

/** Files that open a browser and run at the same time. A browser takes a gigabyte, and did not start beside several others on two cores. */
const BROWSERS_AT_ONCE = 2;
const opensBrowser = (name: string) => name.startsWith('browser/');

/** The files that take longest begin first, so that they do not run alone at the end. The others follow by name. */
const LONGEST = [
  ...['browser/browser', 'docs/docs', 'cli/studies', 'cli/train_run', 'gpu/train', 'browser/pages', 'browser/web'],
  ...['cli/cli', 'docs/examples', 'browser/onnxruntime', 'docs/readme', 'gpu/localizer', 'plain/fuzz', 'cli/kills'],
  ...['gpu/train_loop', 'gpu/kernels', 'cli/bench_peers', 'gpu/worker', 'cli/ensemble', 'gpu/bench', 'cli/reproduce'],
  ...['gpu/heatmap_methods', 'plain/report_bounds', 'plain/evaluation_page'],
];

interface Outcome {
  name: string;
  passed: number;
  failed: number;
  skipped: number;
}

/** Reads uvu's closing lines. No line, or a total of zero, is a failure of the file itself. */
export function readOutcome(name: string, output: string, exitCode: number | null): Outcome {
  const count = (label: string) => {
    const numbers = [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))];
    return numbers.reduce((sum, match) => sum + Number(match[1]), 0);
  };
  const total = count('Total');
  const passed = count('Passed');
  const skipped = count('Skipped');
  const failed = total - passed;
  if (total === 0) return { name, passed: 0, failed: 1, skipped };
  return { name, passed, skipped, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}

/**
 * The environment variables of a test file, in addition to those of this process. Tests use WebGPU, even if onnxruntime is installed; tests of
 * onnxruntime choose it themselves. What was tuned on this machine is not used. Plain tests get the name of an adapter that does not exist.
 */
export const environmentOf = (name: string): Record<string, string> => ({
  RAYBOX_BACKEND: 'webgpu',
  RAYBOX_TUNE: 'false',
  ...(name.startsWith('plain/') ? { RAYBOX_ADAPTER: NO_ADAPTER } : {}),
});

export const NO_ADAPTER = 'none: a plain test needs no adapter';

function runFile(
  name: string,
  { isWhole, seed }: { isWhole: boolean; seed: number | undefined },
): Promise<{ outcome: Outcome; output: string; seconds: number }> {
  return new Promise((resolve) => {
    const started = performance.now();
    const shuffled = seed === undefined ? [] : ['--import', new URL('./support/shuffled.js', import.meta.url).href];
    const child = spawn(process.execPath, ['--enable-source-maps', ...shuffled, join(here, name)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: FILE_LIMIT_MS,
      env: {
        ...{ ...process.env, FORCE_COLOR: '0' },
        ...(isWhole ? { RAYBOX_CASES: 'all' } : {}),
        ...(seed === undefined ? {} : { RAYBOX_SHUFFLE: String(seed) }),
        ...environmentOf(name),
      },
    });
    let output = '';
    const keep = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('close', (code) =>
      resolve({ outcome: readOutcome(name, output, code), output, seconds: (performance.now() - started) / 1000 }),
    );
  });
}

const placeOf = (name: string): number => {
  const place = LONGEST.indexOf(name.replace('.test.js', ''));
  return place < 0 ? LONGEST.length : place;
};

/** The seed of `--shuffle` or `--shuffle=SEED`; undefined if neither is given. */
export function seedOf(args: readonly string[]): number | undefined {
  const option = args.find((arg) => arg === '--shuffle' || arg.startsWith('--shuffle='));
  if (option === undefined) return undefined;
  if (option === '--shuffle') return Math.floor(Math.random() * 2 ** 31);
  const seed = Number(option.slice('--shuffle='.length));
  if (Number.isInteger(seed) && seed >= 0) return seed;
  throw new Error(
    `--shuffle=SEED: the seed must be a whole number from 0 on, not ${option.slice('--shuffle='.length)}`,
  );
}

async function main(args: string[]): Promise<number> {
  const seed = seedOf(args);
  const patterns = args.filter((arg) => !arg.startsWith('--'));
  const wanted = (name: string) => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern));
  const files = (readdirSync(here, { recursive: true }) as string[])
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.test.js') && wanted(name))
    .filter((name) => existsSync(join(here, '../../test', name.replace(/\.js$/, '.ts'))))
    .sort()
    .sort((a, b) => placeOf(a) - placeOf(b));
  if (seed !== undefined) {
    shuffle(files, seed);
    console.log(`in the order of --shuffle=${seed}`);
  }

  const outcomes: Outcome[] = [];
  let browsers = 0;
  // Where only files are left that have to wait for a browser, those that run one now take them later.
  const next = () => {
    const at = files.findIndex((name) => !opensBrowser(name) || browsers < BROWSERS_AT_ONCE);
    return at < 0 ? undefined : files.splice(at, 1)[0];
  };
  const work = async () => {
    for (let name = next(); name !== undefined; name = next()) {
      if (opensBrowser(name)) browsers++;
      const { outcome, output, seconds } = await runFile(name, { isWhole: args.includes('--whole'), seed });
      if (opensBrowser(name)) browsers--;
      outcomes.push(outcome);
      const { passed, failed, skipped } = outcome;
      const mark = failed === 0 ? 'ok  ' : 'FAIL';
      const skips = skipped > 0 ? `, ${skipped} skipped` : '';
      console.log(`${mark} ${name}: ${passed} passed, ${failed} failed${skips} (${seconds.toFixed(1)} s)`);
      const said = output.split('\n').filter((line) => line.includes('skipped:'));
      if (failed > 0) console.log(passed + failed === 1 && passed === 0 ? `${output}\n(did any test run?)` : output);
      else if (said.length > 0) console.log(said.join('\n'));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));

  const sum = (pick: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  const failed = sum((outcome) => outcome.failed) + (outcomes.length === 0 ? 1 : 0);
  console.log(`${sum((outcome) => outcome.passed)} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main(process.argv.slice(2)));
